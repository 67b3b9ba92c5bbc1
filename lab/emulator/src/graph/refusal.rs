//! Graph's refusals, which are shaped differently from Entra's.

use std::time::Duration;

use axum::Json;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::json;

use super::GraphResult;
use crate::faults::{Fault, Place};
use crate::lab::Lab;
use crate::random;
use crate::seed::GRAPH_APP_ID;

/// One refusal.
#[derive(Debug)]
pub(super) struct GraphError {
    status: StatusCode,
    code: &'static str,
    message: String,
    /// The second from which a new token must date.
    issued_after: Option<i64>,
    retry_after: Option<String>,
}

impl GraphError {
    pub(super) fn unauthenticated(message: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "InvalidAuthenticationToken", message)
    }

    pub(super) fn revoked(now: i64) -> Self {
        let message = "Continuous access evaluation resulted in challenge with result: InteractionRequired and code: TokenIssuedBeforeRevocationTimestamp";
        Self { issued_after: Some(now), ..Self::unauthenticated(message) }
    }

    pub(super) fn denied() -> Self {
        let message = "Insufficient privileges to complete the operation.";
        Self::new(StatusCode::FORBIDDEN, "Authorization_RequestDenied", message)
    }

    pub(super) fn not_found(id: &str) -> Self {
        let message = format!(
            "Resource '{id}' does not exist or one of its queried reference-property objects are not present."
        );
        Self::new(StatusCode::NOT_FOUND, "Request_ResourceNotFound", &message)
    }

    pub(super) fn bad_request(message: &str) -> Self {
        Self::request("BadRequest", message)
    }

    pub(super) fn request(code: &'static str, message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// Returns the answer.
    pub(super) fn response(&self, lab: &Lab, headers: &HeaderMap) -> Response {
        let now = lab.clock.now().to_string();
        let date = now.split('.').next().unwrap_or_default();
        let request_id = random::guid().unwrap_or_default();
        let client_id = client_request_id(headers).unwrap_or(&request_id);
        let inner = json!({ "date": date, "request-id": request_id, "client-request-id": client_id });
        let body = json!({ "error": { "code": self.code, "message": self.message, "innerError": inner } });
        let mut response = (self.status, Json(body)).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            self.challenge(lab, &mut response);
        }
        if let Some(Ok(when)) = self.retry_after.as_deref().map(HeaderValue::from_str) {
            let headers = response.headers_mut();
            headers.insert("ratelimit-limit", HeaderValue::from_static("10"));
            headers.insert("ratelimit-remaining", HeaderValue::from_static("0"));
            headers.insert("ratelimit-reset", when.clone());
            headers.insert(header::RETRY_AFTER, when);
            headers.insert("x-ms-throttle-limit-percentage", HeaderValue::from_static("1.8"));
        }
        response
    }

    fn challenge(&self, lab: &Lab, response: &mut Response) {
        let mut text = format!(
            "Bearer realm=\"\", authorization_uri=\"{}/common/oauth2/authorize\", client_id=\"{GRAPH_APP_ID}\"",
            lab.authority
        );
        if let Some(second) = self.issued_after {
            let claims =
                json!({ "access_token": { "nbf": { "essential": true, "value": second.to_string() } } });
            let claims = STANDARD.encode(claims.to_string());
            text.push_str(&format!(", error=\"insufficient_claims\", claims=\"{claims}\""));
        }
        if let Ok(value) = HeaderValue::from_str(&text) {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
        }
    }

    fn new(status: StatusCode, code: &'static str, message: &str) -> Self {
        Self { status, code, message: message.to_owned(), issued_after: None, retry_after: None }
    }
}

/// Refuses if a fault says so.
pub(super) fn throttled(lab: &Lab) -> GraphResult<()> {
    let struck = lab.faults().strike(Place::Graph);
    match struck {
        None => Ok(()),
        Some(Fault::ThrottleGraph { retry_after, .. }) => Err(too_many(Some(retry_after.to_string()))),
        Some(Fault::ThrottleGraphUntil { seconds, .. }) => {
            let until = lab.clock.now().plus(Duration::from_secs(u64::from(seconds)));
            Err(too_many(Some(crate::clock::http_date(until))))
        }
        Some(Fault::ThrottleGraphSilently { .. }) => Err(too_many(None)),
        Some(_) => {
            let message = "The service is temporarily unavailable.";
            Err(GraphError::new(StatusCode::SERVICE_UNAVAILABLE, "serviceNotAvailable", message))
        }
    }
}

fn too_many(retry_after: Option<String>) -> GraphError {
    let message = "Too many requests. Please try again.";
    GraphError { retry_after, ..GraphError::new(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", message) }
}

/// Puts the diagnostic headers on an answer.
pub(super) fn mark(response: &mut Response, headers: &HeaderMap) {
    let request_id = random::guid().unwrap_or_default();
    let client_id = client_request_id(headers).unwrap_or(&request_id).to_owned();
    let answer = response.headers_mut();
    answer.insert("x-ms-resource-unit", HeaderValue::from_static("1"));
    for (name, id) in [("request-id", &request_id), ("client-request-id", &client_id)] {
        if let Ok(value) = HeaderValue::from_str(id) {
            answer.insert(name, value);
        }
    }
}

fn client_request_id(headers: &HeaderMap) -> Option<&str> {
    headers.get("client-request-id").and_then(|value| value.to_str().ok())
}
