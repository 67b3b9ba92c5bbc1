//! Mails (RFC 5322, MIME): each part as whoever opens the mail is shown it, in whatever it was encoded, to the bottom of what
//! was forwarded in it.
//!
//! Readers of mails differ where a mail is not well formed, and an attacker chooses it so. Where a header stands there twice both
//! are followed, and a line that looks like a border is one.

mod header;
mod transfer;

use crate::charset;
use crate::kind::any;
use crate::out::{Out, Unread};

use header::{Header, headers, parameter, words};
use transfer::{Transfer, quoted_printable};
pub(crate) use transfer::{base64, escapes};

/// Headers that mails have, and little else does: two of them make a mail.
const KNOWN: [&str; 16] = [
    "from",
    "to",
    "cc",
    "subject",
    "date",
    "received",
    "return-path",
    "delivered-to",
    "message-id",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
    "reply-to",
    "dkim-signature",
    "authentication-results",
    "sender",
];

/// Says whether a text begins like a mail.
pub(crate) fn looks_like(front: &[u8]) -> bool {
    // Nearly all texts are done with at their first line.
    let front = front.trim_ascii_start();
    if header::name(front).is_none() && !front.starts_with(b"From ") {
        return false;
    }
    let (headers, _) = headers(front);
    let known = |known: &&&str| headers.iter().any(|header| header.is(known));
    KNOWN.iter().filter(known).nth(1).is_some()
}

/// Reads a mail. `is_shown` says that its bytes are read as they stand as well, so that only what does not stand in them is told.
pub(crate) fn read(bytes: &[u8], is_shown: bool, out: &mut Out<'_>) {
    if out.spend(bytes.len()) {
        entity(bytes.trim_ascii_start(), is_shown, out);
    }
}

fn entity(bytes: &[u8], is_shown: bool, out: &mut Out<'_>) {
    let (headers, body) = headers(bytes);
    let mut said = String::new();
    for header in &headers {
        let value = words(header.value);
        if !is_shown || value.as_bytes() != header.value {
            said.push_str(&value);
            said.push_str("\n\n");
        }
    }
    out.put("header", said);
    let types = all(&headers, "content-type");
    let borders: Vec<String> = types
        .iter()
        .filter(|kind| starts(kind, "multipart/"))
        .map(|kind| parameter(kind, "boundary"))
        .collect();
    if !borders.is_empty() {
        out.inside(|out| parts(body, &borders, is_shown, out));
        if types.len() == 1 {
            return;
        }
    }
    let mut codings: Vec<Transfer> =
        all(&headers, "content-transfer-encoding").iter().map(|coding| Transfer::of(coding)).collect();
    codings.dedup();
    if codings.is_empty() {
        codings.push(Transfer::Plain);
    }
    let kind = types.first().map_or("text/plain", String::as_str);
    for coding in codings {
        leaf(body, kind, coding, is_shown, out);
    }
}

/// What stands between borders. What stands before the first and behind the last is shown by some, and read like the rest.
fn parts(body: &[u8], borders: &[String], is_shown: bool, out: &mut Out<'_>) {
    // Each depth passes over its bytes again.
    if !out.spend(body.len()) {
        return;
    }
    let (mut begun, mut at, mut is_part) = (0, 0, false);
    while at < body.len() {
        let length = memchr::memchr(b'\n', body.get(at..).unwrap_or_default());
        let end = length.map_or(body.len(), |length| at + length + 1);
        let (line, next) = (body.get(at..end).unwrap_or_default(), body.get(end..).unwrap_or_default());
        if is_border(line, next, borders) {
            piece(body.get(begun..at).unwrap_or_default(), is_part, is_shown, out);
            (begun, is_part) = (end, true);
        }
        at = end;
    }
    piece(body.get(begun..).unwrap_or_default(), is_part, is_shown, out);
}

fn piece(bytes: &[u8], is_part: bool, is_shown: bool, out: &mut Out<'_>) {
    if is_part {
        entity(bytes, is_shown, out);
    } else if !is_shown {
        out.put("text", charset::text(bytes, ""));
    }
}

/// A line with a border that was announced, or one that stands before the headers of a part.
fn is_border(line: &[u8], next: &[u8], borders: &[String]) -> bool {
    let Some(rest) = line.strip_prefix(b"--") else { return false };
    let is_headed = || next.get(..8).is_some_and(|start| start.eq_ignore_ascii_case(b"content-"));
    let named = borders.iter().filter(|border| !border.is_empty());
    let mut after = named.filter_map(|border| rest.strip_prefix(border.as_bytes()));
    let is_named = after.any(|rest| matches!(rest.trim_ascii(), b"" | b"--"));
    is_named || !rest.trim_ascii().is_empty() && is_headed()
}

fn leaf(body: &[u8], kind: &str, coding: Transfer, is_shown: bool, out: &mut Out<'_>) {
    let is_text = starts(kind, "text/plain") || starts(kind, "text/html");
    let set = charset::of(kind);
    // What is said to be encoded and is not is shown as it is by some.
    let is_letters = body.is_ascii() && memchr::memchr(b' ', body).is_some();
    if !is_shown && is_letters && (coding != Transfer::Plain || !charset::is_plain(set)) {
        out.put("text", charset::text(body, ""));
    }
    let decoded = match coding {
        Transfer::Base64 => base64(body),
        Transfer::QuotedPrintable => quoted_printable(body),
        Transfer::Plain if is_text && is_shown && charset::is_plain(set) => return,
        Transfer::Plain => body.to_vec(),
        Transfer::Unknown => return out.unread(Unread::Unknown),
    };
    if !out.spend(decoded.len()) {
        return;
    }
    let is_shown = is_shown && coding == Transfer::Plain;
    out.inside(|out| {
        if starts(kind, "message/") {
            entity(&decoded, is_shown, out);
        } else {
            // An attachment's name and type are its sender's; its bytes are what they are.
            any(&decoded, kind, out);
        }
    });
}

/// The values of all headers of this name.
fn all(headers: &[Header<'_>], name: &str) -> Vec<String> {
    let of = headers.iter().filter(|header| header.is(name));
    of.map(|header| String::from_utf8_lossy(header.value).trim().to_owned()).collect()
}

fn starts(kind: &str, beginning: &str) -> bool {
    kind.get(..beginning.len()).is_some_and(|start| start.eq_ignore_ascii_case(beginning))
}
