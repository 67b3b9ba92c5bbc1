//! The first step: characters. What is invisible is taken out and kept apart, what looks like a letter becomes it, and runs
//! of blanks become one.

use std::ops::Range;

use crate::glyph::{is_styled, look_alike, plain};
use crate::hidden::{Unseen, ansi, selector, tag, unseen};
use crate::layer::{Layer, MarkKind, Origin, Reading};
use crate::map::Traced;

/// Blanks within a line that push the rest out of sight.
const WIDE: usize = 60;
/// The same, in lines.
const TALL: usize = 20;

/// Folds `text`, leaves marks and hidden layers in `reading`, and returns the surface.
pub(crate) fn fold(text: &str, reading: &mut Reading) -> Traced {
    let mut fold = Fold {
        text,
        out: Traced::with_capacity(text.len()),
        reading,
        scripts: scripts(text),
        word: 0..0,
        mixed: false,
    };
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let plain = plain_run(rest.as_bytes());
        if plain > 0 {
            fold.out.copy(rest.get(..plain).unwrap_or_default(), at);
            at += plain;
            continue;
        }
        at = fold.step(rest, at);
    }
    fold.out
}

/// How many bytes from the first one on are plain: graphic ASCII, and single blanks between it.
fn plain_run(bytes: &[u8]) -> usize {
    let is_graphic = |at: usize| bytes.get(at).is_some_and(|b| (0x21..0x7f).contains(b));
    let mut end = 0;
    loop {
        if is_graphic(end) {
            end += 1;
        } else if end > 0 && matches!(bytes.get(end), Some(b' ' | b'\n')) && is_graphic(end + 1) {
            end += 2;
        } else {
            return end;
        }
    }
}

/// What scripts a text is written in, as far as it matters.
#[derive(Clone, Copy)]
struct Scripts {
    /// Mostly Latin: look-alikes are folded everywhere. In a Russian text only words that mix scripts are.
    is_latin: bool,
    /// Chinese, Japanese or Korean, which write Latin letters wide without a thought.
    is_wide: bool,
}

fn scripts(text: &str) -> Scripts {
    let mut scripts = Scripts { is_latin: true, is_wide: false };
    if text.is_ascii() {
        return scripts;
    }
    let (mut latin, mut other) = (0_usize, 0_usize);
    for c in text.chars() {
        latin += usize::from(c.is_ascii_alphabetic());
        scripts.is_wide |= matches!(c as u32, 0x3040..=0x30FF | 0x3400..=0x9FFF | 0xAC00..=0xD7AF);
        let is_other =
            !c.is_ascii() && c.is_alphabetic() && !matches!(c as u32, 0xC0..=0x24F) && !is_styled(c);
        other += usize::from(is_other);
    }
    scripts.is_latin = latin >= other;
    scripts
}

struct Fold<'a> {
    text: &'a str,
    out: Traced,
    reading: &'a mut Reading,
    scripts: Scripts,
    /// The word last looked at, and whether it holds ASCII letters besides others.
    word: Range<usize>,
    mixed: bool,
}

