//! A server's stream of frames, whichever way it comes.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use doorward_engine::{Events, More, UpstreamError, UpstreamFault};
use doorward_wire::{SseError, SseLimits, SseReader};
use http_body::Body;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::SendRequest;
use tokio::time::Instant;

use crate::Link;
use crate::aside::Aside;
use crate::duplex::DuplexEvents;
use crate::pool::Pool;

/// Bytes of events that leave together; more that is ready waits for the next write.
const MOST_TOGETHER: usize = 256 * 1024;

/// Frames from an upstream.
pub enum UpstreamEvents {
    /// Server-sent events of an HTTP answer.
    Http(Box<HttpEvents>),
    /// What a child, or a server of HTTP+SSE, says to one request or session.
    Duplex(DuplexEvents),
}

impl Events for UpstreamEvents {
    async fn next_batch(&mut self, into: &mut Vec<Bytes>, limit: usize) -> Result<More, UpstreamError> {
        match self {
            Self::Http(events) => events.next_batch(into, limit).await,
            Self::Duplex(events) => events.next_batch(into, limit).await,
        }
    }
}

/// Server-sent events.
pub struct HttpEvents {
    body: Incoming,
    reader: SseReader,
    connection: Option<(SendRequest<Full<Bytes>>, Arc<Pool>)>,
    link: Option<Arc<Link>>,
    /// The longest silence, and the last moment of all.
    silence: Option<Duration>,
    most: Option<Instant>,
    /// How the server is spoken to beside this stream, where the revision wants it.
    pub(crate) aside: Option<Aside>,
    /// The last event that the server named, and how long it wants to be left alone.
    last: Option<String>,
    retry: Duration,
    resumed: u32,
    ended: bool,
}

/// How long a server is left alone that closed a stream and does not say (HTML, section 9.2.3).
const RETRY: Duration = Duration::from_secs(1);
/// How long it may ask for, and how often one answer may be fetched on.
const MOST_RETRY: Duration = Duration::from_secs(30);
const MOST_RESUMED: u32 = 64;
const MOST_ID: usize = 1_024;

enum Got {
    Chunk,
    End,
    Nothing,
}

impl HttpEvents {
    pub(crate) fn new(
        body: Incoming,
        connection: Option<(SendRequest<Full<Bytes>>, Arc<Pool>)>,
        link: Option<Arc<Link>>,
        most_bytes: usize,
        (silence, most): (Option<Duration>, Option<Instant>),
    ) -> Self {
        let reader =
            SseReader::new(SseLimits { max_event: most_bytes, max_line: most_bytes.saturating_add(64) });
        Self {
            body,
            reader,
            connection,
            link,
            silence,
            most,
            aside: None,
            last: None,
            retry: RETRY,
            resumed: 0,
            ended: false,
        }
    }

    async fn next_batch(&mut self, into: &mut Vec<Bytes>, limit: usize) -> Result<More, UpstreamError> {
        loop {
            self.take(into, limit)?;
            if !into.is_empty() {
                // What is ready now leaves together (D-22): the connection's own task is let run, chunk by chunk.
                // No more of it than fits: a server that sends faster than its caller reads must not fill memory.
                let mut bytes: usize = into.iter().map(Bytes::len).sum();
                while into.len() < limit && bytes < MOST_TOGETHER && !self.ended {
                    let before = into.len();
                    match self.poll_once()? {
                        Got::Chunk => self.take(into, limit)?,
                        Got::End => break,
                        Got::Nothing => {
                            tokio::task::yield_now().await;
                            match self.poll_once()? {
                                Got::Chunk => self.take(into, limit)?,
                                Got::End | Got::Nothing => break,
                            }
                        }
                    }
                    bytes += into.iter().skip(before).map(Bytes::len).sum::<usize>();
                }
                let over = self.ended && into.len() < limit && !self.resumes();
                return Ok(if over { More::No } else { More::Yes });
            }
            if self.ended {
                // Whoever had the answer would not have come again.
                if !self.resume().await? {
                    return Ok(More::No);
                }
                continue;
            }
            self.wait().await?;
        }
    }

    fn take(&mut self, into: &mut Vec<Bytes>, limit: usize) -> Result<(), UpstreamError> {
        while into.len() < limit {
            match self.reader.next() {
                Some(Ok(event)) => {
                    if event.id.is_some() {
                        // An empty one takes the name back; one too long for a header names nothing.
                        self.last = event.id.filter(|id| (1..=MOST_ID).contains(&id.len()));
                    }
                    if let Some(retry) = event.retry_ms {
                        self.retry = Duration::from_millis(retry).min(MOST_RETRY);
                    }
                    let is_message = event.event.as_deref().is_none_or(|name| name == "message");
                    if is_message && !event.data.is_empty() {
                        into.push(event.data);
                    }
                }
                Some(Err(error)) => return Err(broken(&error)),
                None => return Ok(()),
            }
        }
        Ok(())
    }

