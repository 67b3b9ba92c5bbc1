//! From a place in a layer to the bytes of the source.

use std::ops::Range;

/// A stretch of a layer and what it came from.
#[derive(Debug, Clone, Copy)]
struct Piece {
    out: usize,
    source: usize,
    length: usize,
    /// Byte `n` of the stretch is byte `n` of the source. Otherwise the whole stretch came from the whole of the source's.
    copied: bool,
}

/// A text that is being written together with where each part of it came from.
#[derive(Debug, Clone, Default)]
pub(crate) struct Traced {
    pub(crate) text: String,
    pieces: Vec<Piece>,
}

impl Traced {
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self { text: String::with_capacity(bytes), pieces: Vec::new() }
    }

    /// Appends bytes that stand in the source as they are, from `source` on.
    pub(crate) fn copy(&mut self, text: &str, source: usize) {
        if text.is_empty() {
            return;
        }
        let out = self.text.len();
        self.text.push_str(text);
        match self.pieces.last_mut() {
            Some(last) if last.copied && last.source + last.length == source => last.length += text.len(),
            _ => self.pieces.push(Piece { out, source, length: text.len(), copied: true }),
        }
    }

    /// Appends a text that the bytes of `source` stand for.
    pub(crate) fn put(&mut self, text: &str, source: Range<usize>) {
        if text.is_empty() {
            return;
        }
        self.pieces.push(Piece {
            out: self.text.len(),
            source: source.start,
            length: source.len(),
            copied: false,
        });
        self.text.push_str(text);
    }

    /// Appends one character that the bytes of `source` stand for.
    pub(crate) fn put_char(&mut self, c: char, source: Range<usize>) {
        self.put(c.encode_utf8(&mut [0; 4]), source);
    }

    /// Appends a part of another traced text, `range` of it.
    pub(crate) fn carry(&mut self, from: &Self, range: Range<usize>) {
        let mut at = range.start;
        let mut index = from.index(at);
        while at < range.end
            && let Some(piece) = from.pieces.get(index)
        {
            let next = from.pieces.get(index + 1).map_or(from.text.len(), |next| next.out);
            let end = next.min(range.end);
            let text = from.text.get(at..end).unwrap_or_default();
            if piece.copied {
                self.copy(text, piece.source + (at - piece.out));
            } else {
                self.put(text, piece.source..piece.source + piece.length);
            }
            at = end;
            index += 1;
        }
    }

    /// The bytes of the source that `range` of the text came from.
    pub(crate) fn source(&self, range: Range<usize>) -> Range<usize> {
        let start = self.pieces.get(self.index(range.start)).map_or(0, |piece| {
            piece.source + if piece.copied { (range.start - piece.out).min(piece.length) } else { 0 }
        });
        let last = range.end.saturating_sub(1).max(range.start);
        let end = self.pieces.get(self.index(last)).map_or(start, |piece| {
            let inside = (range.end.saturating_sub(piece.out)).min(piece.length);
            piece.source + if piece.copied { inside } else { piece.length }
        });
        start.min(end)..start.max(end)
    }

    /// Index of the piece that holds byte `at` of the text.
    fn index(&self, at: usize) -> usize {
        self.pieces.partition_point(|piece| piece.out <= at).saturating_sub(1)
    }
}
