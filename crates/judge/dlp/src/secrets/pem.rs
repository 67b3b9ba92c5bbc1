//! Private keys in armour: PEM of every kind, PGP, SSH, PuTTY.

use std::ops::Range;

use crate::charset::Charset;
use crate::found::{Confidence, Found};
use crate::look::Look;

const DASHES: &str = "-----";
/// The longest name of what is inside: `BEGIN PGP PRIVATE KEY BLOCK` and the like.
const LONGEST_NAME: usize = 60;
/// A key of 16,384 bits, in armour, twice.
const LONGEST_BODY: usize = 32 << 10;
/// What stands before the private part of a key file, and the part itself.
const LONGEST_HEAD: usize = 3 << 10;
const LONGEST_KEY: usize = 8 << 10;
/// What may stand between the first line and the key.
const LONGEST_HEADERS: usize = 400;
/// How many bytes a search looks at in one step.
const VECTOR: usize = 16;
/// Fewer characters are an example with its middle left out.
const SHORTEST_BODY: usize = 40;

/// Looks at armour whose `-----BEGIN ` stands at `at`. The body ends at the next five dashes, so that no two bodies
/// share text, and a key that was cut off is found as well.
pub(crate) fn private_key(look: &Look<'_>, at: usize) -> Option<Found> {
    let name_at = at + DASHES.len();
    let name_length = look.run(name_at, Charset::CAPITAL.plus(b" "), LONGEST_NAME);
    let name = look.slice(name_at..name_at + name_length);
    let body_at = name_at + name_length + DASHES.len();
    if !name.contains("PRIVATE KEY") || !look.starts(body_at - DASHES.len(), DASHES) {
        return None;
    }
    let body = until_dashes(look, body_at);
    let end = if look.starts(body.end, DASHES) { after_end(look, body.end) } else { body.end };
    holds_key(look, body).then(|| Found::secret("private-key", Confidence::Certain, at..end, "its armour"))
}

/// Looks at a key file of PuTTY's whose name of the key's kind begins at `at`.
pub(crate) fn putty(look: &Look<'_>, start: usize, at: usize) -> Option<Found> {
    if !look.at(at).is_ascii_digit() || !look.starts(at + 1, ": ") {
        return None;
    }
    let private = search(look, at, b"Private-Lines:", LONGEST_HEAD)?;
    let end = search(look, private, b"Private-MAC:", LONGEST_KEY)
        .unwrap_or((private + LONGEST_KEY).min(look.len()));
    let mac = look.run(end, Charset::HEX.plus(b" "), 66);
    let span = start..floor(look, end + mac);
    holds_key(look, private..end)
        .then(|| Found::secret("private-key", Confidence::Certain, span, "a key file of PuTTY"))
}

/// Where a text ends that stands at most so far from `at`.
fn search(look: &Look<'_>, at: usize, text: &[u8], reach: usize) -> Option<usize> {
    let rest = look.bytes().get(at..look.len().min(at + reach)).unwrap_or_default();
    let found = memchr::memmem::find(rest, text);
    look.spend(found.unwrap_or(rest.len()) / VECTOR);
    found.map(|found| at + found + text.len())
}

fn until_dashes(look: &Look<'_>, from: usize) -> Range<usize> {
    let rest = look.bytes().get(from..look.len().min(from + LONGEST_BODY)).unwrap_or_default();
    let length = memchr::memmem::find(rest, DASHES.as_bytes()).unwrap_or(rest.len());
    look.spend(length / VECTOR);
    from..floor(look, from + length)
}

/// The end of the line of dashes that begins at `at`, if it ends some armour.
fn after_end(look: &Look<'_>, at: usize) -> usize {
    let name_at = at + DASHES.len();
    let name = look.run(name_at, Charset::CAPITAL.plus(b" "), LONGEST_NAME);
    let end = name_at + name + DASHES.len();
    if look.starts(name_at, "END ") && look.starts(name_at + name, DASHES) { end } else { at }
}

/// Says whether there is a key between the lines, and not `...` or a program that goes on: after a few lines of headers
/// there are as many characters of base64 as nothing else has.
fn holds_key(look: &Look<'_>, body: Range<usize>) -> bool {
    let end = body.end.min(body.start + LONGEST_HEADERS);
    let mut at = body.start;
    let mut held = 0;
    while at < end && held < SHORTEST_BODY {
        let length = look.run(at, Charset::BASE64, 4096);
        // Words of headers and comments are shorter than lines of a key.
        held += if length >= 16 { length } else { 0 };
        at += length + 1;
    }
    held >= SHORTEST_BODY
}

/// The last border of a character up to `at`.
fn floor(look: &Look<'_>, at: usize) -> usize {
    look.text().floor_char_boundary(at)
}
