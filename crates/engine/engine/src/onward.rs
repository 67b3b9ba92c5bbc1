//! A call of a client of 2025-11-25 that has left for its server. The client may lose its connection while it waits: that
//! cancels nothing (T-12). Then the call goes on without it, from where it was, and its outcome is written as ever.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;

use crate::door::Door;
use crate::ports::Ports;
use crate::release::{Released, record_refusal, release};
use crate::replay::Detached;
use crate::send::send;
use crate::stage::{Cleared, Exchange, Step};
use crate::streams::Streams;

/// A call on its way. Dropped before its end it goes on in a task of its own, where there is room for one.
pub(crate) struct Onward<P: Ports> {
    door: Arc<Door<P>>,
    streams: Arc<Streams>,
    going: Option<BoxFuture<'static, Step<Released<P>>>>,
}

/// Sends a cleared frame and waits for its answer.
pub(crate) async fn onward<P: Ports>(
    door: &Arc<Door<P>>,
    cleared: Cleared<P>,
    exchange: Exchange<P>,
) -> Step<Released<P>> {
    let session = exchange.seat.session().filter(|_| door.shelf.is_some() && exchange.outlives_its_client());
    let Some(streams) = session.map(|session| Arc::clone(&session.streams)) else {
        let (answered, exchange) = send(door, cleared, exchange).await?;
        return release(door, answered, exchange).await;
    };
    let door = Arc::clone(door);
    let going = Box::pin({
        let door = Arc::clone(&door);
        async move {
            let (answered, exchange) = send(&door, cleared, exchange).await?;
            release(&door, answered, exchange).await
        }
    });
    Onward { door, streams, going: Some(going) }.await
}

impl<P: Ports> Future for Onward<P> {
    type Output = Step<Released<P>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(going) = &mut self.going else { return Poll::Pending };
        let ready = going.as_mut().poll(context);
        if ready.is_ready() {
            self.going = None;
        }
        ready
    }
}

impl<P: Ports> Drop for Onward<P> {
    fn drop(&mut self) {
        let (Some(going), Some(shelf)) = (self.going.take(), &self.door.shelf) else { return };
        // Without room for it, it ends here, and is recorded as aborted.
        let Some(detached) = Detached::take(shelf, &self.streams) else { return };
        let door = Arc::clone(&self.door);
        self.door.ports.detached(Box::pin(async move {
            match going.await {
                Ok(Released::Stream(mut stream)) => {
                    stream.detach(detached);
                    Some(stream)
                }
                Ok(_) => None,
                Err(refused) => {
                    let _nobody_waits = record_refusal(&door, *refused).await;
                    None
                }
            }
        }));
    }
}
