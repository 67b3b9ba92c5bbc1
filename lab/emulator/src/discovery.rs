//! Metadata and key sets, with the members that Entra has and without those it lacks: there is no
//! `code_challenge_methods_supported`, no `registration_endpoint`, no `revocation_endpoint`, no
//! `introspection_endpoint`, no `grant_types_supported`, and no RFC 8414 document at all.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use crate::authority::Authority;
use crate::errors::{AadError, Trace};
use crate::faults::Place;
use crate::lab::Lab;

const CLAIMS: [&str; 20] = [
    "sub",
    "iss",
    "cloud_instance_name",
    "cloud_instance_host_name",
    "cloud_graph_host_name",
    "msgraph_host",
    "aud",
    "exp",
    "iat",
    "auth_time",
    "acr",
    "nonce",
    "preferred_username",
    "name",
    "tid",
    "ver",
    "at_hash",
    "c_hash",
    "email",
    "login_hint",
];

/// `GET /{tenant}/v2.0/.well-known/openid-configuration`
pub(crate) async fn v2(
    State(lab): State<Arc<Lab>>,
    Path(segment): Path<String>,
    headers: HeaderMap,
) -> Response {
    document(&lab, &segment, &headers, 2)
}

/// `GET /{tenant}/.well-known/openid-configuration`
pub(crate) async fn v1(
    State(lab): State<Arc<Lab>>,
    Path(segment): Path<String>,
    headers: HeaderMap,
) -> Response {
    document(&lab, &segment, &headers, 1)
}

/// `GET /{tenant}/discovery/v2.0/keys`
pub(crate) async fn v2_keys(
    State(lab): State<Arc<Lab>>,
    Path(segment): Path<String>,
    headers: HeaderMap,
) -> Response {
    keys(&lab, &segment, &headers, 2)
}

/// `GET /{tenant}/discovery/keys`
pub(crate) async fn v1_keys(
    State(lab): State<Arc<Lab>>,
    Path(segment): Path<String>,
    headers: HeaderMap,
) -> Response {
    keys(&lab, &segment, &headers, 1)
}

/// `GET /common/discovery/instance`
pub(crate) async fn instance(
    State(lab): State<Arc<Lab>>,
    Query(query): Query<Vec<(String, String)>>,
    headers: HeaderMap,
) -> Response {
    let endpoint =
        query.iter().find(|(name, _)| name == "authorization_endpoint").map(|(_, value)| value.as_str());
    let segment = endpoint
        .and_then(|url| url.strip_prefix(lab.authority.as_str()))
        .and_then(|path| path.trim_start_matches('/').split('/').next());
    let Some(segment) = segment else {
        let refusal = AadError::new(50_049, "Unknown or invalid instance.").with_error("invalid_instance");
        return refusal.json(&lab, &Trace::begin(&lab, &headers));
    };
    let host = lab.authority.trim_start_matches("https://");
    Json(json!({
        "tenant_discovery_endpoint": format!("{}/{segment}/v2.0/.well-known/openid-configuration", lab.authority),
        "api-version": "1.1",
        "metadata": [{ "preferred_network": host, "preferred_cache": host, "aliases": [host] }],
    }))
    .into_response()
}

fn document(lab: &Lab, segment: &str, headers: &HeaderMap, version: u8) -> Response {
    if lab.faults().strike(Place::Discovery).is_some() {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    match Authority::parse(lab, segment) {
        Ok(authority) if version == 2 => Json(v2_document(lab, segment, authority)).into_response(),
        Ok(authority) => Json(v1_document(lab, segment, authority)).into_response(),
        Err(refusal) => refusal.json(lab, &Trace::begin(lab, headers)),
    }
}

fn keys(lab: &Lab, segment: &str, headers: &HeaderMap, version: u8) -> Response {
    if lab.faults().strike(Place::Keys).is_some() {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    match Authority::parse(lab, segment) {
        // Assumed: the v1.0 key set names the v1.0 issuer, so that a key's issuer always agrees with its tokens'.
        Ok(authority) => Json(lab.keys().jwks(&issuer(lab, authority, version))).into_response(),
        Err(refusal) => refusal.json(lab, &Trace::begin(lab, headers)),
    }
}

fn v2_document(lab: &Lab, segment: &str, authority: Authority<'_>) -> Value {
    // Entra echoes a domain as the tenant's id everywhere but for the names that stand for many.
    let tenant = match authority {
        Authority::One(tenant) => tenant.id.as_str(),
        Authority::Any => segment,
    };
    let base = format!("{}/{tenant}", lab.authority);
    json!({
        "token_endpoint": format!("{base}/oauth2/v2.0/token"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        "jwks_uri": format!("{base}/discovery/v2.0/keys"),
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": issuer(lab, authority, 2),
        "request_uri_parameter_supported": false,
        "userinfo_endpoint": format!("{}/oidc/userinfo", lab.graph()),
        "authorization_endpoint": format!("{base}/oauth2/v2.0/authorize"),
        "device_authorization_endpoint": format!("{base}/oauth2/v2.0/devicecode"),
        "http_logout_supported": true,
        "frontchannel_logout_supported": true,
        "end_session_endpoint": format!("{base}/oauth2/v2.0/logout"),
        "claims_supported": CLAIMS,
        "kerberos_endpoint": format!("{base}/kerberos"),
        "tenant_region_scope": match authority { Authority::One(_) => json!("EU"), Authority::Any => Value::Null },
        "cloud_instance_name": "localhost",
        "cloud_graph_host_name": "graph.windows.net",
        "msgraph_host": lab.graph().trim_start_matches("https://"),
        "rbac_url": "https://pas.windows.net",
    })
}

fn v1_document(lab: &Lab, segment: &str, authority: Authority<'_>) -> Value {
    let tenant = match authority {
        Authority::One(tenant) => tenant.id.as_str(),
        Authority::Any => segment,
    };
    let base = format!("{}/{tenant}", lab.authority);
    json!({
        "token_endpoint": format!("{base}/oauth2/token"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        "jwks_uri": format!("{base}/discovery/keys"),
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "token id_token", "token"],
        "scopes_supported": ["openid"],
        "issuer": issuer(lab, authority, 1),
        "microsoft_multi_refresh_token": true,
        "authorization_endpoint": format!("{base}/oauth2/authorize"),
        "device_authorization_endpoint": format!("{base}/oauth2/devicecode"),
        "http_logout_supported": true,
        "frontchannel_logout_supported": true,
        "end_session_endpoint": format!("{base}/oauth2/logout"),
        "claims_supported": CLAIMS,
        "check_session_iframe": format!("{base}/oauth2/checksession"),
        "userinfo_endpoint": format!("{base}/openid/userinfo"),
        "kerberos_endpoint": format!("{base}/kerberos"),
        "tenant_region_scope": match authority { Authority::One(_) => json!("EU"), Authority::Any => Value::Null },
        "cloud_instance_name": "localhost",
        "cloud_graph_host_name": "graph.windows.net",
        "msgraph_host": lab.graph().trim_start_matches("https://"),
        "rbac_url": "https://pas.windows.net",
    })
}

fn issuer(lab: &Lab, authority: Authority<'_>, version: u8) -> String {
    let tenant = authority.in_issuer();
    if version == 2 {
        format!("{}/{tenant}/v2.0", lab.authority)
    } else {
        format!("{}/sts/{tenant}/", lab.authority)
    }
}
