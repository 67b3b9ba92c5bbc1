//! Where a name ends and its value stands, in the many ways that people write the two.

use std::ops::Range;

use crate::charset::Charset;
use crate::look::Look;

const NAME: Charset = Charset::ALNUM.plus(b"_-.");
const LONGEST_NAME: usize = 48;
const LONGEST_VALUE: usize = 520;
/// Without quotes.
const LONGEST_BARE: usize = 200;
/// What may stand between a value and what follows it, if it has no quotes.
const BARE_END: Charset = Charset::of(b" \t\r\n\"'`<>,;)}]&|\\");

pub(super) struct Written {
    pub(super) span: Range<usize>,
    pub(super) quoted: bool,
}

/// The name that the letters at `at` belong to; `API key` is one in two words.
pub(super) fn name_around(look: &Look<'_>, at: usize) -> Range<usize> {
    let before = look.run_back(at, NAME, LONGEST_NAME);
    let after = look.run(at, NAME, LONGEST_NAME);
    let (mut start, mut end) = (at - before, at + after);
    while matches!(look.before(end), b'.' | b'-') && end > at {
        end -= 1;
    }
    if end - start == 3 && look.starts_anyhow(start, "key") && look.before(start) == b' ' {
        start -= 1 + look.run_back(start - 1, Charset::LETTER, 12);
    }
    start..end
}

/// The value that belongs to a name.
pub(super) fn value_after(look: &Look<'_>, name: &Range<usize>) -> Option<Written> {
    let closed = closing(look, name.end);
    let mut at = past_remark(look, closed + blanks(look, closed));
    if look.before(name.start) == b'<' && look.at(name.end) == b'>' {
        at = name.end + 1;
    } else if let Some(after) = operator(look, at) {
        // `password: str = "…"`: a type stands between the two.
        at = past_line(look, past_type(look, after));
    } else if let Some(after) = paired(look, closed) {
        at = after;
    } else if !stands_alone(look, name, closed, at) {
        return None;
    }
    at += blanks(look, at);
    value(look, at)
}

/// Says whether a value may follow without a sign between: `--password …`, `set PASSWORD …`, `password '…'`,
/// `Setenv("PASSWORD", "…")`, and `machine … login … password …`.
fn stands_alone(look: &Look<'_>, name: &Range<usize>, closed: usize, at: usize) -> bool {
    let quoted = matches!(look.at(at), b'"' | b'\'' | b'`');
    // "Pass `x`" asks for something; "password `x`" tells.
    if at > closed && quoted && !look.slice(name.clone()).eq_ignore_ascii_case("pass") {
        return true;
    }
    let command = ["env ", "set "].iter().any(|word| {
        name.start
            .checked_sub(word.len())
            .is_some_and(|from| look.starts_anyhow(from, word) && look.begins(from, NAME))
    });
    at > name.end && (look.starts(name.start, "--") || command || is_netrc(look, name))
}

/// Skips a remark in brackets, and the comma between two arguments of a call: `password (production):`, `"KEY", "…"`.
fn past_remark(look: &Look<'_>, at: usize) -> usize {
    let inside = look.run(at + 1, Charset::ALNUM.plus(b" .-_"), 24);
    if look.at(at) == b'(' && look.at(at + 1 + inside) == b')' {
        let after = at + inside + 2;
        return after + blanks(look, after);
    }
    let argument = look.at(at) == b',' && matches!(look.before(at), b'"' | b'\'');
    let after = at + 1 + blanks(look, at + 1);
    if argument && matches!(look.at(after), b'"' | b'\'') { after } else { at }
}

/// Skips the end of a line between a name and its value: before a quote, and behind the sign of a block of YAML.
fn past_line(look: &Look<'_>, at: usize) -> usize {
    let block = at + blanks(look, at);
    let signs = look.run(block, Charset::of(b"|>-+"), 2);
    let end = block + signs;
    let gap = look.run(end, Charset::of(b"\r\n \t"), 40);
    let broken = gap > 0 && matches!(look.at(end), b'\r' | b'\n');
    let value = end + gap;
    if broken && (signs > 0 || matches!(look.at(value), b'"' | b'\'')) { value } else { at }
}

