//! An assertion that the client signed with its certificate's key.

use aws_lc_rs::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, RsaParameters, UnparsedPublicKey,
};
use serde_json::Value;

use crate::AadResult;
use crate::authority::Authority;
use crate::errors::AadError;
use crate::jwt::Parts;
use crate::lab::Lab;
use crate::seed::App;

/// Checks header, signature and claims of an assertion.
pub(super) fn check(lab: &Lab, authority: Authority<'_>, app: &App, parts: &Parts) -> AadResult<()> {
    let params = algorithm(parts)?;
    let spki = key(lab, app, parts)?;
    if UnparsedPublicKey::new(params, spki).verify(&parts.signed, &parts.signature).is_err() {
        return Err(failed("The signature does not verify with the registered certificate."));
    }
    if text(parts, "sub") != Some(app.id.as_str()) {
        return Err(AadError::new(
            700_021,
            "Client assertion application identifier doesn't match 'client_id' parameter.",
        ));
    }
    let audience = text(parts, "aud").unwrap_or_default();
    if !audiences(lab, authority).iter().any(|accepted| accepted == audience) {
        return Err(AadError::new(700_023, "Client assertion audience claim does not match Realm issuer."));
    }
    in_time(lab, parts)?;
    // Assumed: Entra asks for an identifier but keeps no list of those it has seen.
    if text(parts, "jti").is_none_or(str::is_empty) {
        return Err(failed("The assertion has no 'jti'."));
    }
    Ok(())
}

/// Refuses an assertion that is expired, not yet valid, or without an end.
pub(super) fn in_time(lab: &Lab, parts: &Parts) -> AadResult<()> {
    const SKEW: i64 = 300;
    let now = lab.clock.now().as_secs();
    let number = |name: &str| parts.claims.get(name).and_then(Value::as_i64);
    let ended = number("exp").is_none_or(|exp| exp.saturating_add(SKEW) < now);
    let early = number("nbf").is_some_and(|nbf| nbf.saturating_sub(SKEW) > now);
    if ended || early {
        return Err(AadError::new(
            700_024,
            "Client assertion is not within its valid time range. Current time and assertion time differ.",
        ));
    }
    Ok(())
}

fn algorithm(parts: &Parts) -> AadResult<&'static RsaParameters> {
    match parts.header.get("alg").and_then(Value::as_str) {
        Some("RS256") => Ok(&RSA_PKCS1_2048_8192_SHA256),
        Some("PS256") => Ok(&RSA_PSS_2048_8192_SHA256),
        _ => Err(failed("The algorithm is neither RS256 nor PS256.")),
    }
}

fn key(lab: &Lab, app: &App, parts: &Parts) -> AadResult<Vec<u8>> {
    let header = |name: &str| parts.header.get(name).and_then(Value::as_str);
    let (sha1, sha256) = (header("x5t"), header("x5t#S256"));
    let store = lab.store();
    let known = store.certificates.iter().find(|known| {
        let [of_sha1, of_sha256] = &known.thumbprints;
        known.client == app.id && (sha1 == Some(of_sha1.as_str()) || sha256 == Some(of_sha256.as_str()))
    });
    known.map(|known| known.spki.clone()).ok_or_else(|| {
        failed("The certificate with the thumbprint in the header is not registered on the application.")
    })
}

/// The token endpoint of the tenant, or its issuer.
fn audiences(lab: &Lab, authority: Authority<'_>) -> Vec<String> {
    let names = match authority {
        Authority::One(tenant) => vec![tenant.id.as_str(), tenant.domain.as_str()],
        Authority::Any => vec!["common", "organizations"],
    };
    let forms = |name: &str| {
        let base = format!("{}/{name}", lab.authority);
        [format!("{base}/oauth2/v2.0/token"), format!("{base}/oauth2/token"), format!("{base}/v2.0")]
    };
    names.into_iter().flat_map(forms).collect()
}

fn text<'a>(parts: &'a Parts, name: &str) -> Option<&'a str> {
    parts.claims.get(name).and_then(Value::as_str)
}

fn failed(why: &str) -> AadError {
    AadError::new(700_027, format!("Client assertion failed signature validation. {why}"))
}
