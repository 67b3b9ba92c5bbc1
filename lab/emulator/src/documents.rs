//! A web site that serves what a test puts there: client-id metadata documents, good and evil.
//!
//! It does what a stranger's site may do to somebody who fetches a URL it named: answer slowly, endlessly, as another
//! type, or with a redirect to where the fetcher must never go. A name that resolves to another address the second time
//! (rebinding) is not made here: that is a matter of the resolver, which a test of the connector hands in.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Deserialize;

use crate::lab::Lab;

/// No document is padded beyond this.
const PADDED_AT_MOST: usize = 64 << 20;

/// A document and how it is served.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// The text. `{self}` stands for the document's own URL, `{origin}` for the site's.
    #[serde(default)]
    pub body: String,
    /// `content-type`.
    #[serde(default = "json_type")]
    pub content_type: String,
    /// The status.
    #[serde(default = "ok")]
    pub status: u16,
    /// `cache-control`, if any.
    #[serde(default)]
    pub cache_control: Option<String>,
    /// `location`: makes the answer a redirect (302) unless `status` says otherwise. The same placeholders apply.
    #[serde(default)]
    pub redirect: Option<String>,
    /// So many spaces are put behind the text.
    #[serde(default)]
    pub padding: usize,
    /// Real milliseconds before the answer begins.
    #[serde(default)]
    pub delay: u64,
}

impl Document {
    /// Serves a text as JSON, at once.
    pub fn json(body: impl Into<String>) -> Self {
        Self {
            body: body.into(),
            content_type: json_type(),
            status: ok(),
            cache_control: None,
            redirect: None,
            padding: 0,
            delay: 0,
        }
    }

    /// A client-id metadata document that is as it should be, for a client with these redirect addresses.
    pub fn client(name: &str, redirect_uris: &[&str]) -> Self {
        Self::json(
            serde_json::json!({
                "client_id": "{self}", "client_name": name, "client_uri": "{origin}",
                "redirect_uris": redirect_uris, "grant_types": ["authorization_code", "refresh_token"],
                "response_types": ["code"], "token_endpoint_auth_method": "none",
            })
            .to_string(),
        )
    }

    /// Redirects elsewhere.
    pub fn redirect(location: impl Into<String>) -> Self {
        Self { redirect: Some(location.into()), ..Self::json("") }
    }
}

/// Returns the routes.
pub(crate) fn routes() -> Router<Arc<Lab>> {
    Router::new().route("/{*name}", get(serve))
}

/// Returns the URL of a document.
pub(crate) fn url(lab: &Lab, name: &str) -> String {
    format!("{}/{name}", lab.origins.documents)
}

async fn serve(State(lab): State<Arc<Lab>>, Path(name): Path<String>) -> Response {
    let document = lab.documents().get(&name).cloned();
    let Some(document) = document else { return StatusCode::NOT_FOUND.into_response() };
    if document.delay > 0 {
        tokio::time::sleep(Duration::from_millis(document.delay)).await;
    }
    let placed =
        |text: &str| text.replace("{self}", &url(&lab, &name)).replace("{origin}", &lab.origins.documents);
    let mut body = placed(&document.body);
    body.extend(std::iter::repeat_n(' ', document.padding.min(PADDED_AT_MOST)));
    let mut response = body.into_response();
    let status = if document.redirect.is_some() && document.status == 200 { 302 } else { document.status };
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    put(&mut response, header::CONTENT_TYPE, &document.content_type);
    if let Some(value) = &document.cache_control {
        put(&mut response, header::CACHE_CONTROL, value);
    }
    if let Some(location) = &document.redirect {
        put(&mut response, header::LOCATION, &placed(location));
    }
    response
}

fn put(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

fn json_type() -> String {
    String::from("application/json")
}

fn ok() -> u16 {
    200
}
