//! Server-sent events, the sending half.

use std::collections::VecDeque;

use bytes::{BufMut, Bytes, BytesMut};

/// One JSON-RPC frame as one event.
pub(crate) fn event(frame: &[u8]) -> Bytes {
    let mut out = BytesMut::with_capacity(frame.len() + FRAME_COST);
    put(&mut out, frame);
    out.freeze()
}

/// Many frames, an event each, all cut from one buffer.
pub(crate) fn events<'a>(frames: impl Iterator<Item = &'a [u8]> + Clone) -> VecDeque<Bytes> {
    let size: usize = frames.clone().map(|frame| frame.len() + FRAME_COST).sum();
    let mut out = BytesMut::with_capacity(size);
    frames
        .map(|frame| {
            put(&mut out, frame);
            out.split().freeze()
        })
        .collect()
}

const HEAD: &[u8] = b"event: message\ndata: ";
const TAIL: &[u8] = b"\n\n";
const FRAME_COST: usize = HEAD.len() + TAIL.len();

fn put(out: &mut BytesMut, frame: &[u8]) {
    out.put_slice(HEAD);
    out.put_slice(frame);
    out.put_slice(TAIL);
}
