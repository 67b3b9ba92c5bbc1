//! Refusals in Entra's shape: an OAuth error, an AADSTS number, and identifiers to quote to support.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

use crate::lab::Lab;
use crate::{EmulatorError, random};

/// One refusal.
#[derive(Debug, Clone)]
pub(crate) struct AadError {
    pub(crate) code: u32,
    pub(crate) message: String,
    /// Replaces the OAuth error that belongs to the number.
    pub(crate) error: Option<&'static str>,
    /// The claims a client must come back with, JSON.
    pub(crate) claims: Option<String>,
    pub(crate) retry_after: Option<u32>,
}

impl AadError {
    pub(crate) fn new(code: u32, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), error: None, claims: None, retry_after: None }
    }

    /// A parameter that must be there is not.
    pub(crate) fn missing(name: &str) -> Self {
        Self::new(900_144, format!("The request body must contain the following parameter: '{name}'."))
    }

    pub(crate) fn with_error(mut self, error: &'static str) -> Self {
        self.error = Some(error);
        self
    }

    pub(crate) fn with_claims(mut self, claims: String) -> Self {
        self.claims = Some(claims);
        self
    }

    /// Returns the OAuth error.
    pub(crate) fn oauth(&self) -> &'static str {
        self.error.unwrap_or_else(|| oauth_error(self.code))
    }

    /// Returns the description with its trailer.
    pub(crate) fn description(&self, context: &Trace) -> String {
        format!(
            "AADSTS{}: {}\r\nTrace ID: {}\r\nCorrelation ID: {}\r\nTimestamp: {}",
            self.code, self.message, context.trace_id, context.correlation_id, context.timestamp
        )
    }

    /// Returns the JSON answer of the token and device code endpoints.
    pub(crate) fn json(&self, lab: &Lab, context: &Trace) -> Response {
        let mut body = json!({
            "error": self.oauth(),
            "error_description": self.description(context),
            "error_codes": [self.code],
            "timestamp": context.timestamp,
            "trace_id": context.trace_id,
            "correlation_id": context.correlation_id,
            "error_uri": format!("{}/error?code={}", lab.authority, self.code),
        });
        if let Some(members) = body.as_object_mut() {
            if let Some(suberror) = suberror(self.code) {
                members.insert(String::from("suberror"), json!(suberror));
            }
            if let Some(claims) = &self.claims {
                members.insert(String::from("claims"), json!(claims));
            }
        }
        let mut response = (self.status(), axum::Json(body)).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        context.mark(&mut response);
        response
    }

    fn status(&self) -> StatusCode {
        match (self.code, self.oauth()) {
            (90033, _) => StatusCode::SERVICE_UNAVAILABLE,
            (90055, _) => StatusCode::TOO_MANY_REQUESTS,
            (90099, _) => StatusCode::INTERNAL_SERVER_ERROR,
            // A scope that the resource lacks has this OAuth error without being about a credential.
            (650_053, _) => StatusCode::BAD_REQUEST,
            (_, "invalid_client") => StatusCode::UNAUTHORIZED,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

impl From<EmulatorError> for AadError {
    fn from(error: EmulatorError) -> Self {
        tracing::error!(%error, "the emulator failed");
        Self::new(90099, "The lab itself failed; its log says why.").with_error("server_error")
    }
}

/// What identifies one exchange: in the body, in the description and in headers.
#[derive(Debug, Clone)]
pub(crate) struct Trace {
    trace_id: String,
    correlation_id: String,
    timestamp: String,
}

impl Trace {
    /// Begins a trace; the client may bring the correlation id.
    pub(crate) fn begin(lab: &Lab, headers: &http::HeaderMap) -> Self {
        let brought = headers
            .get("client-request-id")
            .and_then(|value| value.to_str().ok())
            .filter(|text| doorward_types::ObjectId::parse(text).is_ok());
        let fresh = || random::guid().unwrap_or_default();
        Self {
            trace_id: fresh(),
            correlation_id: brought.map_or_else(fresh, str::to_owned),
            timestamp: seconds(lab.clock.now()),
        }
    }

    /// Puts the diagnostic headers on an answer, and forbids caches to keep it.
    pub(crate) fn mark(&self, response: &mut Response) {
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store, no-cache"));
        headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
        headers.insert("x-ms-ests-server", HeaderValue::from_static("2.1.0 - lab"));
        if let Ok(id) = HeaderValue::from_str(&self.trace_id) {
            headers.insert("x-ms-request-id", id);
        }
        if let Ok(id) = HeaderValue::from_str(&self.correlation_id) {
            headers.insert("client-request-id", id);
        }
    }
}

/// Formats a time as Entra does: `2026-11-20 12:00:00Z`.
fn seconds(at: doorward_types::Timestamp) -> String {
    let text = at.to_string().replacen('T', " ", 1);
    text.split_once('.').map_or(text.clone(), |(head, _)| format!("{head}Z"))
}

/// The OAuth error that belongs to a number. A client must go by it and not by the number.
fn oauth_error(code: u32) -> &'static str {
    match code {
        50_013 | 500_131 | 500_133 | 7_000_114 | 50_034 | 50_057 | 50_105 | 50_126 | 50_132 | 50_133
        | 50_173 | 50_148 | 501_481 | 500_112 | 53_003 | 54_005 | 65_001 | 70_000 | 70_008 | 70_043
        | 700_005 | 700_082 | 700_084 | 50_020 | 501_051 => "invalid_grant",
        50_072 | 50_074 | 50_076 | 50_078 | 50_079 | 50_158 | 16_000 => "interaction_required",
        50_058 => "login_required",
        65_004 | 90_094 => "access_denied",
        500_011 | 50_001 => "invalid_resource",
        9_010_010 => "invalid_target",
        70_011 | 700_022 | 1_002_012 => "invalid_scope",
        70_003 => "unsupported_grant_type",
        700_016 | 7_000_112 | 82_001 => "unauthorized_client",
        7_000_215 | 7_000_216 | 7_000_218 | 7_000_222 | 700_021 | 700_023 | 700_024 | 700_025 | 700_027
        | 700_211 | 700_212 | 700_213 | 700_229 | 650_053 => "invalid_client",
        70_016 => "authorization_pending",
        70_018 => "bad_verification_code",
        70_019 | 70_020 => "expired_token",
        700_054 => "unsupported_response_type",
        90_033 | 90_055 => "temporarily_unavailable",
        _ => "invalid_request",
    }
}

fn suberror(code: u32) -> Option<&'static str> {
    match code {
        65_001 => Some("consent_required"),
        50_173 | 50_132 | 50_133 | 70_000 => Some("bad_token"),
        700_082 | 700_084 | 70_043 => Some("token_expired"),
        50_072 | 50_074 | 50_076 | 50_079 => Some("basic_action"),
        53_003 => Some("message_only"),
        _ => None,
    }
}