    fn poll_once(&mut self) -> Result<Got, UpstreamError> {
        let waker = std::task::Waker::noop();
        let mut context = std::task::Context::from_waker(waker);
        match Pin::new(&mut self.body).poll_frame(&mut context) {
            Poll::Ready(frame) => self.got(frame),
            Poll::Pending => Ok(Got::Nothing),
        }
    }

    fn got(
        &mut self,
        frame: Option<Result<http_body::Frame<Bytes>, hyper::Error>>,
    ) -> Result<Got, UpstreamError> {
        match frame {
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    self.reader.push_bytes(data);
                }
                Ok(Got::Chunk)
            }
            Some(Err(error)) => {
                self.ended = true;
                if self.resumes() {
                    tracing::debug!(%error, "a stream broke; the rest of it is fetched");
                    return Ok(Got::End);
                }
                Err(UpstreamError::new(UpstreamFault::Ended, format!("the stream broke: {error}")))
            }
            None => {
                self.ended = true;
                if let Some((sender, pool)) = self.connection.take() {
                    pool.keep(sender);
                }
                Ok(Got::End)
            }
        }
    }

    fn resumes(&self) -> bool {
        self.aside.is_some() && self.last.is_some() && self.resumed < MOST_RESUMED
    }

    /// Fetches the rest of an answer whose stream the server closed, after as long as it asked for (T-30). False if there
    /// is no rest to fetch.
    async fn resume(&mut self) -> Result<bool, UpstreamError> {
        if !self.resumes() {
            return Ok(false);
        }
        self.resumed += 1;
        let fetched = self.fetch_on().await;
        match fetched {
            Ok(Some(next)) => {
                // What comes on it is judged like everything on this stream; the bounds stay this stream's.
                (self.body, self.reader, self.connection) = (next.body, next.reader, next.connection);
                self.ended = false;
                Ok(true)
            }
            other => {
                // The call may still run, and nobody waits for it any more.
                if let Some(aside) = self.aside.take() {
                    aside.give_up();
                }
                other.map(|_| false)
            }
        }
    }

    async fn fetch_on(&self) -> Result<Option<HttpEvents>, UpstreamError> {
        let (Some(aside), Some(last)) = (&self.aside, &self.last) else { return Ok(None) };
        let until = Instant::now() + self.retry;
        if self.most.is_some_and(|most| until >= most) {
            return Err(UpstreamError::new(UpstreamFault::Timeout, "the answer did not come in time"));
        }
        let ended = async {
            match &self.link {
                Some(link) => link.ends.ended().await,
                None => std::future::pending().await,
            }
        };
        let fetch = async {
            tokio::time::sleep_until(until).await;
            let left = self.most.map_or(MOST_RETRY, |most| most.saturating_duration_since(Instant::now()));
            aside.resume(last, self.silence.map_or(left, |silence| silence.min(left))).await
        };
        tokio::select! {
            fetched = fetch => fetched,
            () = ended => Err(UpstreamError::new(UpstreamFault::Ended, "the session ended")),
        }
    }

    /// Waits for a chunk, but not beyond the longest silence, the last moment, or the end of the link.
    async fn wait(&mut self) -> Result<(), UpstreamError> {
        let silent_until = self.silence.map(|silence| Instant::now() + silence);
        let until = match (silent_until, self.most) {
            (Some(silent), Some(most)) => Some(silent.min(most)),
            (one, other) => one.or(other),
        };
        let link = self.link.clone();
        let ended = async {
            match &link {
                Some(link) => link.ends.ended().await,
                None => std::future::pending().await,
            }
        };
        let late = async {
            match until {
                Some(until) => tokio::time::sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        let body = &mut self.body;
        let frame = tokio::select! {
            frame = poll_fn(|context| Pin::new(&mut *body).poll_frame(context)) => frame,
            () = ended => {
                self.ended = true;
                return Err(UpstreamError::new(UpstreamFault::Ended, "the session ended"));
            }
            () = late => {
                self.ended = true;
                if let Some(aside) = self.aside.take() {
                    aside.give_up();
                }
                return Err(UpstreamError::new(UpstreamFault::Timeout, "the stream was silent for too long, or went on for too long"));
            }
        };
        self.got(frame).map(|_| ())
    }
}

fn broken(error: &SseError) -> UpstreamError {
    UpstreamError::new(UpstreamFault::TooLarge, format!("the event stream cannot be read: {error}"))
}
