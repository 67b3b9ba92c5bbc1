//! HTML tags, as far as it takes to tell what is shown.

use std::ops::Range;

/// A tag, opening or closing. Ranges are of the text it stands in.
#[derive(Debug)]
pub(crate) struct Tag {
    pub(crate) name: String,
    pub(crate) is_closing: bool,
    pub(crate) is_empty: bool,
    pub(crate) attributes: Vec<(String, Range<usize>)>,
    pub(crate) end: usize,
}

/// Longest tag that is read as one.
const LONGEST: usize = 8192;

/// Reads the tag whose `<` stands at `at`. `budget` is what all readings of one text may scan together: a text of nothing
/// but unfinished tags would otherwise be scanned once for each.
pub(crate) fn read(text: &str, at: usize, budget: &mut usize) -> Option<Tag> {
    let rest = text.get(at + 1..)?;
    let is_closing = rest.starts_with('/');
    let start = at + 1 + usize::from(is_closing);
    let name = word(text, start);
    if !name.chars().next()?.is_ascii_alphabetic() {
        return None;
    }
    let mut tag =
        Tag { is_closing, is_empty: false, attributes: Vec::new(), end: 0, name: name.to_ascii_lowercase() };
    let mut place = start + name.len();
    let found = attributes(text, &mut place, at + LONGEST, &mut tag);
    *budget = budget.checked_sub(place - at).unwrap_or_default();
    found.filter(|()| *budget > 0).map(|()| tag)
}

fn attributes(text: &str, place: &mut usize, limit: usize, tag: &mut Tag) -> Option<()> {
    let bytes = text.as_bytes();
    while *place < limit {
        match bytes.get(*place)? {
            b'>' => {
                tag.end = *place + 1;
                tag.is_empty |= VOID.contains(&tag.name.as_str());
                return Some(());
            }
            b'<' => return None,
            b'/' => {
                tag.is_empty |= bytes.get(*place + 1) == Some(&b'>');
                *place += 1;
            }
            b if b.is_ascii_alphabetic() || *b == b'_' || *b == b':' || *b == b'@' => {
                let name = word(text, *place);
                let name = if name.is_empty() { text.get(*place..=*place)? } else { name };
                *place += name.len();
                let value = value(text, place, limit)?;
                tag.attributes.push((name.to_ascii_lowercase(), value));
            }
            _ => *place += 1,
        }
    }
    None
}

/// The value after a name, empty where there is none.
fn value(text: &str, place: &mut usize, limit: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let skip = |from: usize| from + bytes.iter().skip(from).take_while(|b| b.is_ascii_whitespace()).count();
    let equals = skip(*place);
    if bytes.get(equals) != Some(&b'=') {
        return Some(*place..*place);
    }
    let start = skip(equals + 1);
    *place = start;
    let window = bytes.get(start..limit.min(bytes.len()))?;
    let (from, length, after) = match window.first()? {
        quote @ (b'"' | b'\'') => {
            let inner = window.get(1..)?;
            let Some(length) = memchr::memchr(*quote, inner) else {
                *place = start + window.len();
                return None;
            };
            (start + 1, length, 1)
        }
        _ => (
            start,
            window.iter().take_while(|b| !b.is_ascii_whitespace() && !matches!(b, b'>' | b'<')).count(),
            0,
        ),
    };
    *place = from + length + after;
    Some(from..from + length)
}

fn word(text: &str, at: usize) -> &str {
    let rest = text.get(at..).unwrap_or_default();
    let end = rest
        .bytes()
        .take(64)
        .position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b':' | b'.')));
    rest.get(..end.unwrap_or(rest.len().min(64))).unwrap_or_default()
}

/// Elements without content.
const VOID: [&str; 13] =
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"];

impl Tag {
    /// Whether removing it joins what stands around it, as `<b>` within a word does.
    pub(crate) fn is_inline(&self) -> bool {
        const INLINE: [&str; 19] = [
            "a", "abbr", "b", "big", "bdo", "code", "em", "font", "i", "kbd", "mark", "s", "small", "span",
            "strong", "sub", "sup", "u", "wbr",
        ];
        INLINE.contains(&self.name.as_str())
    }

    /// Whether its content is not shown. `classes` are those that the document's own style hides.
    pub(crate) fn hides(&self, text: &str, classes: &[String]) -> bool {
        if matches!(self.name.as_str(), "template" | "noscript") {
            return true;
        }
        self.attributes.iter().any(|(name, value)| {
            let value = text.get(value.clone()).unwrap_or_default();
            match name.as_str() {
                "hidden" => true,
                "aria-hidden" => value == "true",
                "type" => self.name == "input" && value.eq_ignore_ascii_case("hidden"),
                "style" => hides(value),
                "color" => matches!(value.to_ascii_lowercase().as_str(), "white" | "#fff" | "#ffffff"),
                "class" | "id" => value.split_ascii_whitespace().any(|class| {
                    classes.iter().any(|hidden| hidden == class)
                        || matches!(class, "hidden" | "sr-only" | "visually-hidden" | "d-none" | "invisible")
                }),
                _ => false,
            }
        })
    }
}

/// Whether a list of CSS declarations takes what it applies to out of sight.
pub(crate) fn hides(style: &str) -> bool {
    let style: String = style
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| c.to_ascii_lowercase())
        .chain(";".chars())
        .collect();
    style.split(';').filter_map(|declaration| declaration.split_once(':')).any(|(name, value)| {
        let value = value.trim_end_matches("!important");
        let number = value.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == '%').parse::<f32>();
        match name {
            "display" => value == "none",
            "visibility" => matches!(value, "hidden" | "collapse"),
            "opacity" | "fill-opacity" => number.is_ok_and(|n| n < 0.1),
            "font-size" => number.is_ok_and(|n| n <= if value.ends_with("em") { 0.15 } else { 2.0 }),
            "width" | "height" | "max-height" | "max-width" => {
                number.is_ok_and(|n| n <= 1.0) && !value.ends_with("em")
            }
            "left" | "right" | "top" | "bottom" | "text-indent" | "margin-left" | "margin-top" => {
                number.is_ok_and(|n| n <= -400.0)
            }
            "color" => {
                matches!(
                    value,
                    "white"
                        | "#fff"
                        | "#ffffff"
                        | "#fefefe"
                        | "transparent"
                        | "rgb(255,255,255)"
                        | "rgba(0,0,0,0)"
                ) && !style.contains("background")
            }
            "clip" => value.starts_with("rect(0") || value.starts_with("rect(1px"),
            "clip-path" => {
                value.starts_with("inset(50%") || value.starts_with("inset(100%") || value == "circle(0)"
            }
            "transform" => {
                value.starts_with("scale(0)")
                    || value.starts_with("translate(-9")
                    || value.starts_with("translatex(-9")
            }
            "mso-hide" => value == "all",
            "content-visibility" => value == "hidden",
            _ => false,
        }
    })
}

/// Names of classes and ids that a style sheet hides.
pub(crate) fn hidden_classes(sheet: &str, names: &mut Vec<String>) {
    for rule in sheet.split('}') {
        let Some((selectors, style)) = rule.rsplit_once('{') else { continue };
        if !hides(style) {
            continue;
        }
        for selector in selectors.split(',').filter_map(|s| s.split_ascii_whitespace().next_back()) {
            if let Some(at) = selector.rfind(['.', '#'])
                && names.len() < 64
            {
                names.push(selector.get(at + 1..).unwrap_or_default().to_owned());
            }
        }
    }
}
