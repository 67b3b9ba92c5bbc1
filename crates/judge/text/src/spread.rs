//! Words in disguise that need no decoder: letters set apart, letters in reverse, letters turned by thirteen.

use std::sync::LazyLock;

use crate::map::Traced;

/// Words of English and of orders that are none in reverse or turned. A text in disguise shows itself by holding them so.
const COMMON: [&str; 70] = [
    "the",
    "you",
    "your",
    "all",
    "with",
    "this",
    "that",
    "from",
    "before",
    "read",
    "file",
    "files",
    "ignore",
    "instructions",
    "previous",
    "send",
    "user",
    "tool",
    "password",
    "system",
    "tell",
    "then",
    "must",
    "when",
    "always",
    "also",
    "include",
    "into",
    "have",
    "will",
    "should",
    "request",
    "requests",
    "response",
    "call",
    "called",
    "execute",
    "command",
    "data",
    "email",
    "every",
    "other",
    "without",
    "credentials",
    "tokens",
    "access",
    "session",
    "security",
    "append",
    "after",
    "first",
    "contents",
    "description",
    "message",
    "query",
    "path",
    "header",
    "https",
    "http",
    "example",
    "mode",
    "any",
    "use",
    "run",
    "for",
    "confirmation",
    "write",
    "rule",
    "output",
    "never",
];

/// Words that were set apart, letter by letter: `i g n o r e`, `i.g.n.o.r.e`. Two blanks part words, where they do.
pub(crate) fn joined(from: &Traced) -> Option<Traced> {
    let bytes = from.text.as_bytes();
    let is_letter = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_alphanumeric);
    let is_single = |at: usize| is_letter(at) && !is_letter(at + 1) && (at == 0 || !is_letter(at - 1));
    let mut out = Traced::default();
    let mut at = 0;
    while at + 8 < bytes.len() {
        let Some(sign) = bytes
            .get(at + 1)
            .copied()
            .filter(|b| matches!(b, b' ' | b'.' | b'-' | b'_' | b'|' | b'*' | b'/' | b'\n'))
        else {
            at += 1;
            continue;
        };
        if !is_single(at) {
            at += 1;
            continue;
        }
        let mut word = Traced::default();
        let (mut place, mut letters) = (at, 0);
        loop {
            word.carry(from, place..place + 1);
            letters += 1;
            let gap = bytes.iter().skip(place + 1).take(3).take_while(|b| **b == sign || **b == b' ').count();
            if gap == 0 || !is_single(place + 1 + gap) {
                place += 1;
                break;
            }
            if gap > 1 {
                word.put(" ", from.source(place + 1..place + 2));
            }
            place += 1 + gap;
        }
        if letters >= 6 {
            let length = word.text.len();
            out.carry(&word, 0..length);
            out.put("\n", from.source(place..place));
        }
        at = place.max(at + 1);
    }
    (!out.text.is_empty()).then_some(out)
}

/// Which of the two disguises the text shows: turned by thirteen, in reverse.
pub(crate) fn shown(text: &str) -> (bool, bool) {
    let (mut turned, mut reversed) = (Shown::default(), Shown::default());
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let length = bytes.iter().skip(at).take_while(|b| b.is_ascii_alphabetic()).count();
        if (3..=12).contains(&length) {
            let word = bytes.get(at..at + length).unwrap_or_default();
            turned.see(word, &TURNED);
            reversed.see(word, &REVERSED);
        }
        at += length + 1;
    }
    (turned.enough, reversed.enough)
}

/// The text turned by thirteen.
pub(crate) fn turned(from: &Traced) -> Traced {
    let mut out = Traced::with_capacity(from.text.len());
    for (at, c) in from.text.char_indices() {
        out.put_char(turn(c), from.source(at..at + c.len_utf8()));
    }
    out
}

/// The text in reverse.
pub(crate) fn reversed(from: &Traced) -> Traced {
    let mut out = Traced::with_capacity(from.text.len());
    for (at, c) in from.text.char_indices().rev() {
        out.put_char(c, from.source(at..at + c.len_utf8()));
    }
    out
}

fn turn(c: char) -> char {
    match c {
        'a'..='m' | 'A'..='M' => char::from_u32(c as u32 + 13).unwrap_or(c),
        'n'..='z' | 'N'..='Z' => char::from_u32(c as u32 - 13).unwrap_or(c),
        _ => c,
    }
}

/// Disguised words by their first letter and length, so that nearly every word is turned away by one look.
struct Disguised {
    lengths: [u16; 26],
    words: Vec<String>,
}

