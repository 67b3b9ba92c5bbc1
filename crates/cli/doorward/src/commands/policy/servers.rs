//! The servers that policies speak of, and what is known of what they offer.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;
use doorward_config::Config;
use doorward_policy::{PromptShape, ServerShape, ToolShape};
use doorward_types::ServerName;
use doorward_wire::{Limits, Tree, Value, headers, lens};
use serde_json::json;

use crate::failure::Failure;
use crate::out::{NAME, Out, WARN, paint};
use crate::table::{clean, count};

const SHAPE: &str = "write an object with a member for each server, its value the result of the server's tools/list: {\"crm\": {\"tools\": [ … ]}}";

/// Every server by name: configured, or in the file that says what they offer.
#[derive(Debug, Default)]
pub(crate) struct Servers {
    /// The server, and where its lists stand in the file.
    names: BTreeMap<ServerName, bool>,
    offers: Option<Tree>,
}

impl Servers {
    /// Puts together the configured servers and the file of what they offer.
    pub(crate) fn read(config: Option<&Config>, tools: Option<&Path>) -> Result<Self, Failure> {
        let configured = config.iter().flat_map(|config| &config.servers);
        let mut servers = Self {
            names: configured.map(|server| (server.name.clone(), false)).collect(),
            offers: tools.map(parse).transpose()?,
        };
        let (Some(path), Some(tree)) = (tools, &servers.offers) else { return Ok(servers) };
        for (name, offer) in tree.root().members() {
            let wrong = |what: String| {
                Failure::usage(format!("{}: server `{}` {what}", path.display(), clean(&name)))
            };
            let parsed =
                ServerName::parse(&name).map_err(|error| wrong(format!("is {error}")).help(SHAPE))?;
            if config.is_some() && !servers.names.contains_key(&parsed) {
                let known: Vec<_> = servers.names.keys().map(ServerName::as_str).collect();
                return Err(wrong("is not configured".into())
                    .help(format!("the configured servers are {}", known.join(", "))));
            }
            check_lists(offer).map_err(|what| wrong(what.into()).help(SHAPE))?;
            servers.names.insert(parsed, true);
        }
        Ok(servers)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &ServerName> {
        self.names.keys()
    }

    /// Describes the servers to the policy compiler; one whose lists are not in the file is not complete.
    pub(crate) fn shapes(&self) -> Vec<ServerShape<'_>> {
        let shape = |(name, _): (_, &bool)| {
            let offer = self.offer(name);
            ServerShape {
                name,
                tools: offer.into_iter().flat_map(tools).collect(),
                prompts: offer.into_iter().flat_map(prompts).collect(),
                complete: offer.is_some(),
            }
        };
        self.names.iter().map(shape).collect()
    }

    /// Tools that the door does not serve, because their `x-mcp-header` breaks the rules (T-21).
    pub(crate) fn unserved(&self) -> Vec<(&ServerName, String)> {
        let tools =
            |name| self.offer(name).into_iter().flat_map(lens::tools_of).filter(|tool| !is_served(tool));
        self.names.keys().flat_map(|name| tools(name).map(move |tool| (name, clean(&tool.name)))).collect()
    }

    /// Says which servers' tools are not known, and what that means.
    pub(crate) fn tell_unknown(&self, out: &Out) {
        let unknown: Vec<_> =
            self.names.iter().filter(|(_, known)| !**known).map(|(name, _)| name.as_str()).collect();
        if unknown.is_empty() {
            return;
        }
        out.note(format_args!(
            "{} what {} offers is not known here: tools and arguments of it could not be checked",
            paint(WARN, "note:"),
            unknown.join(", ")
        ));
        out.note(format_args!(" {} give the results of tools/list with --tools FILE", paint(NAME, "help:")));
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        let server = |shape: &ServerShape<'_>| {
            let (tools, prompts) = (shape.tools.len(), shape.prompts.len());
            json!({ "name": shape.name.as_str(), "known": shape.complete, "tools": tools, "prompts": prompts })
        };
        self.shapes().iter().map(server).collect()
    }

    fn offer(&self, name: &ServerName) -> Option<Value<'_>> {
        self.offers.as_ref()?.root().get(name.as_str())
    }
}

/// `12 tools, 1 prompt`, or that they are not known.
pub(crate) fn in_words(shape: &ServerShape<'_>) -> String {
    if !shape.complete {
        return "not known".into();
    }
    let tools = count(shape.tools.len(), "tool");
    if shape.prompts.is_empty() {
        tools
    } else {
        format!("{tools}, {}", count(shape.prompts.len(), "prompt"))
    }
}

fn parse(path: &Path) -> Result<Tree, Failure> {
    let bytes = std::fs::read(path).map_err(|error| {
        Failure::usage(format!("cannot read {}: {error}", path.display()))
            .help("name a file with --tools FILE")
    })?;
    // The lists of many servers in one file: as much room as many answers.
    let limits = Limits { max_bytes: 256 << 20, max_nodes: 16 << 20, ..Limits::default() };
    let tree = Tree::parse(Bytes::from(bytes), &limits).map_err(|error| {
        Failure::usage(format!("{} is not valid JSON: {error}", path.display())).help(SHAPE)
    })?;
    if tree.root().is_object() {
        return Ok(tree);
    }
    Err(Failure::usage(format!("{} is not a JSON object", path.display())).help(SHAPE))
}

fn check_lists(offer: Value<'_>) -> Result<(), &'static str> {
    let is_list =
        |name| offer.get(name).is_some_and(|list: Value<'_>| list.kind() == doorward_wire::Kind::Array);
    if !is_list("tools") {
        Err("has no list `tools`")
    } else if offer.get("prompts").is_some() && !is_list("prompts") {
        Err("has `prompts` that are no list")
    } else if lens::next_cursor(offer).is_some() {
        // A tool on a later page would be taken for one that does not exist.
        Err("has only the first page of its list: `nextCursor` names another")
    } else {
        Ok(())
    }
}

fn tools(offer: Value<'_>) -> impl Iterator<Item = ToolShape<'_>> {
    let served = lens::tools_of(offer).filter(is_served);
    served.map(|tool| ToolShape { name: tool.name, input_schema: tool.input_schema })
}

fn is_served(tool: &lens::ToolDef<'_>) -> bool {
    tool.input_schema.is_none_or(|schema| headers::x_mcp_headers(schema).is_ok())
}

fn prompts(offer: Value<'_>) -> impl Iterator<Item = PromptShape<'_>> {
    lens::prompts_of(offer).map(|prompt| {
        let declared = prompt.value.get("arguments").into_iter().flat_map(|list| list.items());
        let arguments: Vec<Cow<'_, str>> =
            declared.filter_map(|argument| argument.get("name")?.as_str()).collect();
        PromptShape { name: prompt.name, arguments }
    })
}
