//! The methods of both revisions, and which side may send which.

use crate::frame::{Direction, FrameKind};

/// The two ways MCP is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Era {
    /// A handshake and a session: 2025-11-25 and older.
    Legacy,
    /// Everything in every request: 2026-07-28.
    Modern,
}

/// The modern revision served.
pub const MODERN: &str = "2026-07-28";
/// The newest legacy revision.
pub const LEGACY: &str = "2025-11-25";
/// What `MCP-Protocol-Version` may say in a legacy session (T-15).
pub const LEGACY_SERVED: &[&str] = &[LEGACY, "2025-06-18", "2025-03-26"];

macro_rules! methods {
    ($($(#[$doc:meta])* $variant:ident = $name:literal : $kind:ident, $legacy:ident, $modern:ident;)+) => {
        /// A method of either revision, or a name neither knows.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Method {
            $($(#[$doc])* #[doc = concat!("`", $name, "`")] $variant,)+
            /// A name of no revision; the frame holds it. Policy decides about it (D-27).
            Other,
        }

        impl Method {
            /// Every method that has a name here.
            pub const ALL: &[Method] = &[$(Method::$variant),+];

            /// Finds the method of this name; names are case-sensitive.
            pub fn of(name: &str) -> Self {
                match name {
                    $($name => Self::$variant,)+
                    _ => Self::Other,
                }
            }

            /// Returns the method's name; empty for [`Method::Other`].
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                    Self::Other => "",
                }
            }

            fn traits(self) -> (FrameKind, Sender, Sender) {
                match self {
                    $(Self::$variant => (FrameKind::$kind, Sender::$legacy, Sender::$modern),)+
                    Self::Other => (FrameKind::Request, Sender::Nobody, Sender::Nobody),
                }
            }
        }
    };
}

/// Who may send a method in one era.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sender {
    Client,
    Server,
    Both,
    Nobody,
}

// name : shape, sender in the legacy era, sender in the modern era
// (schema.ts of 2025-11-25 and 2026-07-28; the tasks extension of 2026)
methods! {
    Initialize = "initialize": Request, Client, Nobody;
    Ping = "ping": Request, Both, Nobody;
    Discover = "server/discover": Request, Nobody, Client;
    ToolsList = "tools/list": Request, Client, Client;
    ToolsCall = "tools/call": Request, Client, Client;
    PromptsList = "prompts/list": Request, Client, Client;
    PromptsGet = "prompts/get": Request, Client, Client;
    ResourcesList = "resources/list": Request, Client, Client;
    ResourceTemplatesList = "resources/templates/list": Request, Client, Client;
    ResourcesRead = "resources/read": Request, Client, Client;
    ResourcesSubscribe = "resources/subscribe": Request, Client, Nobody;
    ResourcesUnsubscribe = "resources/unsubscribe": Request, Client, Nobody;
    SubscriptionsListen = "subscriptions/listen": Request, Nobody, Client;
    CompletionComplete = "completion/complete": Request, Client, Client;
    LoggingSetLevel = "logging/setLevel": Request, Client, Nobody;
    TasksGet = "tasks/get": Request, Both, Client;
    TasksCancel = "tasks/cancel": Request, Both, Client;
    TasksUpdate = "tasks/update": Request, Nobody, Client;
    TasksList = "tasks/list": Request, Both, Nobody;
    TasksResult = "tasks/result": Request, Both, Nobody;
    SamplingCreate = "sampling/createMessage": Request, Server, Nobody;
    ElicitationCreate = "elicitation/create": Request, Server, Nobody;
    RootsList = "roots/list": Request, Server, Nobody;
    Initialized = "notifications/initialized": Notification, Client, Nobody;
    Cancelled = "notifications/cancelled": Notification, Both, Both;
    Progress = "notifications/progress": Notification, Both, Server;
    RootsListChanged = "notifications/roots/list_changed": Notification, Client, Nobody;
    Message = "notifications/message": Notification, Server, Server;
    ResourceUpdated = "notifications/resources/updated": Notification, Server, Server;
    ResourcesListChanged = "notifications/resources/list_changed": Notification, Server, Server;
    ToolsListChanged = "notifications/tools/list_changed": Notification, Server, Server;
    PromptsListChanged = "notifications/prompts/list_changed": Notification, Server, Server;
    ElicitationComplete = "notifications/elicitation/complete": Notification, Server, Nobody;
    SubscriptionsAcknowledged = "notifications/subscriptions/acknowledged": Notification, Nobody, Server;
    TaskStatus = "notifications/tasks/status": Notification, Both, Nobody;
    Tasks = "notifications/tasks": Notification, Nobody, Server;
}

impl Method {
    /// Says whether a revision of this era defines the method for this side and this shape.
    pub fn known_in(self, era: Era, direction: Direction, kind: FrameKind) -> bool {
        let (shape, legacy, modern) = self.traits();
        let sender = match era {
            Era::Legacy => legacy,
            Era::Modern => modern,
        };
        let may_send = match direction {
            Direction::ClientToServer => matches!(sender, Sender::Client | Sender::Both),
            Direction::ServerToClient => matches!(sender, Sender::Server | Sender::Both),
        };
        kind == shape && may_send
    }

    /// Returns the only shape the method may have; `None` for [`Method::Other`].
    pub fn shape(self) -> Option<FrameKind> {
        if self == Self::Other { None } else { Some(self.traits().0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_finds_its_method() {
        for method in Method::ALL {
            assert_eq!(Method::of(method.name()), *method);
            assert_eq!(
                method.shape() == Some(FrameKind::Notification),
                method.name().starts_with("notifications/")
            );
        }
        assert_eq!(Method::of("Tools/Call"), Method::Other);
        assert_eq!(Method::of(""), Method::Other);
    }

    #[test]
    fn eras_differ_where_the_revisions_do() {
        use Direction::{ClientToServer as Up, ServerToClient as Down};
        use FrameKind::{Notification, Request};
        assert!(Method::Ping.known_in(Era::Legacy, Up, Request));
        assert!(Method::Ping.known_in(Era::Legacy, Down, Request));
        assert!(!Method::Ping.known_in(Era::Modern, Up, Request));
        assert!(Method::Discover.known_in(Era::Modern, Up, Request));
        assert!(!Method::Discover.known_in(Era::Legacy, Up, Request));
        assert!(!Method::ToolsCall.known_in(Era::Legacy, Up, Notification), "a call without an answer");
        assert!(!Method::ToolsCall.known_in(Era::Modern, Down, Request));
        assert!(!Method::SamplingCreate.known_in(Era::Modern, Down, Request), "travels inside results now");
        assert!(!Method::Other.known_in(Era::Modern, Up, Request));
    }
}
