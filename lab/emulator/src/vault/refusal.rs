//! Who may use the vault, and its refusals.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use super::VaultResult;
use crate::bearer::{self, Refusal};
use crate::faults::{Fault, Place};
use crate::form::Form;
use crate::lab::Lab;

const RESOURCE: &str = "https://vault.azure.net";
const APP_ID: &str = "cfa8b339-82a2-471a-a3c9-0fc0be7a4093";

/// One refusal.
#[derive(Debug)]
pub(super) struct VaultError {
    status: StatusCode,
    code: &'static str,
    message: String,
    inner: Option<&'static str>,
    retry_after: Option<u32>,
}

impl VaultError {
    pub(super) fn new(status: StatusCode, code: &'static str, message: &str) -> Self {
        Self { status, code, message: message.to_owned(), inner: None, retry_after: None }
    }

    pub(super) fn inner(mut self, code: &'static str) -> Self {
        self.inner = Some(code);
        self
    }

    pub(super) fn bad(message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadParameter", message)
    }

    pub(super) fn failed() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError", "The lab itself failed.")
    }

    /// Returns the answer; to who is not known it names where tokens come from.
    pub(super) fn response(self, lab: &Lab) -> Response {
        let mut error = json!({ "code": self.code, "message": self.message });
        if let (Some(inner), Some(members)) = (self.inner, error.as_object_mut()) {
            members.insert(String::from("innererror"), json!({ "code": inner }));
        }
        let mut response = (self.status, Json(json!({ "error": error }))).into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        let tenant = lab.seed.tenants.first().map(|tenant| tenant.id.as_str()).unwrap_or_default();
        let challenge =
            format!("Bearer authorization=\"{}/{tenant}\", resource=\"{RESOURCE}\"", lab.authority);
        if let (StatusCode::UNAUTHORIZED, Ok(value)) = (self.status, HeaderValue::from_str(&challenge)) {
            headers.insert(header::WWW_AUTHENTICATE, value);
        }
        response
    }
}

/// Refuses if a fault says so.
pub(super) fn broken(lab: &Lab) -> VaultResult<()> {
    let struck = lab.faults().strike(Place::Vault);
    match struck {
        None => Ok(()),
        Some(Fault::ThrottleVault { retry_after, .. }) => Err(VaultError {
            retry_after: Some(retry_after),
            ..VaultError::new(
                StatusCode::TOO_MANY_REQUESTS,
                "Throttled",
                "Request was not processed because too many requests were received.",
            )
        }),
        Some(_) => {
            let message = "The service is unavailable.";
            Err(VaultError::new(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", message))
        }
    }
}

/// Admits those the seed names, by a token for the vault.
pub(super) fn admitted(lab: &Lab, headers: &HeaderMap) -> VaultResult<()> {
    let refused = |message: &str| VaultError::new(StatusCode::UNAUTHORIZED, "Unauthorized", message);
    let claims = bearer::verify(lab, headers, &[RESOURCE, APP_ID]).map_err(|refusal| match refusal {
        Refusal::Missing => refused("AKV10000: Request is missing a Bearer or PoP token."),
        Refusal::Audience => refused("AKV10022: Invalid audience. Expected https://vault.azure.net."),
        Refusal::Invalid => refused("AKV10032: Invalid issuer, signature or lifetime."),
    })?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
    let client = lab.seed.client(if text("appid").is_empty() { text("azp") } else { text("appid") });
    if client.is_some_and(|app| lab.seed.key_vault.admits.contains(&app.name)) {
        return Ok(());
    }
    let message = "Caller is not authorized to perform action on resource. If role assignments, deny assignments or role definitions were changed recently, please observe propagation time.";
    Err(VaultError::new(StatusCode::FORBIDDEN, "Forbidden", message).inner("ForbiddenByRbac"))
}

/// `api-version` must be there.
pub(super) fn versioned(query: Option<&str>) -> VaultResult<()> {
    let form = Form::parse(query.unwrap_or_default()).unwrap_or_default();
    match form.get("api-version") {
        Some("7.4" | "7.5" | "7.6" | "2025-07-01" | "2026-03-01-preview") => Ok(()),
        _ => Err(VaultError::bad("The api-version query parameter is missing or not supported.")),
    }
}
