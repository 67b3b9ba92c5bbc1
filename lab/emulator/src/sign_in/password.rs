//! Name and password.

use aws_lc_rs::constant_time::verify_slices_are_equal;

use crate::AadResult;
use crate::authority::Authority;
use crate::errors::AadError;
use crate::form::Form;
use crate::issue;
use crate::lab::Lab;
use crate::store::SignIn;

/// Checks what was typed on a page.
pub(super) fn check(lab: &Lab, authority: Authority<'_>, form: &Form) -> AadResult<SignIn> {
    let login = form.get("username").unwrap_or_default().trim();
    let tenant = authority.tenant().ok();
    let Some(user) = lab.seed.signing_in(login, tenant) else {
        return Err(unknown(lab, login, authority));
    };
    let typed = form.get("password").unwrap_or_default();
    if verify_slices_are_equal(user.password.as_bytes(), typed.as_bytes()).is_err() {
        return Err(AadError::new(
            50_126,
            "Error validating credentials due to invalid username or password.",
        ));
    }
    issue::standing(lab, &user.id)?;
    Ok(SignIn { user: user.id.clone(), at: lab.clock.now(), mfa: false, acrs: Vec::new() })
}

fn unknown(lab: &Lab, login: &str, authority: Authority<'_>) -> AadError {
    if lab.seed.signing_in(login, None).is_some() {
        return AadError::new(
            50_020,
            format!(
                "User account '{login}' does not exist in tenant '{}' and cannot access the application in that tenant. The account needs to be added as an external user in the tenant first.",
                authority.name()
            ),
        );
    }
    AadError::new(
        50_034,
        format!("The user account {login} does not exist in the {} directory.", authority.name()),
    )
}
