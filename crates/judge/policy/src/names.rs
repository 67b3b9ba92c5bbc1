//! The words policies are written in: entity types, actions, and how their ids are spelled.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use cedar_policy::{EntityId, EntityTypeName, EntityUid, pst};

/// The group of all tool actions.
pub(crate) const TOOLS_CALL: &str = "tools/call";

/// An entity type of the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Type {
    User,
    App,
    Group,
    Role,
    Tenant,
    Server,
    Tool,
    Prompt,
    Resource,
    Action,
}

impl Type {
    pub(crate) const ALL: [Self; 10] = [
        Self::User,
        Self::App,
        Self::Group,
        Self::Role,
        Self::Tenant,
        Self::Server,
        Self::Tool,
        Self::Prompt,
        Self::Resource,
        Self::Action,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::App => "App",
            Self::Group => "Group",
            Self::Role => "Role",
            Self::Tenant => "Tenant",
            Self::Server => "Server",
            Self::Tool => "Tool",
            Self::Prompt => "Prompt",
            Self::Resource => "Resource",
            Self::Action => "Action",
        }
    }

    pub(crate) fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Types whose ids begin with a server's name.
    pub(crate) fn belongs_to_server(self) -> bool {
        matches!(self, Self::Tool | Self::Prompt | Self::Resource)
    }
}

/// One of the actions that exist whatever the servers offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verb {
    See,
    Connect,
    GetPrompt,
    ReadResource,
    Sampling,
    Elicitation,
    Roots,
    Other,
}

impl Verb {
    pub(crate) const ALL: [Self; 8] = [
        Self::See,
        Self::Connect,
        Self::GetPrompt,
        Self::ReadResource,
        Self::Sampling,
        Self::Elicitation,
        Self::Roots,
        Self::Other,
    ];

    pub(crate) const fn id(self) -> &'static str {
        match self {
            Self::See => "see",
            Self::Connect => "connect",
            Self::GetPrompt => "prompts/get",
            Self::ReadResource => "resources/read",
            Self::Sampling => "sampling/createMessage",
            Self::Elicitation => "elicitation/create",
            Self::Roots => "roots/list",
            Self::Other => "other",
        }
    }

    pub(crate) fn of(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verb| verb.id() == id)
    }
}

/// What an action id of a policy names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Action {
    /// `Action::"server/tool"`, by its whole id.
    Tool(Arc<str>),
    /// The group `Action::"tools/call"`.
    AnyTool,
    Verb(Verb),
}

impl Action {
    pub(crate) fn of(id: &str) -> Self {
        match Verb::of(id) {
            Some(verb) => Self::Verb(verb),
            None if id == TOOLS_CALL => Self::AnyTool,
            None => Self::Tool(id.into()),
        }
    }
}

/// Whether a tool's action id would be one of our own words: `server = "tools"` with a tool `call` would make every
/// policy on the group a policy on that tool.
pub(crate) fn is_reserved_action(id: &str) -> bool {
    id == TOOLS_CALL || Verb::of(id).is_some()
}

/// An entity as a policy names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Uid {
    pub(crate) kind: Type,
    pub(crate) id: Arc<str>,
}

impl Uid {
    pub(crate) fn new(kind: Type, id: impl Into<Arc<str>>) -> Self {
        Self { kind, id: id.into() }
    }

    pub(crate) fn from_cedar(uid: &EntityUid) -> Option<Self> {
        let name = uid.type_name();
        let plain = name.namespace_components().next().is_none();
        let kind = if plain { Type::of(name.basename()) } else { None }?;
        Some(Self::new(kind, uid.id().unescaped()))
    }

    pub(crate) fn from_pst(uid: &pst::EntityUID) -> Option<Self> {
        Some(Self::new(type_of_pst(&uid.ty)?, uid.eid.as_str()))
    }

    pub(crate) fn to_pst(&self) -> Option<pst::EntityUID> {
        Some(pst::EntityUID { ty: pst_type(self.kind)?, eid: self.id.as_ref().into() })
    }

    /// Splits `server/rest` where this type's ids are made so; a `Server` is its own first part.
    pub(crate) fn server_part(&self) -> Option<(&str, &str)> {
        if self.kind == Type::Server { Some((&self.id, "")) } else { self.id.split_once('/') }
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::\"{}\"", self.kind.name(), self.id.escape_debug())
    }
}

pub(crate) fn pst_type(kind: Type) -> Option<pst::EntityType> {
    pst::Name::unqualified(kind.name()).ok().map(pst::EntityType)
}

pub(crate) fn type_of_pst(ty: &pst::EntityType) -> Option<Type> {
    if ty.0.namespace.is_empty() { Type::of(ty.0.id.as_str()) } else { None }
}

/// Cedar's names of our types, parsed once: parsing one takes longer than a decision.
#[derive(Debug)]
pub(crate) struct Vocabulary(Vec<(Type, EntityTypeName)>);

impl Vocabulary {
    /// Returns nothing if Cedar no longer reads one of the names.
    pub(crate) fn new() -> Option<Self> {
        Type::ALL
            .into_iter()
            .map(|kind| Some((kind, EntityTypeName::from_str(kind.name()).ok()?)))
            .collect::<Option<_>>()
            .map(Self)
    }

    pub(crate) fn uid(&self, kind: Type, id: &str) -> Option<EntityUid> {
        let (_, name) = self.0.iter().find(|(known, _)| *known == kind)?;
        Some(EntityUid::from_type_name_and_id(name.clone(), EntityId::new(id)))
    }
}
