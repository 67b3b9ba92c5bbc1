//! MCP bytes to frames and back: strict parse, spans, edits, both revisions, SSE, stdio framing, headers.
//!
//! Every message the door sees, in either direction, becomes a [`Frame`] here first; the engine judges frames, the
//! doors and the upstream connectors read and write them. This crate decides only what a message *is*. It never decides
//! who may send it, never opens a socket, and never repairs: what it cannot read in exactly one way it refuses, and
//! what it is not asked to edit leaves as the bytes that came (D-02).

pub mod headers;
pub mod lens;
pub mod sse;
pub mod stdio;
pub mod translate;

mod edit;
mod frame;
mod id;
mod json;
mod ladder;
mod method;

pub use edit::{EditError, Edits};
pub use frame::{Direction, Frame, FrameError, FrameKind, rewrite_id, rewrite_ids, rewrite_progress_token};
pub use headers::{HeaderError, HeaderSet, ParamHeader, RoutingHeaders};
pub use id::Id;
pub use json::{
    Items, Kind, Limits, Members, ParseError, ParseErrorKind, Span, Surrogates, Tree, Value, quote,
};
pub use ladder::{
    Classified, LadderError, Piped, StreamRequest, Verb, classify, classify_piped, classify_stream,
};
pub use method::{Era, LEGACY, LEGACY_SERVED, MODERN, Method};
pub use sse::{SseError, SseEvent, SseLimits, SseReader};
pub use stdio::{LineError, LineReader, one_line, write_line};
