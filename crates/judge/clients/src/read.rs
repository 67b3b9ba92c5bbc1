//! Servers, read out of a client's file.

use std::ops::Range;

use crate::families::Format;
use crate::node::{Layout, Node, ReadError, Value};
use crate::secret::is_reference;
use crate::{json, toml, yaml};

/// A client's file, read.
pub struct Document<'t> {
    pub(crate) text: &'t str,
    pub(crate) format: Format,
    pub(crate) members: &'t [&'t [&'t str]],
    servers: Vec<Server>,
}

/// One server of a file.
#[derive(PartialEq, Eq)]
pub struct Server {
    /// Its name, as the client knows it.
    pub name: String,
    /// The project it is for, where a file holds those of several.
    pub project: Option<String>,
    /// What the client does to reach it.
    pub starts: Starts,
    /// Names of environment variables and headers whose values are written into the file.
    pub literals: Vec<String>,
    /// Names of all environment variables that it is started with.
    pub env: Vec<String>,
    pub(crate) spots: Option<Spots>,
}

/// What a client does to reach a server.
#[derive(PartialEq, Eq)]
pub enum Starts {
    /// It starts a program and speaks over its standard streams.
    Command {
        /// The program.
        command: String,
        /// Its arguments.
        args: Vec<String>,
    },
    /// It connects to an address.
    Remote {
        /// The address.
        url: String,
    },
    /// What it does is not clear from the file; such a server is shown and left alone.
    Unclear(&'static str),
}

/// Where in the text the parts stand that an edit touches.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Spots {
    /// Where the name of the member `command` begins.
    pub(crate) key: usize,
    pub(crate) command: Range<usize>,
    /// How the entry is laid out.
    pub(crate) layout: Layout,
    pub(crate) args: Option<Args>,
}

#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Args {
    pub(crate) span: Range<usize>,
    pub(crate) layout: Layout,
    pub(crate) items: Vec<Spot>,
}

#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Spot {
    /// With the dash that YAML puts before it.
    pub(crate) from: usize,
    pub(crate) span: Range<usize>,
}

impl<'t> Document<'t> {
    /// Reads a file's text; `members` lead to its servers, as in the table of [families](crate::FAMILIES).
    ///
    /// # Errors
    /// A text that is not of this format, that two readers could take differently, or whose servers are no servers.
    pub fn read(text: &'t str, format: Format, members: &'t [&'t [&'t str]]) -> Result<Self, ReadError> {
        let root = match format {
            // A file that a client has made and nobody has written to yet.
            Format::Json if text.trim().is_empty() => {
                Node { span: 0..0, value: Value::Map(Vec::new(), Layout::Flow) }
            }
            Format::Json => json::read(text)?,
            Format::Toml => toml::read(text)?,
            Format::Yaml => yaml::read(text)?,
        };
        let mut servers = Vec::new();
        for path in members {
            follow(text, &root, path, None, &mut servers)?;
        }
        Ok(Self { text, format, members, servers })
    }

    /// Returns the servers in the order of the file.
    pub fn servers(&self) -> &[Server] {
        &self.servers
    }
}

fn follow(
    text: &str,
    node: &Node,
    path: &[&str],
    project: Option<&str>,
    servers: &mut Vec<Server>,
) -> Result<(), ReadError> {
    match path {
        [] => entries(text, node, project, servers),
        ["*", rest @ ..] => {
            for member in node.members() {
                follow(text, &member.node, rest, Some(&member.name), servers)?;
            }
            Ok(())
        }
        [name, rest @ ..] => match node.member(name) {
            Some(member) => follow(text, &member.node, rest, project, servers),
            None => Ok(()),
        },
    }
}

fn entries(
    text: &str,
    node: &Node,
    project: Option<&str>,
    servers: &mut Vec<Server>,
) -> Result<(), ReadError> {
    match &node.value {
        Value::Map(members, _) => {
            servers.extend(members.iter().map(|member| server(member.name.clone(), project, &member.node)));
        }
        Value::List(items, _) => servers.extend(items.iter().enumerate().map(|(number, item)| {
            let name = item.node.member("name").and_then(|member| member.node.text());
            server(name.map_or_else(|| format!("#{}", number + 1), str::to_owned), project, &item.node)
        })),
        // `mcpServers:` with nothing behind it.
        Value::Other => {}
        Value::Text(_) => return Err(ReadError::at(text, node.span.start, "servers are expected here")),
    }
    Ok(())
}

/// Members that name an address, by client.
const ADDRESSES: [&str; 3] = ["url", "serverUrl", "httpUrl"];

fn server(name: String, project: Option<&str>, node: &Node) -> Server {
    let (starts, spots) = starts(node);
    let (mut env, mut literals) = (Vec::new(), Vec::new());
    for (member, list) in [("env", true), ("headers", false)] {
        for member in node.member(member).map(|member| member.node.members()).unwrap_or_default() {
            // One without a text is one to leave out.
            if list && member.node.text().is_some() {
                env.push(member.name.clone());
            }
            if member.node.text().is_some_and(|value| !value.is_empty() && !is_reference(value)) {
                literals.push(member.name.clone());
            }
        }
    }
    Server { name, project: project.map(str::to_owned), starts, literals, env, spots }
}

fn starts(node: &Node) -> (Starts, Option<Spots>) {
    let unclear = |why| (Starts::Unclear(why), None);
    let address = ADDRESSES.iter().find_map(|name| node.member(name)).map(|member| member.node.text());
    let Value::Map(_, layout) = node.value else { return unclear("the entry is no set of members") };
    let Some(command) = node.member("command") else {
        return match address {
            Some(Some(url)) => (Starts::Remote { url: url.to_owned() }, None),
            _ => unclear("the entry has neither `command` nor an address"),
        };
    };
    // One client would start the program and another would connect: what is shown must be what happens.
    if address.is_some() {
        return unclear("the entry has both `command` and an address, and clients differ in which they take");
    }
    let kind = node.member("type").map(|member| member.node.text().unwrap_or_default());
    if kind.is_some_and(|kind| !matches!(kind, "stdio" | "local")) {
        return unclear("the entry has a `command`, and its `type` is not that of a program");
    }
    let Some(program) = command.node.text() else { return unclear("`command` is not a text") };
    let args = node.member("args").map(|member| &member.node);
    let texts: Option<(Vec<String>, Option<Args>)> = match args.map(|args| (&args.value, args)) {
        None => Some((Vec::new(), None)),
        Some((Value::List(items, layout), args)) => {
            let spot = |item: &crate::node::Item| Spot { from: item.from, span: item.node.span.clone() };
            let spots =
                Args { span: args.span.clone(), layout: *layout, items: items.iter().map(spot).collect() };
            let texts =
                items.iter().map(|item| item.node.text().map(str::to_owned)).collect::<Option<Vec<_>>>();
            texts.map(|texts| (texts, Some(spots)))
        }
        Some(_) => None,
    };
    let Some((texts, args)) = texts else { return unclear("`args` is not a list of texts") };
    let spots = Spots { key: command.at, command: command.node.span.clone(), layout, args };
    (Starts::Command { command: program.to_owned(), args: texts }, Some(spots))
}
