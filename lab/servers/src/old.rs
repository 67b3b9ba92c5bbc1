//! The echo server over HTTP+SSE, the transport of 2024-11-05: a GET opens the stream on which all answers come, and the
//! first event on it names where to post.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode};
use tokio::sync::mpsc;

use crate::body::Body;
use crate::echo::Echo;
use crate::endpoint::{empty, event_stream, whole};
use crate::running::Running;
use crate::sse;
use crate::state::{Gauge, STREAM_DEPTH, State};
use crate::stdio::{answer, at_once, line};

/// What the server names as the place to post to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Names {
    /// Its own, as it should.
    Itself,
    /// This, with the session behind it.
    Elsewhere(String),
    /// Nothing, ever.
    Nothing,
}

/// Starts the server on any loopback port, with a transcript. Its stream is at `/mcp`.
///
/// # Errors
/// When no port can be bound.
pub async fn start(names: Names) -> io::Result<Running> {
    start_with(names, false).await
}

/// The same; where it is `late` a POST is answered once its message is.
///
/// # Errors
/// When no port can be bound.
pub async fn start_with(names: Names, late: bool) -> io::Result<Running> {
    let state = State::new(true);
    let service = Arc::new(Echo { state: state.clone() });
    let old = Arc::new(Old { service, state: state.clone(), names, late });
    Running::with(SocketAddr::from(([127, 0, 0, 1], 0)), state, move |request| old.clone().handle(request))
        .await
}

struct Old {
    service: Arc<Echo>,
    state: Arc<State>,
    names: Names,
    late: bool,
}

impl Old {
    async fn handle(self: Arc<Self>, request: Request<Incoming>) -> Response<Body> {
        let Some((parts, body)) = whole(request).await else { return empty(StatusCode::BAD_REQUEST) };
        if let Some(transcript) = &self.state.transcript {
            transcript.record(&parts, &body);
        }
        let session = parts.uri.query().and_then(|query| query.strip_prefix("session="));
        match (&parts.method, parts.uri.path(), session) {
            (&Method::GET, "/mcp", None) => self.open(),
            (&Method::POST, "/messages", Some(session)) => self.take(session, body).await,
            (&Method::POST, "/mcp", _) => empty(StatusCode::METHOD_NOT_ALLOWED),
            _ => empty(StatusCode::NOT_FOUND),
        }
    }

    fn open(&self) -> Response<Body> {
        let session = self.state.open_session();
        let (to, pieces) = mpsc::channel(STREAM_DEPTH);
        let Some(mut frames) = self.state.open_stream(&session) else { return empty(StatusCode::CONFLICT) };
        let first = match &self.names {
            Names::Itself => format!("event: endpoint\r\ndata: /messages?session={session}\r\n\r\n"),
            Names::Elsewhere(place) => format!("event: endpoint\ndata: {place}{session}\n\n"),
            Names::Nothing => ": wait\n\n".to_owned(),
        };
        let state = self.state.clone();
        tokio::spawn(async move {
            let mut piece = Bytes::from(first);
            while to.send(Ok(piece)).await.is_ok() {
                let next = tokio::select! {
                    next = frames.recv() => next,
                    () = to.closed() => None,
                };
                let Some(frame) = next else { break };
                piece = sse::event(line(&frame).trim_ascii_end());
            }
            state.end_session(&session);
        });
        event_stream(Body::Raw { pieces, _open: Gauge::up(&self.state.streams) })
    }

    async fn take(&self, session: &str, body: Bytes) -> Response<Body> {
        let Some(out) = self.state.stream_of(session) else { return empty(StatusCode::NOT_FOUND) };
        if !at_once(&self.state, &body, &out).await {
            let answered = tokio::spawn(answer(self.service.clone(), self.state.clone(), body, out));
            if self.late {
                // However it ended, it is over.
                let _ended = answered.await;
            }
        }
        empty(StatusCode::ACCEPTED)
    }
}
