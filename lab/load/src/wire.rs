//! HTTP/1.1 from the client's side, by hand: a general client would spend more than the servers it measures.

use std::io;

use bytes::{Buf as _, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::target::Target;

/// A connection and what has been read from it ahead.
#[derive(Debug)]
pub struct Wire<S = TcpStream> {
    stream: S,
    buffer: BytesMut,
}

/// The part of a response's head that matters here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Head {
    /// The status code.
    pub status: u16,
    /// `Mcp-Session-Id`.
    pub session: Option<String>,
    /// Whether the body is an event stream.
    pub events: bool,
    /// Whether the server closes the connection after this response.
    pub closes: bool,
    length: Length,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Length {
    #[default]
    UntilClosed,
    Exactly(usize),
    Chunked,
}

impl Wire {
    /// Opens a connection.
    ///
    /// # Errors
    /// When nobody listens there.
    pub async fn connect(target: &Target) -> io::Result<Self> {
        let stream = TcpStream::connect(&target.authority).await?;
        stream.set_nodelay(true)?;
        Ok(Self::over(stream))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    /// Wraps an open connection.
    #[must_use]
    pub fn over(stream: S) -> Self {
        Self { stream, buffer: BytesMut::with_capacity(READ) }
    }

    /// Sends a request and reads the whole response.
    ///
    /// # Errors
    /// When the connection ends early or what comes is not HTTP.
    pub async fn exchange(&mut self, request: &[u8]) -> io::Result<(Head, Bytes)> {
        let head = self.open(request).await?;
        let body = match head.length {
            Length::Exactly(length) => self.take(length).await?,
            Length::Chunked => self.chunked().await?,
            Length::UntilClosed => self.rest().await?,
        };
        Ok((head, body))
    }

    /// Sends a request and reads the head of the response only; the body stays unread.
    ///
    /// # Errors
    /// When the connection ends early or what comes is not HTTP.
    pub async fn open(&mut self, request: &[u8]) -> io::Result<Head> {
        self.stream.write_all(request).await?;
        let length = self.until(b"\r\n\r\n").await?;
        let head = self.buffer.split_to(length);
        parse(&head).ok_or_else(|| broken("the head of the response is not HTTP"))
    }

    /// Bytes of the body as they come, without any framing taken off; empty at the end.
    ///
    /// # Errors
    /// When the connection breaks.
    pub async fn read_some(&mut self) -> io::Result<Bytes> {
        if self.buffer.is_empty() {
            self.buffer.reserve(READ);
            self.stream.read_buf(&mut self.buffer).await?;
        }
        Ok(self.buffer.split().freeze())
    }

    async fn take(&mut self, length: usize) -> io::Result<Bytes> {
        while self.buffer.len() < length {
            self.fill().await?;
        }
        Ok(self.buffer.split_to(length).freeze())
    }

    async fn chunked(&mut self) -> io::Result<Bytes> {
        let mut body = BytesMut::with_capacity(self.buffer.len());
        loop {
            let line = self.until(b"\r\n").await?;
            let size = self.buffer.get(..line.saturating_sub(2)).and_then(chunk_size);
            let size = size.ok_or_else(|| broken("a chunk has no size"))?;
            self.buffer.advance(line);
            while self.buffer.len() < size + 2 {
                self.fill().await?;
            }
            body.extend_from_slice(self.buffer.get(..size).unwrap_or_default());
            if self.buffer.get(size..size + 2) != Some(b"\r\n") {
                return Err(broken("a chunk is longer than it says"));
            }
            self.buffer.advance(size + 2);
            if size == 0 {
                return Ok(body.freeze());
            }
        }
    }

    async fn rest(&mut self) -> io::Result<Bytes> {
        let mut body = self.buffer.split().to_vec();
        self.stream.read_to_end(&mut body).await?;
        Ok(body.into())
    }

    /// How many bytes stand up to and including `end`.
    async fn until(&mut self, end: &[u8]) -> io::Result<usize> {
        loop {
            if let Some(at) = find(&self.buffer, end) {
                return Ok(at + end.len());
            }
            self.fill().await?;
        }
    }

    async fn fill(&mut self) -> io::Result<()> {
        self.buffer.reserve(READ);
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

/// Where `needle` first stands in `haystack`.
#[must_use]
pub fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    let first = needle.first()?;
    let mut from = 0;
    loop {
        from += haystack.get(from..)?.iter().position(|byte| byte == first)?;
        if haystack.get(from..)?.starts_with(needle) {
            return Some(from);
        }
        from += 1;
    }
}

const READ: usize = 32 * 1024;

fn parse(head: &[u8]) -> Option<Head> {
    let head = std::str::from_utf8(head).ok()?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    let mut parsed = Head { status, ..Head::default() };
    if status == 204 || status < 200 {
        parsed.length = Length::Exactly(0);
    }
    for line in lines.take_while(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':')?;
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-length") {
            parsed.length = Length::Exactly(value.parse().ok()?);
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            parsed.length = Length::Chunked;
        } else if name.eq_ignore_ascii_case("content-type") {
            parsed.events = value.starts_with("text/event-stream");
        } else if name.eq_ignore_ascii_case("mcp-session-id") {
            parsed.session = Some(value.to_owned());
        } else if name.eq_ignore_ascii_case("connection") {
            parsed.closes = value.eq_ignore_ascii_case("close");
        }
    }
    Some(parsed)
}

fn chunk_size(line: &[u8]) -> Option<usize> {
    let digits = std::str::from_utf8(line).ok()?.split(';').next()?;
    usize::from_str_radix(digits.trim(), 16).ok()
}

fn broken(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests;
