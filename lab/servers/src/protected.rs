//! The sample server behind a lock of its own: it wants a bearer token, says where such tokens come from (RFC 9728), and
//! remembers what it was sent.
//!
//! It checks no signature: what a test asks is which token arrived here, and what a client does when a server refuses it.
//! The audience is read all the same, so that a token for somebody else is refused as a real server would.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::header::WWW_AUTHENTICATE;
use http::request::Parts;
use http::{HeaderValue, Method};
use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode};
use serde_json::{Value, json};

use crate::body::Body;
use crate::endpoint::{self, Endpoint, Eras, bearer, empty, whole};
use crate::running::Running;
use crate::sample::{Sample, graph, profiles};
use crate::state::State;

/// What the lock wants, and where it sends those who lack it.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The `aud` that a token must carry (or list); with none any bearer opens, opaque ones too.
    pub audience: Option<String>,
    /// The issuers named in the resource metadata.
    pub authorization_servers: Vec<String>,
    /// The scopes named in the resource metadata and in challenges.
    pub scopes: Vec<String>,
    /// Gives it `getUserDetails`.
    pub graph: Option<graph::Options>,
}

/// What the server answers to tokens that it would let in otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Demand {
    /// It lets them in.
    #[default]
    Nothing,
    /// 401 `invalid_token`, as if it had been revoked.
    Another,
    /// 401 `insufficient_claims` with these claims (JSON): Entra's claims challenge.
    Claims(String),
    /// 403 `insufficient_scope`.
    Scope(String),
}

/// A protected server that is up.
#[derive(Debug)]
pub struct Protected {
    /// Address, transcript and gauges, as of any other server.
    pub server: Running,
    lock: Arc<Lock>,
}

impl Protected {
    /// Makes a demand of every token from now on.
    pub fn demand(&self, demand: Demand) {
        *self.lock.demand.lock().unwrap_or_else(PoisonError::into_inner) = demand;
    }

    /// The bearer tokens that arrived, in order, each time they did.
    #[must_use]
    pub fn bearers(&self) -> Vec<String> {
        let sent = self.server.transcript();
        sent.iter()
            .filter_map(|request| request.header("authorization"))
            .filter_map(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.to_owned())
            .collect()
    }

    /// Where its metadata is.
    #[must_use]
    pub fn metadata_url(&self) -> String {
        metadata_url(&self.server.addr.to_string())
    }
}

/// Starts a protected server on any loopback port, with a transcript.
///
/// # Errors
/// When no port can be bound, or Graph's certificate authority cannot be read.
pub async fn start(options: Options) -> io::Result<Protected> {
    let state = State::new(true);
    let service = match options.graph.clone() {
        Some(graph) => Sample::with_graph(profiles::built_in(), graph)?,
        None => Sample::new(profiles::built_in()),
    };
    let inside = Arc::new(Endpoint { service, state: state.clone(), eras: Eras::Both });
    let lock = Arc::new(Lock { options, demand: Mutex::default(), inside, state: state.clone() });
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let handler = lock.clone();
    let server = Running::with(listen, state, move |request| handler.clone().handle(request)).await?;
    Ok(Protected { server, lock })
}

struct Lock {
    options: Options,
    demand: Mutex<Demand>,
    inside: Arc<Endpoint<Sample>>,
    state: Arc<State>,
}

impl std::fmt::Debug for Lock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lock").field("demand", &self.demand).finish_non_exhaustive()
    }
}

impl Lock {
    async fn handle(self: Arc<Self>, request: Request<Incoming>) -> Response<Body> {
        let Some((parts, body)) = whole(request).await else { return empty(StatusCode::BAD_REQUEST) };
        let kept = match self.keeps_out(&parts) {
            None => return self.inside.clone().respond(&parts, body).await,
            Some(kept) => kept,
        };
        if let Some(transcript) = &self.state.transcript {
            transcript.record(&parts, &body);
        }
        kept
    }

    /// The answer to whoever does not come in; `None` for whoever does.
    fn keeps_out(&self, parts: &Parts) -> Option<Response<Body>> {
        let host = parts.headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
        if parts.method == Method::GET
            && parts.uri.path().starts_with("/.well-known/oauth-protected-resource")
        {
            let metadata = json!({
                "resource": format!("http://{host}/mcp"), "bearer_methods_supported": ["header"],
                "authorization_servers": self.options.authorization_servers,
                "scopes_supported": self.options.scopes,
            });
            return Some(endpoint::json(StatusCode::OK, metadata.to_string().into()));
        }
        let token = bearer(&parts.headers).and_then(|value| value.split_once(' '));
        let token =
            token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token.trim());
        let Some(token) = token else { return Some(self.challenge(host, StatusCode::UNAUTHORIZED, "")) };
        if !self.options.audience.as_deref().is_none_or(|audience| is_for(token, audience)) {
            return Some(self.challenge(host, StatusCode::UNAUTHORIZED, ", error=\"invalid_token\""));
        }
        let demand = self.demand.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (status, more) = match demand {
            Demand::Nothing => return None,
            Demand::Another => (StatusCode::UNAUTHORIZED, String::from(", error=\"invalid_token\"")),
            Demand::Claims(claims) => {
                let claims = STANDARD.encode(claims);
                (StatusCode::UNAUTHORIZED, format!(", error=\"insufficient_claims\", claims=\"{claims}\""))
            }
            Demand::Scope(scope) => {
                let more = format!(", error=\"insufficient_scope\", scope=\"{scope}\"");
                return Some(self.challenge(host, StatusCode::FORBIDDEN, &more));
            }
        };
        Some(self.challenge(host, status, &more))
    }

    fn challenge(&self, host: &str, status: StatusCode, more: &str) -> Response<Body> {
        let scope = match self.options.scopes.join(" ") {
            scopes if scopes.is_empty() || more.contains("scope=") => String::new(),
            scopes => format!(", scope=\"{scopes}\""),
        };
        let text = format!("Bearer resource_metadata=\"{}\"{scope}{more}", metadata_url(host));
        let mut response = empty(status);
        response
            .headers_mut()
            .extend(HeaderValue::from_str(&text).ok().map(|value| (WWW_AUTHENTICATE, value)));
        response
    }
}

fn metadata_url(host: &str) -> String {
    format!("http://{host}/.well-known/oauth-protected-resource/mcp")
}

/// Whether an unverified token says it is for an audience.
fn is_for(token: &str, audience: &str) -> bool {
    let claims = token.split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
    let claims = claims.and_then(|text| serde_json::from_slice::<Value>(&text).ok()).unwrap_or_default();
    match claims.get("aud") {
        Some(Value::String(one)) => one == audience,
        Some(Value::Array(many)) => many.iter().any(|one| one == audience),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
