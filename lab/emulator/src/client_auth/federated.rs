//! An assertion of a foreign issuer that the registration trusts: a federated identity credential.

use aws_lc_rs::signature::RSA_PKCS1_2048_8192_SHA256;
use serde_json::Value;

use super::certificate::in_time;
use crate::AadResult;
use crate::errors::AadError;
use crate::jwt::Parts;
use crate::lab::Lab;
use crate::seed::{App, Federated};

/// Checks issuer, audience and subject, each letter for letter, then the issuer's signature and the time.
pub(super) fn check(lab: &Lab, app: &App, parts: &Parts) -> AadResult<()> {
    let text = |name: &str| parts.claims.get(name).and_then(Value::as_str).unwrap_or_default();
    let (issuer, audience, subject) = (text("iss"), text("aud"), text("sub"));
    let of_issuer: Vec<_> = app.federated.iter().filter(|known| known.issuer == issuer).collect();
    if of_issuer.is_empty() {
        return Err(no_match(700_211, "issuer", issuer));
    }
    // Entra's own tokens carry the id of the API whose name the record holds.
    let by_id = lab.seed.client(audience).map(|api| api.identifier_uris.as_slice()).unwrap_or_default();
    let fits = |known: &&Federated| known.audience == audience || by_id.contains(&known.audience);
    let of_audience: Vec<_> = of_issuer.into_iter().filter(fits).collect();
    if of_audience.is_empty() {
        return Err(no_match(700_212, "audience", audience));
    }
    if !of_audience.iter().any(|known| known.subject == subject) {
        return Err(no_match(700_213, "subject", subject));
    }
    signed(lab, issuer, parts)?;
    if parts.claims.contains_key("scp") {
        let message = "Only app-only tokens of Entra can be used as a federated identity credential.";
        return Err(AadError::new(700_229, message));
    }
    in_time(lab, parts)
}

fn signed(lab: &Lab, issuer: &str, parts: &Parts) -> AadResult<()> {
    let header = |name: &str| parts.header.get(name).and_then(Value::as_str).unwrap_or_default();
    let key = lab.issuer_key(issuer, header("kid"));
    let verified = header("alg") == "RS256"
        && key.is_some_and(|key| key.verifies(&RSA_PKCS1_2048_8192_SHA256, &parts.signed, &parts.signature));
    if verified {
        return Ok(());
    }
    let refusal = AadError::new(
        50_013,
        "Assertion failed signature validation. The key was not found or does not match.",
    );
    Err(refusal.with_error("invalid_client"))
}

fn no_match(code: u32, what: &str, value: &str) -> AadError {
    AadError::new(
        code,
        format!(
            "No matching federated identity record found for presented assertion {what} '{value}'. Check your federated identity credential Subject, Audience and Issuer against the presented assertion."
        ),
    )
}
