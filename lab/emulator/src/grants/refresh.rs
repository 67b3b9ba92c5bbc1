//! `refresh_token`. A new one comes with every answer; the old one stays good, as with Entra.

use std::time::Duration;

use serde_json::Value;

use super::{Request, invalid_grant};
use crate::AadResult;
use crate::errors::AadError;
use crate::issue;
use crate::store::Grant;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Redeems a refresh token, for the same API or for another.
pub(crate) fn redeem(request: &Request<'_>) -> AadResult<Value> {
    let client = request.client()?;
    request.no_agent(&client)?;
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
    own_scope(request, grant)?;
    let answer = issue::for_person(request.lab, &client, grant, request.form)?;
    Ok(answer)
}

/// A client that is also the API must name its scopes each time: without them Entra takes the request as one for the
/// client itself, and refuses. This is how sessions die after an hour behind clients that leave `scope` out.
fn own_scope(request: &Request<'_>, grant: &Grant) -> AadResult<()> {
    if request.form.get("scope").is_some() {
        return Ok(());
    }
    let Some(client) = request.lab.seed.client(&grant.client) else { return Ok(()) };
    let own = grant
        .scope
        .split_ascii_whitespace()
        .any(|scope| scope.rsplit_once('/').is_some_and(|(api, _)| api.eq_ignore_ascii_case(&client.id)));
    if own {
        return Err(AadError::new(
            90_009,
            format!(
                "Application '{}'({}) is requesting a token for itself. This scenario is supported only if resource is specified using the GUID based App Identifier.",
                client.id, client.name
            ),
        ));
    }
    Ok(())
}

/// The person's sessions were revoked, or the password was changed, since the grant was given.
pub(super) fn revoked() -> AadError {
    AadError::new(
        50_173,
        "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have changed or reset their password.",
    )
}
