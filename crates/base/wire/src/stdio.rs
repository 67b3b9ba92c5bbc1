//! The stdio transport: one message a line (T-31).

#[cfg(test)]
mod tests;

use bytes::{Buf, Bytes, BytesMut};
use memchr::{memchr, memchr2};

/// Why a line was not handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// Longer than the reader's bound. The line is skipped; the next one is read.
    #[error("a line is too long")]
    TooLong,
}

/// Splits a byte stream into lines, holding no more than one line of bounded length besides the bytes pushed.
#[derive(Debug)]
pub struct LineReader {
    max_line: usize,
    chunk: Bytes,
    partial: BytesMut,
    /// Inside a line that was too long.
    skipping: bool,
}

impl LineReader {
    /// Starts at the beginning of a stream. `max_line` is in bytes, without the line break.
    pub fn new(max_line: usize) -> Self {
        Self { max_line, chunk: Bytes::new(), partial: BytesMut::new(), skipping: false }
    }

    /// Takes bytes by copying them.
    pub fn push(&mut self, bytes: &[u8]) {
        self.push_bytes(Bytes::copy_from_slice(bytes));
    }

    /// Takes a chunk as it is: a line that stands whole in it is handed out without a copy.
    pub fn push_bytes(&mut self, chunk: Bytes) {
        if self.chunk.is_empty() {
            self.chunk = chunk;
        } else {
            let mut joined = BytesMut::with_capacity(self.chunk.len() + chunk.len());
            joined.extend_from_slice(&self.chunk);
            joined.extend_from_slice(&chunk);
            self.chunk = joined.freeze();
        }
    }

    /// Returns the next line that holds more than spaces, without its end (`\n` or `\r\n`); `None` until more is pushed.
    pub fn next_line(&mut self) -> Option<Result<Bytes, LineError>> {
        loop {
            let Some(end) = memchr(b'\n', &self.chunk) else { return self.keep_rest() };
            let head = self.chunk.split_to(end);
            self.chunk.advance(1);
            if std::mem::take(&mut self.skipping) {
                continue;
            }
            let line = self.join(head);
            let line = if line.last() == Some(&b'\r') { line.slice(..line.len() - 1) } else { line };
            if line.len() > self.max_line {
                return Some(Err(LineError::TooLong));
            }
            if !line.trim_ascii().is_empty() {
                return Some(Ok(line));
            }
        }
    }

    /// Says whether a line has begun and not ended: at the end of a stream, whether it was cut.
    pub fn is_mid_line(&self) -> bool {
        self.skipping || !self.partial.is_empty() || !self.chunk.is_empty()
    }

    fn join(&mut self, head: Bytes) -> Bytes {
        if self.partial.is_empty() {
            return head;
        }
        self.partial.extend_from_slice(&head);
        self.partial.split().freeze()
    }

    /// Keeps the beginning of a line, unless it is too long already.
    fn keep_rest(&mut self) -> Option<Result<Bytes, LineError>> {
        let rest = std::mem::take(&mut self.chunk);
        if self.skipping {
            return None;
        }
        // One more than a line: its carriage return.
        if self.partial.len() + rest.len() > self.max_line.saturating_add(1) {
            self.partial = BytesMut::new();
            self.skipping = true;
            return Some(Err(LineError::TooLong));
        }
        self.partial.extend_from_slice(&rest);
        None
    }
}

/// Returns a parsed message as one line, without its line break. In valid JSON a raw line break stands between tokens
/// only, and a space says the same there; the length stays, so spans hold.
pub fn one_line(frame_bytes: &Bytes) -> Bytes {
    if memchr2(b'\n', b'\r', frame_bytes).is_none() {
        return frame_bytes.clone();
    }
    let mut line = BytesMut::from(frame_bytes.as_ref());
    for byte in line.iter_mut() {
        if matches!(byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
    line.freeze()
}

/// Appends a frame as one line, its end included. Outside strings a line break is space, and inside them it cannot stand.
pub fn write_line(out: &mut BytesMut, frame: &[u8]) {
    let begin = out.len();
    out.extend_from_slice(frame);
    out.iter_mut().skip(begin).filter(|byte| matches!(**byte, b'\n' | b'\r')).for_each(|byte| *byte = b' ');
    out.extend_from_slice(b"\n");
}
