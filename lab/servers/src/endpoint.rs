//! Streamable HTTP in front of a server: both revisions on one path, each by its own rules.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::{Request, Response};
use tokio::sync::mpsc;

use crate::answer::{self, Answer, Service};
use crate::body::Body;
use crate::dispatch::{self, LEGACY_VERSIONS, dispatch};
use crate::json;
use crate::message::{Call, Message, Refusal};
use crate::modern::{self, MODERN};
use crate::sse;
use crate::state::{Gauge, STREAM_DEPTH, State};

/// Which protocol revisions an endpoint serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Eras {
    /// The handshake revisions and 2026-07-28 on the same path.
    #[default]
    Both,
    /// 2025-11-25 and older only: a modern request is told that the server is not initialized.
    Legacy,
    /// 2026-07-28 only: no sessions, GET and DELETE are refused.
    Modern,
}

pub(crate) struct Endpoint<S> {
    pub(crate) service: S,
    pub(crate) state: Arc<State>,
    pub(crate) eras: Eras,
}

impl<S: Service> Endpoint<S> {
    pub(crate) async fn handle(self: Arc<Self>, request: Request<Incoming>) -> Response<Body> {
        match whole(request).await {
            Some((parts, body)) => self.respond(&parts, body).await,
            None => empty(StatusCode::BAD_REQUEST),
        }
    }

    pub(crate) async fn respond(self: Arc<Self>, parts: &Parts, body: Bytes) -> Response<Body> {
        if let Some(transcript) = &self.state.transcript {
            transcript.record(parts, &body);
        }
        if parts.uri.path() != "/mcp" {
            return empty(StatusCode::NOT_FOUND);
        }
        match parts.method {
            Method::POST => self.post(&parts.headers, body).await,
            Method::GET if self.eras != Eras::Modern => self.get(&parts.headers),
            Method::DELETE if self.eras != Eras::Modern => self.delete(&parts.headers),
            _ => not_allowed(self.eras),
        }
    }

    async fn post(self: Arc<Self>, headers: &HeaderMap, body: Bytes) -> Response<Body> {
        let message = match Message::read(&body) {
            Ok(message) => message,
            Err(refusal) => return refused(&refusal, None),
        };
        let outcome = if message.version.is_some() && self.eras != Eras::Legacy {
            self.clone().modern(headers, &message, &body).await
        } else {
            self.clone().legacy(headers, &message, &body).await
        };
        outcome.unwrap_or_else(|refusal| refused(&refusal, message.id))
    }

    async fn modern(
        self: Arc<Self>,
        headers: &HeaderMap,
        message: &Message<'_>,
        body: &Bytes,
    ) -> Result<Response<Body>, Refusal> {
        modern::check(message, Some(headers))?;
        let Some(method) = message.method else {
            return Err(Refusal::new(StatusCode::BAD_REQUEST, -32600, "Responses are not accepted"));
        };
        let Some(id) = message.id else { return Ok(empty(StatusCode::ACCEPTED)) };
        let call = Call { modern: true, id, method, params: message.params, authorization: bearer(headers) };
        Ok(self.answer(call, "", body).await)
    }

    async fn legacy(
        self: Arc<Self>,
        headers: &HeaderMap,
        message: &Message<'_>,
        body: &Bytes,
    ) -> Result<Response<Body>, Refusal> {
        self.speaks_legacy(headers)?;
        if let (Some("initialize"), Some(id)) = (message.method, message.id) {
            let call = Call {
                modern: false,
                id,
                method: "initialize",
                params: message.params,
                authorization: bearer(headers),
            };
            let mut response = self.clone().answer(call, "", body).await;
            let session = HeaderValue::try_from(self.state.open_session());
            response.headers_mut().extend(session.ok().map(|session| (SESSION_ID, session)));
            return Ok(response);
        }
        let session = self.session(headers)?;
        match (message.method, message.id) {
            (Some(method), Some(id)) => {
                let call = Call {
                    modern: false,
                    id,
                    method,
                    params: message.params,
                    authorization: bearer(headers),
                };
                Ok(self.answer(call, session, body).await)
            }
            (Some(method), None) => {
                let cancelled =
                    (method == "notifications/cancelled").then(|| json::member(message.params, "requestId"));
                if let Some(Some(id)) = cancelled {
                    self.state.cancel(session, id);
                }
                Ok(empty(StatusCode::ACCEPTED))
            }
            (None, id) => {
                self.state.answered(id.unwrap_or_default(), body.clone());
                Ok(empty(StatusCode::ACCEPTED))
            }
        }
    }

