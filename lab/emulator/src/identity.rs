//! The managed identity endpoints of a machine: the instance metadata service (IMDS), App Service, and Azure Arc.
//!
//! All three are plain HTTP on an address that only the machine itself reaches; what keeps a web page or a forwarded
//! request from taking a token is a header that neither can set. Here they share one port. The tokens are Entra's.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use crate::faults::{Fault, Place};
use crate::form::Form;
use crate::lab::Lab;
use crate::seed::App;
use crate::tokens::{self, AccessToken, ClientProof, GroupClaim, Subject};

mod arc;

/// What App Service puts in `IDENTITY_HEADER`.
pub const IDENTITY_HEADER: &str = "identity-header-of-the-lab";

/// Returns the routes.
pub(crate) fn routes() -> Router<Arc<Lab>> {
    Router::new()
        // Arc serves the same path on its own port; the two are told apart by the version.
        .route("/metadata/identity/oauth2/token", get(metadata).post(wrong_verb))
        .route("/msi/token", get(app_service))
}

/// A refusal: status, `error`, `error_description`.
#[derive(Debug)]
struct Refused(StatusCode, &'static str, String);

impl Refused {
    fn bad(error: &'static str, description: impl Into<String>) -> Self {
        Self(StatusCode::BAD_REQUEST, error, description.into())
    }

    fn response(self) -> Response {
        let Self(status, error, description) = self;
        (status, Json(json!({ "error": error, "error_description": description }))).into_response()
    }
}

/// A token and what goes with it.
struct Issued {
    token: String,
    seconds: u64,
    expires: i64,
    begins: i64,
    client_id: String,
}

async fn wrong_verb() -> Response {
    StatusCode::METHOD_NOT_ALLOWED.into_response()
}

async fn metadata(State(lab): State<Arc<Lab>>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let query = Form::parse(&query.unwrap_or_default()).unwrap_or_default();
    if let Some(response) = faulty(&lab) {
        return response;
    }
    if query.get("api-version").is_some_and(|version| matches!(version, "2020-06-01" | "2021-02-01")) {
        return arc::answer(&lab, &query, &headers);
    }
    imds(&lab, &query, &headers).unwrap_or_else(Refused::response)
}

fn imds(lab: &Lab, query: &Form, headers: &HeaderMap) -> Result<Response, Refused> {
    machine_only(headers)?;
    match query.get("api-version") {
        Some("2018-02-01" | "2019-08-01" | "2019-11-01") => {}
        _ => {
            return Err(Refused::bad(
                "invalid_request",
                "Required query variable 'api-version' is missing or not supported",
            ));
        }
    }
    let resource = resource(query)?;
    let selectors = [
        ("client_id", Selector::Client),
        ("object_id", Selector::Object),
        ("msi_res_id", Selector::Resource),
    ];
    let identity = selected(lab, query, &selectors)?;
    let issued = token(lab, identity, resource)?;
    // Every value is a string, numbers too.
    Ok(Json(json!({
        "access_token": issued.token, "client_id": issued.client_id, "refresh_token": "",
        "expires_in": issued.seconds.to_string(), "expires_on": issued.expires.to_string(),
        "ext_expires_in": issued.seconds.to_string(), "not_before": issued.begins.to_string(),
        "resource": resource, "token_type": "Bearer",
    }))
    .into_response())
}

async fn app_service(State(lab): State<Arc<Lab>>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let query = Form::parse(&query.unwrap_or_default()).unwrap_or_default();
    if let Some(response) = faulty(&lab) {
        return response;
    }
    let answer = || {
        if headers.get("x-identity-header").is_none_or(|value| value.as_bytes() != IDENTITY_HEADER.as_bytes())
        {
            let text = "The X-IDENTITY-HEADER header is missing or wrong.";
            return Err(Refused(StatusCode::UNAUTHORIZED, "unauthorized", String::from(text)));
        }
        if query.get("api-version") != Some("2019-08-01") {
            return Err(Refused::bad("invalid_request", "The api-version is missing or not supported."));
        }
        let resource = resource(&query)?;
        let selectors = [
            ("client_id", Selector::Client),
            ("principal_id", Selector::Object),
            ("mi_res_id", Selector::Resource),
        ];
        let issued = token(&lab, selected(&lab, &query, &selectors)?, resource)?;
        Ok(Json(json!({
            "access_token": issued.token, "expires_on": issued.expires.to_string(), "resource": resource,
            "token_type": "Bearer", "client_id": issued.client_id,
        }))
        .into_response())
    };
    answer().unwrap_or_else(Refused::response)
}

/// A request that came by way of a proxy, or from a page, lacks what the machine's own has.
fn machine_only(headers: &HeaderMap) -> Result<(), Refused> {
    if headers.get("metadata").is_none_or(|value| !value.as_bytes().eq_ignore_ascii_case(b"true")) {
        return Err(Refused::bad("bad_request_102", "Required metadata header not specified"));
    }
    if headers.contains_key("x-forwarded-for") {
        return Err(Refused::bad("bad_request_103", "The request must not have been forwarded"));
    }
    Ok(())
}

fn resource(query: &Form) -> Result<&str, Refused> {
    query.get("resource").ok_or_else(|| {
        Refused::bad("invalid_request", "Required query variable 'resource' is missing or empty")
    })
}

/// By what a request names an identity.
#[derive(Debug, Clone, Copy)]
enum Selector {
    Client,
    Object,
    Resource,
}

/// Finds the identity that is meant: the one selected, else the machine's own.
fn selected<'a>(lab: &'a Lab, query: &Form, names: &[(&str, Selector)]) -> Result<&'a App, Refused> {
    let asked: Vec<(Selector, &str)> =
        names.iter().filter_map(|(name, selector)| Some((*selector, query.get(name)?))).collect();
    let found = lab.seed.apps.iter().find(|app| {
        let Some(identity) = &app.managed_identity else { return false };
        match asked.as_slice() {
            [] => identity.system,
            [(Selector::Client, id)] => app.id.eq_ignore_ascii_case(id),
            [(Selector::Object, id)] => identity.object_id.eq_ignore_ascii_case(id),
            [(Selector::Resource, id)] => identity.resource_id.eq_ignore_ascii_case(id),
            _ => false,
        }
    });
    found.ok_or_else(|| Refused::bad("invalid_request", "Identity not found"))
}