impl Fold<'_> {
    /// Takes what begins at `at` and is no plain ASCII; returns where it ends.
    fn step(&mut self, rest: &str, at: usize) -> usize {
        let Some(c) = rest.chars().next() else { return self.text.len() };
        if c.is_whitespace() {
            return self.blank(rest, at);
        }
        if let Some(length) = ansi(rest) {
            self.reading.note(MarkKind::Ansi, at..at + length, 1);
            return at + length;
        }
        if let Some(kind) = unseen(c) {
            return self.unseen(kind, rest, at);
        }
        let end = at + c.len_utf8();
        let fold = c.is_alphanumeric() && self.fold_in_word(c, at);
        if is_styled(c) && !self.scripts.is_wide {
            self.reading.note(MarkKind::Styled, at..end, 1);
        }
        let out = &mut self.out;
        plain(c, fold, |plain| {
            if plain == c { out.copy(c.encode_utf8(&mut [0; 4]), at) } else { out.put_char(plain, at..end) }
        });
        end
    }

    fn blank(&mut self, rest: &str, at: usize) -> usize {
        let length = rest.find(|c: char| !c.is_whitespace()).unwrap_or(rest.len());
        let run = rest.get(..length).unwrap_or_default();
        let lines =
            run.chars().filter(|c| matches!(c, '\n' | '\u{2028}' | '\u{2029}' | '\u{0b}' | '\u{0c}')).count();
        let is_inside = at > 0 && at + length < self.text.len();
        let columns = if lines == 0 { run.chars().count() } else { 0 };
        if is_inside && (columns >= WIDE || lines >= TALL || run.len() > 8 * WIDE) {
            self.reading.note(MarkKind::Blank, at..at + length, 1);
        }
        let out = match (lines, columns) {
            (0, 1) => " ",
            (0, _) => "  ",
            (1, _) => "\n",
            _ => "\n\n",
        };
        if run == out {
            self.out.copy(run, at)
        } else {
            self.out.put(out, at..at + length)
        }
        at + length
    }

    /// A run of unseen characters of one kind.
    fn unseen(&mut self, kind: Unseen, rest: &str, at: usize) -> usize {
        let length = rest.find(|c: char| unseen(c) != Some(kind) || c == '\u{1b}').unwrap_or(rest.len());
        let run = rest.get(..length).unwrap_or_default();
        let (span, count) = (at..at + length, run.chars().count());
        let before = self.out.text.chars().next_back();
        let after = rest.get(length..).and_then(|rest| rest.chars().next());
        let is_latin = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        match kind {
            Unseen::ZeroWidth if count >= 4 || (is_latin(before) && is_latin(after)) => {
                self.reading.note(MarkKind::ZeroWidth, span, count);
            }
            Unseen::Selector
                if count >= 2 || is_latin(before) && before.is_some_and(|c| c.is_ascii_alphabetic()) =>
            {
                self.reading.note(MarkKind::Selectors, span, count);
                self.carried(run, at);
            }
            // Flags of England and the like are written with tags.
            Unseen::Tag if before != Some('\u{1F3F4}') || count > 8 => {
                self.reading.note(MarkKind::Tags, span, count);
                self.tags(run, at);
            }
            Unseen::Bidi => {
                self.reading.note(MarkKind::Bidi, span, count);
                self.turned(rest, at);
            }
            Unseen::Control => self.reading.note(MarkKind::Control, span, count),
            Unseen::Private => self.reading.note(MarkKind::Private, span, count),
            _ => {}
        }
        at + length
    }

    fn tags(&mut self, run: &str, at: usize) {
        let mut out = Traced::default();
        for (index, c) in run.char_indices() {
            if let Some(letter) = tag(c) {
                out.put_char(letter, at + index..at + index + c.len_utf8());
            }
        }
        self.add(out, Origin::Tags);
    }

    fn carried(&mut self, run: &str, at: usize) {
        let bytes: Vec<u8> = run.chars().filter_map(selector).collect();
        if let Ok(text) = std::str::from_utf8(&bytes)
            && text.len() >= 2
        {
            let mut out = Traced::default();
            out.put(text, at..at + run.len());
            self.add(out, Origin::Selectors);
        }
    }

    /// What stands under a right-to-left override is shown back to front: that is read as well.
    fn turned(&mut self, rest: &str, at: usize) {
        let Some(inner) = rest.strip_prefix('\u{202E}') else { return };
        let end = inner.find(['\u{202C}', '\u{2069}', '\n', '\u{202E}']).unwrap_or(inner.len());
        let inner = inner.get(..end).unwrap_or_default();
        let start = at + '\u{202E}'.len_utf8();
        let mut out = Traced::with_capacity(inner.len());
        for (index, c) in inner.char_indices().rev().filter(|(_, c)| unseen(*c).is_none()) {
            out.put_char(c, start + index..start + index + c.len_utf8());
        }
        self.add(out, Origin::Bidi);
    }

    fn add(&mut self, traced: Traced, origin: Origin) {
        if !traced.text.is_empty() {
            self.reading.layers.push(Layer { traced, origin, depth: 1, hidden: true });
        }
    }

    /// Whether a look-alike at `at` is read as the Latin letter; marks a word that mixes scripts.
    fn fold_in_word(&mut self, c: char, at: usize) -> bool {
        if !self.word.contains(&at) {
            self.look_at_word(at);
        }
        if self.mixed && is_foreign(c) && look_alike(c).is_some() {
            self.reading.note(MarkKind::LookAlike, at..at + c.len_utf8(), 1);
        }
        self.scripts.is_latin || self.mixed
    }

    fn look_at_word(&mut self, at: usize) {
        let is_part = |c: char| c.is_alphanumeric() || matches!(unseen(c), Some(Unseen::ZeroWidth));
        let before = self.text.get(..at).unwrap_or_default();
        // A word of a hundred letters is none; the bound keeps this linear.
        let start = before.char_indices().rev().take(100).take_while(|(_, c)| is_part(*c)).last();
        let start = start.map_or(at, |(start, _)| start);
        let rest = self.text.get(at..).unwrap_or_default();
        let end = at + rest.char_indices().find(|(_, c)| !is_part(*c)).map_or(rest.len(), |(end, _)| end);
        let word = self.text.get(start..end).unwrap_or_default();
        let latin = word.chars().filter(char::is_ascii_alphabetic).count();
        let foreign = word.chars().filter(|c| is_foreign(*c)).count();
        self.word = at..end;
        self.mixed = latin > 0 && foreign > 0 && latin + foreign >= 3;
    }
}

/// A letter of a script whose letters pass for Latin ones. Greek and Cyrillic do, and are also written beside Latin in
/// formulas, where a word is shorter.
fn is_foreign(c: char) -> bool {
    matches!(c as u32, 0x370..=0x3FF | 0x400..=0x52F | 0x531..=0x58F | 0x13A0..=0x13FF | 0x2C80..=0x2CFF | 0xA4D0..=0xA4FF | 0x10400..=0x1044F)
        && c.is_alphabetic()
}
