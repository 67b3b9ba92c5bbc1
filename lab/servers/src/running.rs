//! A server that is up, and the strings a test pulls.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::{Request, Response};
use tokio::sync::watch;

use crate::answer::{self, Service};
use crate::body::Body;
use crate::endpoint::{Endpoint, Eras};
use crate::json;
use crate::listen::{Listening, listen};
use crate::state::State;
use crate::transcript::{Recorded, Transcript};

/// A server on loopback. Dropping it ends it and cuts its connections.
#[derive(Debug)]
pub struct Running {
    /// Where it listens, the port filled in.
    pub addr: SocketAddr,
    state: Arc<State>,
    _listening: Listening,
}

impl Running {
    pub(crate) async fn start<S: Service>(
        addr: SocketAddr,
        eras: Eras,
        state: Arc<State>,
        service: S,
    ) -> io::Result<Self> {
        let endpoint = Arc::new(Endpoint { service, state: state.clone(), eras });
        Self::with(addr, state, move |request| endpoint.clone().handle(request)).await
    }

    pub(crate) async fn with<H, F>(addr: SocketAddr, state: Arc<State>, handler: H) -> io::Result<Self>
    where
        H: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Response<Body>> + Send + 'static,
    {
        let listening = listen(addr, handler).await?;
        Ok(Self { addr: listening.addr, state, _listening: listening })
    }

    /// The MCP endpoint, `http://127.0.0.1:PORT/mcp`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/mcp", self.addr)
    }

    /// Every request so far, oldest first; empty unless the server was started with a transcript.
    #[must_use]
    pub fn transcript(&self) -> Vec<Recorded> {
        self.state.transcript.as_ref().map(Transcript::entries).unwrap_or_default()
    }

    /// Forgets the requests so far.
    pub fn clear_transcript(&self) {
        if let Some(transcript) = &self.state.transcript {
            transcript.clear();
        }
    }

    /// The ids of the open legacy sessions, in no order.
    #[must_use]
    pub fn sessions(&self) -> Vec<String> {
        self.state.sessions()
    }

    /// Ends a legacy session from the server's side, as a restart would; false if there is none of that id.
    #[must_use]
    pub fn end_session(&self, session: &str) -> bool {
        self.state.end_session(session)
    }

    /// Sends one JSON-RPC frame on a legacy session's GET stream; false if none is open.
    pub async fn push(&self, session: &str, frame: impl Into<Bytes>) -> bool {
        match self.state.stream_of(session) {
            Some(stream) => stream.send(frame.into()).await.is_ok(),
            None => false,
        }
    }

    /// Announces a change (`notifications/tools/list_changed` and the like, with its params as a JSON object) on
    /// every legacy GET stream and on every modern subscription that asked for it. Returns how many were reached.
    pub async fn announce(&self, method: &str, params: &str) -> usize {
        let mut reached = 0;
        for session in self.sessions() {
            reached += usize::from(self.push(&session, answer::notification(method, params)).await);
        }
        for (id, filter, frames) in self.state.subscriptions() {
            if wants(&filter, method) {
                let frame = answer::notification(method, &tagged(params, &id));
                reached += usize::from(frames.send(frame).await.is_ok());
            }
        }
        reached
    }

    /// Lets every waiting `hold` call return.
    pub fn release(&self) {
        self.state.release.send_modify(|count| *count += 1);
    }

    /// Waits until exactly `count` calls are held open (`sleep`, `hold`, `ask`).
    pub async fn until_calls(&self, count: usize) {
        until(&self.state.calls, count).await;
    }

    /// Waits until exactly `count` streams are open (GET streams, subscriptions, questions).
    pub async fn until_streams(&self, count: usize) {
        until(&self.state.streams, count).await;
    }
}

async fn until(gauge: &watch::Sender<usize>, count: usize) {
    // The sender is borrowed for as long as this waits, so the channel cannot close.
    let mut watched = gauge.subscribe();
    let _closed = watched.wait_for(|current| *current == count).await;
}

/// Whether a subscription's filter (`{"toolsListChanged":true,"resourceSubscriptions":[…]}`) asks for a method.
fn wants(filter: &str, method: &str) -> bool {
    let member = match method {
        "notifications/tools/list_changed" => "toolsListChanged",
        "notifications/prompts/list_changed" => "promptsListChanged",
        "notifications/resources/list_changed" => "resourcesListChanged",
        "notifications/resources/updated" => "resourceSubscriptions",
        "notifications/tasks" => "taskIds",
        _ => return false,
    };
    json::member(filter.as_bytes(), member).is_some_and(|asked| asked != b"false" && asked != b"[]")
}

/// A notification's params with the id of the subscription it belongs to.
fn tagged(params: &str, id: &str) -> String {
    let rest = params.trim().strip_prefix('{').unwrap_or("}");
    let comma = if rest.trim_start().starts_with('}') { "" } else { "," };
    format!("{{\"_meta\":{{\"io.modelcontextprotocol/subscriptionId\":{id}}}{comma}{rest}")
}
