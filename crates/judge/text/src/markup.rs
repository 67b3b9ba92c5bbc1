//! The second step: markup. What a renderer shows becomes one text, and what it does not show others.

use std::ops::Range;

use crate::layer::Origin;
use crate::map::Traced;
use crate::tag::{self, Tag};

/// What markup was hiding.
pub(crate) struct Unmarked {
    /// The text without markup; `None` where there was none.
    pub(crate) plain: Option<Traced>,
    pub(crate) parts: Vec<(Origin, Traced)>,
    /// There was more than may be scanned.
    pub(crate) is_cut: bool,
}

pub(crate) fn unmark(from: &Traced) -> Unmarked {
    let mut walk = Walk {
        from,
        text: &from.text,
        out: Traced::with_capacity(from.text.len()),
        parts: Vec::new(),
        changed: false,
        unseen: None,
        classes: Vec::new(),
        budget: 4 * from.text.len() + 4096,
        split: 0,
        has_end: true,
    };
    walk.style_sheets();
    let mut at = 0;
    while at < walk.text.len() {
        let tail = walk.text.as_bytes().get(at..).unwrap_or_default();
        let next = at + tail.iter().position(|b| is_special(*b)).unwrap_or(tail.len());
        walk.carry(at..next);
        at = if next < walk.text.len() { walk.step(next) } else { next };
    }
    walk.close(at);
    Unmarked { plain: walk.changed.then_some(walk.out), parts: walk.parts, is_cut: walk.budget == 0 }
}

/// Whether there may be any markup in a text.
pub(crate) fn is_marked(text: &str) -> bool {
    let text = text.as_bytes();
    memchr::memchr3(b'<', b'&', b'[', text).is_some()
        || memchr::memchr3(b']', b'*', b'~', text).is_some()
        || memchr::memchr(b'`', text).is_some()
}

fn is_special(byte: u8) -> bool {
    matches!(byte, b'<' | b'&' | b'[' | b']' | b'*' | b'~' | b'`')
}

struct Walk<'a> {
    from: &'a Traced,
    text: &'a str,
    out: Traced,
    parts: Vec<(Origin, Traced)>,
    changed: bool,
    /// The outermost element that is not shown: its name, how often it was opened, what stands in it.
    unseen: Option<(String, usize, Traced)>,
    classes: Vec<String>,
    budget: usize,
    /// Where the last sign within a word ended.
    split: usize,
    /// Whether a further `-->` may come; looked for once.
    has_end: bool,
}

