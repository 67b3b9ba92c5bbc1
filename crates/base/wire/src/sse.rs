//! Server-sent events (WHATWG HTML, section 9.2), read from chunks of any size and written one event a line.

#[cfg(test)]
mod tests;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use memchr::{memchr, memchr2};

/// How much one event may ask of the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SseLimits {
    /// Data of one event in bytes, line breaks included.
    pub max_event: usize,
    /// One line in bytes, its field name included.
    pub max_line: usize,
}

impl Default for SseLimits {
    /// 4 MiB for an event, and as much with its field name for a line.
    fn default() -> Self {
        Self { max_event: 4 << 20, max_line: (4 << 20) + 64 }
    }
}

/// Why a stream cannot be read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SseError {
    /// More data in one event than [`SseLimits::max_event`].
    #[error("a server-sent event is too large")]
    EventTooLarge,
    /// A line longer than [`SseLimits::max_line`].
    #[error("a line of a server-sent event stream is too long")]
    LineTooLong,
    /// An event name or id that is not UTF-8. Data is checked by whoever parses it.
    #[error("a field of a server-sent event is not UTF-8")]
    InvalidUtf8,
}

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SseEvent {
    /// The data, lines joined by `\n`. Empty for an event that only carries an id or a retry time.
    pub data: Bytes,
    /// The event's type; `None` for the default, `message`.
    pub event: Option<String>,
    /// The id to resume after, if the event set one.
    pub id: Option<String>,
    /// Milliseconds to wait before reconnecting, if the event said.
    pub retry_ms: Option<u64>,
}

/// Splits a byte stream into events. Push bytes, then iterate until `None`; after an error the stream is dead and every
/// further call returns the same error. What is left of an unfinished event at the end of a stream is dropped, as the
/// standard says.
#[derive(Debug)]
pub struct SseReader {
    limits: SseLimits,
    /// What has come and is not read yet.
    chunk: Bytes,
    /// The beginning of a line whose end has not come.
    partial: BytesMut,
    /// The last line ended in `\r`: a `\n` that follows belongs to it.
    after_return: bool,
    /// Nothing has been read: a byte order mark would stand here.
    at_start: bool,
    event: SseEvent,
    has_data: bool,
    /// The data of an event of more than one line.
    lines: Option<BytesMut>,
    failed: Option<SseError>,
}

impl SseReader {
    /// Starts at the beginning of a stream.
    pub fn new(limits: SseLimits) -> Self {
        Self {
            limits,
            chunk: Bytes::new(),
            partial: BytesMut::new(),
            after_return: false,
            at_start: true,
            event: SseEvent::default(),
            has_data: false,
            lines: None,
            failed: None,
        }
    }

    /// Takes bytes by copying them.
    pub fn push(&mut self, bytes: &[u8]) {
        self.push_bytes(Bytes::copy_from_slice(bytes));
    }

    /// Takes a chunk as it is: data that stands on one line of it is handed out without a copy.
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

    /// Says whether an event has begun and not ended: at the end of a stream, whether it was cut.
    pub fn is_mid_event(&self) -> bool {
        !self.chunk.is_empty() || !self.partial.is_empty() || self.has_data
    }

    /// Takes the next whole line off the chunk, without its end.
    fn line(&mut self) -> Result<Option<Bytes>, SseError> {
        if self.after_return && !self.chunk.is_empty() {
            if self.chunk.first() == Some(&b'\n') {
                advance(&mut self.chunk, 1);
            }
            self.after_return = false;
        }
        let Some(end) = memchr2(b'\n', b'\r', &self.chunk) else {
            if self.partial.len() + self.chunk.len() > self.limits.max_line {
                return Err(SseError::LineTooLong);
            }
            self.partial.extend_from_slice(&self.chunk);
            self.chunk = Bytes::new();
            return Ok(None);
        };
        if self.partial.len() + end > self.limits.max_line {
            return Err(SseError::LineTooLong);
        }
        // An empty line needs no reference to the chunk: a stream has one for every event.
        let head = if end == 0 { Bytes::new() } else { self.chunk.split_to(end) };
        let line = if self.partial.is_empty() {
            head
        } else {
            self.partial.extend_from_slice(&head);
            self.partial.split().freeze()
        };
        self.after_return = self.chunk.first() == Some(&b'\r');
        advance(&mut self.chunk, 1);
        Ok(Some(line))
    }

    fn read(&mut self) -> Result<Option<SseEvent>, SseError> {
        while let Some(mut line) = self.line()? {
            if std::mem::take(&mut self.at_start) && line.starts_with(b"\xef\xbb\xbf") {
                advance(&mut line, 3);
            }
            if line.is_empty() {
                if let Some(event) = self.dispatch() {
                    return Ok(Some(event));
                }
            } else {
                self.field(line)?;
            }
        }
        Ok(None)
    }

