//! The door's own traffic to upstreams. An [`Errand`] is the second witness that a port may send (D-01): its kinds are
//! a closed list, and nothing that it sends is a caller's.

use std::sync::Arc;

use bytes::Bytes;
use doorward_wire::{Era, Id, LEGACY, MODERN, quote};

use crate::ports::Ports;
use crate::sessions::Owner;
use crate::snapshot::ServerRules;
use crate::stage::Caller;

/// What the door wants of an upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErrandKind {
    /// Asks a server of 2026-07-28 what it is.
    Discover,
    /// Opens a legacy link of the door's own: to learn what the server offers, or for a client that has no sessions.
    Initialize,
    /// Completes the handshake of a link that [`ErrandKind::Initialize`] opened.
    Initialized,
    /// Lists tools, from a cursor on.
    ListTools(Option<String>),
    /// Lists prompts, from a cursor on.
    ListPrompts(Option<String>),
    /// Lists resources, from a cursor on.
    ListResources(Option<String>),
    /// Lists templates of resources, from a cursor on.
    ListTemplates(Option<String>),
    /// Opens a legacy session's stream for what the server says unasked.
    OpenStream,
    /// Answers a request of the server that its caller's policies do not let through.
    Decline(Id),
    /// Sets the level of log messages that a legacy link delivers: one of the protocol's eight words.
    SetLevel(&'static str),
    /// Tells a legacy server that nobody waits any more for the answer to a request of this id, which is the door's own.
    Cancel(i64),
    /// Answers a ping of the server: whether this side is there is the door's to say, and needs nobody's permit.
    Pong(Id),
}

impl ErrandKind {
    /// Returns the member of the answer that a list stands in.
    pub(crate) fn list(&self) -> Option<&'static str> {
        match self {
            Self::ListTools(_) => Some("tools"),
            Self::ListPrompts(_) => Some("prompts"),
            Self::ListResources(_) => Some("resources"),
            Self::ListTemplates(_) => Some("resourceTemplates"),
            _ => None,
        }
    }

    fn cursor(&self) -> Option<&str> {
        match self {
            Self::ListTools(cursor)
            | Self::ListPrompts(cursor)
            | Self::ListResources(cursor)
            | Self::ListTemplates(cursor) => cursor.as_deref(),
            _ => None,
        }
    }
}