fn token(lab: &Lab, identity: &App, resource: &str) -> Result<Issued, Refused> {
    let absent = || {
        let text = format!(
            "AADSTS500011: The resource principal named {resource} was not found in the tenant. This can happen if the application has not been installed by the administrator of the tenant."
        );
        Refused::bad("invalid_resource", text)
    };
    // A resource with `/.default` is a scope, and no resource of that name exists.
    let name = resource.trim_end_matches('/');
    let target =
        lab.seed.apps.iter().find(|app| {
            app.id.eq_ignore_ascii_case(name) || app.identifier_uris.iter().any(|uri| uri == name)
        });
    let target = target.ok_or_else(absent)?;
    let tenant =
        lab.seed.tenant(&identity.tenant).filter(|tenant| target.is_in(tenant)).ok_or_else(absent)?;
    let failed =
        |_| Refused(StatusCode::INTERNAL_SERVER_ERROR, "server_error", String::from("the lab failed"));
    // The real endpoint hands out tokens of a day; a test that set a lifetime means these too.
    let lifetime = tokens::lifetime(lab).map_err(failed)?;
    let made = AccessToken {
        subject: Subject::App,
        tenant,
        client: identity,
        proof: ClientProof::Certificate,
        resource: target,
        asked_as: resource,
        version: target.token_version,
        roles: target.app_grants.get(&identity.name).cloned().unwrap_or_default(),
        groups: GroupClaim::Absent,
        capable: false,
        acrs: Vec::new(),
        mfa: false,
        auth_time: lab.clock.now(),
        lifetime,
    };
    let claims = made.claims(lab).map_err(failed)?;
    let number = |name: &str| claims.get(name).and_then(Value::as_i64).unwrap_or_default();
    Ok(Issued {
        token: made.sign(lab, &claims).map_err(failed)?,
        seconds: lifetime.as_secs(),
        expires: number("exp"),
        begins: number("nbf"),
        client_id: identity.id.clone(),
    })
}

fn faulty(lab: &Lab) -> Option<Response> {
    let struck = lab.faults().strike(Place::Identity);
    let Some(Fault::Identity { status, .. }) = struck else { return None };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let text = match status {
        StatusCode::GONE => "The service is being updated",
        StatusCode::TOO_MANY_REQUESTS => "Too many requests",
        _ => "The lab was told to fail",
    };
    let mut response = Refused(status, "failure", String::from(text)).response();
    if status == StatusCode::TOO_MANY_REQUESTS {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    Some(response)
}