    /// Ends the event; `None` if nothing was in it.
    fn dispatch(&mut self) -> Option<SseEvent> {
        let mut event = std::mem::take(&mut self.event);
        if let Some(lines) = self.lines.take() {
            event.data = lines.freeze();
        }
        let carries = std::mem::take(&mut self.has_data) || event.id.is_some() || event.retry_ms.is_some();
        carries.then_some(event)
    }

    fn field(&mut self, mut line: Bytes) -> Result<(), SseError> {
        if line.starts_with(b"data:") {
            advance(&mut line, 5);
            trim_space(&mut line);
            return self.data(line);
        }
        let colon = memchr(b':', &line).unwrap_or(line.len());
        let name = line.split_to(colon);
        advance(&mut line, 1);
        trim_space(&mut line);
        match name.as_ref() {
            b"data" => self.data(line)?,
            b"event" if line.as_ref() == b"message" => self.event.event = None,
            b"event" => self.event.event = Some(text(&line)?),
            // An id with a NUL is ignored, says the standard.
            b"id" if memchr(0, &line).is_none() => self.event.id = Some(text(&line)?),
            b"retry" if !line.is_empty() && line.iter().all(u8::is_ascii_digit) => {
                self.event.retry_ms = text(&line)?.parse().ok();
            }
            // An empty name is a comment; an unknown one means nothing.
            _ => {}
        }
        Ok(())
    }

    fn data(&mut self, value: Bytes) -> Result<(), SseError> {
        let held = self.lines.as_ref().map_or(self.event.data.len(), |lines| lines.len());
        if held + value.len() + usize::from(self.has_data) > self.limits.max_event {
            return Err(SseError::EventTooLarge);
        }
        if !std::mem::replace(&mut self.has_data, true) {
            self.event.data = value;
            return Ok(());
        }
        let first = &self.event.data;
        let lines = self.lines.get_or_insert_with(|| BytesMut::from(first.as_ref()));
        lines.put_u8(b'\n');
        lines.extend_from_slice(&value);
        Ok(())
    }
}

impl Iterator for SseReader {
    type Item = Result<SseEvent, SseError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(fault) = self.failed {
            return Some(Err(fault));
        }
        let read = self.read();
        if let Err(fault) = read {
            self.failed = Some(fault);
            self.chunk = Bytes::new();
            self.partial = BytesMut::new();
        }
        read.transpose()
    }
}

/// A comment that keeps an idle stream open.
pub const KEEP_ALIVE: &[u8] = b":\n\n";

/// Appends an event that holds `data`. A line break inside could begin a field of its own, so each becomes a space: in
/// JSON they can only stand between tokens.
pub fn write_event(out: &mut BytesMut, data: &[u8]) {
    out.reserve(data.len() + 8);
    out.extend_from_slice(b"data: ");
    write_line(out, data);
    out.extend_from_slice(b"\n\n");
}

/// Appends an event that holds `data` under a name, with which a client can come back for what follows. The name is the
/// writer's own: it must hold no line break.
pub fn write_named_event(out: &mut BytesMut, name: &[u8], data: &[u8]) {
    out.extend_from_slice(b"id: ");
    out.extend_from_slice(name);
    out.put_u8(b'\n');
    write_event(out, data);
}

/// Appends an event without data: a name to come back with, and how long to wait before that.
pub fn write_prime(out: &mut BytesMut, name: &[u8], retry_ms: u32) {
    out.extend_from_slice(b"id: ");
    out.extend_from_slice(name);
    out.extend_from_slice(format!("\nretry: {retry_ms}\ndata:\n\n").as_bytes());
}

/// Says where each event of a text ends that was written here, none of which holds an empty line.
pub fn event_ends(text: &[u8]) -> impl Iterator<Item = usize> {
    memchr::memmem::find_iter(text, b"\n\n").map(|at| at + 2)
}

/// Appends a comment; line breaks become spaces.
pub fn write_comment(out: &mut BytesMut, text: &str) {
    out.extend_from_slice(b": ");
    write_line(out, text.as_bytes());
    out.extend_from_slice(b"\n\n");
}

fn write_line(out: &mut BytesMut, mut text: &[u8]) {
    while let Some(at) = memchr2(b'\n', b'\r', text) {
        let (line, rest) = text.split_at_checked(at).unwrap_or((text, &[]));
        out.extend_from_slice(line);
        out.put_u8(b' ');
        text = rest.get(1..).unwrap_or_default();
    }
    out.extend_from_slice(text);
}

fn advance(bytes: &mut Bytes, by: usize) {
    bytes.advance(by.min(bytes.len()));
}

/// One space after the colon belongs to the syntax, not to the value.
fn trim_space(line: &mut Bytes) {
    if line.first() == Some(&b' ') {
        line.advance(1);
    }
}

fn text(bytes: &Bytes) -> Result<String, SseError> {
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| SseError::InvalidUtf8)
}
