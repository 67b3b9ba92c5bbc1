//! The XML of office files: what is shown of it, what is in it and not shown, and what its attributes say.
//!
//! No tree is built and nothing is repaired: one pass over the characters. A word may be cut into runs, and between two of its
//! letters may stand a run that a style hides, so the text is read with what is hidden and without it.

use std::borrow::Cow;

use crate::out::Out;

/// Elements that stand within a line: a word may go on behind them.
const INLINE: [&str; 16] = [
    "t",
    "r",
    "span",
    "a",
    "b",
    "i",
    "u",
    "s",
    "em",
    "strong",
    "sub",
    "sup",
    "delText",
    "instrText",
    "hyperlink",
    "sz",
];
/// Elements that end a line whether or not they hold text of their own.
const BREAKS: [&str; 12] =
    ["p", "h", "tr", "si", "row", "title", "list-item", "comment", "li", "div", "c", "is"];
/// Places of definitions, which are in every file.
const STANDARD: [&str; 5] =
    ["schemas.openxmlformats.org", "schemas.microsoft.com", "purl.org", "www.w3.org", "purl.oclc.org"];

#[derive(Default)]
struct Reader {
    /// All text of runs, in order.
    all: String,
    /// The same without what a style hides.
    shown: String,
    hidden: String,
    /// Codes of fields, deleted text, comments and definitions of entities.
    aside: String,
    attributes: String,
    is_hidden: bool,
    is_aside: bool,
    /// The element that was opened last holds text of its own.
    has_text: bool,
}

pub(crate) fn read(text: &str, out: &mut Out<'_>) {
    let mut reader = Reader::default();
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'<', rest.as_bytes()) {
        let (before, tag) = rest.split_at(at);
        reader.text(&entities(before));
        rest = match tag {
            _ if tag.starts_with("<!--") => {
                let (comment, rest) = until(tag, 4, "-->");
                reader.side(comment);
                rest
            }
            _ if tag.starts_with("<![CDATA[") => {
                let (data, rest) = until(tag, 9, "]]>");
                reader.text(data);
                rest
            }
            _ if tag.starts_with("<!ENTITY") => {
                let (entity, rest) = until(tag, 8, ">");
                reader.side(entity);
                rest
            }
            // Within its definitions a document type may have entities.
            _ if tag.starts_with("<!") => tag.get(2..).unwrap_or_default(),
            _ => {
                let (tag, rest) = until_end(tag);
                reader.tag(tag);
                rest
            }
        };
    }
    reader.text(&entities(rest));
    let is_split = !reader.hidden.is_empty();
    out.put("text", paragraphs(&reader.all));
    if is_split {
        out.put("shown", paragraphs(&reader.shown));
        out.put("hidden", paragraphs(&reader.hidden));
    }
    out.put("aside", paragraphs(&reader.aside));
    out.put("attributes", reader.attributes);
}

impl Reader {
    fn text(&mut self, text: &str) {
        // Blanks between elements are how the file is laid out.
        if text.is_empty() || text.contains('\n') && text.trim_ascii().is_empty() {
            return;
        }
        self.has_text = true;
        if self.is_aside {
            self.aside.push_str(text);
            return;
        }
        self.all.push_str(text);
        (if self.is_hidden { &mut self.hidden } else { &mut self.shown }).push_str(text);
    }

    fn side(&mut self, text: &str) {
        self.aside.push_str(&entities(text));
        self.aside.push('\n');
    }

    fn line(&mut self) {
        for text in [&mut self.all, &mut self.shown, &mut self.hidden, &mut self.aside] {
            if !text.is_empty() && !text.ends_with('\n') {
                text.push('\n');
            }
        }
    }

    /// What stands between `<` and `>`.
    fn tag(&mut self, tag: &str) {
        if let Some(name) = tag.strip_prefix('/') {
            return self.close(local(name.trim()));
        }
        let end = tag.find(|c: char| c.is_ascii_whitespace() || c == '/').unwrap_or(tag.len());
        let (name, rest) = tag.split_at(end);
        let name = local(name);
        let mut value = "";
        each_attribute(rest, |attribute, of| {
            if local(attribute) == "val" {
                value = of;
            }
            self.attribute(attribute, of);
        });
        let is_on = !matches!(value, "0" | "false" | "off" | "none");
        match name {
            "r" => self.is_hidden = false,
            "vanish" | "webHidden" | "specVanish" if is_on => self.is_hidden = true,
            // White, and a size that nobody reads.
            "color" if value.eq_ignore_ascii_case("ffffff") => self.is_hidden = true,
            "sz" if matches!(value, "1" | "2" | "3" | "4") => self.is_hidden = true,
            "instrText" | "delText" | "delInstrText" => self.is_aside = !tag.ends_with('/'),
            "br" | "cr" => self.line(),
            // A sheet writes its formulas without the sign that a person begins them with.
            "f" => self.text("="),
            "tab" | "s" | "line-break" => self.text(" "),
            _ => {}
        }
        self.has_text = false;
    }

