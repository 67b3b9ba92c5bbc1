//! Bodies, inbound and outbound.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use doorward_engine::ReadError;
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use tokio::sync::mpsc;

/// How long a caller may take to send one body.
const PATIENCE: Duration = Duration::from_secs(30);

/// Of a body that nobody wanted, this much is read and thrown away, for so long: a caller that is refused before its
/// body was read must get the answer, and not a reset connection that hides it (they would never learn to sign in).
const MOST_DISCARDED: usize = 1 << 20;
const DISCARDING: Duration = Duration::from_secs(5);

/// A request's body, as it stands on the wire.
pub struct Inbound(Option<Incoming>);

impl Inbound {
    pub(crate) fn new(body: Incoming) -> Self {
        Self(Some(body))
    }
}

impl Drop for Inbound {
    fn drop(&mut self) {
        let unread = self.0.take().filter(|body| !body.is_end_stream());
        if let (Some(body), Ok(runtime)) = (unread, tokio::runtime::Handle::try_current()) {
            runtime.spawn(async move {
                let mut rest = Limited::new(body, MOST_DISCARDED);
                let discarded = async { while matches!(rest.frame().await, Some(Ok(_))) {} };
                // A caller that is slower, or sends more, loses its connection.
                let _slow = tokio::time::timeout(DISCARDING, discarded).await;
            });
        }
    }
}

/// Reads a request's body, bounded in size and time (a slow body holds one task, for so long).
pub(crate) async fn read(mut body: Inbound, limit: usize) -> Result<Bytes, ReadError> {
    if body.0.as_ref().is_none_or(|body| body.size_hint().lower() > limit as u64) {
        return Err(ReadError::TooLarge);
    }
    let Some(incoming) = body.0.take() else { return Err(ReadError::Broken) };
    let collected = tokio::time::timeout(PATIENCE, Limited::new(incoming, limit).collect()).await;
    match collected {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(ReadError::TooLarge),
        Ok(Err(_)) => Err(ReadError::Broken),
        Err(_) => Err(ReadError::TooSlow),
    }
}

/// A response's body.
pub(crate) enum Reply {
    /// All of it.
    Whole(Option<Bytes>),
    /// As it comes. The channel holds one chunk: a slow reader slows its own server and nobody else.
    Stream(mpsc::Receiver<Bytes>),
}

impl Body for Reply {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match &mut *self {
            Self::Whole(bytes) => {
                Poll::Ready(bytes.take().filter(|b| !b.is_empty()).map(|b| Ok(Frame::data(b))))
            }
            Self::Stream(receiver) => {
                receiver.poll_recv(context).map(|chunk| chunk.map(|b| Ok(Frame::data(b))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(bytes) if bytes.as_ref().is_none_or(Bytes::is_empty))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |b| b.len() as u64)),
            Self::Stream(_) => SizeHint::default(),
        }
    }
}
