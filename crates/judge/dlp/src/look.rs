//! A text under inspection. Every step over its characters is counted, so that a test can prove that no text costs more
//! than its length times a constant: a table of hostile texts with a bound, instead of a stopwatch.

use std::cell::{Cell, RefCell};
use std::ops::Range;

use crate::charset::{Charset, Part};

pub(crate) struct Look<'t> {
    text: &'t str,
    spent: Cell<usize>,
    /// Words that explain what stands behind them, in order: where each ends.
    marks: RefCell<Vec<(usize, Mark)>>,
}

/// What a word says of the number behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    Phone,
    SocialSecurity,
    Danish,
    Card,
    TestCard,
}

impl<'t> Look<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self { text, spent: Cell::new(0), marks: RefCell::default() }
    }

    pub(crate) fn text(&self) -> &'t str {
        self.text
    }

    pub(crate) fn bytes(&self) -> &'t [u8] {
        self.text.as_bytes()
    }

    pub(crate) fn len(&self) -> usize {
        self.text.len()
    }

    /// The byte at a place; zero past the end, which is in no set.
    pub(crate) fn at(&self, at: usize) -> u8 {
        self.bytes().get(at).copied().unwrap_or(0)
    }

    /// The byte before a place; zero at the beginning.
    pub(crate) fn before(&self, at: usize) -> u8 {
        at.checked_sub(1).map_or(0, |at| self.at(at))
    }

    /// The text of a span; nothing if it cuts a character.
    pub(crate) fn slice(&self, span: Range<usize>) -> &'t str {
        self.spend(span.len());
        self.text.get(span).unwrap_or_default()
    }

    pub(crate) fn spend(&self, steps: usize) {
        self.spent.set(self.spent.get().saturating_add(steps));
    }

    pub(crate) fn spent(&self) -> usize {
        self.spent.get()
    }

    /// How many characters of the set stand from `from` on, at most `most`.
    pub(crate) fn run(&self, from: usize, set: Charset, most: usize) -> usize {
        let rest = self.bytes().get(from..).unwrap_or_default();
        let length = rest.iter().take(most).take_while(|byte| set.has(**byte)).count();
        self.spend(length + 1);
        length
    }

    /// How many characters of the set stand right before `end`, at most `most`.
    pub(crate) fn run_back(&self, end: usize, set: Charset, most: usize) -> usize {
        let rest = self.bytes().get(..end).unwrap_or_default();
        let length = rest.iter().rev().take(most).take_while(|byte| set.has(**byte)).count();
        self.spend(length + 1);
        length
    }

    pub(crate) fn starts(&self, at: usize, with: &str) -> bool {
        self.bytes().get(at..).is_some_and(|rest| rest.starts_with(with.as_bytes()))
    }

    pub(crate) fn starts_anyhow(&self, at: usize, with: &str) -> bool {
        self.bytes().get(at..at + with.len()).is_some_and(|text| text.eq_ignore_ascii_case(with.as_bytes()))
    }

    /// Matches the parts one after the other; returns where the last one ends. More characters of the last part's set do
    /// not follow.
    pub(crate) fn parts(&self, from: usize, parts: &[Part]) -> Option<usize> {
        let end = parts.iter().try_fold(from, |at, part| match *part {
            Part::Text(text) => self.starts(at, text).then(|| at + text.len()),
            Part::Run(set, least, most) => {
                let length = self.run(at, set, usize::from(most));
                (length >= usize::from(least)).then(|| at + length)
            }
        })?;
        let goes_on = matches!(parts.last(), Some(Part::Run(set, ..)) if set.has(self.at(end)));
        (!goes_on).then_some(end)
    }

    /// Matches the parts backwards, the last one first; returns where the first one begins, with none of its characters
    /// before it.
    pub(crate) fn parts_back(&self, end: usize, parts: &[Part]) -> Option<usize> {
        let start = parts.iter().rev().try_fold(end, |at, part| match *part {
            Part::Text(text) => {
                let from = at.checked_sub(text.len())?;
                self.starts(from, text).then_some(from)
            }
            Part::Run(set, least, most) => {
                let length = self.run_back(at, set, usize::from(most));
                (length >= usize::from(least)).then(|| at - length)
            }
        })?;
        let goes_on = matches!(parts.first(), Some(Part::Run(set, ..)) if !self.begins(start, *set));
        (!goes_on).then_some(start)
    }

    /// Says whether something new begins at `at`. What stands before it is no character of the set, or is the end of an
    /// escape (`\n`, `%3D`, `\u003d`): a secret in a text within a text has such neighbours.
    pub(crate) fn begins(&self, at: usize, set: Charset) -> bool {
        let [third, second, last] = [at.wrapping_sub(3), at.wrapping_sub(2), at.wrapping_sub(1)]
            .map(|at| self.bytes().get(at).copied().unwrap_or(0));
        if !set.has(last) {
            return true;
        }
        // The sign of a line of a patch.
        if matches!(last, b'+' | b'-') && matches!(second, 0 | b'\n') {
            return true;
        }
        let escaped = second == b'\\' && matches!(last, b'n' | b'r' | b't');
        let percent = third == b'%' && Charset::HEX.has(second) && Charset::HEX.has(last);
        let unicode = at >= 6
            && self.starts(at - 6, "\\u")
            && self.bytes().get(at - 4..at).is_some_and(|hex| hex.iter().all(|byte| Charset::HEX.has(*byte)));
        escaped || percent || unicode
    }

    /// Remembers that a word which explains what follows ends at `end`.
    pub(crate) fn mark(&self, end: usize, mark: Mark) {
        self.marks.borrow_mut().push((end, mark));
    }

    /// Says whether such a word ends in the `reach` bytes before `at`.
    pub(crate) fn is_marked(&self, at: usize, reach: usize, mark: Mark) -> bool {
        let marks = self.marks.borrow();
        let before = marks.get(..marks.partition_point(|(end, _)| *end <= at)).unwrap_or_default();
        let mut near = before.iter().rev().take_while(|(end, _)| end + reach >= at);
        self.spend(1);
        near.any(|(_, other)| {
            self.spend(1);
            *other == mark
        })
    }

    /// Says whether one of the words, which are in small letters, stands in the `reach` bytes before `at`. For what has
    /// passed every other check: it is the dearest.
    pub(crate) fn near(&self, at: usize, reach: usize, words: &[&str]) -> bool {
        let window = self.bytes().get(at.saturating_sub(reach)..at).unwrap_or_default().to_ascii_lowercase();
        self.spend(window.len() * words.len());
        words.iter().any(|word| memchr::memmem::find(&window, word.as_bytes()).is_some())
    }
}
