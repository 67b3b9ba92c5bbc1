//! From an HTTP request to the engine: `Host`, `Origin`, path, and the pages that need no token.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use doorward_engine::{
    Arrived, Carried, Carrier, Door, Framing, Ports, Released, Reply as Refusal, ServerRules, Snapshot, Sole,
};
use doorward_facade::{DPOP, DPOP_NONCE, Facade, approvals_by_command_alone};
use doorward_issuer::dpop;
use doorward_oauth::{Scheme, protected_resource_metadata};
use doorward_wire::{HeaderSet, Verb};
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ALLOW, AUTHORIZATION, HOST, HeaderName, HeaderValue, ORIGIN, RETRY_AFTER,
    VARY,
};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use tokio::sync::watch;

use crate::body::{Inbound, Reply};
use crate::pipes::{self, Pipes};
use crate::ports::GatewayPorts;
use crate::respond::{empty, json, refuse, respond};

const METADATA: &str = "/.well-known/oauth-protected-resource";

/// What routing needs to know.
pub(crate) struct Site {
    pub(crate) door: Arc<Door<GatewayPorts>>,
    /// `Host` values that name this door.
    pub(crate) hosts: Vec<String>,
    /// `Origin` values that may call.
    pub(crate) origins: Vec<String>,
    /// The authorization server that metadata names.
    pub(crate) authorization_server: String,
    /// The door's own, where it has one.
    pub(crate) facade: Option<Arc<Facade>>,
    /// The scopes of each server.
    pub(crate) scopes: BTreeMap<String, Vec<String>>,
    /// Calls at once.
    pub(crate) most_calls: usize,
    pub(crate) calls: Arc<AtomicUsize>,
    /// Legacy streams that only listen, at once; they have a bound of their own, so that they cannot take the calls' places.
    pub(crate) listening: Arc<AtomicUsize>,
    pub(crate) most_listening: usize,
    /// Servers at which clients of HTTP+SSE may call, how many conversations a person may have, and those there are.
    pub(crate) sse: BTreeSet<String>,
    pub(crate) most_of_one: usize,
    pub(crate) pipes: Arc<Pipes>,
    /// True once the door closes.
    pub(crate) drain: watch::Receiver<bool>,
}