impl Disguised {
    fn new(change: impl Fn(&str) -> String) -> Self {
        let words: Vec<String> = COMMON.iter().map(|word| change(word)).collect();
        let mut lengths = [0; 26];
        for word in &words {
            if let Some(set) =
                word.bytes().next().and_then(|first| lengths.get_mut(usize::from(first.wrapping_sub(b'a'))))
            {
                *set |= 1 << word.len();
            }
        }
        Self { lengths, words }
    }

    fn find(&self, word: &[u8]) -> Option<usize> {
        let first = word.first()?.to_ascii_lowercase().wrapping_sub(b'a');
        let lengths = self.lengths.get(usize::from(first))?;
        if lengths & (1 << word.len()) == 0 {
            return None;
        }
        self.words.iter().position(|other| word.eq_ignore_ascii_case(other.as_bytes()))
    }
}

static TURNED: LazyLock<Disguised> =
    LazyLock::new(|| Disguised::new(|word| word.chars().map(turn).collect()));
static REVERSED: LazyLock<Disguised> = LazyLock::new(|| Disguised::new(|word| word.chars().rev().collect()));

/// Whether two different words of a text were among the disguised ones, or a long one.
#[derive(Default)]
struct Shown {
    first: Option<usize>,
    enough: bool,
}

impl Shown {
    fn see(&mut self, word: &[u8], disguised: &Disguised) {
        if let Some(n) = disguised.find(word) {
            // A word of five letters is no accident.
            self.enough |= word.len() >= 5 || self.first.is_some_and(|first| first != n);
            self.first = self.first.or(Some(n));
        }
    }
}

/// The lines in which a third of the words have digits for letters, `1gn0re`, read as words.
pub(crate) fn lettered(from: &Traced) -> Option<Traced> {
    let bytes = from.text.as_bytes();
    // `i18n` may be all there is of it: most texts are done with here.
    let is_inside = |w: &[u8]| matches!(w, [a, b, c] if a.is_ascii_alphabetic() && c.is_ascii_alphabetic() && stands(*b).is_some());
    bytes.windows(3).filter(|w| is_inside(w)).nth(1)?;
    let mut out = Traced::default();
    let mut at = 0;
    while at < bytes.len() {
        let line = memchr::memchr(b'\n', bytes.get(at..).unwrap_or_default())
            .map_or(bytes.len(), |end| at + end + 1);
        lettered_line(from, at, line, &mut out);
        at = line;
    }
    (!out.text.is_empty()).then_some(out)
}

fn lettered_line(from: &Traced, start: usize, end: usize, out: &mut Traced) {
    let bytes = from.text.as_bytes();
    let is_part = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'@' | b'$' | b'!');
    let (mut places, mut words, mut all, mut at) = (Vec::new(), 0, 0, start);
    while at < end {
        let length = bytes.get(at..end).unwrap_or_default().iter().take_while(|b| is_part(b)).count();
        let word = bytes.get(at..at + length).unwrap_or_default();
        if word.iter().any(u8::is_ascii_alphabetic) {
            all += 1;
            words += usize::from(is_lettered(word));
            // In a line that does so, `th3` is a word as well.
            places.extend(word.iter().enumerate().filter_map(|(n, b)| Some((at + n, stands(*b)?))));
        }
        at += length.max(1);
    }
    // One or two are names.
    if words < 3 || words * 3 < all {
        return;
    }
    let mut from_here = start;
    for (at, c) in places {
        out.carry(from, from_here..at);
        out.put_char(c, from.source(at..at + 1));
        from_here = at + 1;
    }
    out.carry(from, from_here..end);
}

/// A word in which digits stand before letters, and all of them for letters; `h264` and `sha256` are names.
fn is_lettered(word: &[u8]) -> bool {
    let is_digit = |b: &u8| !b.is_ascii_alphabetic();
    let first = word.iter().position(is_digit);
    (3..=20).contains(&word.len())
        && first.is_some_and(|first| word.iter().skip(first).any(u8::is_ascii_alphabetic))
        && word.iter().filter(|b| is_digit(b)).all(|b| stands(*b).is_some())
}

fn stands(b: u8) -> Option<char> {
    Some(match b {
        b'0' => 'o',
        b'1' | b'!' => 'i',
        b'3' => 'e',
        b'4' | b'@' => 'a',
        b'5' | b'$' => 's',
        b'7' => 't',
        _ => return None,
    })
}
