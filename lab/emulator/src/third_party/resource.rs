//! The protected resource of the third party: an MCP server with one tool, which tells whom the token is for.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use super::Access;
use crate::lab::Lab;

/// `GET /.well-known/oauth-protected-resource/mcp`
pub(super) async fn metadata(State(lab): State<Arc<Lab>>) -> Json<Value> {
    let own = &lab.origins.third_party;
    Json(json!({
        "resource": format!("{own}/mcp"), "authorization_servers": [own],
        "scopes_supported": ["items.read", "items.write"], "bearer_methods_supported": ["header"],
    }))
}

/// `GET /mcp`: there is no stream from the server.
pub(super) async fn stream() -> Response {
    StatusCode::METHOD_NOT_ALLOWED.into_response()
}

/// `POST /mcp`
pub(super) async fn call(State(lab): State<Arc<Lab>>, headers: HeaderMap, body: Bytes) -> Response {
    let Some(access) = admitted(&lab, &headers) else { return challenge(&lab) };
    let Ok(message) = serde_json::from_slice::<Value>(&body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let Some(id) = message.get("id") else { return StatusCode::ACCEPTED.into_response() };
    let result = match message.get("method").and_then(Value::as_str).unwrap_or_default() {
        "initialize" => json!({
            "protocolVersion": "2025-11-25", "capabilities": { "tools": {} },
            "serverInfo": { "name": "third-party", "version": "0.1.0" },
        }),
        "ping" => json!({}),
        "tools/list" => json!({ "tools": [{
            "name": "whoami", "description": "Tells whom the token is for.",
            "inputSchema": { "type": "object", "properties": {}, "additionalProperties": false },
            "annotations": { "readOnlyHint": true },
        }] }),
        "tools/call" => json!({
            "content": [{ "type": "text", "text": format!("{} ({})", access.name, access.scope) }],
            "isError": false,
        }),
        _ => {
            let error = json!({ "code": -32601, "message": "Method not found" });
            return Json(json!({ "jsonrpc": "2.0", "id": id, "error": error })).into_response();
        }
    };
    Json(json!({ "jsonrpc": "2.0", "id": id, "result": result })).into_response()
}

/// Only its own tokens, for its own name, while they last.
fn admitted(lab: &Lab, headers: &HeaderMap) -> Option<Access> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let token = value.strip_prefix("Bearer ")?;
    let own = lab.third_party();
    let access = own.access.get(token)?;
    let here = access.resource.as_deref() == Some(format!("{}/mcp", lab.origins.third_party).as_str());
    let good = here && lab.clock.now() < access.expires && !own.ended.contains(&access.family);
    good.then(|| access.clone())
}

fn challenge(lab: &Lab) -> Response {
    let own = &lab.origins.third_party;
    let text = format!(
        "Bearer error=\"invalid_token\", resource_metadata=\"{own}/.well-known/oauth-protected-resource/mcp\", scope=\"items.read\""
    );
    let mut response = StatusCode::UNAUTHORIZED.into_response();
    if let Ok(value) = HeaderValue::from_str(&text) {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
    }
    response
}
