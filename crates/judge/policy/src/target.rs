//! A question with everything that is known of it before anyone is looked at.

use std::sync::Arc;

use cedar_policy::Context;
use doorward_types::ServerName;

use crate::ask::{Ask, Item};
use crate::catalogue::{Offer, Server};
use crate::compile::Policies;
use crate::context::{Declared, Misfit, of_arguments, of_method};
use crate::index::Atom;
use crate::names::{Action, TOOLS_CALL, Type, Uid, Verb};
use crate::principal::Slot;
use crate::rule::{Reads, Rule};

/// A question with what the catalogue knows of its object.
pub(crate) struct Target<'a> {
    server: &'a Server,
    kind: Kind,
    pub(crate) action: &'a str,
    pub(crate) resource: Uid,
    /// The server's entity, if `resource` is something of it.
    pub(crate) parent: Option<Uid>,
    offer: Option<&'a Offer>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Call,
    Verb(Verb),
    SeeTool,
    SeePrompt,
    SeeResource,
}

impl<'a> Target<'a> {
    /// Looks a question up; nothing if its server, tool or prompt does not exist.
    pub(crate) fn of(policies: &'a Policies, ask: &Ask<'a>) -> Option<Self> {
        let server = policies.catalogue.servers.get(ask.server())?;
        let whole = |verb: Verb| Self::whole(server, verb);
        Some(match *ask {
            Ask::Connect { .. } => whole(Verb::Connect),
            Ask::CallTool { tool, .. } => {
                let offer = server.tools.get(tool)?;
                Self::offered(server, Kind::Call, &offer.id, Type::Tool, offer)
            }
            Ask::GetPrompt { prompt, .. } => {
                let offer = server.prompts.get(prompt)?;
                Self::offered(server, Kind::Verb(Verb::GetPrompt), Verb::GetPrompt.id(), Type::Prompt, offer)
            }
            Ask::ReadResource { uri, .. } => Self::resource(server, Verb::ReadResource, uri),
            Ask::ServerRequest { method, .. } => whole(match Verb::of(method) {
                Some(verb @ (Verb::Sampling | Verb::Elicitation | Verb::Roots)) => verb,
                _ => Verb::Other,
            }),
            Ask::Other { .. } => whole(Verb::Other),
        })
    }

    pub(crate) fn of_item(policies: &'a Policies, name: &ServerName, item: Item<'a>) -> Option<Self> {
        let server = policies.catalogue.servers.get(name)?;
        let see = Verb::See.id();
        Some(match item {
            Item::Tool(tool) => {
                Self::offered(server, Kind::SeeTool, see, Type::Tool, server.tools.get(tool)?)
            }
            Item::Prompt(prompt) => {
                Self::offered(server, Kind::SeePrompt, see, Type::Prompt, server.prompts.get(prompt)?)
            }
            Item::Resource(uri) => Self::resource(server, Verb::See, uri),
        })
    }

    fn whole(server: &'a Server, verb: Verb) -> Self {
        let resource = Uid::new(Type::Server, Arc::clone(&server.id));
        Self { server, kind: Kind::Verb(verb), action: verb.id(), resource, parent: None, offer: None }
    }

    fn offered(server: &'a Server, kind: Kind, action: &'a str, ty: Type, offer: &'a Offer) -> Self {
        let resource = Uid::new(ty, Arc::clone(&offer.id));
        let parent = Some(Uid::new(Type::Server, Arc::clone(&server.id)));
        Self { server, kind, action, resource, parent, offer: Some(offer) }
    }

    fn resource(server: &'a Server, verb: Verb, uri: &str) -> Self {
        let kind = if verb == Verb::See { Kind::SeeResource } else { Kind::Verb(verb) };
        let resource = Uid::new(Type::Resource, format!("{}/{uri}", server.id));
        let parent = Some(Uid::new(Type::Server, Arc::clone(&server.id)));
        Self { server, kind, action: verb.id(), resource, parent, offer: None }
    }

    /// Whether this may be judged before the server's lists are known: only connecting may, since it opens no tool.
    pub(crate) fn is_pending(&self) -> bool {
        !self.server.complete && self.kind != Kind::Verb(Verb::Connect)
    }

