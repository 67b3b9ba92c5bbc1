//! Strict JSON: one parse, one tree, spans over the bytes that came.
//!
//! Two programs that read the same text differently are the oldest hole of a gateway, so everything that parsers are
//! known to disagree on (duplicate members, lone surrogates, bad UTF-8, trailing bytes, a byte order mark, numbers
//! outside the grammar) is refused here instead of interpreted.

mod parse;
#[cfg(test)]
mod tests;
mod text;
mod tree;

pub use text::quote;
pub use tree::{Items, Members, Tree, Value};

/// How much a document may ask of the parser. A document at a limit is accepted, one past it refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Size of the whole document in bytes.
    pub max_bytes: usize,
    /// Arrays and objects open at once; the root counts.
    pub max_depth: u16,
    /// Values and member names together; bounds memory at 16 bytes each.
    pub max_nodes: u32,
}

impl Default for Limits {
    /// 4 MiB, 64 levels, 262,144 nodes.
    fn default() -> Self {
        Self { max_bytes: 4 << 20, max_depth: 64, max_nodes: 262_144 }
    }
}

/// What to do with half of a UTF-16 pair written as an escape (`"\ud800"`), which is no character (D-04).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Surrogates {
    /// Refuse the document: a request is answered for by its sender.
    Refuse,
    /// Put U+FFFD in its place: a result may hold text that was cut at a size limit.
    Replace,
}

/// What is wrong with a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseErrorKind {
    /// More bytes than [`Limits::max_bytes`].
    #[error("the document is too large")]
    TooLarge,
    /// More levels than [`Limits::max_depth`].
    #[error("arrays and objects are nested too deep")]
    TooDeep,
    /// More nodes than [`Limits::max_nodes`].
    #[error("the document has too many values")]
    TooManyNodes,
    /// Two members of one object have the same name once escapes are decoded.
    #[error("a member name occurs twice in one object")]
    DuplicateMember,
    /// The bytes are not UTF-8.
    #[error("the document is not UTF-8")]
    InvalidUtf8,
    /// Half of a surrogate pair, escaped.
    #[error("a string holds half of a surrogate pair")]
    LoneSurrogate,
    /// Something follows the document.
    #[error("bytes follow the document")]
    TrailingBytes,
    /// The document stops early.
    #[error("the document ends too early")]
    UnexpectedEnd,
    /// Any other departure from RFC 8259.
    #[error("not JSON")]
    Syntax,
}

/// Why a document was refused, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{kind} (byte {at})")]
pub struct ParseError {
    /// What is wrong.
    pub kind: ParseErrorKind,
    /// Offset in bytes from the start of the document.
    pub at: usize,
}

/// The six kinds of JSON value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `null`
    Null,
    /// `true` or `false`
    Bool,
    /// A number, kept as its text: no precision is lost.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

/// A half-open range of bytes in the document a tree was made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// Returns the number of bytes covered.
    pub fn len(self) -> usize {
        self.range().len()
    }

    /// Says whether no byte is covered.
    pub fn is_empty(self) -> bool {
        self.start >= self.end
    }

    /// Returns the span as an index range.
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}
