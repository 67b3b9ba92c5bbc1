//! A door without locks: an authorization façade in front of Entra that makes the mistakes real ones were found to make.
//!
//! It is what attacks are tried on first. An attack that fails here proves nothing about the door it fails at there. All
//! the holes are open at once and are plain code, not switches:
//!
//! - one client of Entra for everybody, so that a person who signed in once is let through without a page, whichever client
//!   asks (with [`Options::consent_page`] there is a page, which a frame may show, which runs the client's name as HTML and
//!   which any site can answer);
//! - anybody registers, with any address, and addresses are compared by their beginning;
//! - a client id that is a URL is fetched, wherever it points and wherever it redirects;
//! - `state` is not tied to the browser that began; the answer has no `iss`;
//! - PKCE, the client and the redirect address are not checked when a code is redeemed; a code works again and again;
//! - refresh tokens never change and belong to nobody;
//! - `client_credentials` goes on to Entra with the façade's own secret;
//! - the access token is Entra's own, and the caller's token goes on to the server behind, with every other header.
//!
//! It must never be reachable from another machine, and never be linked into a door built for packages.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::request::Parts;
use http::{HeaderValue, Method, StatusCode, header};
use hyper::body::Incoming;
use hyper::{Request, Response};
use serde_json::{Value, json};

use crate::body::Body;
use crate::endpoint::{empty, json as reply, whole};
use crate::outbound::Outbound;
use crate::running::Running;
use crate::state::State;

pub(crate) mod form;
mod grants;
mod visits;

/// How a naive door is to be set up.
#[derive(Debug, Clone)]
pub struct Options {
    /// `https://login.microsoftonline.com`, or the lab's.
    pub authority: String,
    /// The tenant's id.
    pub tenant: String,
    /// The one application at Entra. `http://127.0.0.1/oauth/callback` must be an address of its own.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// The certificate authority to trust, PEM.
    pub ca_pem: String,
    /// The MCP endpoint behind it, `http://…/mcp`.
    pub upstream: String,
    /// Shows a consent page, a bad one.
    pub consent_page: bool,
}

/// A naive door that is up.
#[derive(Debug)]
pub struct Naive {
    /// Address and transcript, as of any server.
    pub server: Running,
}

impl Naive {
    /// Its issuer, and the beginning of all its endpoints: `/authorize`, `/token`, `/register`, `/mcp`.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://{}", self.server.addr)
    }
}

/// Starts a naive door on any loopback port, with a transcript.
///
/// # Errors
/// When no port can be bound, or the certificate authority cannot be read.
pub async fn start(options: Options) -> io::Result<Naive> {
    let outbound = Outbound::new(&options.ca_pem).map_err(io::Error::other)?;
    let state = State::new(true);
    let door = Arc::new(Door { options, outbound, state: state.clone(), kept: Mutex::default() });
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let server = Running::with(listen, state, move |request| door.clone().handle(request)).await?;
    Ok(Naive { server })
}

struct Door {
    options: Options,
    outbound: Outbound,
    state: Arc<State>,
    kept: Mutex<Kept>,
}

/// What it remembers, for everybody and forever.
#[derive(Default)]
struct Kept {
    /// Redirect addresses and name, by client id.
    clients: BTreeMap<String, (Vec<String>, String)>,
    /// The client's request, by the `state` that Entra gives back.
    visits: BTreeMap<String, Visit>,
    /// Entra's answer, by code.
    codes: BTreeMap<String, Value>,
    /// Entra's refresh token, by ours.
    refresh: BTreeMap<String, String>,
    /// Ids are counted: the next is no secret.
    counter: u64,
}

#[derive(Clone)]
struct Visit {
    redirect_uri: String,
    state: Option<String>,
}

impl Door {
    async fn handle(self: Arc<Self>, request: Request<Incoming>) -> Response<Body> {
        let Some((parts, body)) = whole(request).await else { return empty(StatusCode::BAD_REQUEST) };
        if let Some(transcript) = &self.state.transcript {
            transcript.record(&parts, &body);
        }
        let sent = String::from_utf8_lossy(&body).into_owned();
        let query = parts.uri.query().unwrap_or_default();
        match (&parts.method, parts.uri.path()) {
            (&Method::GET, "/.well-known/oauth-authorization-server") => self.metadata(&parts),
            (&Method::GET, path) if path.starts_with("/.well-known/oauth-protected-resource") => {
                let own = origin(&parts);
                ok(&json!({ "resource": format!("{own}/mcp"), "authorization_servers": [own] }))
            }
            (&Method::POST, "/register") => self.register(&sent),
            (&Method::GET, "/authorize") => self.authorize(&parts, query).await,
            // A form is answered by a link as well: whoever can make a browser load an address can answer it.
            (_, "/approve") => self.approve(&parts, query),
            (&Method::GET, "/oauth/callback") => self.callback(&parts, query).await,
            (&Method::POST, "/token") => self.token(&sent).await,
            (_, "/mcp") => self.pass_on(&parts, body).await,
            _ => empty(StatusCode::NOT_FOUND),
        }
    }

