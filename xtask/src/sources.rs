//! Files of the repository, and Rust text without its comments and literals.

use std::fs;
use std::path::{Path, PathBuf};

/// One file: its path inside the repository with `/`, and its text.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// Folders that hold no text of ours.
const SKIPPED: [&str; 5] = ["target", ".git", "node_modules", "corpus", "artifacts"];

/// Reads every file whose name ends in one of `endings`, in order of path.
pub(crate) fn read_all(root: &Path, endings: &[&str]) -> Result<Vec<Source>, String> {
    let mut files = Vec::new();
    walk(root, &mut files).map_err(|error| format!("{}: {error}", root.display()))?;
    files.sort();
    let wanted = |file: &PathBuf| endings.iter().any(|ending| file.to_string_lossy().ends_with(ending));
    let mut sources = Vec::new();
    for file in files.into_iter().filter(wanted) {
        let path = file.strip_prefix(root).unwrap_or(&file).to_string_lossy().replace('\\', "/");
        let text = fs::read_to_string(&file).map_err(|error| format!("{path}: {error}"))?;
        sources.push(Source { path, text });
    }
    Ok(sources)
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (name, kind) = (entry.file_name(), entry.file_type()?);
        if kind.is_dir() && !SKIPPED.iter().any(|skipped| name == *skipped) {
            walk(&entry.path(), files)?;
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
    Ok(())
}

/// The code alone: comments, texts and characters become blanks, so that what is found is code; lines stay lines.
pub(crate) fn code(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = token(rest, out.chars().next_back());
        let (piece, after) = rest.split_at(length.unwrap_or(first.len_utf8()));
        if length.is_some() {
            out.extend(piece.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        } else {
            out.push_str(piece);
        }
        rest = after;
    }
    out
}

/// Length of the comment or literal that begins here.
fn token(rest: &str, before: Option<char>) -> Option<usize> {
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return Some(block_comment(rest));
    }
    if rest.starts_with('"') {
        return Some(quoted(rest));
    }
    if rest.starts_with('r') && !before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
        let hashes = rest.chars().skip(1).take_while(|c| *c == '#').count();
        if rest.get(1 + hashes..).is_some_and(|tail| tail.starts_with('"')) {
            let end = format!("\"{}", "#".repeat(hashes));
            let body = 2 + hashes;
            return Some(
                rest.get(body..)
                    .and_then(|tail| tail.find(&end))
                    .map_or(rest.len(), |at| body + at + end.len()),
            );
        }
    }
    if rest.starts_with('\'') {
        return character(rest);
    }
    None
}

fn block_comment(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(tail) = rest.get(at..).filter(|tail| !tail.is_empty()) {
        if tail.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if tail.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += tail.chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

fn quoted(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            '"' if !escaped => return at + 1,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    rest.len()
}

/// `'x'`, `'\n'`; `None` for a lifetime.
fn character(rest: &str) -> Option<usize> {
    let mut chars = rest.char_indices().skip(1);
    let (_, first) = chars.next()?;
    if first == '\\' {
        return rest.char_indices().skip(3).find(|(_, c)| *c == '\'').map(|(at, _)| at + 1);
    }
    chars.next().filter(|(_, c)| *c == '\'').map(|(at, _)| at + 1)
}

/// The text from the first `{` on to its partner, both included, and where it begins.
pub(crate) fn braces(code: &str) -> Option<(usize, &str)> {
    let start = code.find('{')?;
    let mut depth = 0_usize;
    for (at, c) in code.char_indices().skip_while(|(at, _)| *at < start) {
        match c {
            '{' => depth += 1,
            '}' => {
                depth -= 1;
                if depth == 0 {
                    return Some((start, code.get(start..=at)?));
                }
            }
            _ => {}
        }
    }
    None
}

/// Code without its `#[cfg(test)] mod … { … }` blocks.
pub(crate) fn without_tests(code: &str) -> String {
    let mut out = String::new();
    let mut rest = code;
    while let Some(at) = rest.find("#[cfg(test)]") {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        let ends_first = after.find(';').is_some_and(|end| after.find('{').is_none_or(|open| end < open));
        rest = if ends_first {
            after.split_once(';').map_or("", |(_, tail)| tail)
        } else {
            braces(after).and_then(|(start, block)| after.get(start + block.len()..)).unwrap_or("")
        };
    }
    out + rest
}

/// Whether the file holds nothing but tests.
pub(crate) fn is_test_file(path: &str) -> bool {
    path.contains("/tests/") || path.ends_with("/tests.rs") || path.contains("/benches/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_code_is_left() {
        let text = "a // todo!()\nb /* x /* y */ z */ c \"\\\"}\" d r#\"\"todo!()\"# e '\\'' f '{' &'a g\nfor'x' // é";
        let code = code(text);
        for gone in ["todo", "x", "y", "z", "}", "{", "é"] {
            assert!(!code.contains(gone), "{gone} in {code}");
        }
        for kept in ["a", "b", "c", "d", "e", "f", "&'a g"] {
            assert!(code.contains(kept), "{kept} not in {code}");
        }
        assert_eq!(code.lines().count(), text.lines().count());
    }

    #[test]
    fn blocks_of_tests_are_left_out() {
        let code = "mod a { x } #[cfg(test)] mod tests { fn y() { z } } fn b() {} #[cfg(test)]\nmod other; fn c() {}";
        assert_eq!(without_tests(code).replace(' ', ""), "moda{x}fnb(){}fnc(){}");
    }
}
