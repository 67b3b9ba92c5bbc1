//! The control interface over HTTP, under `/_lab`: for `doorward lab token` and for tests written in other languages.
//!
//! A web page can make a browser call loopback, so everything but health and the public certificate asks for a key
//! that only a reader of the data folder has.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::Json;
use axum::extract::{Path, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Router, middleware};
use doorward_types::Timestamp;
use http::{StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::EmulatorError;
use crate::control::Control;
use crate::documents::Document;
use crate::faults::Fault;
use crate::lab::Lab;
use crate::mint::MintRequest;

/// Returns the routes.
pub(crate) fn routes(lab: &Arc<Lab>) -> Router<Arc<Lab>> {
    let guarded = Router::new()
        .route("/_lab/clock", get(clock).post(set_clock))
        .route("/_lab/faults", get(faults).post(arm).delete(disarm))
        .route("/_lab/documents/{*name}", put(document))
        .route("/_lab/transcript", get(transcript).delete(clear_transcript))
        .route("/_lab/keys/rollover", post(rollover))
        .route("/_lab/keys/remove-old", post(remove_old))
        .route("/_lab/token", post(token))
        .route("/_lab/token-lifetime", post(token_lifetime))
        .route("/_lab/seed", get(seed))
        .route("/_lab/users/{name}/revoke", post(revoke))
        .route("/_lab/users/{name}/disable", post(disable))
        .route("/_lab/users/{name}/enable", post(enable))
        .route("/_lab/devices/{code}/approve/{name}", post(approve_device))
        .route("/_lab/devices/{code}/decline", post(decline_device))
        .route("/_lab/workload-token", post(workload_token))
        .route_layer(middleware::from_fn_with_state(Arc::clone(lab), keyed));
    guarded.route("/_lab/health", get(health)).route("/_lab/ca.pem", get(ca))
}

async fn keyed(State(lab): State<Arc<Lab>>, request: Request, next: Next) -> Response {
    let presented = request.headers().get("x-lab-control-key").map_or(&b""[..], |key| key.as_bytes());
    if verify_slices_are_equal(presented, lab.control_key.as_bytes()).is_err() {
        let body = json!({ "error": "send the control key of this run as x-lab-control-key; it is in the data folder" });
        return (StatusCode::UNAUTHORIZED, Json(body)).into_response();
    }
    next.run(request).await
}

async fn health(State(lab): State<Arc<Lab>>) -> Json<Value> {
    Json(json!({
        "status": "ok", "authority": lab.authority, "graph": lab.graph(), "identity": lab.origins.identity,
        "vault": lab.origins.vault, "content_safety": lab.origins.content_safety, "third_party": lab.origins.third_party,
        "documents": lab.origins.documents, "not_for_production": true,
    }))
}

async fn ca(State(lab): State<Arc<Lab>>) -> Response {
    ([(header::CONTENT_TYPE, "application/x-pem-file")], lab.ca_pem.clone()).into_response()
}

async fn clock(State(lab): State<Arc<Lab>>) -> Json<Value> {
    Json(json!({ "now": lab.clock.now().to_string(), "seconds": lab.clock.now().as_secs() }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockChange {
    /// Seconds since the epoch.
    set: Option<i64>,
    /// Seconds to go forward.
    advance: Option<u64>,
}

async fn set_clock(State(lab): State<Arc<Lab>>, Json(change): Json<ClockChange>) -> Json<Value> {
    if let Some(seconds) = change.set {
        lab.clock.set(Timestamp::from_secs(seconds));
    }
    if let Some(seconds) = change.advance {
        lab.clock.advance(Duration::from_secs(seconds));
    }
    clock(State(lab)).await
}

async fn faults(State(lab): State<Arc<Lab>>) -> Json<Value> {
    Json(json!(lab.faults().armed()))
}

async fn arm(State(lab): State<Arc<Lab>>, Json(fault): Json<Fault>) -> StatusCode {
    lab.faults().arm(fault);
    StatusCode::NO_CONTENT
}

async fn disarm(State(lab): State<Arc<Lab>>) -> StatusCode {
    lab.faults().clear();
    StatusCode::NO_CONTENT
}

async fn document(
    State(lab): State<Arc<Lab>>,
    Path(name): Path<String>,
    Json(document): Json<Document>,
) -> Json<Value> {
    Json(json!({ "url": Control::new(lab).put_document(&name, document) }))
}

async fn transcript(State(lab): State<Arc<Lab>>) -> Json<Value> {
    Json(json!(lab.transcript().all()))
}

async fn clear_transcript(State(lab): State<Arc<Lab>>) -> StatusCode {
    lab.transcript().clear();
    StatusCode::NO_CONTENT
}

async fn rollover(State(lab): State<Arc<Lab>>) -> Response {
    match Control::new(lab).rollover() {
        Ok(kid) => Json(json!({ "kid": kid })).into_response(),
        Err(error) => refused(&error),
    }
}

async fn remove_old(State(lab): State<Arc<Lab>>) -> StatusCode {
    lab.keys().remove_old();
    StatusCode::NO_CONTENT
}

async fn token(State(lab): State<Arc<Lab>>, Json(request): Json<MintRequest>) -> Response {
    match Control::new(lab).mint(&request) {
        Ok(token) => Json(json!({ "access_token": token, "token_type": "Bearer" })).into_response(),
        Err(error) => refused(&error),
    }
}

async fn revoke(State(lab): State<Arc<Lab>>, Path(name): Path<String>) -> Response {
    done(Control::new(lab).revoke_user(&name))
}

async fn disable(State(lab): State<Arc<Lab>>, Path(name): Path<String>) -> Response {
    done(Control::new(lab).disable_user(&name, true))
}

async fn enable(State(lab): State<Arc<Lab>>, Path(name): Path<String>) -> Response {
    done(Control::new(lab).disable_user(&name, false))
}

async fn approve_device(State(lab): State<Arc<Lab>>, Path((code, name)): Path<(String, String)>) -> Response {
    done(Control::new(lab).approve_device(&code, &name))
}

async fn decline_device(State(lab): State<Arc<Lab>>, Path(code): Path<String>) -> Response {
    done(Control::new(lab).decline_device(&code))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Workload {
    subject: String,
    #[serde(default)]
    claims: serde_json::Map<String, Value>,
}

async fn workload_token(State(lab): State<Arc<Lab>>, Json(asked): Json<Workload>) -> Response {
    match Control::new(lab).workload_token(&asked.subject, &asked.claims) {
        Ok(token) => Json(json!({ "token": token })).into_response(),
        Err(error) => refused(&error),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Lifetime {
    seconds: Option<u64>,
}

async fn token_lifetime(State(lab): State<Arc<Lab>>, Json(lifetime): Json<Lifetime>) -> StatusCode {
    lab.set_token_lifetime(lifetime.seconds.map(Duration::from_secs));
    StatusCode::NO_CONTENT
}

/// Who and what there is, without passwords and secrets.
async fn seed(State(lab): State<Arc<Lab>>) -> Json<Value> {
    let seed = &lab.seed;
    Json(json!({
        "tenants": seed.tenants.iter()
            .map(|it| json!({ "name": it.name, "id": it.id, "domain": it.domain })).collect::<Vec<_>>(),
        "users": seed.users.iter().map(|it| json!({
            "name": it.name, "tenant": it.tenant, "id": it.id, "upn": it.upn, "roles": it.roles,
            "groups": it.group_ids(seed).len(), "disabled": it.disabled, "guest": it.home_tenant.is_some(),
        })).collect::<Vec<_>>(),
        "apps": seed.apps.iter().map(|it| json!({
            "name": it.name, "tenant": it.tenant, "id": it.id, "identifier_uris": it.identifier_uris,
            "scopes": it.scopes, "roles": it.roles, "public": it.public,
        })).collect::<Vec<_>>(),
    }))
}

fn done(outcome: Result<(), EmulatorError>) -> Response {
    match outcome {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => refused(&error),
    }
}

fn refused(error: &EmulatorError) -> Response {
    let status = match error {
        EmulatorError::Unknown { .. } => StatusCode::NOT_FOUND,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    (status, Json(json!({ "error": error.to_string() }))).into_response()
}
