//! Splicing ids: the one edit nearly every message gets, done without parsing again. Ids and progress tokens are not
//! judged content, so D-02's second judgement is not owed for them.

use bytes::{Bytes, BytesMut};

use crate::frame::Frame;
use crate::id::Id;
use crate::json::Span;

/// Returns the message with `id` in place of its own; unchanged if it has none.
pub fn rewrite_id(frame: &Frame, id: &Id) -> Bytes {
    rewrite_ids(frame, Some(id), None)
}

/// Returns the message with `token` in place of its progress token; unchanged if it has none.
pub fn rewrite_progress_token(frame: &Frame, token: &Id) -> Bytes {
    rewrite_ids(frame, None, Some(token))
}

/// Returns the message with its id and its progress token replaced, each where it is given and present.
pub fn rewrite_ids(frame: &Frame, id: Option<&Id>, token: Option<&Id>) -> Bytes {
    let id = id.zip(frame.id_value()).map(|(new, old)| (old.span(), new));
    let token = token.zip(frame.progress_token()).map(|(new, old)| (old.span(), new));
    let mut splices = [id, token];
    splices.sort_by_key(|splice| splice.map(|(span, _)| span));
    if splices.iter().all(Option::is_none) {
        return frame.bytes().clone();
    }
    splice(frame.bytes(), splices.into_iter().flatten())
}

fn splice<'i>(source: &Bytes, splices: impl Iterator<Item = (Span, &'i Id)>) -> Bytes {
    let mut out = BytesMut::with_capacity(source.len() + 48);
    let mut at = 0;
    for (span, id) in splices {
        let range = span.range();
        out.extend_from_slice(source.get(at..range.start).unwrap_or_default());
        out.extend_from_slice(id.to_json().as_bytes());
        at = range.end;
    }
    out.extend_from_slice(source.get(at..).unwrap_or_default());
    out.freeze()
}
