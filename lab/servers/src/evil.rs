//! A hostile upstream: honest in everything but one thing, which it does to each tool call, or to each list of tools.
//!
//! It opens sessions, lists tools and answers discovery as the echo server does, so that the door gets as far as the
//! call before anything is wrong.

mod misdeeds;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use http::request::Parts;
use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode};
use tokio::sync::watch;

use crate::body::Body;
use crate::echo::Echo;
use crate::endpoint::{Endpoint, Eras, empty, whole};
use crate::message::Message;
use crate::running::Running;
use crate::state::State;

/// What the server does to a tool call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Behaviour {
    /// Notifications without end, as fast as they are read.
    EndlessStream,
    /// One event that never ends.
    EndlessEvent,
    /// A right answer with a text of this many bytes, sent as it is made.
    HugeResult(u64),
    /// A right answer, one byte at each [`Evil::tick`].
    Trickle,
    /// Nothing, not even a head.
    NeverAnswers,
    /// A stream with two answers to the one request.
    AnswersTwice,
    /// A right answer under an id that was never asked.
    ForeignId,
    /// A right answer, its id sent as another type (a number as a string and the other way round).
    RetypedId,
    /// An answer whose id is null.
    NullId,
    /// A JSON-RPC request to the client (`sampling/createMessage`) on the stream, then the answer.
    RequestOnStream,
    /// A notification of a method nobody knows on the stream, then the answer.
    UnknownNotification,
    /// Text that is no JSON.
    InvalidJson,
    /// A result nested this deep.
    DeepJson(usize),
    /// An answer with two `result` members.
    DuplicateMembers,
    /// Bytes that are no UTF-8 inside a text.
    InvalidUtf8,
    /// Half a surrogate pair inside a text.
    LoneSurrogate,
    /// The right answer inside an array.
    Batch,
    /// The right answer as `text/plain`.
    WrongContentType,
    /// A redirect to this address.
    Redirect(String),
    /// A 500 with a page of HTML that names a canary (`stack-trace-canary`).
    HtmlError,
    /// A 401 with a challenge of its own.
    Challenge,
    /// A 200 without any body.
    EmptyBody,
    /// Half the answer, then the connection is cut.
    ClosesMidway,
    /// A stream that is cut in the middle of an event.
    ClosesMidEvent,
    /// A stream that ends, well formed, without an answer.
    EndsWithoutAnswer,
    /// The right answer under a header field of this many bytes.
    HugeHeader(usize),
    /// The right answer under this many header fields.
    ManyHeaders(usize),
    /// A list of tools that goes on after each page.
    EndlessList,
    /// A list of these tools, as JSON.
    Lists(String),
    /// One tool with a description of this many bytes, sent as it is made.
    HugeList(u64),
    /// Honest to calls; answers each notification as if it were a request.
    AnswersNotifications,
}

/// A hostile server that is up.
#[derive(Debug)]
pub struct Evil {
    /// Address, transcript and gauges, as of any other server.
    pub server: Running,
    ticks: watch::Sender<u64>,
}

impl Evil {
    /// Lets every [`Behaviour::Trickle`] send one more byte.
    pub fn tick(&self) {
        self.ticks.send_modify(|count| *count += 1);
    }
}

/// Starts a hostile server on any loopback port, with a transcript.
///
/// # Errors
/// When no port can be bound.
pub async fn start(behaviour: Behaviour) -> io::Result<Evil> {
    let state = State::new(true);
    let ticks = watch::Sender::new(0);
    let villain = Arc::new(Villain {
        behaviour,
        ticks: ticks.clone(),
        honest: Arc::new(Endpoint {
            service: Echo { state: state.clone() },
            state: state.clone(),
            eras: Eras::Both,
        }),
        state: state.clone(),
    });
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let server = Running::with(listen, state, move |request| villain.clone().handle(request)).await?;
    Ok(Evil { server, ticks })
}

struct Villain {
    behaviour: Behaviour,
    ticks: watch::Sender<u64>,
    honest: Arc<Endpoint<Echo>>,
    state: Arc<State>,
}

impl Villain {
    async fn handle(self: Arc<Self>, request: Request<Incoming>) -> Response<Body> {
        let Some((parts, body)) = whole(request).await else { return empty(StatusCode::BAD_REQUEST) };
        match self.misdeed(&parts, &body).await {
            Some(response) => {
                if let Some(transcript) = &self.state.transcript {
                    transcript.record(&parts, &body);
                }
                response
            }
            None => self.honest.clone().respond(&parts, body).await,
        }
    }

    /// The answer to what this server does wrong; `None` where it is honest.
    async fn misdeed(&self, parts: &Parts, body: &[u8]) -> Option<Response<Body>> {
        let message = Message::read(body).ok().filter(|_| parts.method == http::Method::POST)?;
        let wronged = match self.behaviour {
            Behaviour::AnswersNotifications => message.id.is_none() && message.method.is_some(),
            Behaviour::EndlessList | Behaviour::HugeList(_) | Behaviour::Lists(_) => {
                message.method == Some("tools/list")
            }
            _ => message.method == Some("tools/call"),
        };
        if !wronged {
            return None;
        }
        let id = message.id.unwrap_or(b"0");
        Some(misdeeds::commit(&self.behaviour, &self.state, &self.ticks, id, message.version.is_some()).await)
    }
}

#[cfg(test)]
mod tests;
