//! HTTP/1.1 by hand, so that a connection can be cut in the middle of a request or of an answer.

use std::io::{self, Error, ErrorKind};
use std::net::SocketAddr;

use bytes::Bytes;
use doorward_testkit::within;
use http::Request;
use http_body_util::{BodyExt, Full};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Where a connection is cut.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cut {
    /// After so many bytes of the request, or all of it.
    InRequest(usize),
    /// After so many bytes of the answer, or all of it.
    InAnswer(usize),
}

/// A connection to the door.
pub(crate) struct Wire {
    stream: TcpStream,
    read: Vec<u8>,
    rest: Rest,
}

/// What is left of the answer that is being read.
enum Rest {
    Length(usize),
    Chunks,
    Nothing,
}

/// The first part of an answer.
pub(crate) struct Head {
    pub(crate) status: u16,
    pub(crate) text: String,
}

impl Head {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.text.lines().filter_map(|line| line.split_once(':'));
        lines.find_map(|(header, value)| header.eq_ignore_ascii_case(name).then(|| value.trim()))
    }
}

impl Wire {
    pub(crate) async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, read: Vec::new(), rest: Rest::Nothing })
    }

    /// Sends a request whole.
    pub(crate) async fn send(&mut self, request: Request<Full<Bytes>>) -> io::Result<()> {
        self.stream.write_all(&in_bytes(request).await).await
    }

    /// Sends a request and cuts the connection; returns what was heard until then.
    pub(crate) async fn send_and_cut(
        mut self,
        request: Request<Full<Bytes>>,
        cut: Cut,
    ) -> io::Result<Vec<u8>> {
        let request = in_bytes(request).await;
        match cut {
            Cut::InRequest(at) => self.stream.write_all(&request[..at.min(request.len())]).await?,
            Cut::InAnswer(at) => {
                self.stream.write_all(&request).await?;
                while self.read.len() < at && !self.no_more_comes() && self.more().await.is_ok() {}
            }
        }
        Ok(self.read)
    }

    /// True if a short answer is read to its end, or its server waits for one itself.
    fn no_more_comes(&self) -> bool {
        let ends = |end: &[u8]| self.read.ends_with(end);
        ends(b"}") || ends(b"0\r\n\r\n") || find(&self.read, b"elicitation/create").is_some()
    }

    /// Reads the first part of an answer.
    pub(crate) async fn head(&mut self) -> io::Result<Head> {
        let end = loop {
            if let Some(end) = find(&self.read, b"\r\n\r\n") {
                break end;
            }
            self.more().await?;
        };
        let text = String::from_utf8_lossy(&self.read.drain(..end + 4).collect::<Vec<_>>()).into_owned();
        let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
        let head = Head { status, text };
        self.rest = match (head.header("content-length"), head.header("transfer-encoding")) {
            (Some(length), _) => Rest::Length(length.parse().map_err(Error::other)?),
            (None, Some(_)) => Rest::Chunks,
            (None, None) => Rest::Nothing,
        };
        Ok(head)
    }

    /// Reads the next piece of an answer's body; nothing at its end.
    pub(crate) async fn piece(&mut self) -> io::Result<Option<Vec<u8>>> {
        match self.rest {
            Rest::Nothing | Rest::Length(0) => Ok(None),
            Rest::Length(length) => {
                self.rest = Rest::Nothing;
                self.take(length).await.map(Some)
            }
            Rest::Chunks => {
                let line = loop {
                    if let Some(end) = find(&self.read, b"\r\n") {
                        break self.take(end + 2).await?;
                    }
                    self.more().await?;
                };
                let size =
                    usize::from_str_radix(String::from_utf8_lossy(&line).trim(), 16).map_err(Error::other)?;
                let mut chunk = self.take(size + 2).await?;
                chunk.truncate(size);
                if size == 0 {
                    self.rest = Rest::Nothing;
                }
                Ok((size > 0).then_some(chunk))
            }
        }
    }

    /// Reads the rest of an answer's body.
    pub(crate) async fn body(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        while let Some(piece) = self.piece().await? {
            body.extend(piece);
        }
        Ok(body)
    }

    async fn take(&mut self, length: usize) -> io::Result<Vec<u8>> {
        while self.read.len() < length {
            self.more().await?;
        }
        Ok(self.read.drain(..length).collect())
    }

    async fn more(&mut self) -> io::Result<()> {
        match within("an answer", self.stream.read_buf(&mut self.read)).await? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

async fn in_bytes(request: Request<Full<Bytes>>) -> Vec<u8> {
    let (head, body) = request.into_parts();
    let Ok(body) = body.collect().await.map(http_body_util::Collected::to_bytes);
    let mut bytes = format!("{} {} HTTP/1.1\r\n", head.method, head.uri).into_bytes();
    for (name, value) in &head.headers {
        bytes.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    bytes.extend(format!("content-length: {}\r\n\r\n", body.len()).into_bytes());
    bytes.extend(body);
    bytes
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}