    fn metadata(&self, parts: &Parts) -> Response<Body> {
        let own = origin(parts);
        ok(&json!({
            "issuer": own, "authorization_endpoint": format!("{own}/authorize"),
            "token_endpoint": format!("{own}/token"), "registration_endpoint": format!("{own}/register"),
            "response_types_supported": ["code"], "code_challenge_methods_supported": ["S256"],
            "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
            "token_endpoint_auth_methods_supported": ["none"], "client_id_metadata_document_supported": true,
        }))
    }

    /// Hole: anybody registers anything, and is believed.
    fn register(&self, body: &str) -> Response<Body> {
        let asked: Value = serde_json::from_str(body).unwrap_or_default();
        let uris = asked.get("redirect_uris").and_then(Value::as_array).into_iter().flatten();
        let uris: Vec<String> = uris.filter_map(Value::as_str).map(str::to_owned).collect();
        let name = asked.get("client_name").and_then(Value::as_str).unwrap_or("a client").to_owned();
        let mut kept = self.kept();
        let id = kept.next("client");
        kept.clients.insert(id.clone(), (uris.clone(), name.clone()));
        let answer = json!({
            "client_id": id, "client_name": name, "redirect_uris": uris, "token_endpoint_auth_method": "none",
        });
        reply(StatusCode::CREATED, answer.to_string().into())
    }

    /// Hole: the server behind is sent the very token the client sent, cookies and all.
    async fn pass_on(&self, parts: &Parts, body: bytes::Bytes) -> Response<Body> {
        if !parts.headers.contains_key(header::AUTHORIZATION) {
            let own = origin(parts);
            let text = format!("Bearer resource_metadata=\"{own}/.well-known/oauth-protected-resource/mcp\"");
            let mut response = empty(StatusCode::UNAUTHORIZED);
            let value = HeaderValue::from_str(&text).ok();
            response.headers_mut().extend(value.map(|value| (header::WWW_AUTHENTICATE, value)));
            return response;
        }
        let headers: Vec<(&str, &str)> = parts
            .headers
            .iter()
            .filter(|(name, _)| *name != header::HOST && *name != header::CONTENT_LENGTH)
            .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
            .collect();
        let sent = self.outbound.send(parts.method.as_str(), &self.options.upstream, &headers, body).await;
        match sent {
            Ok(heard) => {
                let mut response = Response::new(Body::Full(heard.body));
                *response.status_mut() =
                    StatusCode::from_u16(heard.status).unwrap_or(StatusCode::BAD_GATEWAY);
                for name in ["content-type", "mcp-session-id", "www-authenticate"] {
                    if let Some(value) = heard.headers.get(name) {
                        response.headers_mut().insert(name, value.clone());
                    }
                }
                response
            }
            // Hole: what went wrong inside is told outside.
            Err(why) => reply(StatusCode::BAD_GATEWAY, format!("{}: {why}", self.options.upstream).into()),
        }
    }

    /// Entra's endpoint of a name.
    fn entra(&self, endpoint: &str) -> String {
        format!("{}/{}/oauth2/v2.0/{endpoint}", self.options.authority, self.options.tenant)
    }

    /// The scope of its own application.
    fn scope(&self) -> String {
        format!("openid offline_access {}/.default", self.options.client_id)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// Hole: whoever has one id knows the others.
    fn next(&mut self, kind: &str) -> String {
        self.counter += 1;
        format!("{kind}-{}", self.counter)
    }
}

/// Hole: the Host header says who we are.
fn origin(parts: &Parts) -> String {
    let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    format!("http://{host}")
}

fn ok(body: &Value) -> Response<Body> {
    reply(StatusCode::OK, body.to_string().into())
}

fn found(location: &str) -> Response<Body> {
    let mut response = empty(StatusCode::FOUND);
    response
        .headers_mut()
        .extend(HeaderValue::from_str(location).ok().map(|value| (header::LOCATION, value)));
    response
}

#[cfg(test)]
mod tests;