    fn close(&mut self, name: &str) {
        match name {
            "r" => self.is_hidden = false,
            "instrText" | "delText" | "delInstrText" => self.is_aside = false,
            _ => {}
        }
        let has_text = std::mem::take(&mut self.has_text);
        if BREAKS.contains(&name) || has_text && !INLINE.contains(&name) {
            self.line();
        }
    }

    /// What describes a picture, an address behind a link, the code of a field: words, or an address of somebody's.
    fn attribute(&mut self, name: &str, value: &str) {
        let is_address = value.contains("://") && !STANDARD.iter().any(|place| value.contains(place));
        // Styles and fonts have names of several words.
        let least = if matches!(local(name), "val" | "name" | "typeface") { 7 } else { 4 };
        let has_words = value.split_ascii_whitespace().nth(least - 1).is_some();
        if !name.starts_with("xmlns") && (is_address || has_words) {
            self.attributes.push_str(&entities(value));
            self.attributes.push_str("\n\n");
        }
    }
}

/// Calls `each` with the names and values of a tag.
fn each_attribute<'t>(mut rest: &'t str, mut each: impl FnMut(&'t str, &'t str)) {
    while let Some(equals) = rest.find('=') {
        let name = rest.get(..equals).unwrap_or_default().trim();
        let after = rest.get(equals + 1..).unwrap_or_default().trim_start();
        let Some(quote) = after.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
            rest = after;
            continue;
        };
        let value = after.get(1..).unwrap_or_default();
        let end = value.find(quote).unwrap_or(value.len());
        each(name, value.get(..end).unwrap_or_default());
        rest = value.get(end + 1..).unwrap_or_default();
    }
}

/// A name without the prefix of its space.
fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or_default()
}

/// What stands from `from` on before `end`, and what stands behind it.
fn until<'t>(text: &'t str, from: usize, end: &str) -> (&'t str, &'t str) {
    let text = text.get(from..).unwrap_or_default();
    text.split_once(end).unwrap_or((text, ""))
}

/// What stands in a tag, and behind it. A `>` within quotes ends none.
fn until_end(tag: &str) -> (&str, &str) {
    let bytes = tag.as_bytes();
    let (mut at, mut quote) = (1, 0);
    while let Some(b) = bytes.get(at) {
        match b {
            b'>' if quote == 0 => {
                return (tag.get(1..at).unwrap_or_default(), tag.get(at + 1..).unwrap_or_default());
            }
            // A quote that is not closed within its tag is none: the next tag is not its value.
            b'<' => return (tag.get(1..at).unwrap_or_default(), tag.get(at..).unwrap_or_default()),
            b'"' | b'\'' if quote == 0 => quote = *b,
            b if *b == quote => quote = 0,
            _ => {}
        }
        at += 1;
    }
    (tag.get(1..).unwrap_or_default(), "")
}

/// Lines as paragraphs: each is its own, and a number says nothing.
fn paragraphs(text: &str) -> String {
    let lines =
        text.lines().map(str::trim).filter(|line| line.bytes().any(|b| b.is_ascii_alphabetic() || b >= 0x80));
    lines.collect::<Vec<_>>().join("\n\n")
}

/// Text with its entities read.
fn entities(text: &str) -> Cow<'_, str> {
    if memchr::memchr(b'&', text.as_bytes()).is_none() {
        return text.into();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'&', rest.as_bytes()) {
        out.push_str(rest.get(..at).unwrap_or_default());
        rest = rest.get(at + 1..).unwrap_or_default();
        let end = rest.bytes().take(12).position(|b| b == b';');
        match end.and_then(|end| Some((entity(rest.get(..end)?)?, end))) {
            Some((c, end)) => {
                out.push(c);
                rest = rest.get(end + 1..).unwrap_or_default();
            }
            None => out.push('&'),
        }
    }
    out.push_str(rest);
    out.into()
}

fn entity(name: &str) -> Option<char> {
    Some(match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "quot" => '"',
        "apos" => '\'',
        _ => {
            let number = name.strip_prefix('#')?;
            let number = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(number)?
        }
    })
}
