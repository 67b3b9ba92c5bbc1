//! What is said to a server of 2025-11-25 beside a call that runs there. A closed connection says nothing in that
//! revision: neither that nobody waits any more, when the call would go on for nobody (T-34), nor that there is no answer,
//! which may be fetched on another (T-30).

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use doorward_engine::{Answer, Caller, Cleared, Ports, UpstreamError, UpstreamFault};
use doorward_wire::{Era, Method};

use crate::events::HttpEvents;
use crate::http::{Call, HttpServer};
use crate::{Link, UpstreamEvents};

const LAST_EVENT_ID: &str = "last-event-id";

/// What it takes to speak of one call that runs in a session.
pub(crate) struct Aside {
    http: Arc<HttpServer>,
    link: Arc<Link>,
    caller: Arc<Caller>,
    headers: Vec<(String, String)>,
    id: i64,
    most_event_bytes: usize,
}

impl Aside {
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
            most_event_bytes: cleared.server().event_bytes,
        })
    }

    fn call<'a>(&'a self, headers: &'a [(String, String)], timeout: Duration) -> Call<'a> {
        Call {
            link: Some(&self.link),
            caller: Some(&self.caller),
            headers,
            most_event_bytes: self.most_event_bytes,
            ..Call::bare(&self.link.server, timeout)
        }
    }

    /// Goes on with a stream that the server closed before its answer, behind the last event that it named. Nothing if the
    /// server does not do that.
    ///
    /// # Errors
    /// What else is wrong: the session is lost, the server away, a credential refused.
    pub(crate) async fn resume(
        &self,
        last: &str,
        timeout: Duration,
    ) -> Result<Option<HttpEvents>, UpstreamError> {
        let mut headers = self.headers.clone();
        headers.push((LAST_EVENT_ID.to_owned(), last.to_owned()));
        let said = self.http.call(self.call(&headers, timeout), http::Method::GET, Bytes::new()).await;
        match said.map(|answered| answered.answer) {
            Ok(Answer::Stream(UpstreamEvents::Http(events))) => Ok(Some(*events)),
            Err(error) if error.fault != UpstreamFault::VerbNotServed => Err(error),
            _ => Ok(None),
        }
    }

    /// Tells the server that nobody waits any more, in the background: whoever waited has waited long enough.
    pub(crate) fn give_up(self) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            let frame = format!(
                r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{}}}}}"#,
                self.id
            );
            let call = self.call(&self.headers, Duration::from_secs(5));
            if let Err(error) = self.http.call(call, http::Method::POST, Bytes::from(frame)).await {
                tracing::debug!(server = %self.link.server, detail = error.detail, "a cancellation did not reach a server");
            }
        });
    }
}
