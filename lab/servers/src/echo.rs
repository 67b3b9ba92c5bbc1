//! The echo server: as cheap as a server can be, and a witness of what it was asked.
//!
//! The bench measures the door against it, so an `echo` call is answered without building a tree of its JSON. Tests
//! use it because each of its tools puts the door in one situation: a plain answer, a burst of events, a slow answer,
//! a big one, a failed one, a question to the client.

mod tools;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::answer::{About, Answer, Service};
use crate::endpoint::Eras;
use crate::message::Call;
use crate::running::Running;
use crate::state::State;
use crate::stdio;

/// How an echo server is to behave.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to listen: loopback only, port 0 for any.
    pub listen: SocketAddr,
    /// The revisions to serve.
    pub eras: Eras,
    /// Whether to remember every request.
    pub transcript: bool,
}

impl Default for Options {
    /// Any loopback port, both revisions, no transcript.
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 0)), eras: Eras::Both, transcript: false }
    }
}

/// Starts an echo server that speaks both revisions and remembers nothing.
///
/// # Errors
/// When the address cannot be bound, or is not loopback.
pub async fn start(listen: SocketAddr) -> io::Result<Running> {
    start_with(Options { listen, ..Options::default() }).await
}

/// Starts an echo server.
///
/// # Errors
/// When the address cannot be bound, or is not loopback.
pub async fn start_with(options: Options) -> io::Result<Running> {
    let state = State::new(options.transcript);
    let service = Echo { state: state.clone() };
    Running::start(options.listen, options.eras, state, service).await
}

/// Serves the echo server on this process's standard input and output until input ends.
///
/// # Errors
/// When the threads that read and write cannot be started.
pub async fn serve_stdio() -> io::Result<()> {
    let state = State::new(false);
    stdio::serve_process(Echo { state: state.clone() }, state).await
}

pub(crate) struct Echo {
    pub(crate) state: Arc<State>,
}

impl Service for Echo {
    fn about(&self) -> &About {
        &About {
            implementation: r#"{"name":"doorward-echo","version":"0.1.0"}"#,
            capabilities: r#"{"tools":{"listChanged":true},"logging":{}}"#,
            instructions: "Answers what it is asked. For tests and measurements.",
        }
    }

    fn answer(&self, call: &Call<'_>) -> Answer {
        match call.method {
            "tools/call" => tools::call(&self.state, call),
            "tools/list" => Answer::Result(tools::LIST.to_owned()),
            _ => Answer::Unknown,
        }
    }
}

#[cfg(test)]
mod tests;
