//! `refresh_token`. A new one comes with every answer; the old one stays good, as with Entra.

use std::time::Duration;

use serde_json::Value;

use super::{Request, invalid_grant};
use crate::AadResult;
use crate::errors::AadError;
use crate::issue;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Redeems a refresh token, for the same API or for another.
pub(crate) fn redeem(request: &Request<'_>) -> AadResult<Value> {
    let client = request.client()?;
    let text = request.form.need("refresh_token")?;
    let refresh = request.lab.store().refresh.get(text).cloned().ok_or_else(invalid_grant)?;
    let grant = &refresh.grant;
    if grant.client != client.app.id {
        return Err(invalid_grant());
    }
    request.same_tenant(grant, 50_020)?;
    request.origin_rule(grant.spa)?;
    let (lives, code) = if grant.spa { (DAY, 700_084) } else { (DAY * 90, 700_082) };
    if request.lab.clock.now().since(refresh.issued) >= lives {
        return Err(AadError::new(
            code,
            "The refresh token has expired due to inactivity or its maximum lifetime.",
        ));
    }
    if request.lab.store().is_revoked(&grant.sign_in.user, refresh.issued) {
        return Err(revoked());
    }
    let answer = issue::for_person(request.lab, &client, grant, request.form)?;
    Ok(answer)
}

/// The person's sessions were revoked, or the password was changed, since the grant was given.
pub(super) fn revoked() -> AadError {
    AadError::new(
        50_173,
        "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have changed or reset their password.",
    )
}
