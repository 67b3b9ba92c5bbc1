//! A bearer token of an application, checked as one of Azure's own APIs checks it.

use aws_lc_rs::signature::RSA_PKCS1_2048_8192_SHA256;
use http::{HeaderMap, header};
use serde_json::Value;

use crate::jwt::{self, Object};
use crate::lab::Lab;
use crate::tokens;

/// Why a token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// There is none.
    Missing,
    /// It is no token of this authority, or out of time.
    Invalid,
    /// It is for another API.
    Audience,
}

/// Returns the claims of a request's token if it is one of Entra's for an API that goes by one of `audiences`.
pub(crate) fn verify(lab: &Lab, headers: &HeaderMap, audiences: &[&str]) -> Result<Object, Refusal> {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let token = match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        _ => return Err(Refusal::Missing),
    };
    let parts = jwt::parse(token).ok_or(Refusal::Invalid)?;
    let header = |name: &str| parts.header.get(name).and_then(Value::as_str).unwrap_or_default();
    let key = lab.keys().find(header("kid")).ok_or(Refusal::Invalid)?;
    let signed = header("alg") == "RS256"
        && key.public().verifies(&RSA_PKCS1_2048_8192_SHA256, &parts.signed, &parts.signature);
    let text = |name: &str| parts.claims.get(name).and_then(Value::as_str).unwrap_or_default();
    let number = |name: &str| parts.claims.get(name).and_then(Value::as_i64);
    let ours = lab.seed.tenants.iter().any(|tenant| {
        tenant.id == text("tid")
            && [1, 2].iter().any(|version| tokens::issuer(lab, tenant, *version) == text("iss"))
    });
    let now = lab.clock.now().as_secs();
    let in_time = number("exp").is_some_and(|exp| now < exp) && number("nbf").is_none_or(|nbf| nbf <= now);
    if !(signed && ours && in_time) {
        return Err(Refusal::Invalid);
    }
    if !audiences.contains(&text("aud").trim_end_matches('/')) {
        return Err(Refusal::Audience);
    }
    Ok(parts.claims)
}
