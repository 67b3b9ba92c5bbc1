//! Definitions out of JSON: what a server listed, in whatever wrapping it was saved.

use std::borrow::Cow;
use std::path::Path;

use bytes::Bytes;
use doorward_inspect::{Finding, Names, Place, Report, text, tool};
use doorward_wire::{Kind, Limits, Tree, Value};

use super::lines::{Lines, Region};

/// A file of definitions may be that large, in bytes, and what a server lists too.
pub(super) const MOST: usize = 64 << 20;

/// One place that definitions come from.
pub(super) struct Source {
    /// The file, or the server's command or address.
    pub(super) name: String,
    tree: Tree,
    /// Where the lines are, if the tree is a file that the person has: places in it mean something to them.
    lines: Option<Lines>,
}

/// One thing that a model would read.
pub(super) struct Item<'t> {
    pub(super) kind: &'static str,
    pub(super) name: String,
    /// Whose it is, among those of its file, where the file says so.
    pub(super) server: String,
    value: Value<'t>,
}

/// The lists of MCP, and what one of their items is.
const LISTS: [(&str, &str); 4] =
    [("tools", "tool"), ("prompts", "prompt"), ("resources", "resource"), ("resourceTemplates", "resource")];

/// Bounds of definitions.
pub(super) fn limits() -> Limits {
    Limits { max_bytes: MOST, max_nodes: 4_000_000, ..Limits::default() }
}

/// Reads a file.
///
/// # Errors
/// Why there are no definitions to be had from it.
pub(super) fn file(path: &Path) -> Result<Source, String> {
    let bytes = std::fs::read(path).map_err(|error| format!("cannot be read: {error}"))?;
    source(path.display().to_string(), bytes, true)
}

/// Reads a text.
///
/// # Errors
/// As [`file`].
pub(super) fn source(name: String, bytes: Vec<u8>, is_file: bool) -> Result<Source, String> {
    let tree = Tree::parse(Bytes::from(bytes), &limits()).map_err(|error| format!("is no JSON: {error}"))?;
    let lines = is_file.then(|| Lines::of(tree.bytes()));
    let source = Source { name, tree, lines };
    if source.items().is_empty() {
        return Err("holds no tools, prompts or resources".to_owned());
    }
    Ok(source)
}

/// Collects what stands in a value that is the server's of this name; pages of one list have none, and are one server's.
fn find<'t>(value: Value<'t>, server: &str, items: &mut Vec<Item<'t>>) {
    if let Some(inner) = value.get("result").filter(Value::is_object) {
        return find(inner, server, items);
    }
    if value.kind() == Kind::Array {
        for item in value.items() {
            match is_tool(item) {
                true => items.push(Item::of("tool", item, server)),
                false => find(item, server, items),
            }
        }
        return;
    }
    if is_tool(value) {
        items.push(Item::of("tool", value, server));
        return;
    }
    let before = items.len();
    let named = [value.get("server"), value.get("name"), value.path(&["serverInfo", "name"])];
    let named = named.into_iter().flatten().find_map(|name| name.as_str());
    let server = named.as_deref().unwrap_or(server);
    for (list, kind) in LISTS {
        let listed = value.get(list).into_iter().flat_map(|list| list.items()).filter(Value::is_object);
        items.extend(listed.map(|item| Item::of(kind, item, server)));
    }
    let instructions = value.get("instructions");
    if let Some(value) = instructions.filter(|told| told.as_str().is_some_and(|told| !told.is_empty())) {
        items.push(Item { kind: "instructions", name: String::new(), server: server.to_owned(), value });
    }
    if items.len() > before {
        return;
    }
    // Several servers, each under its name or in a list of them.
    let has_tools = |value: Value<'_>| value.get("tools").is_some_and(|tools| tools.kind() == Kind::Array);
    for (name, member) in value.members() {
        let mut inside = member.items().chain(member.members().map(|(_, inner)| inner));
        if has_tools(member) {
            find(member, &name, items);
        } else if inside.any(has_tools) {
            find(member, server, items);
        }
    }
}

fn is_tool(value: Value<'_>) -> bool {
    value.is_object()
        && value.get("name").is_some_and(|name| name.kind() == Kind::String)
        && (value.get("inputSchema").is_some() || value.get("description").is_some())
}

impl<'t> Item<'t> {
    /// What it says of itself.
    pub(super) fn said(&self) -> Cow<'t, str> {
        self.value.get("description").and_then(|said| said.as_str()).unwrap_or_default()
    }

    fn of(kind: &'static str, value: Value<'t>, server: &str) -> Self {
        let name = ["name", "uri", "uriTemplate"].iter().find_map(|name| value.get(name)?.as_str());
        let own = value.get("server").and_then(|server| server.as_str());
        let server = own.as_deref().unwrap_or(server).to_owned();
        Self { kind, name: name.unwrap_or_default().into_owned(), server, value }
    }

    pub(super) fn judge(&self, names: &Names) -> Report {
        match self.kind {
            "instructions" => text(Place::Instructions, &self.value.as_str().unwrap_or_default(), names),
            _ => tool(self.value, names),
        }
    }

    /// The bytes of the document that a finding is about: the words themselves, in a string; the name, of what is none.
    fn bytes(&self, finding: &Finding) -> std::ops::Range<usize> {
        let (mut value, mut named) = (self.value, self.value.span());
        for part in finding.pointer.split('/').skip(1) {
            let name = part.replace("~1", "/").replace("~0", "~");
            let inner = match value.kind() {
                Kind::Array => {
                    name.parse().ok().and_then(|number| value.items().nth(number)).map(|item| (item, item))
                }
                _ => value.pairs().find(|(key, _)| key.is_str(&name)),
            };
            // As near as it gets.
            let Some((key, inner)) = inner else { break };
            (value, named) = (inner, key.span());
        }
        match value.kind() {
            Kind::String if !finding.span.is_empty() => {
                value.written_at(finding.span.start)..value.written_at(finding.span.end)
            }
            Kind::String => value.span().range(),
            _ => named.range(),
        }
    }
}

impl Source {
    /// Returns what a model would read, in the order of the document.
    pub(super) fn items(&self) -> Vec<Item<'_>> {
        let mut items = Vec::new();
        find(self.tree.root(), "", &mut items);
        items
    }

    /// Returns where a finding in one of its items stands; none where there is no file to open.
    pub(super) fn place(&self, item: &Item<'_>, finding: &Finding) -> Option<Region> {
        self.lines.as_ref().map(|lines| lines.region(self.tree.bytes(), item.bytes(finding)))
    }
}

#[cfg(test)]
mod tests;