/// Counts a call for as long as it runs, its stream included.
pub(crate) struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Site {
    /// Answers one request. The order is the protocol's: `Host` and `Origin` before anything else (T-02, S36), then the
    /// token, and only then the body.
    pub(crate) async fn answer(&self, request: Request<Inbound>, source: Option<IpAddr>) -> Response<Reply> {
        self.door.ports().metrics.request();
        let origin = match self.check_place(&request) {
            Ok(origin) => origin,
            Err(refused) => return *refused,
        };
        let snapshot = self.door.snapshot();
        let path = request.uri().path();
        let mut response = if path == "/healthz" {
            json(StatusCode::OK, r#"{"status":"ok"}"#)
        } else if path == "/readyz" {
            self.ready()
        } else if let Some(of) = path.strip_prefix(METADATA) {
            self.metadata(&snapshot, of, request.method())
        } else if let Some(rules) = server_at(&snapshot, path) {
            let rules = Arc::clone(rules);
            self.mcp(request, snapshot, rules, source).await
        } else if let Some(answer) = approvals_by_command_alone(path).filter(|_| self.facade.is_none()) {
            answer.map(|bytes| Reply::Whole(Some(bytes)))
        } else if let Some(facade) = self.facade.clone().filter(|_| Facade::serves(path)) {
            self.sign_in(&facade, request, source).await
        } else {
            error(StatusCode::NOT_FOUND, "nothing is served here")
        };
        if let Some(origin) = origin {
            let headers = response.headers_mut();
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(VARY, HeaderValue::from_static("origin"));
            headers.insert(
                ACCESS_CONTROL_EXPOSE_HEADERS,
                HeaderValue::from_static(
                    "mcp-session-id, www-authenticate, mcp-protocol-version, dpop-nonce",
                ),
            );
        }
        response
    }

    /// Refuses a foreign `Host` (DNS rebinding) and a foreign `Origin`; returns the origin to allow, if one came.
    fn check_place(&self, request: &Request<Inbound>) -> Result<Option<HeaderValue>, Box<Response<Reply>>> {
        let refuse = |what| Err(Box::new(error(StatusCode::FORBIDDEN, what)));
        let mut hosts = request.headers().get_all(HOST).iter();
        let host = match (hosts.next(), request.uri().authority()) {
            (Some(host), _) => host.to_str().unwrap_or_default(),
            (None, Some(authority)) => authority.as_str(),
            (None, None) => return refuse("the request names no host"),
        };
        // Two Host lines, or one that disagrees with the request line, could be read differently by two machines.
        let disagrees =
            request.uri().authority().is_some_and(|authority| !authority.as_str().eq_ignore_ascii_case(host));
        if hosts.next().is_some() || disagrees || !self.hosts.iter().any(|own| own.eq_ignore_ascii_case(host))
        {
            return refuse("this door does not answer to that host");
        }
        let mut origins = request.headers().get_all(ORIGIN).iter();
        let Some(origin) = origins.next() else { return Ok(None) };
        let known = self.origins.iter().any(|known| known.as_bytes() == origin.as_bytes());
        // Clients that run in a browser ask for metadata and tokens from their own origin. No cookie counts there, so
        // their page learns no more than any program could.
        if self.facade.is_some() && Facade::is_for_programs(request.uri().path()) && origins.next().is_none()
        {
            return Ok(Some(HeaderValue::from_static("*")));
        }
        if known && origins.next().is_none() {
            Ok(Some(origin.clone()))
        } else {
            refuse("this origin may not call")
        }
    }

    /// Hands a request to the façade.
    async fn sign_in(
        &self,
        facade: &Facade,
        request: Request<Inbound>,
        source: Option<IpAddr>,
    ) -> Response<Reply> {
        if request.method() == Method::OPTIONS && Facade::is_for_programs(request.uri().path()) {
            return preflight();
        }
        let running = self.calls.fetch_add(1, Ordering::Relaxed);
        let _counted = Counted(Arc::clone(&self.calls));
        if running >= self.most_calls || *self.drain.borrow() {
            return busy();
        }
        let (head, body) = request.into_parts();
        let bytes = match head.method {
            Method::POST => match crate::body::read(body, doorward_facade::MOST_BODY).await {
                Ok(bytes) => bytes,
                Err(_) => return error(StatusCode::PAYLOAD_TOO_LARGE, "the form is too large or too slow"),
            },
            _ => Bytes::new(),
        };
        let answer = facade.answer(Request::from_parts(head, bytes), source).await;
        answer.map(|bytes| Reply::Whole(Some(bytes)))
    }

    fn ready(&self) -> Response<Reply> {
        let (audit, draining) = (self.door.ports().journal.log.healthy(), *self.drain.borrow());
        let keys = !self.door.ports().keys.current().is_empty();
        let status =
            if audit && keys && !draining { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        json(status, format!(r#"{{"audit":{audit},"signing_keys":{keys},"draining":{draining}}}"#))
    }

    /// RFC 9728. At the path of a server; at the root only where there is one server (D-12).
    fn metadata(&self, snapshot: &Snapshot, of: &str, method: &Method) -> Response<Reply> {
        if method != Method::GET && method != Method::HEAD && method != Method::OPTIONS {
            return error(StatusCode::METHOD_NOT_ALLOWED, "metadata is read with GET");
        }
        let mut all = snapshot.servers();
        let rules = match (of, all.next(), all.next()) {
            ("" | "/", Some(only), None) => Some(only),
            ("" | "/", _, _) => None,
            (path, _, _) => server_at(snapshot, path),
        };
        let Some(rules) = rules else { return error(StatusCode::NOT_FOUND, "no resource is described here") };
        let none = Vec::new();
        let scopes = self.scopes.get(rules.name.as_str()).unwrap_or(&none);
        let proofs = if self.facade.is_some() { dpop::ALGORITHMS } else { &[] };
        let text = protected_resource_metadata(&rules.resource, &self.authorization_server, scopes, proofs);
        let mut response = json(StatusCode::OK, text);
        // Metadata is public; yet a page of a foreign origin was refused before it came here.
        response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        response
    }

    async fn mcp(
        &self,
        request: Request<Inbound>,
        snapshot: Arc<Snapshot>,
        rules: Arc<ServerRules>,
        source: Option<IpAddr>,
    ) -> Response<Reply> {
        if request.method() == Method::OPTIONS {
            return preflight();
        }
        let Some(verb) = Verb::of(request.method().as_str()) else {
            let mut response = error(StatusCode::METHOD_NOT_ALLOWED, "POST, GET and DELETE are served here");
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST, GET, DELETE"));
            return response;
        };
        let (counter, most) = match verb {
            Verb::Get => (&self.listening, self.most_listening),
            Verb::Post | Verb::Delete => (&self.calls, self.most_calls),
        };
        let running = counter.fetch_add(1, Ordering::Relaxed);
        let counted = Counted(Arc::clone(counter));
        if running >= most || *self.drain.borrow() {
            return busy();
        }
        let (head, body) = request.into_parts();
        let old = self.sse.contains(rules.name.as_str());
        let conversation = pipes::named(head.uri.query()).filter(|_| old && verb == Verb::Post);
        let (carrier, conversation) = match conversation.map(|id| self.pipes.find(id)) {
            Some((carrier, conversation)) => (carrier, conversation),
            None => (Carrier::Request, None),
        };
        let lines = head.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        let set = HeaderSet::collect(lines);
        let arrived = Arrived {
            server: Arc::clone(&rules),
            verb,
            authorization: sole(&head.headers, &AUTHORIZATION),
            proof: sole(&head.headers, &DPOP),
            content_type: set.content_type,
            accept: set.accept.as_deref(),
            headers: set.routing(),
            carrier,
            body,
            source,
            trace: self.trace(&head.headers),
            now: self.door.ports().now(),
            snapshot,
        };
        // A client of Streamable HTTP has a session before it listens.
        let begins = old && verb == Verb::Get && !head.headers.contains_key("mcp-session-id");
        if let Some(conversation) = conversation {
            let carried = conversation.carry(Arc::clone(&self.door), arrived, counted).await;
            return carried.unwrap_or_else(|reply| self.refused(reply, &rules, &head.headers));
        }
        if begins {
            let pipe = match self.door.admit(arrived, Framing::Events).await {
                Ok(pipe) => pipe,
                Err(reply) => return self.refused(reply, &rules, &head.headers),
            };
            let (most, drain) = (self.most_of_one, self.drain.clone());
            let begun = self.pipes.begin(&self.door, pipe, head.uri.path(), most, drain, counted);
            return begun.unwrap_or_else(busy);
        }
        // Boxed: the whole way of a message is a large future, and the HTTP server moves what it holds.
        let carried = Box::pin(self.door.carry(arrived)).await;
        let Some(counted) = self.recounted(&carried, verb, counted) else { return busy() };
        let scheme = if speaks_dpop(&head.headers) { Scheme::Dpop } else { Scheme::Bearer };
        let mut response = respond(carried, &rules, scheme, self.drain.clone(), counted);
        if self.facade.is_some() && (scheme == Scheme::Dpop || head.headers.contains_key(&DPOP)) {
            // With every answer, so that the turn of a nonce costs a client no second request (RFC 9449 section 8.2).
            let nonce = self.door.possession().nonce(self.door.ports().now());
            response.headers_mut().extend(HeaderValue::from_str(&nonce).map(|nonce| (DPOP_NONCE, nonce)));
        }
        response
    }

    fn refused(&self, reply: Refusal, rules: &Arc<ServerRules>, headers: &HeaderMap) -> Response<Reply> {
        let scheme = if speaks_dpop(headers) { Scheme::Dpop } else { Scheme::Bearer };
        refuse(reply, rules, scheme)
    }

    /// A subscription is known as one only now. It listens, so it must not hold the place of a call for hours; nothing if
    /// no place to listen is left.
    fn recounted(&self, carried: &Carried<GatewayPorts>, verb: Verb, counted: Counted) -> Option<Counted> {
        let subscribes = matches!(carried, Ok(Released::Stream(stream)) if stream.is_unasked());
        if verb != Verb::Post || !subscribes {
            return Some(counted);
        }
        let listening = self.listening.fetch_add(1, Ordering::Relaxed);
        let place = Counted(Arc::clone(&self.listening));
        (listening < self.most_listening).then_some(place)
    }

    /// Takes the trace id of a valid `traceparent` (W3C Trace Context §3.2), or makes one.
    fn trace(&self, headers: &HeaderMap) -> [u8; 16] {
        let given = headers.get("traceparent").and_then(|value| {
            let text = value.to_str().ok()?;
            let hex = text.strip_prefix("00-")?.get(..32)?;
            let mut trace = [0; 16];
            for (at, byte) in trace.iter_mut().enumerate() {
                *byte = u8::from_str_radix(hex.get(at * 2..at * 2 + 2)?, 16).ok()?;
            }
            (trace != [0; 16]).then_some(trace)
        });
        given.unwrap_or_else(|| self.door.new_trace())
    }
}

fn server_at<'a>(snapshot: &'a Snapshot, path: &str) -> Option<&'a Arc<ServerRules>> {
    snapshot.server(path.strip_prefix('/')?.strip_suffix("/mcp")?)
}

fn sole<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Sole<'h> {
    let mut lines = headers.get_all(name).iter();
    match (lines.next(), lines.next()) {
        (None, _) => Sole::Absent,
        (Some(one), None) => Sole::One(one.as_bytes()),
        (Some(_), Some(_)) => Sole::Several,
    }
}

fn speaks_dpop(headers: &HeaderMap) -> bool {
    let scheme = headers.get(AUTHORIZATION).and_then(|value| value.as_bytes().get(..5));
    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"dpop "))
}

pub(crate) fn busy() -> Response<Reply> {
    let mut response = error(StatusCode::SERVICE_UNAVAILABLE, "the door is busy; try again shortly");
    response.headers_mut().insert(RETRY_AFTER, 2.into());
    response
}

/// Answers a browser of an allowed origin; others were refused before.
fn preflight() -> Response<Reply> {
    let mut response = empty(StatusCode::NO_CONTENT);
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST, GET, DELETE"));
    headers.insert(
        ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static(
            "authorization, content-type, accept, mcp-session-id, mcp-protocol-version, mcp-method, mcp-name, last-event-id, dpop",
        ),
    );
    response
}

fn error(status: StatusCode, what: &'static str) -> Response<Reply> {
    let body = format!(r#"{{"jsonrpc":"2.0","error":{{"code":-32600,"message":"{what}"}}}}"#);
    json(status, Bytes::from(body))
}