/// What the door calls itself before a server.
const SELF: &str = concat!(r#"{"name":"doorward","version":""#, env!("CARGO_PKG_VERSION"), r#""}"#);

/// One errand: its kind, and over which link it goes.
pub struct Errand<P: Ports> {
    server: Arc<ServerRules>,
    link: Option<Arc<P::Link>>,
    caller: Option<Arc<Caller>>,
    era: Era,
    version: Arc<str>,
    capabilities: Arc<str>,
    id: i64,
    kind: ErrandKind,
}

/// What errands of one exchange have in common.
#[derive(Clone)]
pub(crate) struct Errands<L> {
    pub(crate) server: Arc<ServerRules>,
    pub(crate) link: Option<Arc<L>>,
    pub(crate) caller: Option<Arc<Caller>>,
    pub(crate) era: Era,
    pub(crate) version: Arc<str>,
    pub(crate) capabilities: Arc<str>,
}

impl<P: Ports> Errand<P> {
    pub(crate) fn new(on: &Errands<P::Link>, id: i64, kind: ErrandKind) -> Self {
        Self {
            server: Arc::clone(&on.server),
            link: on.link.clone(),
            caller: on.caller.clone(),
            era: on.era,
            version: Arc::clone(&on.version),
            capabilities: Arc::clone(&on.capabilities),
            id,
            kind,
        }
    }

    /// Returns the server it goes to.
    pub fn server(&self) -> &Arc<ServerRules> {
        &self.server
    }

    /// Returns the link it goes over; none where it opens one, or in the stateless revision.
    pub fn link(&self) -> Option<&Arc<P::Link>> {
        self.link.as_ref()
    }

    /// Returns the person on whose behalf it runs; none for the door itself.
    pub fn owner(&self) -> Option<&Owner> {
        self.caller.as_ref().map(|caller| &caller.owner)
    }

    /// Returns the verified caller on whose behalf it runs, by whom a credential for the server is found; none for the
    /// door itself.
    pub fn caller(&self) -> Option<&Arc<Caller>> {
        self.caller.as_ref()
    }

    /// Returns the revision family it speaks.
    pub fn era(&self) -> Era {
        self.era
    }

    /// Returns what the client on whose behalf it runs declared that it can do, in the protocol's own words.
    pub fn capabilities(&self) -> &Arc<str> {
        &self.capabilities
    }

    /// Returns the request's id.
    pub fn id(&self) -> i64 {
        self.id
    }

    /// Returns what it is.
    pub fn kind(&self) -> &ErrandKind {
        &self.kind
    }

    /// Returns the frame to send; none for a stream, which is a verb.
    pub fn frame(&self) -> Option<Bytes> {
        let id = self.id;
        let text = match &self.kind {
            ErrandKind::Initialize => format!(
                r#"{{"jsonrpc":"2.0","id":{id},"method":"initialize","params":{{"protocolVersion":"{LEGACY}","capabilities":{},"clientInfo":{SELF}}}}}"#,
                self.capabilities
            ),
            ErrandKind::Initialized => r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#.to_owned(),
            ErrandKind::SetLevel(level) => format!(
                r#"{{"jsonrpc":"2.0","id":{id},"method":"logging/setLevel","params":{{"level":"{level}"}}}}"#
            ),
            ErrandKind::Cancel(call) => format!(
                r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{call}}}}}"#
            ),
            ErrandKind::Discover
            | ErrandKind::ListTools(_)
            | ErrandKind::ListPrompts(_)
            | ErrandKind::ListResources(_)
            | ErrandKind::ListTemplates(_) => {
                let mut params = Vec::new();
                if let Some(cursor) = self.kind.cursor() {
                    params.push(format!(r#""cursor":{}"#, quote(cursor)));
                }
                if self.era == Era::Modern {
                    params.push(format!(
                        r#""_meta":{{"io.modelcontextprotocol/protocolVersion":"{MODERN}","io.modelcontextprotocol/clientInfo":{SELF},"io.modelcontextprotocol/clientCapabilities":{}}}"#,
                        self.capabilities
                    ));
                }
                let method = self.method();
                format!(
                    r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{{{}}}}}"#,
                    params.join(",")
                )
            }
            ErrandKind::Pong(asked) => {
                format!(r#"{{"jsonrpc":"2.0","id":{},"result":{{}}}}"#, asked.to_json())
            }
            ErrandKind::Decline(asked) => format!(
                r#"{{"jsonrpc":"2.0","id":{},"error":{{"code":-32601,"message":"Method not found"}}}}"#,
                asked.to_json()
            ),
            ErrandKind::OpenStream => return None,
        };
        Some(Bytes::from(text))
    }

    /// The method of what both revisions can be asked.
    fn method(&self) -> &'static str {
        match self.kind {
            ErrandKind::Discover => "server/discover",
            ErrandKind::ListPrompts(_) => "prompts/list",
            ErrandKind::ListResources(_) => "resources/list",
            ErrandKind::ListTemplates(_) => "resources/templates/list",
            _ => "tools/list",
        }
    }

    /// Returns the MCP headers to send.
    pub fn headers(&self) -> Vec<(String, String)> {
        let mut headers = Vec::new();
        match (self.era, &self.kind) {
            (_, ErrandKind::Initialize) => {}
            (Era::Legacy, _) => headers.push(("mcp-protocol-version".to_owned(), self.version.to_string())),
            (Era::Modern, _) => {
                headers.push(("mcp-protocol-version".to_owned(), MODERN.to_owned()));
                headers.push(("mcp-method".to_owned(), self.method().to_owned()));
            }
        }
        headers
    }
}
