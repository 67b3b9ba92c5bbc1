//! The labelled rows of `lab/corpora`.

use std::path::Path;

use bytes::Bytes;
use doorward_wire::{Limits, Tree};

/// One labelled text.
#[derive(Clone)]
pub(crate) struct Row {
    pub(crate) id: String,
    /// What rows are split by: those of one group are all on one side.
    pub(crate) group: String,
    pub(crate) category: String,
    /// The names of the other tools of its server, where that is known.
    pub(crate) siblings: Vec<String>,
    /// Of a list, whose each tool is.
    pub(crate) servers: Vec<String>,
    pub(crate) is_attack: bool,
    /// A tool's definition as JSON, or plain text.
    pub(crate) text: String,
    /// What was planted, where that is known.
    pub(crate) span: String,
    /// All of it, where it is several passages.
    pub(crate) spans: Vec<String>,
}

/// Reads a corpus.
pub(crate) fn load(root: &Path, name: &str) -> Vec<Row> {
    let path = root.join("lab/corpora").join(name).with_extension("jsonl");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut rows: Vec<Row> = text.lines().map(row).collect();
    let named: Vec<(String, String)> = rows.iter().map(|row| (row.group.clone(), tool_name(row))).collect();
    for (n, row) in rows.iter_mut().enumerate() {
        let others = named
            .iter()
            .enumerate()
            .filter(|(m, (group, name))| *m != n && *group == row.group && name.contains('_'));
        row.siblings = others.take(100).map(|(_, (_, name))| name.clone()).collect();
    }
    rows
}

fn tool_name(row: &Row) -> String {
    if !row.text.starts_with("{\"name\"") || row.is_attack {
        return String::new();
    }
    parse(&row.text).root().get("name").and_then(|name| name.as_str()).unwrap_or_default().into_owned()
}

fn row(line: &str) -> Row {
    let tree = parse(line);
    let root = tree.root();
    let string =
        |name: &str| root.get(name).and_then(|value| value.as_str()).unwrap_or_default().into_owned();
    let (span, server, source) = (string("span"), string("server"), string("source"));
    // Attacks of one template differ in the tool they are planted in; honest rows of one server share an author.
    let group = if !span.is_empty() {
        span.clone()
    } else if server.is_empty() {
        source
    } else {
        server
    };
    let passages = root.get("spans").into_iter().flat_map(|spans| spans.items());
    let passages = passages.filter_map(|span| Some(span.as_str()?.into_owned()));
    let spans: Vec<String> = passages.chain([span.clone()]).filter(|span| !span.is_empty()).collect();
    Row {
        id: string("id"),
        group,
        category: string("category"),
        siblings: Vec::new(),
        servers: root
            .get("servers")
            .into_iter()
            .flat_map(|servers| servers.items())
            .filter_map(|server| Some(server.as_str()?.into_owned()))
            .collect(),
        is_attack: string("label") == "attack",
        text: ["json", "tools"]
            .iter()
            .find_map(|name| root.get(name))
            .map_or_else(|| string("text"), |json| json.raw().to_owned()),
        span,
        spans,
    }
}

/// Parses one line of JSON.
pub(crate) fn parse(text: &str) -> Tree {
    Tree::parse(Bytes::copy_from_slice(text.as_bytes()), &Limits::default())
        .unwrap_or_else(|error| panic!("{error:?}: {text}"))
}

/// Whether a group belongs to the part that thresholds are fixed on: half of them, by a hash that stays.
pub(crate) fn calibrates(group: &str) -> bool {
    let hash = group
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, b| (hash ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    (hash >> 40) & 1 == 0
}