    /// Where answers to this question are kept.
    pub(crate) fn slot<'u>(&'u self) -> Slot<'u> {
        let question = match self.kind {
            Kind::Call => 0,
            Kind::SeeTool => 1,
            Kind::SeePrompt => 2,
            Kind::SeeResource => 3,
            Kind::Verb(verb) => match verb {
                Verb::See => 4,
                Verb::Connect => 5,
                Verb::GetPrompt => 6,
                Verb::ReadResource => 7,
                Verb::Sampling => 8,
                Verb::Elicitation => 9,
                Verb::Roots => 10,
                Verb::Other => 11,
            },
        };
        let item = self.offer.map_or(0, |offer| offer.index);
        match self.resource.kind {
            Type::Resource => Slot::Uri(question, self.server.index, self.own_name()),
            _ => Slot::Known(question, self.server.index, item),
        }
    }

    /// Where it is kept whether a tool or prompt of a list is seen.
    pub(crate) fn list_slot(&self) -> Option<(u8, u32, u32)> {
        match self.slot() {
            Slot::Known(question @ (1 | 2), server, item) if !self.is_pending() => {
                Some((question, server, item))
            }
            _ => None,
        }
    }

    /// The name or URI without its server.
    pub(crate) fn own_name(&self) -> &str {
        self.resource.server_part().map_or("", |(_, own)| own)
    }

    /// Whether a rule takes part in this question at all.
    pub(crate) fn is_asked_of(&self, policies: &Policies, rule: &Rule) -> bool {
        let names = |verb: Verb| rule.head.names(&Action::Verb(verb));
        let derived = rule.derived;
        match self.kind {
            Kind::SeeTool | Kind::SeePrompt | Kind::SeeResource | Kind::Verb(Verb::See) => {
                if policies.derived.see { derived && names(Verb::See) } else { !derived }
            }
            Kind::Verb(Verb::Connect) => {
                if policies.derived.connect {
                    derived && names(Verb::Connect)
                } else {
                    !derived
                }
            }
            // An unknown method needs a policy that names `other`: "everything" was written without it in mind (D-27).
            Kind::Verb(Verb::Other) => !derived && (!rule.permits() || rule.head.actions.is_some()),
            Kind::Call | Kind::Verb(_) => !derived,
        }
    }

    /// Whether an action of a scope is this question's, or its group.
    pub(crate) fn is_action(&self, action: &Action) -> bool {
        match action {
            Action::Tool(id) => self.kind == Kind::Call && id.as_ref() == self.action,
            Action::AnyTool => self.kind == Kind::Call,
            Action::Verb(verb) => verb.id() == self.action,
        }
    }

    /// Whether this calls a tool, so that its action is in the group of all tools.
    pub(crate) fn is_call(&self) -> bool {
        self.kind == Kind::Call
    }

    /// The action and its group, as the index knows them; nothing stands for policies on any action.
    pub(crate) fn actions(&self, policies: &Policies) -> Vec<Option<Atom>> {
        let atom = |id: &str| policies.index.atom(&Uid::new(Type::Action, id)).map(Some);
        let group = if self.kind == Kind::Call { atom(TOOLS_CALL) } else { None };
        atom(self.action).into_iter().chain(group).chain([None]).collect()
    }

    pub(crate) fn resources(&self, policies: &Policies) -> Vec<Option<Atom>> {
        let atom = |uid: &Uid| policies.index.atom(uid).map(Some);
        let parent = self.parent.as_ref().and_then(atom);
        atom(&self.resource).into_iter().chain(parent).chain([None]).collect()
    }

    /// The context that policies which read `reads` are shown.
    pub(crate) fn context(&self, ask: Option<&Ask<'_>>, reads: &Reads) -> Result<Context, Misfit> {
        let none = Default::default();
        let declared = self.offer.map_or(&none, |offer| &offer.arguments);
        match ask {
            Some(Ask::CallTool { arguments, .. }) => {
                of_arguments(*arguments, &Declared::Tool(declared), reads)
            }
            Some(Ask::GetPrompt { arguments, .. }) => {
                of_arguments(*arguments, &Declared::Prompt(declared), reads)
            }
            Some(Ask::Other { method, .. } | Ask::ServerRequest { method, .. })
                if self.action == Verb::Other.id() =>
            {
                of_method(method)
            }
            _ => Ok(Context::empty()),
        }
    }
}