/// `machine … login … password …`, with blanks alone between the words.
fn is_netrc(look: &Look<'_>, name: &Range<usize>) -> bool {
    name.len() == 8
        && look.starts_anyhow(name.start, "password")
        && look.near(name.start, 80, &["machine ", "login "])
}

/// Skips the quote or bracket that ends a name: `"password":`, `['password'] =`, `\"password\":`.
fn closing(look: &Look<'_>, mut at: usize) -> usize {
    const ENDS: Charset = Charset::of(b"\\\"'`])*");
    at += look.run(at, ENDS, 4);
    at
}

fn blanks(look: &Look<'_>, at: usize) -> usize {
    look.run(at, Charset::of(b" \t"), 16)
}

/// Reads `=`, `:`, `:=`, `=>`, `==`, `is`, and a table's border; returns what follows.
fn operator(look: &Look<'_>, at: usize) -> Option<usize> {
    for sign in [":=", "=>", "===", "==", "=", "::=", ":", "|", "->"] {
        if look.starts(at, sign) {
            return Some(at + sign.len());
        }
    }
    for word in ["is ", "was ", "is: ", "are ", "er ", "- "] {
        if look.starts_anyhow(at, word) && matches!(look.before(at), b' ' | b'\t') {
            return Some(at + word.len());
        }
    }
    None
}

fn past_type(look: &Look<'_>, at: usize) -> usize {
    let from = at + blanks(look, at);
    let name = look.run(from, Charset::WORD.plus(b"&.:<>[]?'"), 32);
    let gap = blanks(look, from + name);
    let sign = from + name + gap;
    let is_type = name > 0 && gap > 0 && look.at(sign) == b'=' && look.at(sign + 1) != b'=';
    if is_type { sign + 1 } else { at }
}

/// Reads `name: DB_PASSWORD`, then `value:` on the next line or behind a comma, as lists of variables are written.
fn paired(look: &Look<'_>, at: usize) -> Option<usize> {
    let gap = look.run(at, Charset::of(b" \t\r\n,"), 40);
    let quote = look.run(at + gap, Charset::of(b"\\\""), 2);
    let word = at + gap + quote;
    if gap == 0 || !look.starts_anyhow(word, "value") {
        return None;
    }
    let after = closing(look, word + "value".len());
    let after = after + blanks(look, after);
    matches!(look.at(after), b':' | b'=').then_some(after + 1)
}

/// Reads the value that begins at `at`, in quotes or without.
pub(super) fn value(look: &Look<'_>, at: usize) -> Option<Written> {
    let prefix = look.run(at, Charset::of(b"brufBRUF@"), 2);
    let opening = if matches!(look.at(at + prefix), b'"' | b'\'' | b'`') { at + prefix } else { at };
    let escaped = usize::from(look.at(opening) == b'\\') * look.run(opening, Charset::of(b"\\"), 3);
    let quote = look.at(opening + escaped);
    if matches!(quote, b'"' | b'\'' | b'`') {
        let from = opening + escaped + 1;
        let rest = look.bytes().get(from..look.len().min(from + LONGEST_VALUE)).unwrap_or_default();
        let length = rest.iter().position(|byte| *byte == quote || *byte == b'\n')?;
        look.spend(length);
        let text = look.slice(from..from + length);
        let length = text.trim_end_matches('\\').len();
        return (length > 0).then_some(Written { span: from..from + length, quoted: true });
    }
    let rest = look.bytes().get(at..look.len().min(at + LONGEST_BARE)).unwrap_or_default();
    let length = rest.iter().position(|byte| BARE_END.has(*byte) || *byte >= 128).unwrap_or(rest.len());
    look.spend(length);
    if length >= LONGEST_BARE {
        return None;
    }
    let text = look.slice(at..at + length).trim_end_matches(['.', ':', '*', '_', '?']);
    (!text.is_empty()).then_some(Written { span: at..at + text.len(), quoted: false })
}
