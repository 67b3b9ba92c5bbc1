//! What the three formats have in common: values, and where they stand in the text.

use std::ops::Range;

/// One value of a document.
pub(crate) struct Node {
    /// Where it stands, brackets and quotes included. Meaningless for a table that TOML spreads over a file.
    pub(crate) span: Range<usize>,
    pub(crate) value: Value,
}

pub(crate) enum Value {
    Text(String),
    /// A number, a truth value, nothing, a date.
    Other,
    List(Vec<Item>, Layout),
    Map(Vec<Member>, Layout),
}

/// Between brackets, or spread over lines that are told apart by indentation or headers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    Flow,
    Block,
}

/// One value of a list.
pub(crate) struct Item {
    /// Where it begins, with the dash that YAML puts before it.
    pub(crate) from: usize,
    pub(crate) node: Node,
}

/// One value of a map.
pub(crate) struct Member {
    pub(crate) name: String,
    /// Where its name begins.
    pub(crate) at: usize,
    pub(crate) node: Node,
}

impl Node {
    pub(crate) fn member(&self, name: &str) -> Option<&Member> {
        self.members().iter().find(|member| member.name == name)
    }

    pub(crate) fn members(&self) -> &[Member] {
        if let Value::Map(members, _) = &self.value { members } else { &[] }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        if let Value::Text(text) = &self.value { Some(text) } else { None }
    }
}

/// How deep values may stand in one another; no client's file comes near.
pub(crate) const MAX_DEPTH: usize = 64;
/// Largest text in bytes. The file of Claude Code keeps much besides its servers.
pub(crate) const MAX_BYTES: usize = 16 << 20;

/// Why a text could not be read, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{line}:{column}: {what}")]
pub struct ReadError {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong; no text of the file is in it but names of members.
    pub what: String,
}

impl ReadError {
    /// An error at a byte of the text.
    pub(crate) fn at(text: &str, byte: usize, what: impl Into<String>) -> Self {
        let before = text.get(..text.floor_char_boundary(byte)).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Self { line, column, what: what.into() }
    }
}

/// Refuses two members of one name: clients take the last, others the first (TOML refuses them itself).
pub(crate) fn refuse_duplicates(text: &str, members: &[Member]) -> Result<(), ReadError> {
    let mut names: Vec<_> = members.iter().map(|member| (member.name.as_str(), member.at)).collect();
    names.sort_unstable();
    match names.windows(2).find_map(|pair| match pair {
        [(first, _), (second, at)] if first == second => Some((*second, *at)),
        _ => None,
    }) {
        Some((name, at)) => {
            let shown: String = name.chars().take(60).flat_map(char::escape_debug).collect();
            Err(ReadError::at(
                text,
                at,
                format!("the member `{shown}` occurs twice: clients differ in which they take"),
            ))
        }
        None => Ok(()),
    }
}
