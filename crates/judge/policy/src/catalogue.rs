//! The servers, and what is known of what they offer.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use doorward_types::ServerName;
use doorward_wire::Value;

use crate::names::is_reserved_action;
use crate::problem::PolicyProblem;
use crate::shape::{Attribute, Record, Shape, arguments_of, untyped_of};

/// A tool as its server declares it.
pub struct ToolShape<'a> {
    /// Its name.
    pub name: Cow<'a, str>,
    /// Its `inputSchema`.
    pub input_schema: Option<Value<'a>>,
}

/// A prompt as its server declares it.
pub struct PromptShape<'a> {
    /// Its name.
    pub name: Cow<'a, str>,
    /// The names of its arguments, all of them strings.
    pub arguments: Vec<Cow<'a, str>>,
}

/// A configured server and what is known of it.
pub struct ServerShape<'a> {
    /// Its name.
    pub name: &'a ServerName,
    /// Its tools.
    pub tools: Vec<ToolShape<'a>>,
    /// Its prompts.
    pub prompts: Vec<PromptShape<'a>>,
    /// Whether the lists are whole. While they are not, the server has no permits but to connect.
    pub complete: bool,
}

/// All servers, in the order of their names.
#[derive(Debug, Default)]
pub(crate) struct Catalogue {
    pub(crate) servers: BTreeMap<ServerName, Server>,
    /// Tools and prompts that no policy can name, and why.
    pub(crate) left_out: Vec<PolicyProblem>,
}

/// One server.
#[derive(Debug)]
pub(crate) struct Server {
    /// Its number, for caches.
    pub(crate) index: u32,
    /// The id of its entity: its name.
    pub(crate) id: Arc<str>,
    pub(crate) complete: bool,
    pub(crate) tools: BTreeMap<Arc<str>, Offer>,
    pub(crate) prompts: BTreeMap<Arc<str>, Offer>,
}

/// A tool or a prompt.
#[derive(Debug)]
pub(crate) struct Offer {
    /// Its number among its server's tools or prompts.
    pub(crate) index: u32,
    /// `server/name`: the id of its entity, and of a tool's action.
    pub(crate) id: Arc<str>,
    /// The typed part of its arguments.
    pub(crate) arguments: Record,
    /// Arguments that have no Cedar type.
    pub(crate) untyped: Vec<Arc<str>>,
}

impl Catalogue {
    pub(crate) fn new(shapes: &[ServerShape<'_>]) -> Self {
        let mut catalogue = Self::default();
        for (index, shape) in (0..).zip(shapes) {
            let tools = shape
                .tools
                .iter()
                .map(|tool| (&tool.name, arguments_of(tool.input_schema), tool.input_schema));
            let prompts = shape.prompts.iter().map(|prompt| (&prompt.name, texts(&prompt.arguments), None));
            let tools = catalogue.offers("tool", shape.name, tools);
            let prompts = catalogue.offers("prompt", shape.name, prompts);
            let server =
                Server { index, id: shape.name.as_str().into(), complete: shape.complete, tools, prompts };
            catalogue.servers.insert(shape.name.clone(), server);
        }
        catalogue
    }

    pub(crate) fn server(&self, name: &str) -> Option<(&ServerName, &Server)> {
        self.servers.iter().find(|(known, _)| known.as_str() == name)
    }

    fn offers<'a>(
        &mut self,
        what: &str,
        server: &ServerName,
        listed: impl Iterator<Item = (&'a Cow<'a, str>, Record, Option<Value<'a>>)>,
    ) -> BTreeMap<Arc<str>, Offer> {
        let mut offers: BTreeMap<Arc<str>, Offer> = BTreeMap::new();
        let mut doubled = BTreeSet::new();
        for (index, (name, arguments, schema)) in (0..).zip(listed) {
            let untyped = untyped_of(schema, &arguments);
            let id: Arc<str> = format!("{server}/{name}").into();
            if what == "tool" && is_reserved_action(&id) {
                self.left_out.push(PolicyProblem::placeless(
                    format!("{what} `{name}` of server `{server}` cannot be permitted: `Action::\"{id}\"` has a meaning of its own"),
                    "give the server another name",
                ));
            } else if offers.insert(name.as_ref().into(), Offer { index, id, arguments, untyped }).is_some() {
                doubled.insert(name.as_ref());
            }
        }
        // Which of the two a call would reach is the server's choice, so neither has a type a policy can rely on.
        for name in doubled {
            offers.remove(name);
            self.left_out.push(PolicyProblem::placeless(
                format!(
                    "{what} `{name}` of server `{server}` cannot be permitted: the server lists it twice"
                ),
                "have the server's author fix its list",
            ));
        }
        offers
    }
}

fn texts(names: &[Cow<'_, str>]) -> Record {
    names
        .iter()
        .map(|name| (name.as_ref().into(), Attribute { shape: Shape::Text, required: false }))
        .collect()
}
