//! Telling a server of 2025-11-25 that nobody waits for its answer any more. There a closed connection says nothing of
//! the kind, and the call would go on for nobody (T-34).

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use doorward_engine::{Caller, Cleared, Ports};
use doorward_wire::{Era, Method};

use crate::http::{Call, HttpServer};
use crate::{Link, UpstreamEvents};

/// What it takes to give up one request, once its time is over.
pub(crate) struct GiveUp {
    http: Arc<HttpServer>,
    link: Arc<Link>,
    caller: Arc<Caller>,
    headers: Vec<(String, String)>,
    id: i64,
}

impl GiveUp {
    /// Nothing where closing the connection is enough, and of the handshake, which must not be given up (T-12).
    pub(crate) fn of<P>(http: &Arc<HttpServer>, cleared: &Cleared<P>) -> Option<Self>
    where
        P: Ports<Link = Link, Events = UpstreamEvents>,
    {
        if cleared.era() != Era::Legacy || cleared.method() == Method::Initialize {
            return None;
        }
        let version = cleared.headers().iter().find(|(name, _)| name == "mcp-protocol-version");
        Some(Self {
            http: Arc::clone(http),
            link: Arc::clone(cleared.link()?),
            caller: Arc::clone(cleared.caller()),
            headers: version.into_iter().cloned().collect(),
            id: cleared.door_id()?,
        })
    }

    /// Tells the server, in the background: whoever waited has waited long enough.
    pub(crate) fn tell(self) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            let frame = format!(
                r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{}}}}}"#,
                self.id
            );
            let call = Call {
                server: &self.link.server,
                link: Some(&self.link),
                caller: Some(&self.caller),
                headers: &self.headers,
                trace: None,
                opens: false,
                listens: false,
                timeout: Duration::from_secs(5),
                most_bytes: 4_096,
                most_event_bytes: 4_096,
            };
            if let Err(error) = self.http.call(call, http::Method::POST, Bytes::from(frame)).await {
                tracing::debug!(server = %self.link.server, detail = error.detail, "a cancellation did not reach a server");
            }
        });
    }
}
