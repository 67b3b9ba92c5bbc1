//! Dynamic client registration, open to anybody as most of them are.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Value, json};

use super::{Client, Refused};
use crate::lab::Lab;
use crate::random;

/// `POST /register`
pub(super) async fn register(State(lab): State<Arc<Lab>>, body: Bytes) -> Response {
    match registered(&lab, &body) {
        Ok(answer) => (StatusCode::CREATED, Json(answer)).into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

fn registered(lab: &Lab, body: &[u8]) -> Result<Value, Refused> {
    let failed = |_| Refused(StatusCode::INTERNAL_SERVER_ERROR, "server_error", "The lab itself failed.");
    let Ok(Value::Object(mut asked)) = serde_json::from_slice(body) else {
        return Err(Refused::bad("invalid_client_metadata", "The body is no JSON object."));
    };
    let uris = asked.get("redirect_uris").and_then(Value::as_array).into_iter().flatten();
    let redirect_uris: Vec<String> = uris.filter_map(Value::as_str).map(str::to_owned).collect();
    if redirect_uris.is_empty() {
        return Err(Refused::bad("invalid_redirect_uri", "redirect_uris is needed."));
    }
    let public = asked.get("token_endpoint_auth_method").and_then(Value::as_str) == Some("none");
    let secret = if public { None } else { Some(format!("tps-{}", random::opaque().map_err(failed)?)) };
    let id = format!("tp-client-{}", random::guid().map_err(failed)?);
    asked.insert(String::from("client_id"), json!(id));
    asked.insert(String::from("client_id_issued_at"), json!(lab.clock.now().as_secs()));
    if let Some(secret) = &secret {
        asked.insert(String::from("client_secret"), json!(secret));
        asked.insert(String::from("client_secret_expires_at"), json!(0));
    }
    lab.third_party().clients.insert(id, Client { redirect_uris, secret });
    Ok(Value::Object(asked))
}
