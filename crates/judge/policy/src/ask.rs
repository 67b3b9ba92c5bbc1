//! The questions a policy set is asked.

use doorward_types::ServerName;
use doorward_wire::Value;

/// What a caller, or a server towards its caller, is about to do.
#[derive(Clone, Copy)]
pub enum Ask<'a> {
    /// Use a server at all. The one question that is answered before a server's tools are known.
    Connect {
        /// The server.
        server: &'a ServerName,
    },
    /// Call a tool (`tools/call`).
    CallTool {
        /// The server that has the tool.
        server: &'a ServerName,
        /// The tool's name, as the server declares it.
        tool: &'a str,
        /// The call's `arguments`.
        arguments: Option<Value<'a>>,
    },
    /// Fetch a prompt (`prompts/get`).
    GetPrompt {
        /// The server that has the prompt.
        server: &'a ServerName,
        /// The prompt's name.
        prompt: &'a str,
        /// The request's `arguments`.
        arguments: Option<Value<'a>>,
    },
    /// Read a resource, or subscribe to it (`resources/read`, `resources/subscribe`).
    ReadResource {
        /// The server that has the resource.
        server: &'a ServerName,
        /// The resource's URI, as the caller wrote it.
        uri: &'a str,
    },
    /// A request of the server to the client (`sampling/createMessage`, `elicitation/create`, `roots/list`); any other
    /// method is judged as [`Ask::Other`].
    ServerRequest {
        /// The server that asks.
        server: &'a ServerName,
        /// The method it asks for.
        method: &'a str,
    },
    /// A method that no revision knows (D-27).
    Other {
        /// The server it is sent to.
        server: &'a ServerName,
        /// The method's name.
        method: &'a str,
    },
}

impl<'a> Ask<'a> {
    /// Returns the server that is asked about.
    pub fn server(&self) -> &'a ServerName {
        match *self {
            Self::Connect { server }
            | Self::CallTool { server, .. }
            | Self::GetPrompt { server, .. }
            | Self::ReadResource { server, .. }
            | Self::ServerRequest { server, .. }
            | Self::Other { server, .. } => server,
        }
    }
}

/// One item of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item<'a> {
    /// A tool, by name.
    Tool(&'a str),
    /// A prompt, by name.
    Prompt(&'a str),
    /// A resource, by URI; a resource template, by its URI template.
    Resource(&'a str),
}
