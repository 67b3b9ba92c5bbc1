//! Codes and refresh tokens for access tokens, and their revocation.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};

use super::{Access, Refresh, Refused};
use crate::client_auth::basic;
use crate::faults::Misdeed;
use crate::form::Form;
use crate::lab::Lab;
use crate::random;
use crate::token::read;

const ACCESS_LIVES: Duration = Duration::from_secs(600);

/// `POST /token`
pub(super) async fn token(State(lab): State<Arc<Lab>>, headers: HeaderMap, body: Bytes) -> Response {
    if lab.faults().misdeed(Misdeed::TokenEndpointBroken) {
        let page = "<html><body>Internal error: third-party-stack-trace</body></html>";
        let kind = [(header::CONTENT_TYPE, "text/html")];
        return (StatusCode::INTERNAL_SERVER_ERROR, kind, page).into_response();
    }
    match answer(&lab, &headers, &body) {
        Ok(body) => ([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

/// `POST /revoke`: the whole family goes, whichever of its tokens is named. An unknown token is no error.
pub(super) async fn revoke(State(lab): State<Arc<Lab>>, headers: HeaderMap, body: Bytes) -> Response {
    let Ok(form) = read(&headers, &body) else {
        return Refused::bad("invalid_request", "The form is malformed.").into_response();
    };
    let client = match client(&lab, &headers, &form) {
        Ok(client) => client,
        Err(refusal) => return refusal.into_response(),
    };
    let token = form.get("token").unwrap_or_default();
    let mut own = lab.third_party();
    let family = match own.refresh.get(token) {
        Some(refresh) if refresh.client == client => Some(refresh.family.clone()),
        Some(_) => None,
        None => own.access.get(token).map(|access| access.family.clone()),
    };
    own.ended.extend(family);
    StatusCode::OK.into_response()
}

fn answer(lab: &Lab, headers: &HeaderMap, body: &[u8]) -> Result<Value, Refused> {
    let form = read(headers, body).map_err(|_| Refused::bad("invalid_request", "The form is malformed."))?;
    let client = client(lab, headers, &form)?;
    match form.get("grant_type") {
        Some("authorization_code") => redeem(lab, &client, &form),
        Some("refresh_token") => refresh(lab, &client, &form),
        _ => Err(Refused::bad("unsupported_grant_type", "authorization_code or refresh_token")),
    }
}

fn client(lab: &Lab, headers: &HeaderMap, form: &Form) -> Result<String, Refused> {
    let refused =
        || Refused(StatusCode::UNAUTHORIZED, "invalid_client", "The client is not known or not proven.");
    let basic = basic(headers);
    let id =
        basic.as_ref().map(|(id, _)| id.as_str()).or_else(|| form.get("client_id")).ok_or_else(refused)?;
    let known = lab.third_party_client(id).ok_or_else(refused)?;
    let sent = basic.as_ref().map(|(_, secret)| secret.as_str()).or_else(|| form.get("client_secret"));
    let proven = match (&known.secret, sent) {
        (None, None) => true,
        (Some(secret), Some(sent)) => verify_slices_are_equal(secret.as_bytes(), sent.as_bytes()).is_ok(),
        _ => false,
    };
    if proven { Ok(id.to_owned()) } else { Err(refused()) }
}

fn redeem(lab: &Lab, client: &str, form: &Form) -> Result<Value, Refused> {
    let refused = |why| Refused::bad("invalid_grant", why);
    let text = form.get("code").unwrap_or_default();
    let code = {
        let mut own = lab.third_party();
        let code = own.codes.get_mut(text).ok_or(refused("The code is not known."))?;
        let before = code.clone();
        code.used = true;
        if before.used {
            own.ended.insert(before.family);
            return Err(refused("The code was redeemed before; what it gave is revoked."));
        }
        before
    };
    let visit = &code.visit;
    let verifier = form.get("code_verifier").unwrap_or_default();
    let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
    if visit.client != client {
        return Err(refused("The code was given to another client."));
    }
    if form.get("redirect_uri") != Some(visit.redirect_uri.as_str()) {
        return Err(refused("The redirect address is another."));
    }
    if verify_slices_are_equal(challenge.as_bytes(), visit.challenge.as_bytes()).is_err() {
        return Err(refused("The code_verifier does not fit."));
    }
    if lab.clock.now() >= code.expires {
        return Err(refused("The code has expired."));
    }
    if form.get("resource") != visit.resource.as_deref() {
        return Err(Refused::bad("invalid_target", "The resource is another than the person was asked for."));
    }
    let refresh = Refresh {
        family: code.family.clone(),
        client: client.to_owned(),
        name: code.name.clone(),
        scope: visit.scope.clone(),
        resource: visit.resource.clone(),
        used: false,
    };
    issue(lab, refresh)
}

fn refresh(lab: &Lab, client: &str, form: &Form) -> Result<Value, Refused> {
    let refused = |why| Refused::bad("invalid_grant", why);
    if lab.faults().misdeed(Misdeed::RefusesRefresh) {
        return Err(refused("The lab says no."));
    }
    let text = form.get("refresh_token").unwrap_or_default();
    let known = {
        let mut own = lab.third_party();
        let token = own.refresh.get_mut(text).filter(|token| token.client == client);
        let token = token.ok_or(refused("The refresh token is not known."))?;
        let before = token.clone();
        token.used = true;
        if before.used {
            own.ended.insert(before.family.clone());
        }
        if own.ended.contains(&before.family) {
            return Err(refused("The refresh token was used before, or revoked."));
        }
        before
    };
    if form.get("resource").is_some_and(|asked| Some(asked) != known.resource.as_deref()) {
        return Err(Refused::bad("invalid_target", "The resource is another than the person was asked for."));
    }
    issue(lab, Refresh { used: false, ..known })
}

fn issue(lab: &Lab, refresh: Refresh) -> Result<Value, Refused> {
    let failed = |_| Refused(StatusCode::INTERNAL_SERVER_ERROR, "server_error", "The lab itself failed.");
    let (access, next) = (random::opaque().map_err(failed)?, random::opaque().map_err(failed)?);
    let (access, next) = (format!("tpa-{access}"), format!("tpr-{next}"));
    let lives = lab.token_lifetime().unwrap_or(ACCESS_LIVES);
    let body = json!({
        "access_token": access, "token_type": "Bearer", "expires_in": lives.as_secs(), "refresh_token": next,
        "scope": refresh.scope,
    });
    let mut own = lab.third_party();
    own.access.insert(
        access,
        Access {
            family: refresh.family.clone(),
            name: refresh.name.clone(),
            resource: refresh.resource.clone(),
            scope: refresh.scope.clone(),
            expires: lab.clock.now().plus(lives),
        },
    );
    own.refresh.insert(next, refresh);
    Ok(body)
}
