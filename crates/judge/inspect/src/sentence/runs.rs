//! Runs without blanks, and the words in them.

use std::ops::Range;

/// What ends a sentence in scripts that leave no blank behind it.
pub(super) const STOPS: [char; 4] = ['。', '！', '？', '।'];

/// A run without blanks, and what kinds of bytes it is made of.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) bytes: Range<usize>,
    pub(super) kinds: u8,
}

/// Kinds of bytes: a blank, a sign by which a run may be more than words, one that may stand for a letter, a capital, a part of a
/// word, and what is neither that nor a blank.
const BLANK: u8 = 1;
pub(super) const SIGN: u8 = 1 << 1;
pub(super) const FOR_LETTER: u8 = 1 << 2;
pub(super) const CAPITAL: u8 = 1 << 3;
const PART: u8 = 1 << 4;
const OTHER: u8 = 1 << 5;

fn kind(b: u8) -> u8 {
    static KINDS: [u8; 256] = {
        let mut kinds = [0; 256];
        let (mut byte, mut rest) = (0_u8, kinds.as_mut_slice());
        while let [first, tail @ ..] = rest {
            let part = if byte.is_ascii_alphanumeric() || byte >= 0x80 { PART } else { OTHER };
            *first = if byte.is_ascii_whitespace() { BLANK } else { part }
                | if matches!(byte, b'.' | b'@' | b'_' | b'-' | b'0'..=b'9') { SIGN } else { 0 }
                | if matches!(byte, b'0'..=b'9' | b'@' | b'$' | b'!') { FOR_LETTER } else { 0 }
                | if byte.is_ascii_uppercase() { CAPITAL } else { 0 };
            rest = tail;
            byte = byte.wrapping_add(1);
        }
        kinds
    };
    KINDS.get(usize::from(b)).copied().unwrap_or_default()
}

/// Runs without blanks.
pub(super) fn runs(text: &str) -> Vec<Run> {
    let mut runs = Vec::with_capacity(text.len() / 5 + 1);
    let is_ascii = text.is_ascii();
    let mut add = |mut bytes: Range<usize>, kinds: u8| {
        // Where words stand without blanks, a sentence ends a run.
        while !is_ascii && let Some(stop) = stop_in(text, &bytes) {
            runs.push(Run { bytes: bytes.start..stop, kinds: kinds_of(text, bytes.start..stop) });
            bytes.start = stop;
        }
        if !bytes.is_empty() {
            let kinds = if is_ascii { kinds } else { kinds_of(text, bytes.clone()) };
            runs.push(Run { bytes, kinds });
        }
    };
    let (mut begun, mut kinds) = (0, 0);
    for (at, b) in text.bytes().enumerate() {
        let kind = kind(b);
        kinds |= kind;
        if kind & BLANK != 0 {
            add(begun..at, kinds);
            (begun, kinds) = (at + 1, 0);
        }
    }
    add(begun..text.len(), kinds);
    runs
}

fn kinds_of(text: &str, bytes: Range<usize>) -> u8 {
    text.as_bytes().get(bytes).unwrap_or_default().iter().fold(0, |kinds, b| kinds | kind(*b))
}

/// Where a sentence ends within a run.
fn stop_in(text: &str, run: &Range<usize>) -> Option<usize> {
    let inside = text.get(run.clone())?;
    let stop = inside.find(STOPS)?;
    Some(run.start + stop + inside.get(stop..)?.chars().next()?.len_utf8())
}

impl Run {
    /// The first word from `at` on of the run, which reads `text`. Most runs are a word and nothing else.
    pub(super) fn word(&self, text: &str, at: usize) -> Option<Range<usize>> {
        if at == 0 && self.kinds & OTHER == 0 { Some(0..text.len()) } else { part(text, at) }
    }
}

/// The first word of a run from `at` on: letters and digits, with an apostrophe inside.
fn part(text: &str, at: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let is_part = |b: u8| kind(b) & PART != 0;
    let start = at + bytes.get(at..)?.iter().position(|b| is_part(*b))?;
    let mut end = start;
    while let Some(b) = bytes.get(end) {
        let inside = || *b == b'\'' && bytes.get(end + 1).copied().is_some_and(is_part);
        if !(is_part(*b) || inside()) {
            break;
        }
        end += 1;
    }
    Some(start..end)
}
