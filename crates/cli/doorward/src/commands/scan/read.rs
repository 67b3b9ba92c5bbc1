//! Definitions out of JSON: what a server listed, in whatever wrapping it was saved.

use std::path::Path;

use bytes::Bytes;
use doorward_inspect::{Place, Report, Sibling, text, tool};
use doorward_wire::{Kind, Limits, Tree, Value};

/// A file of definitions may be that large, in bytes.
const MOST: usize = 64 << 20;

/// One place that definitions come from.
pub(super) struct Source {
    /// The file, or the server's command.
    pub(super) name: String,
    tree: Tree,
    pub(super) items: Vec<Item>,
    /// The tree is a file that the person has: places in it mean something to them.
    is_file: bool,
}

/// One thing that a model would read.
pub(super) struct Item {
    pub(super) kind: &'static str,
    pub(super) name: String,
    /// The way to it from the root.
    path: Vec<Step>,
}

#[derive(Clone)]
enum Step {
    Member(String),
    Number(usize),
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
    let mut items = Vec::new();
    find(tree.root(), &mut Vec::new(), &mut items);
    if items.is_empty() {
        return Err("holds no tools, prompts or resources".to_owned());
    }
    Ok(Source { name, tree, items, is_file })
}

fn find(value: Value<'_>, path: &mut Vec<Step>, items: &mut Vec<Item>) {
    if let Some(inner) = value.get("result").filter(Value::is_object) {
        return within(path, Step::Member("result".to_owned()), |path| find(inner, path, items));
    }
    if value.kind() == Kind::Array {
        for (number, item) in value.items().enumerate() {
            within(path, Step::Number(number), |path| {
                if is_tool(item) {
                    items.push(Item::of("tool", item, path));
                } else {
                    find(item, path, items);
                }
            });
        }
        return;
    }
    if is_tool(value) {
        items.push(Item::of("tool", value, path));
        return;
    }
    for (list, kind) in LISTS {
        let Some(found) = value.get(list).filter(|found| found.kind() == Kind::Array) else { continue };
        within(path, Step::Member(list.to_owned()), |path| {
            for (number, item) in found.items().enumerate().filter(|(_, item)| item.is_object()) {
                within(path, Step::Number(number), |path| items.push(Item::of(kind, item, path)));
            }
        });
    }
    if value.get("instructions").and_then(|told| told.as_str()).is_some_and(|told| !told.is_empty()) {
        within(path, Step::Member("instructions".to_owned()), |path| {
            items.push(Item { kind: "instructions", name: String::new(), path: path.clone() });
        });
    }
}

fn within(path: &mut Vec<Step>, step: Step, then: impl FnOnce(&mut Vec<Step>)) {
    path.push(step);
    then(path);
    path.pop();
}

fn is_tool(value: Value<'_>) -> bool {
    value.is_object()
        && value.get("name").is_some_and(|name| name.kind() == Kind::String)
        && (value.get("inputSchema").is_some() || value.get("description").is_some())
}

impl Item {
    fn of(kind: &'static str, value: Value<'_>, path: &[Step]) -> Self {
        let name = ["name", "uri", "uriTemplate"].iter().find_map(|name| value.get(name)?.as_str());
        Self { kind, name: name.unwrap_or_default().into_owned(), path: path.to_vec() }
    }

    pub(super) fn judge(&self, source: &Source, siblings: &[Sibling<'_>]) -> Report {
        match source.value(self) {
            Some(told) if self.kind == "instructions" => {
                text(Place::Instructions, &told.as_str().unwrap_or_default(), &[])
            }
            Some(definition) => tool(definition, siblings),
            None => Report::default(),
        }
    }
}

impl Source {
    /// Returns the names of its tools.
    pub(super) fn tool_names(&self) -> impl Iterator<Item = &str> {
        self.items.iter().filter(|item| item.kind == "tool").map(|item| item.name.as_str())
    }

    fn value(&self, item: &Item) -> Option<Value<'_>> {
        item.path.iter().try_fold(self.tree.root(), |value, step| match step {
            Step::Member(name) => value.get(name),
            Step::Number(number) => value.items().nth(*number),
        })
    }

    /// Returns line and column, from 1, of what a JSON pointer into an item leads to; none where there is no file to open.
    pub(super) fn place(&self, item: &Item, pointer: &str) -> Option<(usize, usize)> {
        let mut value = self.value(item).filter(|_| self.is_file)?;
        for part in pointer.split('/').skip(1) {
            let name = part.replace("~1", "/").replace("~0", "~");
            let inner = match value.kind() {
                Kind::Array => name.parse().ok().and_then(|number| value.items().nth(number)),
                _ => value.get(&name),
            };
            // As near as it gets.
            let Some(inner) = inner else { break };
            value = inner;
        }
        let before = self.tree.bytes().get(..value.span().range().start)?;
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let column = before.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
        Some((line, String::from_utf8_lossy(column).chars().count() + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(text: &str) -> Vec<(&'static str, String)> {
        let source = source("x".to_owned(), text.as_bytes().to_vec(), true).unwrap();
        source.items.iter().map(|item| (item.kind, item.name.clone())).collect()
    }

    #[test]
    fn definitions_are_found_in_any_wrapping() {
        let tool = r#"{"name":"a","description":"x","inputSchema":{}}"#;
        let one = vec![("tool", "a".to_owned())];
        for wrapped in [
            tool.to_owned(),
            format!("[{tool}]"),
            format!(r#"{{"tools":[{tool}]}}"#),
            format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"tools":[{tool}]}}}}"#),
            format!(r#"[{{"result":{{"tools":[{tool}]}}}}]"#),
        ] {
            assert_eq!(items(&wrapped), one, "{wrapped}");
        }
        let all = r#"{"instructions":"i","tools":[],"prompts":[{"name":"p"}],"resources":[{"uri":"file:///r"}],"resourceTemplates":[{"uriTemplate":"x{y}"}]}"#;
        let kinds: Vec<_> = items(all).into_iter().map(|(kind, name)| format!("{kind} {name}")).collect();
        assert_eq!(kinds, ["prompt p", "resource file:///r", "resource x{y}", "instructions "]);
        for none in ["{}", "[]", "1", r#"{"tools":{}}"#, "{", r#"{"name":1,"description":"x"}"#] {
            assert!(source("x".to_owned(), none.as_bytes().to_vec(), true).is_err(), "{none}");
        }
    }

    #[test]
    fn a_place_is_a_line_and_a_column() {
        let text = "{\"tools\": [\n  {\"name\": \"a\",\n   \"description\": \"x\",\n   \"inputSchema\": {\"properties\": {\"p/q\": {\"description\": \"y\"}}}}\n]}";
        let source = source("x".to_owned(), text.as_bytes().to_vec(), true).unwrap();
        let place = |pointer: &str| source.place(&source.items[0], pointer).unwrap();
        assert_eq!(place("/description"), (3, 19));
        assert_eq!(place("/inputSchema/properties/p~1q/description"), (4, 58));
        assert_eq!(place("/nowhere"), (2, 3));
    }
}
