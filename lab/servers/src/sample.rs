//! The sample server: the first one people meet, a small library of documents in memory.
//!
//! `doorward up` puts it behind the door. It is made so that policies have something to bite on: tools that read,
//! tools that write and destroy (annotated as such), and `get_profile`, whose argument says whose data is asked for. With
//! Graph behind it, it has `getUserDetails` too, which takes nobody's word for who asks.

mod documents;
pub mod graph;
pub(crate) mod profiles;
mod prompts;
mod resources;
mod tools;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

pub use profiles::Profile;

use crate::answer::{About, Answer, Service};
use crate::endpoint::Eras;
use crate::message::Call;
use crate::running::Running;
use crate::state::State;
use crate::stdio;
use documents::Library;
use graph::Graph;

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
    let service = Sample::new(options.profiles);
    Running::start(options.listen, Eras::Both, State::new(options.transcript), service).await
}

/// Starts a sample server that has the tool `getUserDetails` as well.
///
/// # Errors
/// When the address cannot be bound, or is not loopback, or the certificate authority cannot be read.
pub async fn start_with_graph(options: Options, graph: graph::Options) -> io::Result<Running> {
    let state = State::new(options.transcript);
    let service = Sample::with_graph(options.profiles, graph)?;
    Running::start(options.listen, Eras::Both, state, service).await
}

/// Serves the sample server on this process's standard input and output until input ends; with Graph behind it, where there
/// is an identity to ask for tokens.
///
/// # Errors
/// When the threads that read and write cannot be started, or the certificate authority cannot be read.
pub async fn serve_stdio(graph: Option<graph::Options>) -> io::Result<()> {
    let service = match graph {
        Some(graph) => Sample::with_graph(profiles::built_in(), graph)?,
        None => Sample::new(profiles::built_in()),
    };
    stdio::serve_process(service, State::new(false)).await
}

pub(crate) struct Sample {
    library: Mutex<Library>,
    profiles: Vec<Profile>,
    graph: Option<Arc<Graph>>,
}

impl Sample {
    pub(crate) fn new(profiles: Vec<Profile>) -> Self {
        Self { library: Mutex::new(Library::built_in()), profiles, graph: None }
    }

    pub(crate) fn with_graph(profiles: Vec<Profile>, graph: graph::Options) -> io::Result<Self> {
        let graph = Graph::new(graph).map_err(io::Error::other)?;
        Ok(Self { graph: Some(Arc::new(graph)), ..Self::new(profiles) })
    }

    /// `getUserDetails` takes its time; every other answer is ready at once.
    fn details(&self, call: &Call<'_>) -> Option<Answer> {
        let graph = self.graph.as_ref()?;
        let tool = call.tree();
        let asked = tool.get("name").and_then(serde_json::Value::as_str) == Some(graph.tool_name());
        asked.then(|| Answer::Later(graph.call(call.authorization)))
    }
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
        if let ("tools/call", Some(answer)) = (call.method, self.details(call)) {
            return answer;
        }
        let mut library = self.library.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match call.method {
            "tools/list" => Answer::Result(tools::list_all(self.graph.as_deref())),
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
