//! JSON, with the comments and trailing commas that VS Code, Zed and others bear.
//!
//! The strict reader of `doorward-wire` reads a copy in which what strict JSON lacks is blanked with spaces, so that every
//! span of the copy holds for the text.

use bytes::Bytes;
use doorward_wire::{Kind, Limits, ParseError, ParseErrorKind, Tree};

use crate::node::{Item, Layout, MAX_BYTES, MAX_DEPTH, Member, Node, ReadError, Value};

const BOM: &str = "\u{feff}";

pub(crate) fn read(text: &str) -> Result<Node, ReadError> {
    let plain = blanked(text)?;
    let limits = Limits { max_bytes: MAX_BYTES, max_depth: MAX_DEPTH as u16, max_nodes: 1 << 21 };
    let tree = Tree::parse(Bytes::from(plain), &limits).map_err(|error| refused(text, error))?;
    Ok(node(tree.root()))
}

fn node(value: doorward_wire::Value<'_>) -> Node {
    let span = value.span().range();
    let value = match value.kind() {
        Kind::String => Value::Text(value.as_str().unwrap_or_default().into_owned()),
        Kind::Array => {
            let items = value.items().map(|item| Item { from: item.span().range().start, node: node(item) });
            Value::List(items.collect(), Layout::Flow)
        }
        Kind::Object => {
            let members = value.members().map(|(name, value)| {
                let node = node(value);
                Member { name: name.into_owned(), at: node.span.start, node }
            });
            Value::Map(members.collect(), Layout::Flow)
        }
        Kind::Null | Kind::Bool | Kind::Number => Value::Other,
    };
    Node { span, value }
}

fn refused(text: &str, error: ParseError) -> ReadError {
    let what = match error.kind {
        ParseErrorKind::DuplicateMember => {
            "a member occurs twice in one object: clients differ in which they take".to_owned()
        }
        kind => kind.to_string(),
    };
    ReadError::at(text, error.at, what)
}

/// The text with spaces in place of a byte order mark, comments and trailing commas.
fn blanked(text: &str) -> Result<Vec<u8>, ReadError> {
    let bytes = text.as_bytes();
    let mut plain = bytes.to_vec();
    let mut at = 0;
    if text.starts_with(BOM) {
        blank(&mut plain, 0, BOM.len());
        at = BOM.len();
    }
    // The last comma, as long as nothing but space and comments followed it.
    let mut comma = None;
    while let Some(&byte) = bytes.get(at) {
        let next = bytes.get(at + 1);
        let end = match (byte, next) {
            (b'"', _) => string_end(bytes, at),
            (b'/', Some(b'/')) => line_comment(text, at)?,
            (b'/', Some(b'*')) => block_comment(text, at)?,
            _ => at + 1,
        };
        match byte {
            b'/' if end > at + 1 => blank(&mut plain, at, end),
            b' ' | b'\t' | b'\r' | b'\n' => {}
            b',' => comma = Some(at),
            b']' | b'}' => {
                // `[,]` and `[1,,]` are nobody's JSON: only a comma after a value is one too many.
                if let Some(comma) = comma.take().filter(|&comma| follows_value(&plain, comma)) {
                    blank(&mut plain, comma, comma + 1);
                }
            }
            _ => comma = None,
        }
        at = end;
    }
    Ok(plain)
}

fn follows_value(plain: &[u8], comma: usize) -> bool {
    let before = plain.get(..comma).unwrap_or_default().trim_ascii_end().last();
    before.is_some_and(|byte| !matches!(byte, b',' | b'[' | b'{' | b':'))
}

fn blank(plain: &mut [u8], from: usize, to: usize) {
    for byte in plain.get_mut(from..to).unwrap_or_default() {
        if !matches!(byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
}

/// One past the closing quote; the end of the text if there is none, which the strict reader then refuses.
fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// One past the comment. Readers disagree on whether a lone carriage return or a Unicode line separator ends it, and so on
/// whether what follows is configuration: such a comment is refused.
fn line_comment(text: &str, start: usize) -> Result<usize, ReadError> {
    let rest = text.get(start..).unwrap_or_default();
    let comment = rest.split('\n').next().unwrap_or_default();
    let body = comment.strip_suffix('\r').unwrap_or(comment);
    match body.find(['\r', '\u{2028}', '\u{2029}', '\u{85}']) {
        Some(at) => Err(ReadError::at(
            text,
            start + at,
            "a comment holds a line break that not every reader takes for one",
        )),
        None => Ok(start + body.len()),
    }
}

fn block_comment(text: &str, start: usize) -> Result<usize, ReadError> {
    let rest = text.get(start + 2..).unwrap_or_default();
    match rest.find("*/") {
        Some(length) => Ok(start + 2 + length + 2),
        None => Err(ReadError::at(text, start, "a comment has no end")),
    }
}
