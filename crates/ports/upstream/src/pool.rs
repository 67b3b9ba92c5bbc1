//! Kept connections to one HTTP server.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use doorward_engine::{UpstreamError, UpstreamFault};
use doorward_net::{Connector, Origin, Reach};
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;

/// Connections kept idle.
const MOST_IDLE: usize = 64;
/// How long an idle connection is kept: shorter than servers commonly keep theirs, so that few are found closed.
const IDLE: Duration = Duration::from_secs(4);

/// A connection that a request can be sent over.
pub(crate) type Sender = SendRequest<Full<Bytes>>;

/// Connections to one origin, the last used on top.
pub(crate) struct Pool {
    connector: Connector,
    origin: Origin,
    reach: Reach,
    idle: Mutex<Vec<(Sender, Instant)>>,
}

impl Pool {
    pub(crate) fn new(connector: Connector, origin: Origin, reach: Reach) -> Self {
        Self { connector, origin, reach, idle: Mutex::new(Vec::new()) }
    }

    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Sends a request. A request that a dying connection gave back unsent is sent once more over a new one; one that
    /// may have been seen by the server is never repeated, since a call may have effects.
    pub(crate) async fn send(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<(Response<Incoming>, Sender), UpstreamError> {
        let unreachable = |what: String| UpstreamError::new(UpstreamFault::Unreachable, what);
        let mut request = request;
        while let Some(mut sender) = self.kept() {
            match sender.try_send_request(request).await {
                Ok(response) => return Ok((response, sender)),
                Err(mut error) => match error.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(unreachable(format!("the connection broke: {}", error.error()))),
                },
            }
        }
        let mut sender = self.connect().await?;
        let response = sender
            .send_request(request)
            .await
            .map_err(|error| unreachable(format!("{}: {error}", self.origin)))?;
        Ok((response, sender))
    }

    fn kept(&self) -> Option<Sender> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        while let Some((sender, since)) = idle.pop() {
            if sender.is_ready() && now.duration_since(since) < IDLE {
                return Some(sender);
            }
        }
        None
    }

    /// Keeps a connection whose answer has been read to its end.
    pub(crate) fn keep(&self, sender: Sender) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MOST_IDLE && !sender.is_closed() {
            idle.push((sender, Instant::now()));
        }
    }

    async fn connect(&self) -> Result<Sender, UpstreamError> {
        let unreachable = |what: String| UpstreamError::new(UpstreamFault::Unreachable, what);
        let connection = self.connector.connect(&self.origin, self.reach).await;
        let connection = connection.map_err(|error| unreachable(error.to_string()))?;
        let (sender, driver) =
            handshake(TokioIo::new(connection)).await.map_err(|error| unreachable(error.to_string()))?;
        tokio::spawn(async move {
            if let Err(error) = driver.await {
                tracing::debug!(%error, "an upstream connection ended");
            }
        });
        Ok(sender)
    }
}
