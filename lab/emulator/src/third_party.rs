//! An authorization server that is nobody's: the one in front of a service the door calls for a person (code hosting, a
//! task list). It knows nothing of Entra, asks people for a name, and misbehaves on demand.
//!
//! Metadata (RFC 8414), code with PKCE and `resource` (RFC 8707), `iss` (RFC 9207), refresh tokens that rotate and die
//! with their family, dynamic registration (RFC 7591), revocation (RFC 7009), and one protected resource at `/mcp`
//! (RFC 9728) that answers to its own audience alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use doorward_types::Timestamp;
use http::StatusCode;
use serde_json::{Value, json};

use crate::faults::Misdeed;
use crate::lab::Lab;

mod authorize;
mod register;
mod resource;
mod token;

/// A client that is registered from the start: confidential, for a door whose operator registered it by hand. Its
/// redirect addresses are `…/oauth/upstream/callback` on loopback, with any port.
pub const THIRD_PARTY_CLIENT: &str = "door-at-the-third-party";
/// Its secret, for the lab only.
pub const THIRD_PARTY_SECRET: &str = "third-party-secret-for-the-lab";

/// Somebody else's issuer, for a mix-up.
const OTHER_ISSUER: &str = "https://other.example";

/// What it has given out.
#[derive(Default)]
pub(crate) struct ThirdParty {
    clients: BTreeMap<String, Client>,
    visits: BTreeMap<String, Visit>,
    codes: BTreeMap<String, Code>,
    access: BTreeMap<String, Access>,
    refresh: BTreeMap<String, Refresh>,
    /// Families that were revoked, by the person or because a used refresh token came again.
    ended: std::collections::BTreeSet<String>,
}

/// A client that registered itself.
#[derive(Clone)]
struct Client {
    redirect_uris: Vec<String>,
    secret: Option<String>,
}

/// An authorization request whose page is open.
#[derive(Clone)]
struct Visit {
    client: String,
    redirect_uri: String,
    state: Option<String>,
    challenge: String,
    scope: String,
    resource: Option<String>,
}

#[derive(Clone)]
struct Code {
    visit: Visit,
    name: String,
    expires: Timestamp,
    used: bool,
    family: String,
}

#[derive(Clone)]
struct Access {
    family: String,
    name: String,
    resource: Option<String>,
    scope: String,
    expires: Timestamp,
}

#[derive(Clone)]
struct Refresh {
    family: String,
    client: String,
    name: String,
    scope: String,
    resource: Option<String>,
    used: bool,
}

/// Returns the routes.
pub(crate) fn routes() -> Router<Arc<Lab>> {
    Router::new()
        .route("/.well-known/oauth-authorization-server", get(metadata))
        .route("/.well-known/oauth-protected-resource/mcp", get(resource::metadata))
        .route("/authorize", get(authorize::show).post(authorize::decide))
        .route("/token", post(token::token))
        .route("/revoke", post(token::revoke))
        .route("/register", post(register::register))
        .route("/mcp", post(resource::call).get(resource::stream))
}

async fn metadata(State(lab): State<Arc<Lab>>) -> Json<Value> {
    let own = &lab.origins.third_party;
    let does = |misdeed| lab.faults().misdeed(misdeed);
    let mut answer = json!({
        "issuer": if does(Misdeed::WrongIssuer) { OTHER_ISSUER } else { own.as_str() },
        "authorization_endpoint": format!("{own}/authorize"),
        "token_endpoint": format!("{own}/token"),
        "revocation_endpoint": format!("{own}/revoke"),
        "registration_endpoint": format!("{own}/register"),
        "scopes_supported": ["items.read", "items.write"],
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_methods_supported": ["none", "client_secret_post", "client_secret_basic"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
    });
    if let Some(members) = answer.as_object_mut() {
        if does(Misdeed::NoProofKey) {
            members.remove("code_challenge_methods_supported");
        }
        if does(Misdeed::NoRegistration) {
            members.remove("registration_endpoint");
        }
        if does(Misdeed::ScriptEndpoint) {
            let script = "javascript:alert(document.domain)//";
            members.insert(String::from("authorization_endpoint"), json!(script));
        }
        if does(Misdeed::InwardEndpoint) {
            let inward = "http://169.254.169.254/metadata/identity/oauth2/token";
            members.insert(String::from("token_endpoint"), json!(inward));
        }
    }
    Json(answer)
}

/// A refusal of RFC 6749 section 5.2.
struct Refused(StatusCode, &'static str, &'static str);

impl Refused {
    fn bad(error: &'static str, description: &'static str) -> Self {
        Self(StatusCode::BAD_REQUEST, error, description)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let Self(status, error, description) = self;
        (status, Json(json!({ "error": error, "error_description": description }))).into_response()
    }
}

impl Lab {
    /// Finds a client of the third party: its redirect addresses and its secret.
    fn third_party_client(&self, id: &str) -> Option<Client> {
        if id == THIRD_PARTY_CLIENT {
            return Some(Client { redirect_uris: Vec::new(), secret: Some(THIRD_PARTY_SECRET.to_owned()) });
        }
        self.third_party().clients.get(id).cloned()
    }
}

impl Client {
    /// Compares letter for letter. The client of the start has its addresses on loopback, with any port.
    fn may_return_to(&self, id: &str, uri: &str) -> bool {
        if id != THIRD_PARTY_CLIENT {
            return self.redirect_uris.iter().any(|known| known == uri);
        }
        ["http://127.0.0.1:", "http://localhost:"].iter().any(|origin| {
            let port =
                uri.strip_prefix(origin).and_then(|rest| rest.strip_suffix("/oauth/upstream/callback"));
            port.is_some_and(|port| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()))
        })
    }
}
