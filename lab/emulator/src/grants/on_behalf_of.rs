//! On-behalf-of: an API exchanges the token it was called with for one of the next API, for the same person.

use aws_lc_rs::signature::RSA_PKCS1_2048_8192_SHA256;
use doorward_types::Timestamp;
use serde_json::Value;

use super::Request;
use crate::AadResult;
use crate::errors::AadError;
use crate::issue;
use crate::jwt::{self, Parts};
use crate::lab::Lab;
use crate::seed::{App, Tenant};
use crate::store::{Grant, SignIn};
use crate::tokens::{self, ClientProof};

/// Exchanges a token.
pub(crate) fn redeem(request: &Request<'_>) -> AadResult<Value> {
    let tenant = request.authority.tenant()?;
    let client = request.client()?;
    if client.proof == ClientProof::Public {
        return Err(AadError::new(
            7_000_218,
            "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
        ));
    }
    if request.form.need("requested_token_use")? != "on_behalf_of" {
        return Err(AadError::new(90_023, "The requested_token_use parameter must be 'on_behalf_of'."));
    }
    request.form.need("scope")?;
    let assertion = request.form.need("assertion")?;
    let parts =
        jwt::parse(assertion).ok_or_else(|| AadError::new(50_027, "JWT token is invalid or malformed."))?;
    // A person's token reaches an agent by way of its blueprint, which is the API that clients know.
    let blueprint = client.app.blueprint.as_deref().and_then(|name| request.lab.seed.app(name));
    verify(request.lab, tenant, blueprint.unwrap_or(client.app), &parts)?;
    let grant = grant(request.lab, client.app, &parts)?;
    issue::for_person(request.lab, &client, &grant, request.form)
}

fn verify(lab: &Lab, tenant: &Tenant, client: &App, parts: &Parts) -> AadResult<()> {
    let failed = |why: &str| AadError::new(50_013, format!("Assertion failed signature validation. {why}"));
    let header = |name: &str| parts.header.get(name).and_then(Value::as_str).unwrap_or_default();
    // A Graph token verifies for Graph alone.
    if parts.header.contains_key("nonce") || header("alg") != "RS256" {
        return Err(failed(
            "Reason - The provided signature value did not match the expected signature value.",
        ));
    }
    let key = lab.keys().find(header("kid")).ok_or_else(|| failed("Reason - The key was not found."))?;
    if !key.public().verifies(&RSA_PKCS1_2048_8192_SHA256, &parts.signed, &parts.signature) {
        return Err(failed(
            "Reason - The provided signature value did not match the expected signature value.",
        ));
    }
    let issuer = text(parts, "iss");
    if ![1, 2].iter().any(|version| tokens::issuer(lab, tenant, *version) == issuer) {
        return Err(failed("Reason - The issuer is not that of the tenant."));
    }
    let audience = text(parts, "aud");
    if audience != client.id && !client.identifier_uris.iter().any(|uri| uri == audience) {
        return Err(AadError::new(
            500_131,
            format!(
                "Assertion audience does not match the Client app presenting the assertion. The audience in the assertion was '{audience}' and the expected audience is '{}'.",
                client.id
            ),
        ));
    }
    if parts.claims.get("exp").and_then(Value::as_i64).is_none_or(|exp| exp <= lab.clock.now().as_secs()) {
        return Err(AadError::new(
            500_133,
            "Assertion is not within its valid time range. Ensure that the access token is not expired before using it for user assertion, or request a new token.",
        ));
    }
    if parts.claims.contains_key("scp") {
        return Ok(());
    }
    if parts.claims.contains_key("preferred_username") {
        // Assumed: an ID token, which has no scopes but a person, is no assertion.
        return Err(failed("Reason - The assertion is not an access token."));
    }
    Err(AadError::new(
        7_000_114,
        format!(
            "Application '{}' is not allowed to make application on-behalf-of calls.",
            text(parts, "oid")
        ),
    ))
}

fn grant(lab: &Lab, client: &App, parts: &Parts) -> AadResult<Grant> {
    let user = text(parts, "oid").to_owned();
    let made =
        Timestamp::from_secs(tokens::made_at(parts.claims.get("iat").and_then(Value::as_i64).unwrap_or(0)));
    if lab.store().is_revoked(&user, made) {
        return Err(super::refresh::revoked());
    }
    // A second factor shows in a v1.0 token's `amr` and in a v2.0 token's authentication contexts.
    let amr = parts.claims.get("amr").and_then(Value::as_array);
    let mfa = amr.is_some_and(|methods| methods.iter().any(|method| method == "mfa"))
        || parts.claims.contains_key("acrs");
    let acrs = parts.claims.get("acrs").and_then(Value::as_array).into_iter().flatten();
    let acrs = acrs.filter_map(Value::as_str).map(str::to_owned).collect();
    Ok(Grant {
        client: client.id.clone(),
        sign_in: SignIn { user, at: made, mfa, acrs },
        scope: String::new(),
        resource: None,
        nonce: None,
        claims: None,
        spa: false,
    })
}

fn text<'a>(parts: &'a Parts, name: &str) -> &'a str {
    parts.claims.get(name).and_then(Value::as_str).unwrap_or_default()
}
