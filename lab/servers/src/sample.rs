//! The sample server: the first one people meet, a small library of documents in memory.
//!
//! `doorward up` puts it behind the door. It is made so that policies have something to bite on: tools that read,
//! tools that write and destroy (annotated as such), and `get_profile`, whose argument says whose data is asked for.

mod documents;
mod profiles;
mod prompts;
mod resources;
mod tools;

use std::io;
use std::net::SocketAddr;
use std::sync::Mutex;

pub use profiles::Profile;

use crate::answer::{About, Answer, Service};
use crate::endpoint::Eras;
use crate::message::Call;
use crate::running::Running;
use crate::state::State;
use documents::Library;

/// How a sample server is to be set up.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to listen: loopback only, port 0 for any.
    pub listen: SocketAddr,
    /// The people `get_profile` knows.
    pub profiles: Vec<Profile>,
    /// Whether to remember every request.
    pub transcript: bool,
}

impl Default for Options {
    /// Any loopback port, the built-in profiles, no transcript.
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            profiles: profiles::built_in(),
            transcript: false,
        }
    }
}

/// Starts a sample server with its built-in documents and profiles, speaking both revisions.
///
/// # Errors
/// When the address cannot be bound, or is not loopback.
pub async fn start(listen: SocketAddr) -> io::Result<Running> {
    start_with(Options { listen, ..Options::default() }).await
}

/// Starts a sample server.
///
/// # Errors
/// When the address cannot be bound, or is not loopback.
pub async fn start_with(options: Options) -> io::Result<Running> {
    let service = Sample { library: Mutex::new(Library::built_in()), profiles: options.profiles };
    Running::start(options.listen, Eras::Both, State::new(options.transcript), service).await
}

struct Sample {
    library: Mutex<Library>,
    profiles: Vec<Profile>,
}

impl Service for Sample {
    fn about(&self) -> &About {
        &About {
            implementation: r#"{"name":"doorward-sample","title":"Garden library","version":"0.1.0"}"#,
            capabilities: r#"{"tools":{},"resources":{},"prompts":{}}"#,
            instructions: "The papers of a community garden: list, search and read them; write and delete if you may.",
        }
    }

    fn answer(&self, call: &Call<'_>) -> Answer {
        let mut library = self.library.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match call.method {
            "tools/list" => Answer::Result(tools::LIST.to_owned()),
            "tools/call" => tools::call(&mut library, &self.profiles, &call.tree()),
            "resources/list" => Answer::Result(resources::list(&library)),
            "resources/templates/list" => Answer::Result(resources::TEMPLATES.to_owned()),
            "resources/read" => resources::read(&library, call),
            "prompts/list" => Answer::Result(prompts::LIST.to_owned()),
            "prompts/get" => prompts::get(&library, &call.tree()),
            _ => Answer::Unknown,
        }
    }
}

#[cfg(test)]
mod tests;