impl Walk<'_> {
    /// Takes what begins at `at`, returns where it ends.
    fn step(&mut self, at: usize) -> usize {
        let rest = self.text.get(at..).unwrap_or_default();
        let taken = match rest.as_bytes().first() {
            Some(b'<') if rest.starts_with("<!") || rest.starts_with("<?") => self.declaration(rest, at),
            Some(b'<') => self.tag(at),
            Some(b'&') => self.entity(rest, at),
            Some(b'[') => self.markdown_comment(rest, at),
            Some(b']') => self.target(rest, at),
            _ => self.emphasis(rest, at),
        };
        taken.unwrap_or_else(|| {
            self.carry(at..at + 1);
            at + 1
        })
    }

    fn carry(&mut self, range: Range<usize>) {
        let out = self.unseen.as_mut().map_or(&mut self.out, |(_, _, out)| out);
        out.carry(self.from, range);
    }

    fn put(&mut self, text: &str, range: Range<usize>) {
        let source = self.from.source(range);
        let out = self.unseen.as_mut().map_or(&mut self.out, |(_, _, out)| out);
        out.put(text, source);
        self.changed = true;
    }

    fn part(&mut self, origin: Origin, range: Range<usize>) {
        let mut out = Traced::default();
        out.carry(self.from, range);
        if out.text.bytes().any(|b| b.is_ascii_alphabetic()) || !out.text.is_ascii() {
            self.parts.push((origin, out));
        }
    }

    /// A comment, or something else that begins with `<!` or `<?`.
    fn declaration(&mut self, rest: &str, at: usize) -> Option<usize> {
        let inner = rest.get(2..)?;
        let open = inner.trim_start_matches(' ');
        if let Some(body) = open.strip_prefix("--").filter(|_| rest.starts_with("<!")) {
            let start = at + rest.len() - body.len();
            let length = if self.has_end { memchr::memmem::find(body.as_bytes(), b"-->") } else { None };
            self.has_end = length.is_some();
            let end = length.map_or(self.text.len(), |length| start + length);
            self.part(Origin::Comment, start..end);
            self.put(" ", at..at + 1);
            return Some((end + 3).min(self.text.len()));
        }
        let end = inner.bytes().take(1024).position(|b| b == b'>')?;
        self.put(" ", at..at + 1);
        Some(at + 2 + end + 1)
    }

    fn tag(&mut self, at: usize) -> Option<usize> {
        let tag = tag::read(self.text, at, &mut self.budget)?;
        if !tag.is_closing && matches!(tag.name.as_str(), "script" | "style") {
            let end = end_of(self.text, tag.end, &tag.name, &mut self.budget)?;
            self.put(" ", at..at + 1);
            return Some(end);
        }
        self.count(&tag, at);
        for (name, value) in &tag.attributes {
            let text = self.text.get(value.clone()).unwrap_or_default();
            let says =
                !matches!(name.as_str(), "class" | "style" | "d" | "points" | "srcset" | "sizes" | "rel")
                    && text.bytes().filter(|b| *b == b' ').count() >= 2;
            if says {
                self.part(Origin::Attribute, value.clone());
            }
        }
        if tag.is_inline() {
            self.changed = true
        } else {
            self.put(" ", at..at + 1)
        }
        if self.unseen.is_none() && !tag.is_closing && !tag.is_empty && tag.hides(self.text, &self.classes) {
            self.unseen = Some((tag.name, 1, Traced::default()));
        }
        Some(tag.end)
    }

    /// Follows the nesting of the element that is not shown.
    fn count(&mut self, tag: &Tag, at: usize) {
        let Some((name, open, _)) = &mut self.unseen else { return };
        if *name != tag.name || tag.is_empty {
            return;
        }
        *open = if tag.is_closing { *open - 1 } else { *open + 1 };
        if *open == 0 {
            self.close(at);
        }
    }

    fn close(&mut self, at: usize) {
        if let Some((_, _, inner)) = self.unseen.take() {
            if inner.text.bytes().any(|b| b.is_ascii_alphabetic()) || !inner.text.is_ascii() {
                self.parts.push((Origin::Unseen, inner));
            }
            self.put(" ", at.min(self.text.len())..at.min(self.text.len()));
        }
    }

    fn entity(&mut self, rest: &str, at: usize) -> Option<usize> {
        let end = rest.bytes().take(12).position(|b| b == b';')?;
        let name = rest.get(1..end)?;
        let c = match name.strip_prefix('#') {
            Some(code) => {
                let hex = code.strip_prefix(['x', 'X']);
                let code = hex.map_or_else(|| code.parse().ok(), |hex| u32::from_str_radix(hex, 16).ok())?;
                char::from_u32(code)?
            }
            None => match name {
                "lt" => '<',
                "gt" => '>',
                "amp" => '&',
                "quot" => '"',
                "apos" => '\'',
                "nbsp" | "ensp" | "emsp" | "Tab" | "NewLine" => ' ',
                "lsqb" | "lbrack" => '[',
                "sol" => '/',
                "colon" => ':',
                "period" => '.',
                "zwj" | "zwnj" | "shy" => '\u{200d}',
                _ => return None,
            },
        };
        let text = if c == '\u{200d}' || c == '\u{200b}' { String::new() } else { c.to_string() };
        self.put(&text, at..at + end + 1);
        Some(at + end + 1)
    }

    /// `[//]: # (words)`, a link to nowhere, which no renderer shows.
    fn markdown_comment(&mut self, rest: &str, at: usize) -> Option<usize> {
        if at > 0 && self.text.as_bytes().get(at - 1) != Some(&b'\n') {
            return None;
        }
        let close = rest.bytes().take(40).position(|b| b == b']')?;
        let tail = rest.get(close + 1..)?.strip_prefix(':')?.trim_start_matches(' ');
        let tail = tail.strip_prefix('#').or_else(|| tail.strip_prefix("<>"))?;
        let line = tail.find('\n').unwrap_or(tail.len());
        let start = at + rest.len() - tail.len();
        self.part(Origin::Comment, start..start + line);
        self.put(" ", at..at + 1);
        Some(start + line)
    }

    /// `](address "title")`: the address goes, the title is kept apart.
    fn target(&mut self, rest: &str, at: usize) -> Option<usize> {
        let inner = rest.strip_prefix("](")?;
        let end = inner
            .bytes()
            .take(2048)
            .position(|b| matches!(b, b')' | b'\n'))
            .filter(|end| inner.as_bytes().get(*end) == Some(&b')'))?;
        if let Some(quote) = inner.get(..end)?.find(['"', '\'']) {
            self.part(Origin::Attribute, at + 2 + quote + 1..at + 2 + end);
        }
        self.put(" ", at..at + 1);
        Some(at + 2 + end + 1)
    }

    /// Signs of emphasis within a word, `ig**no**re`, and those that end such a word.
    fn emphasis(&mut self, rest: &str, at: usize) -> Option<usize> {
        let length = rest.bytes().take_while(|b| matches!(b, b'*' | b'~' | b'`')).count().min(6);
        let is_letter = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphabetic);
        let before = at > 0 && is_letter(self.text.as_bytes().get(at - 1));
        let ends_split_word = || {
            let word = self.text.get(self.split..at).unwrap_or_default();
            self.split > 0 && word.bytes().all(|b| b.is_ascii_alphabetic())
        };
        if length == 0 || !before || !(is_letter(rest.as_bytes().get(length)) || ends_split_word()) {
            return None;
        }
        self.split = at + length;
        self.changed = true;
        Some(at + length)
    }

    fn style_sheets(&mut self) {
        let mut at = 0;
        while let Some(found) = self.text.get(at..).and_then(|rest| rest.find("<style")) {
            let start = at + found;
            let Some(end) = end_of(self.text, start, "style", &mut self.budget) else { return };
            tag::hidden_classes(self.text.get(start..end).unwrap_or_default(), &mut self.classes);
            at = end;
        }
    }
}

/// Where the element `name` that is open at `at` ends, its closing tag included.
fn end_of(text: &str, at: usize, name: &str, budget: &mut usize) -> Option<usize> {
    let rest = text.get(at..)?;
    let close = format!("</{name}");
    let found = memchr::memmem::find(rest.as_bytes(), close.as_bytes());
    *budget = budget.checked_sub(found.unwrap_or(rest.len())).filter(|left| *left > 0)?;
    let end = at + found? + close.len();
    Some(end + text.get(end..)?.find('>').map_or(0, |tail| tail + 1))
}
