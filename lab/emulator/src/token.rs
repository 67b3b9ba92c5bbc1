//! `POST /{tenant}/oauth2/v2.0/token`.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::{Json, http::StatusCode};
use http::{HeaderMap, header};
use serde_json::Value;

use crate::AadResult;
use crate::authority::Authority;
use crate::errors::{AadError, Trace};
use crate::faults::{Fault, Place};
use crate::form::Form;
use crate::grants;
use crate::lab::Lab;

/// Answers a token request.
pub(crate) async fn token(
    State(lab): State<Arc<Lab>>,
    Path(segment): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let trace = Trace::begin(&lab, &headers);
    match answer(&lab, &segment, &headers, &body) {
        Ok(body) => {
            let mut response = (StatusCode::OK, Json(body)).into_response();
            trace.mark(&mut response);
            response
        }
        Err(refusal) => refusal.json(&lab, &trace),
    }
}

/// Refuses every verb but POST.
pub(crate) async fn wrong_verb(State(lab): State<Arc<Lab>>, headers: HeaderMap) -> Response {
    let refusal = AadError::new(900_561, "The endpoint only accepts POST requests. Received a GET request.");
    refusal.json(&lab, &Trace::begin(&lab, &headers))
}

fn answer(lab: &Lab, segment: &str, headers: &HeaderMap, body: &[u8]) -> AadResult<Value> {
    broken(lab)?;
    let authority = Authority::parse(lab, segment)?;
    let form = read(headers, body)?;
    let request = grants::Request { lab, authority, headers, form: &form };
    match form.need("grant_type")? {
        "authorization_code" => grants::code::redeem(&request),
        "refresh_token" => grants::refresh::redeem(&request),
        "client_credentials" => grants::client_credentials::redeem(&request),
        "urn:ietf:params:oauth:grant-type:jwt-bearer" => grants::on_behalf_of::redeem(&request),
        "urn:ietf:params:oauth:grant-type:device_code" => grants::device::redeem(&request),
        other => {
            Err(AadError::new(70_003, format!("The app requested an unsupported grant type '{other}'.")))
        }
    }
}

/// Reads a form body; anything else has no parameters.
pub(crate) fn read(headers: &HeaderMap, body: &[u8]) -> AadResult<Form> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Ok(Form::default());
    }
    Form::parse(
        std::str::from_utf8(body)
            .map_err(|_| AadError::new(9_002_313, "Invalid request. Request is malformed or invalid."))?,
    )
}

fn broken(lab: &Lab) -> AadResult<()> {
    let struck = lab.faults().strike(Place::Token);
    match struck {
        Some(Fault::ThrottleToken { retry_after, .. }) => {
            let mut refusal = AadError::new(
                90_055,
                "The server has terminated the request because it received too many requests.",
            );
            refusal.retry_after = Some(retry_after);
            Err(refusal)
        }
        Some(Fault::TokenError { code, .. }) => {
            Err(AadError::new(code, "The lab was told to refuse this request."))
        }
        Some(_) => Err(AadError::new(90_033, "A transient error has occurred. Please try again.")),
        None => Ok(()),
    }
}
