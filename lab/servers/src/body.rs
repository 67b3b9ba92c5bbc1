//! The bodies these servers send.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tokio::sync::mpsc;

use crate::state::Gauge;

/// Nothing, one piece, pieces that are all ready at once, or pieces as they come.
#[derive(Debug)]
pub(crate) enum Body {
    Empty,
    Full(Bytes),
    /// Each piece is a chunk of its own on the wire.
    Chunks(VecDeque<Bytes>),
    /// JSON-RPC frames, an event each. The gauge counts the stream as open for as long as the body lives.
    Events {
        frames: mpsc::Receiver<Bytes>,
        _open: Gauge,
    },
    /// Pieces as they are; an error cuts the connection.
    Raw {
        pieces: mpsc::Receiver<io::Result<Bytes>>,
        _open: Gauge,
    },
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match self.get_mut() {
            Body::Empty => Poll::Ready(None),
            full @ Body::Full(_) => match std::mem::replace(full, Body::Empty) {
                Body::Full(bytes) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
                _ => Poll::Ready(None),
            },
            Body::Chunks(chunks) => Poll::Ready(chunks.pop_front().map(|chunk| Ok(Frame::data(chunk)))),
            Body::Events { frames, .. } => frames
                .poll_recv(context)
                .map(|next| next.map(|frame| Ok(Frame::data(crate::sse::event(&frame))))),
            Body::Raw { pieces, .. } => {
                pieces.poll_recv(context).map(|next| next.map(|piece| piece.map(Frame::data)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Body::Empty => true,
            Body::Full(bytes) => bytes.is_empty(),
            Body::Chunks(chunks) => chunks.is_empty(),
            Body::Events { .. } | Body::Raw { .. } => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Body::Empty => SizeHint::with_exact(0),
            Body::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Body::Chunks(_) | Body::Events { .. } | Body::Raw { .. } => SizeHint::default(),
        }
    }
}
