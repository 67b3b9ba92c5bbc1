//! An agent identity has no credential: its blueprint asks for a token in its name (`fmi_path`), and that token is the
//! agent's client assertion.

use aws_lc_rs::signature::RSA_PKCS1_2048_8192_SHA256;
use serde_json::Value;

use super::certificate::in_time;
use crate::AadResult;
use crate::errors::AadError;
use crate::jwt::Parts;
use crate::lab::Lab;
use crate::seed::{App, TOKEN_EXCHANGE_APP_ID, Tenant};
use crate::tokens;

/// The subject of a token that a blueprint got in the name of one of its agents.
pub(crate) fn subject(tenant: &Tenant, blueprint: &App, path: &str) -> String {
    // Assumed: the real text holds the ids in another writing; nobody but Entra reads it.
    format!("/eid1/c/pub/t/{}/a/{}/{path}", tenant.id, blueprint.id)
}

/// Checks a blueprint's token as the assertion of one of its agents.
pub(super) fn check(lab: &Lab, agent: &App, blueprint: &str, parts: &Parts) -> AadResult<()> {
    let text = |name: &str| parts.claims.get(name).and_then(Value::as_str).unwrap_or_default();
    let header = |name: &str| parts.header.get(name).and_then(Value::as_str).unwrap_or_default();
    let no_match = |code, what: &str, value: &str| {
        AadError::new(
            code,
            format!("No matching federated identity record found for presented assertion {what} '{value}'."),
        )
    };
    let (tenant, blueprint) =
        lab.seed.tenant(&agent.tenant).zip(lab.seed.app(blueprint)).ok_or_else(|| {
            AadError::new(700_016, format!("Application with identifier '{}' was not found.", agent.id))
        })?;
    let failed = || {
        AadError::new(
            50_013,
            "Assertion failed signature validation. The key was not found or does not match.",
        )
        .with_error("invalid_client")
    };
    let key = lab.keys().find(header("kid")).ok_or_else(failed)?;
    if header("alg") != "RS256"
        || !key.public().verifies(&RSA_PKCS1_2048_8192_SHA256, &parts.signed, &parts.signature)
    {
        return Err(failed());
    }
    if text("iss") != tokens::issuer(lab, tenant, 2) {
        return Err(no_match(700_211, "issuer", text("iss")));
    }
    if text("aud") != TOKEN_EXCHANGE_APP_ID {
        return Err(no_match(700_212, "audience", text("aud")));
    }
    if text("sub") != subject(tenant, blueprint, &agent.id) {
        return Err(no_match(700_213, "subject", text("sub")));
    }
    in_time(lab, parts)
}
