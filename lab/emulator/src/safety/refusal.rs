//! Who may ask, how often, and the refusals.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use super::SafetyResult;
use crate::bearer;
use crate::faults::{Fault, Garbling, Place};
use crate::form::Form;
use crate::lab::Lab;

const RESOURCE: &str = "https://cognitiveservices.azure.com";
const APP_ID: &str = "7d312290-28c8-473c-a0ed-8e53749b6d6d";
const KEY: &str = "ocp-apim-subscription-key";
const VERSIONS: [&str; 6] = [
    "2024-09-01",
    "2024-09-15-preview",
    "2024-09-30-preview",
    "2024-12-15-preview",
    "2025-09-15-preview",
    "2026-09-01-preview",
];

/// One refusal.
#[derive(Debug)]
pub(super) struct SafetyError {
    status: StatusCode,
    code: String,
    message: String,
    retry_after: Option<i64>,
}

impl SafetyError {
    fn new(status: StatusCode, code: &str, message: &str) -> Self {
        Self { status, code: code.to_owned(), message: message.to_owned(), retry_after: None }
    }

    pub(super) fn bad(message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "InvalidRequestBody", message)
    }

    pub(super) fn not_found(message: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "NotFound", message)
    }

    pub(super) fn media_type() -> Self {
        let message = "The content type must be application/merge-patch+json.";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType", message)
    }

    /// The answer of the front of all such services to what it cannot route.
    pub(super) fn no_resource() -> Self {
        Self::new(StatusCode::NOT_FOUND, "404", "Resource not found")
    }

    fn too_many(seconds: Option<i64>) -> Self {
        let message = "Requests to the Content Safety API have exceeded the call rate limit of the current pricing tier.";
        Self { retry_after: seconds, ..Self::new(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", message) }
    }

    pub(super) fn response(self) -> Response {
        let body = json!({ "error": { "code": self.code, "message": self.message, "details": [] } });
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        if let Ok(code) = HeaderValue::from_str(&self.code) {
            headers.insert("x-ms-error-code", code);
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// Refuses if a fault says so.
pub(super) fn broken(lab: &Lab) -> SafetyResult<()> {
    match lab.faults().strike(Place::Safety) {
        Some(Fault::ThrottleSafety { retry_after, .. }) => {
            Err(SafetyError::too_many(retry_after.map(i64::from)))
        }
        Some(Fault::SafetyDown { status, .. }) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
            let code = if status == StatusCode::SERVICE_UNAVAILABLE { "ServerBusy" } else { "InternalError" };
            Err(SafetyError::new(status, code, "The service cannot answer now."))
        }
        _ => Ok(()),
    }
}

/// Returns the answer that a fault makes of the true one, if one does.
pub(super) fn garbled(
    lab: &Lab,
    body: &[u8],
    truth: impl FnOnce(&[u8]) -> SafetyResult<(u16, String)>,
) -> SafetyResult<Option<String>> {
    let struck = lab.faults().strike(Place::SafetyAnswer);
    let Some(Fault::SafetyGarbled { how, .. }) = struck else { return Ok(None) };
    let (_, truth) = truth(body)?;
    Ok(Some(match how {
        Garbling::Page => String::from("<html><body>It works!</body></html>"),
        Garbling::Empty => String::from("{}"),
        Garbling::Cut => truth.chars().take(truth.chars().count() / 2).collect(),
        Garbling::Words => truth.replace("true", "\"true\"").replace("false", "\"false\""),
        Garbling::Twice => {
            truth.replace("\"attackDetected\":true", "\"attackDetected\":true,\"attackDetected\":false")
        }
        Garbling::Fewer => {
            let mut value: Value = serde_json::from_str(&truth).unwrap_or_default();
            for list in ["documentsAnalysis", "categoriesAnalysis"] {
                if let Some(list) = value.get_mut(list).and_then(Value::as_array_mut) {
                    list.pop();
                }
            }
            value.to_string()
        }
        Garbling::Echo => {
            let said = String::from_utf8_lossy(body).into_owned();
            let mut refusal = SafetyError::bad(&said);
            refusal.code = said;
            return Err(refusal);
        }
    }))
}

/// Returns who asks: a key of the resource, or an application with the role that is needed.
pub(super) fn admitted(lab: &Lab, headers: &HeaderMap) -> SafetyResult<String> {
    let refused = |message: &str| SafetyError::new(StatusCode::UNAUTHORIZED, "401", message);
    if let Some(key) = headers.get(KEY) {
        let keys = &lab.seed.content_safety.keys;
        let known = keys.iter().find(|it| verify_slices_are_equal(it.as_bytes(), key.as_bytes()).is_ok());
        return known.cloned().ok_or_else(|| {
            refused("Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an active subscription and use a correct regional API endpoint for your resource.")
        });
    }
    let claims = bearer::verify(lab, headers, &[RESOURCE, APP_ID]).map_err(|refusal| match refusal {
        bearer::Refusal::Missing => refused(
            "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an active subscription and use a correct regional API endpoint for your resource.",
        ),
        bearer::Refusal::Audience | bearer::Refusal::Invalid => refused(
            "Unauthorized. Access token is missing, invalid, audience is incorrect (https://cognitiveservices.azure.com), or have expired.",
        ),
    })?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
    let client = lab.seed.client(if text("appid").is_empty() { text("azp") } else { text("appid") });
    match client.filter(|app| lab.seed.content_safety.admits.contains(&app.name)) {
        Some(app) => Ok(app.id.clone()),
        None => {
            let message = "Principal does not have access to API/Operation.";
            Err(SafetyError::new(StatusCode::UNAUTHORIZED, "PermissionDenied", message))
        }
    }
}

pub(super) fn within_rate(lab: &Lab, caller: &str) -> SafetyResult<()> {
    let (now, rate) = (lab.clock.now().as_secs(), lab.seed.content_safety.rate);
    match lab.safety().count(caller, now, rate) {
        None => Ok(()),
        Some(seconds) => Err(SafetyError::too_many(Some(seconds))),
    }
}

/// A version that is missing or not known is not routed (assumed).
pub(super) fn versioned(query: Option<&str>) -> SafetyResult<()> {
    let form = Form::parse(query.unwrap_or_default()).unwrap_or_default();
    match form.get("api-version") {
        Some(version) if VERSIONS.contains(&version) => Ok(()),
        _ => Err(SafetyError::no_resource()),
    }
}
