//! Whose labels they are, and what may narrow them.

use std::fmt;

use doorward_types::{ClientId, GrantId, Person, ServerName, TenantId};

/// Whose labels are folded together. Connections prove nothing: whoever opens a second one still has what the first
/// one read (D-20).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// A person with a token of the door: one sign-in with one client, for as long as it is refreshed.
    Grant(Person, GrantId),
    /// A person with a token of Entra's: the client is the closest thing to a grant that it names.
    Client(Person, ClientId),
    /// A program that speaks for itself.
    App(TenantId, ClientId),
    /// A user of this machine, over all guards that run for them.
    LocalUser(String),
}

/// The place in a store. No two keys share one: every part but the last has a fixed form.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Grant(who, grant) => write!(f, "grant/{}/{}/{grant}", who.tenant, who.object),
            Self::Client(who, client) => write!(f, "client/{}/{}/{client}", who.tenant, who.object),
            Self::App(tenant, client) => write!(f, "app/{tenant}/{client}"),
            Self::LocalUser(user) => write!(f, "user/{user}"),
        }
    }
}

/// A part of what a key does that is told apart from its other parts.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Thread {
    /// A legacy session, which is one client's with one server.
    Session {
        /// The server it is with.
        server: ServerName,
        /// Its id.
        id: String,
    },
    /// A conversation, by the id that a client named in the configuration gives it.
    Conversation(String),
}

impl Thread {
    /// The longest id that is taken, in bytes.
    pub const LONGEST: usize = 256;

    /// Takes a session's id; nothing if it is no plain id, and then nothing is narrowed.
    pub fn session(server: &ServerName, id: &str) -> Option<Self> {
        plain(id).then(|| Self::Session { server: server.clone(), id: id.to_owned() })
    }

    /// Takes a conversation's id, of a client that the configuration names; nothing if it is no plain id.
    pub fn conversation(id: &str) -> Option<Self> {
        plain(id).then(|| Self::Conversation(id.to_owned()))
    }

    /// Whether what was read in this thread may be known in `other`.
    ///
    /// A host opens a session with each of its servers and feeds one model from all of them. So sessions with different
    /// servers are never apart: the attack that reads at one server and sends at another crosses exactly there.
    pub(crate) fn reaches(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Conversation(mine), Self::Conversation(theirs)) => mine == theirs,
            (Self::Session { server: mine, id: one }, Self::Session { server: theirs, id: two }) => {
                mine != theirs || one == two
            }
            (Self::Session { .. }, Self::Conversation(_)) | (Self::Conversation(_), Self::Session { .. }) => {
                true
            }
        }
    }
}

fn plain(id: &str) -> bool {
    !id.is_empty() && id.len() <= Thread::LONGEST && id.bytes().all(|byte| byte.is_ascii_graphic())
}
