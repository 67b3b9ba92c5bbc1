//! What is wrong with a policy: where, why, and what to do about it.

use std::fmt;
use std::sync::Arc;

/// One fault or remark, ready to print.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PolicyProblem {
    /// The file the policy was read from, as it was named to [`crate::PolicyText::parse`]; empty when a server is at fault.
    pub file: String,
    /// Line of the fault, counted from 1; 0 when there is none.
    pub line: u32,
    /// Column of the fault in characters, counted from 1; 0 when there is none.
    pub column: u32,
    /// Id of the policy, where one is at fault.
    pub policy: Option<String>,
    /// What is wrong: one line, lower case.
    pub what: String,
    /// What to do about it; may be empty.
    pub help: String,
}

impl PolicyProblem {
    /// A fault that has no place in a policy file.
    pub(crate) fn placeless(what: String, help: impl Into<String>) -> Self {
        Self { file: String::new(), line: 0, column: 0, policy: None, what, help: help.into() }
    }
}

impl fmt::Display for PolicyProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.file.is_empty() {
            write!(f, "{}:{}:{}: ", self.file, self.line, self.column)?;
        }
        if let Some(policy) = &self.policy {
            write!(f, "policy `{policy}`: ")?;
        }
        f.write_str(&self.what)?;
        if !self.help.is_empty() {
            write!(f, "\n  help: {}", self.help)?;
        }
        Ok(())
    }
}

impl std::error::Error for PolicyProblem {}

/// A policy file: its name and text, for turning offsets into lines.
#[derive(Debug, Clone)]
pub(crate) struct File {
    pub(crate) name: Arc<str>,
    pub(crate) text: Arc<str>,
}

impl File {
    /// Turns a byte offset into line and column, both from 1.
    pub(crate) fn place(&self, offset: usize) -> (u32, u32) {
        let before = self.text.as_bytes().get(..offset.min(self.text.len())).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count();
        let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        // Continuation bytes are not characters of their own.
        let column = before.iter().skip(start).filter(|byte| **byte & 0xC0 != 0x80).count();
        (small(line + 1), small(column + 1))
    }

    pub(crate) fn problem(
        &self,
        offset: usize,
        policy: Option<&str>,
        what: impl Into<String>,
        help: impl Into<String>,
    ) -> PolicyProblem {
        let (line, column) = self.place(offset);
        PolicyProblem {
            file: self.name.to_string(),
            line,
            column,
            policy: policy.map(str::to_owned),
            what: what.into(),
            help: help.into(),
        }
    }
}

fn small(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Returns the candidate that a misspelt name most likely meant.
pub(crate) fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = (name.chars().count() / 3).max(1);
    candidates
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(far, _)| *far <= allowed)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Counts insertions, deletions, replacements and neighbours swapped between two names.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    let mut last = None;
    for (i, from) in a.chars().enumerate() {
        let mut next = vec![i + 1];
        for (j, to) in b.iter().enumerate() {
            let at = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX / 2);
            let mut best =
                (at(&row, j) + usize::from(from != *to)).min(at(&row, j + 1) + 1).min(at(&next, j) + 1);
            let crossed = j > 0 && last == Some(*to) && b.get(j - 1) == Some(&from);
            if crossed {
                best = best.min(at(&before, j - 1) + 1);
            }
            next.push(best);
        }
        (before, row, last) = (row, next, Some(from));
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_lines_and_characters_from_one() {
        let file = File { name: "a".into(), text: "ab\né{x\n".into() };
        assert_eq!(file.place(0), (1, 1));
        assert_eq!(file.place(2), (1, 3));
        assert_eq!(file.place(3), (2, 1));
        assert_eq!(file.place(5), (2, 2), "é is two bytes and one column");
        assert_eq!(file.place(99), (3, 1));
    }

    #[test]
    fn the_nearest_name_is_offered_only_if_it_is_near() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("read", "raed"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(nearest("raed_file", ["read_file", "write_file"].into_iter()), Some("read_file"));
        assert_eq!(nearest("x", ["read_file"].into_iter()), None);
    }
}
