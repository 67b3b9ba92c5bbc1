//! Which kind of document it is: by its first bytes, and where those say nothing by what its sender says it is.

use std::sync::LazyLock;

use memchr::memmem;

use crate::charset;
use crate::mail::base64;
use crate::out::{Budget, Document, Out, Unread};
use crate::{archive, csv, mail, pdf};

/// What a string holds besides what it shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// A document in base64, and nothing else.
    Blob,
    /// Documents in base64 somewhere in it: a member of JSON in a text, an address in a page.
    Within,
    /// A mail. The string itself is read anyway.
    Mail,
    /// A table with separators. The string itself is read anyway.
    Table,
}

/// Shorter strings hold no document.
const LEAST: usize = 24;
/// How far into a string its kind is looked for.
const FRONT: usize = 4_096;
/// Base64 of what a PDF and an archive begin with.
const PACKED: [&[u8]; 2] = [b"JVBERi", b"UEsDB"];
/// The same, made ready once to be looked for in every text there is.
static WITHIN: LazyLock<[memmem::Finder<'static>; 2]> = LazyLock::new(|| PACKED.map(memmem::Finder::new));
/// Documents within one string.
const MOST_WITHIN: usize = 256;

/// Says whether a string holds a document, by a few bytes of it. `media` is the type that its sender gives it, or nothing;
/// `is_blob` says that the protocol has base64 there.
pub fn held(text: &str, media: &str, is_blob: bool) -> Option<Held> {
    if text.len() < LEAST {
        return None;
    }
    if is_blob {
        let is_seen = is_media(media)
            && !PACKED.iter().any(|start| text.trim_ascii_start().as_bytes().starts_with(start));
        return (!is_seen).then_some(Held::Blob);
    }
    if address(text).is_some() || is_packed(text.trim_ascii_start().as_bytes()) {
        return Some(Held::Blob);
    }
    let front = text.get(..text.floor_char_boundary(FRONT)).unwrap_or_default();
    if is(media, "message/") || mail::looks_like(front.as_bytes()) {
        return Some(Held::Mail);
    }
    if text.len() > FIRST && WITHIN.iter().any(|start| start.find(text.as_bytes()).is_some()) {
        return Some(Held::Within);
    }
    (is_table(media) || csv::separator(text).is_some()).then_some(Held::Table)
}

/// Reads what a string holds.
pub fn read(text: &str, held: Held, media: &str, budget: &mut Budget) -> Document {
    let mut out = Out::new(text.len(), budget);
    match held {
        Held::Blob => {
            let (media, packed) = address(text).unwrap_or((media, text));
            if out.spend(packed.len()) {
                any(&base64(packed.as_bytes()), media, &mut out);
            }
        }
        Held::Within => within(text, &mut out),
        Held::Mail => mail::read(text.as_bytes(), true, &mut out),
        Held::Table => csv::read(text, &mut out),
    }
    out.done()
}

/// Reads the documents that begin anywhere in a text.
fn within(text: &str, out: &mut Out<'_>) {
    let mut at = 0;
    for _ in 0..MOST_WITHIN {
        let rest = text.as_bytes().get(at..).unwrap_or_default();
        let Some(start) = PACKED.iter().filter_map(|start| memmem::find(rest, start)).min() else {
            if csv::separator(text).is_some() {
                csv::read(text, out);
            }
            return;
        };
        let rest = rest.get(start..).unwrap_or_default();
        // Lines of base64 end in a line's end, or in the two signs for it.
        let length = rest.iter().take_while(|b| is_base64(**b) || matches!(b, b'\\' | b'\r' | b'\n')).count();
        let run = rest.get(..length).unwrap_or_default();
        at += start + length;
        if length > FIRST && out.spend(length) {
            let plain = String::from_utf8_lossy(run).replace("\\n", "").replace("\\r", "");
            out.inside(|out| any(&base64(plain.as_bytes()), "", out));
        }
    }
    out.unread(Unread::TooLarge);
}

/// Reads a document.
pub fn document(bytes: &[u8], media: &str, budget: &mut Budget) -> Document {
    let mut out = Out::new(bytes.len(), budget);
    any(bytes, media, &mut out);
    out.done()
}

/// Reads a document of any kind. What its bytes say goes before what its sender says, and where a host may believe either it
/// is read as both.
pub(crate) fn any(bytes: &[u8], media: &str, out: &mut Out<'_>) {
    let front = bytes.get(..bytes.len().min(1_024)).unwrap_or_default();
    let begun = out.count();
    if memmem::find(front, b"%PDF-").is_some() {
        pdf::read(bytes, out);
    } else if archive::is(front) {
        archive::read(bytes, out);
    } else if is_media(media) {
        return;
    } else if !is_text(bytes, media) {
        if !is_picture(front) {
            out.unread(Unread::Unknown);
        }
        return;
    } else {
        return text(bytes, media, out);
    }
    // A text may begin like something else.
    if is(media, "text/") || is(media, "message/") || out.count() == begun && str::from_utf8(bytes).is_ok() {
        text(bytes, media, out);
    }
}

fn text(bytes: &[u8], media: &str, out: &mut Out<'_>) {
    if is(media, "message/") || mail::looks_like(bytes.get(..bytes.len().min(FRONT)).unwrap_or_default()) {
        return mail::read(bytes, false, out);
    }
    let set = charset::of(media);
    let text = charset::text(bytes, set);
    if is_table(media) || csv::separator(&text).is_some() {
        csv::read(&text, out);
    }
    out.put("text", text);
    // Letters that are said to be something else are letters to many.
    if !charset::is_plain(set) && bytes.is_ascii() {
        out.put("text", charset::text(bytes, ""));
    }
}

fn is(media: &str, beginning: &str) -> bool {
    media.get(..beginning.len()).is_some_and(|start| start.eq_ignore_ascii_case(beginning))
}

fn is_table(media: &str) -> bool {
    is(media, "text/csv") || is(media, "text/tab-separated-values") || is(media, "application/csv")
}

/// What is seen, heard or reckoned with, and not read. A drawing in SVG is text.
fn is_media(media: &str) -> bool {
    const KINDS: [&str; 7] = [
        "image/",
        "audio/",
        "video/",
        "font/",
        // A mail's signature stands beside what it signs.
        "application/pkcs7-signature",
        "application/x-pkcs7-signature",
        "application/pgp-signature",
    ];
    KINDS.iter().any(|kind| is(media, kind)) && !is(media, "image/svg")
}

/// Letters of base64 that are looked at to see what they stand for.
const FIRST: usize = 64;

fn is_base64(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'-' | b'_' | b'=')
}

