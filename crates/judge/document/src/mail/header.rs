//! Headers: where they end, what their encoded words say, and their parameters.

use crate::charset;

use super::transfer::{base64, escapes};

/// One header.
pub(crate) struct Header<'m> {
    name: &'m [u8],
    /// As it stands there, its folds included.
    pub(crate) value: &'m [u8],
}

impl Header<'_> {
    pub(crate) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }
}

/// More headers than any mail has.
const MOST: usize = 512;

/// The name of the header that a line begins with.
pub(crate) fn name(line: &[u8]) -> Option<&[u8]> {
    let colon = line.iter().take(64).position(|b| *b == b':')?;
    let name = line.get(..colon)?.trim_ascii_end();
    (!name.is_empty() && name.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')))
        .then_some(name)
}

/// The headers of a mail or a part, and what stands behind them.
pub(crate) fn headers(bytes: &[u8]) -> (Vec<Header<'_>>, &[u8]) {
    let mut found: Vec<Header<'_>> = Vec::new();
    let mut rest = bytes;
    // Some programs put a line of their own, or an empty one, before a mail.
    if let Some(from) = memchr::memchr(b'\n', rest).filter(|_| rest.starts_with(b"From ")) {
        rest = rest.get(from + 1..).unwrap_or_default();
    }
    while found.len() < MOST {
        let end = end_of(rest);
        let line = rest.get(..end).unwrap_or_default();
        let after = rest.get(end..).unwrap_or_default();
        if line.trim_ascii().is_empty() {
            return (found, after);
        }
        let Some(name) = name(line) else { break };
        // A line that begins with a blank goes on with the one before.
        let mut length = end;
        while matches!(rest.get(length), Some(b' ' | b'\t')) {
            let folded = end_of(rest.get(length..).unwrap_or_default());
            if rest.get(length..length + folded).unwrap_or_default().trim_ascii().is_empty() {
                break;
            }
            length += folded;
        }
        let colon = memchr::memchr(b':', line).unwrap_or_default();
        found.push(Header { name, value: rest.get(colon + 1..length).unwrap_or_default().trim_ascii() });
        rest = rest.get(length..).unwrap_or_default();
    }
    (found, rest)
}

/// Where the first line ends, its end included.
fn end_of(bytes: &[u8]) -> usize {
    memchr::memchr(b'\n', bytes).map_or(bytes.len(), |at| at + 1)
}

/// A header's value as it is shown: unfolded, its encoded words (RFC 2047) read.
pub(crate) fn words(value: &[u8]) -> String {
    let value = charset::text(value, "");
    let mut out = String::with_capacity(value.len());
    let mut rest = &*value;
    while let Some(at) = rest.find("=?") {
        let (before, from) = rest.split_at(at);
        // Blanks between two encoded words are not shown.
        let is_gap = rest.len() < value.len() && before.bytes().all(|b| b.is_ascii_whitespace());
        if let Some((word, length)) = encoded(from) {
            if !is_gap {
                out.push_str(before);
            }
            out.push_str(&word);
            rest = from.get(length..).unwrap_or_default();
        } else {
            out.push_str(before);
            out.push_str("=?");
            rest = from.get(2..).unwrap_or_default();
        }
    }
    out.push_str(rest);
    if out.contains(['\n', '\r']) { out.replace("\r\n", "").replace(['\n', '\r'], "") } else { out }
}

/// The longest encoded word that is read, which is more than the standard allows, and the longest name of its set.
const LONGEST: usize = 2_048;
const LONGEST_SET: usize = 64;

/// The encoded word that a text begins with, and its length.
fn encoded(text: &str) -> Option<(String, usize)> {
    let text = text.get(..text.floor_char_boundary(LONGEST))?;
    let set_end = 2 + text.get(2..)?.bytes().take(LONGEST_SET).position(|b| b == b'?')?;
    let is_base64 = match text.get(set_end + 1..set_end + 3)? {
        "B?" | "b?" => true,
        "Q?" | "q?" => false,
        _ => return None,
    };
    let from = set_end + 3;
    let end = from + text.get(from..)?.find("?=")?;
    let data = text.get(from..end)?;
    let bytes =
        if is_base64 { base64(data.as_bytes()) } else { escapes(data.replace('_', " ").as_bytes(), b'=') };
    // A language may stand behind the set.
    let set = text.get(2..set_end)?.split('*').next().unwrap_or_default();
    Some((charset::text(&bytes, set).into_owned(), end + 2))
}

/// A parameter of a header's value.
pub(crate) fn parameter(value: &str, name: &str) -> String {
    let small = value.to_ascii_lowercase();
    let mut from = 0;
    while let Some(at) = small.get(from..).and_then(|rest| rest.find(name)).map(|at| from + at) {
        from = at + name.len();
        let is_name = small.get(..at).is_some_and(|before| before.trim_end().ends_with(';'));
        let after = value.get(from..).unwrap_or_default();
        // `boundary*0=` and `boundary*=` are other ways to write it.
        let after = after.trim_start_matches(['*', '0']).trim_start();
        let Some(after) = after.strip_prefix('=').filter(|_| is_name) else { continue };
        let after = after.trim_start();
        let found = match after.strip_prefix('"') {
            Some(quoted) => quoted.split('"').next(),
            None => after.split([';', ' ', '\t', '\r', '\n']).next(),
        };
        return found.unwrap_or_default().to_owned();
    }
    String::new()
}
