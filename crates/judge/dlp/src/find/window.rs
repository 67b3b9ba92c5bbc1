//! A text that arrives in pieces (D-22): how much of it may leave before the rest is there.

use super::Finder;
use crate::found::Found;
use crate::place::Place;

/// What is always held back: longer than any finding that can only be seen whole, with what explains it.
const TAIL: usize = 2 << 10;
/// How far before a finding a word that explains it may stand.
const CONTEXT: usize = 256;
/// How far back the beginning of a line, or else of a word, is looked for.
const LINE: usize = 1 << 10;
const WORD: usize = 16 << 10;

impl Finder {
    /// How many bytes of a text that goes on may leave. What is found in them is found; whatever follows, nothing more will
    /// be. The caller keeps the rest, puts the next piece behind it, and asks again; what never ends is let go in the end.
    /// Each asking looks at all that is held, so pieces are best gathered to some KiB.
    pub fn settled(&self, text: &str, place: &Place<'_>) -> usize {
        let Some(edge) = text.len().checked_sub(TAIL) else { return 0 };
        let mut cut = beginning(text, text.floor_char_boundary(edge));
        let found = self.find(text, place);
        // A finding at the end may grow, and one within is not torn apart: a secret cut in two is found in neither half.
        while let Some(open) = found.iter().find(|found| is_torn(found, cut)) {
            let Some(before) = open.span.start.checked_sub(CONTEXT) else { return 0 };
            cut = beginning(text, text.floor_char_boundary(before));
        }
        cut
    }
}

fn is_torn(found: &Found, cut: usize) -> bool {
    found.span.start < cut + CONTEXT && cut < found.span.end
}

/// The beginning of the line that `at` stands in, or of the word, if the line is long.
fn beginning(text: &str, at: usize) -> usize {
    let bytes = text.as_bytes();
    let back = |reach: usize, ends: fn(u8) -> bool| {
        let from = at.saturating_sub(reach);
        let at = bytes.get(from..at)?.iter().rposition(|byte| ends(*byte))?;
        Some(from + at + 1)
    };
    if at <= LINE {
        return back(LINE, |byte| byte == b'\n').unwrap_or(0);
    }
    back(LINE, |byte| byte == b'\n')
        .or_else(|| back(WORD, |byte| byte == b' ' || byte == b'\n'))
        .unwrap_or(at)
}