/// Base64 of a PDF, an archive, a mail or another text.
fn is_packed(text: &[u8]) -> bool {
    let Some(front) = text
        .get(..FIRST)
        .filter(|front| front.iter().all(|b| is_base64(*b) || b.is_ascii_whitespace() && *b != b' '))
    else {
        return false;
    };
    let front = base64(front);
    let is_said =
        front.contains(&b' ') && front.iter().all(|b| matches!(b, b' '..=b'~' | b'\n' | b'\r' | b'\t'));
    is_said || front.starts_with(b"%PDF-") || archive::is(&front)
}

/// The type and the base64 of a `data:` address.
fn address(text: &str) -> Option<(&str, &str)> {
    let rest = text.trim_start();
    let rest =
        rest.get(..5).filter(|start| start.eq_ignore_ascii_case("data:")).and_then(|_| rest.get(5..))?;
    let comma = rest.bytes().take(256).position(|b| b == b',')?;
    let media = rest.get(..comma)?;
    let is_packed = media.len() >= 7 && media.get(media.len() - 7..)?.eq_ignore_ascii_case(";base64");
    is_packed.then_some((media, rest.get(comma + 1..)?))
}

/// Whether bytes that are no text begin like a picture or a sound.
pub(crate) fn is_picture(front: &[u8]) -> bool {
    const SIGNS: [&[u8]; 10] = [
        b"\x89PNG",
        b"\xff\xd8\xff",
        b"GIF8",
        b"RIFF",
        b"BM\x00",
        b"II*\x00",
        b"MM\x00*",
        b"OggS",
        b"ID3",
        b"\xd7\xcd\xc6\x9a",
    ];
    SIGNS.iter().any(|sign| front.starts_with(sign)) || front.get(4..8) == Some(b"ftyp")
}

/// Whether bytes are characters: by their own look, or because their sender says so.
pub(crate) fn is_text(bytes: &[u8], media: &str) -> bool {
    let front = bytes.get(..bytes.len().min(FRONT)).unwrap_or_default();
    let odd = front.iter().filter(|b| matches!(b, 0..=8 | 14..=26 | 28..=31 | 127)).count();
    let is_wide = front.starts_with(b"\xff\xfe") || front.starts_with(b"\xfe\xff");
    is_wide || is(media, "text/") || is(media, "message/") || odd * 64 <= front.len() + 64
}