    async fn answer(self: Arc<Self>, call: Call<'_>, session: &str, body: &Bytes) -> Response<Body> {
        let about = self.service.about();
        match dispatch(&self.service, &call) {
            Answer::Result(result) => json(StatusCode::OK, answer::result(&call, about, &result)),
            Answer::Raw(result) => json(StatusCode::OK, answer::plain_result(call.id, &result)),
            Answer::Error { code, message } => {
                json(StatusCode::OK, answer::error(Some(call.id), code, &message, None))
            }
            Answer::Missing(required) => json(StatusCode::BAD_REQUEST, answer::missing(call.id, required)),
            Answer::Unknown => {
                let status = if call.modern { StatusCode::NOT_FOUND } else { StatusCode::OK };
                json(status, dispatch::unknown(&call))
            }
            Answer::Burst { notifications, result } => {
                let last = answer::result(&call, about, &result);
                let frames = notifications.iter().chain([&last]).map(AsRef::as_ref);
                event_stream(Body::Chunks(sse::events(frames)))
            }
            Answer::Later(result) => {
                match dispatch::finish_unless_cancelled(&self.state, session, &call, result).await {
                    Some(result) => json(StatusCode::OK, answer::result(&call, about, &result)),
                    // A cancelled request gets no response; HTTP still wants an end to the exchange.
                    None => event_stream(Body::Empty),
                }
            }
            unhurried @ (Answer::Ask { .. } | Answer::Listen(_)) => {
                self.clone().stream(unhurried, session, body)
            }
        }
    }

    /// Answers on a stream of its own while this exchange is under way.
    fn stream(self: Arc<Self>, answer: Answer, session: &str, body: &Bytes) -> Response<Body> {
        let open = Gauge::up(&self.state.streams);
        let (out, frames) = mpsc::channel(STREAM_DEPTH);
        let (session, body) = (session.to_owned(), body.clone());
        tokio::spawn(async move {
            // The call borrows from the body, so it is read again where the body now lives.
            let Ok(Message { id: Some(id), method: Some(method), params, version, .. }) =
                Message::read(&body)
            else {
                return;
            };
            let call = Call { modern: version.is_some(), id, method, params, authorization: None };
            dispatch::deliver(&self.service, &self.state, &session, &call, answer, &out).await;
        });
        event_stream(Body::Events { frames, _open: open })
    }

    fn get(&self, headers: &HeaderMap) -> Response<Body> {
        let session = match self.session(headers) {
            Ok(session) => session,
            Err(refusal) => return refused(&refusal, None),
        };
        let accepts = headers.get("accept").and_then(|accept| accept.to_str().ok());
        if !accepts.is_some_and(|accept| accept.contains("text/event-stream")) {
            return empty(StatusCode::NOT_ACCEPTABLE);
        }
        match self.state.open_stream(session) {
            Some(frames) => event_stream(Body::Events { frames, _open: Gauge::up(&self.state.streams) }),
            None => empty(StatusCode::CONFLICT),
        }
    }

    fn delete(&self, headers: &HeaderMap) -> Response<Body> {
        match self.session(headers) {
            Ok(session) => {
                self.state.end_session(session);
                empty(StatusCode::OK)
            }
            Err(refusal) => refused(&refusal, None),
        }
    }

    fn speaks_legacy(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        if self.eras == Eras::Modern {
            return Err(Refusal {
                status: StatusCode::BAD_REQUEST,
                code: modern::UNSUPPORTED_VERSION,
                message: "This server needs no initialize; send the version with each request".to_owned(),
                data: Some(format!("{{\"supported\":[\"{MODERN}\"]}}")),
            });
        }
        match headers.get("mcp-protocol-version").map(|version| version.to_str().unwrap_or_default()) {
            None => Ok(()),
            Some(version) if LEGACY_VERSIONS.contains(&version) => Ok(()),
            Some(MODERN) if self.eras == Eras::Both => Err(Refusal::new(
                StatusCode::BAD_REQUEST,
                answer::INVALID_PARAMS,
                "The header names 2026-07-28 but params._meta does not",
            )),
            Some(MODERN) => Err(not_initialized()),
            Some(_) => Err(Refusal::new(StatusCode::BAD_REQUEST, -32000, "Unsupported MCP-Protocol-Version")),
        }
    }

    fn session<'h>(&self, headers: &'h HeaderMap) -> Result<&'h str, Refusal> {
        let sent = headers.get(SESSION_ID).and_then(|id| id.to_str().ok()).ok_or_else(not_initialized)?;
        if self.state.has_session(sent) {
            return Ok(sent);
        }
        Err(Refusal::new(StatusCode::NOT_FOUND, -32001, "Session not found"))
    }
}

/// A request with its whole body; `None` if it broke off.
pub(crate) async fn whole(request: Request<Incoming>) -> Option<(Parts, Bytes)> {
    let (parts, body) = request.into_parts();
    Some((parts, body.collect().await.ok()?.to_bytes()))
}

pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(http::header::AUTHORIZATION).and_then(|value| value.to_str().ok())
}

const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");

fn not_initialized() -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, -32000, "Bad Request: Server not initialized")
}

fn refused(refusal: &Refusal, id: Option<&[u8]>) -> Response<Body> {
    json(refusal.status, refusal.frame(id))
}

pub(crate) fn json(status: StatusCode, frame: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::Full(frame));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

pub(crate) fn event_stream(body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response
}

pub(crate) fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = status;
    response
}

fn not_allowed(eras: Eras) -> Response<Body> {
    let mut response = empty(StatusCode::METHOD_NOT_ALLOWED);
    let verbs = if eras == Eras::Modern { "POST" } else { "POST, GET, DELETE" };
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(verbs));
    response
}
