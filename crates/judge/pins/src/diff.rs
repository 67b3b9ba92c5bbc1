//! What is different, for a person who has seconds: field by field, word by word.

use doorward_wire::Value;

use crate::visible::visible;
use crate::words::{is_blank, is_word_alone};

/// Words of the middle that are compared each with each; where there are more, the whole middle is shown as another.
const MOST_CELLS: usize = 1 << 20;
/// Characters that are shown of an unchanged stretch, before and after a change.
const AROUND: usize = 40;
/// Characters that are shown of one stretch that came or went.
const MOST: usize = 4000;
/// Most fields that are shown.
const FIELDS: usize = 40;

/// All that is different and not cosmetic, by field.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Diff {
    /// Those with a reason first, else in the order of their names.
    pub fields: Vec<Field>,
}

/// One field that is different.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// A JSON pointer into the definition, what is invisible in it made visible.
    pub pointer: String,
    /// Its text, in stretches.
    pub segments: Vec<Segment>,
}

/// A stretch of a field, what is invisible in it made visible. Colours are the caller's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// As it was.
    Same(String),
    /// New.
    Added(String),
    /// Gone.
    Removed(String),
    /// So many characters are left out here.
    Cut(usize),
}

impl Diff {
    /// Returns what fits on a page: stretches that did not change are cut to what stands around a change, very long ones that
    /// did to their beginning and end, and how much is left out is said. The whole is for whoever asks for it.
    pub fn short(&self) -> Self {
        Self { fields: self.fields.iter().take(FIELDS).map(Field::short).collect() }
    }

    /// Returns how many fields [`short`](Self::short) leaves out.
    pub fn fields_cut(&self) -> usize {
        self.fields.len().saturating_sub(FIELDS)
    }
}

impl Field {
    pub(crate) fn of_texts(pointer: &str, old: &str, new: &str) -> Self {
        Self { pointer: visible(pointer), segments: segments(compared(tokens(old), tokens(new))) }
    }

    /// Two values, or one and none, each as its canonical form: of a list, what came into it is seen and not all of it anew.
    pub(crate) fn of_values(pointer: &str, old: Option<Value<'_>>, new: Option<Value<'_>>) -> Self {
        let raw = |value: Option<Value<'_>>| value.map(|value| value.raw().to_owned()).unwrap_or_default();
        let (old, new) = (raw(old), raw(new));
        Self { pointer: visible(pointer), segments: segments(compared(pieces(&old), pieces(&new))) }
    }

    fn short(&self) -> Self {
        let last = self.segments.len().saturating_sub(1);
        let mut short = Vec::new();
        for (n, segment) in self.segments.iter().enumerate() {
            match segment {
                Segment::Same(text) => {
                    let (before, after) = (if n > 0 { AROUND } else { 0 }, if n < last { AROUND } else { 0 });
                    cut(text, words(text, before, after), Segment::Same, &mut short);
                }
                Segment::Added(text) => cut(text, (MOST / 2, MOST / 2), Segment::Added, &mut short),
                Segment::Removed(text) => cut(text, (MOST / 2, MOST / 2), Segment::Removed, &mut short),
                Segment::Cut(count) => short.push(Segment::Cut(*count)),
            }
        }
        Self { pointer: self.pointer.clone(), segments: short }
    }
}

/// Takes a little less than so many characters of the beginning and of the end, so that no word is cut in two.
fn words(text: &str, first: usize, last: usize) -> (usize, usize) {
    let whole = |chars: &mut dyn Iterator<Item = char>, most: usize| {
        let taken: Vec<char> = chars.take(most).collect();
        taken.iter().rposition(|c| is_blank(*c)).map_or(taken.len(), |at| at + 1)
    };
    (whole(&mut text.chars(), first), whole(&mut text.chars().rev(), last))
}

/// Keeps the first and last characters of a stretch, and says how many it left out. Leaving out a few saves nothing.
fn cut(text: &str, (first, last): (usize, usize), kind: fn(String) -> Segment, out: &mut Vec<Segment>) {
    let count = text.chars().count();
    if count <= first + last + 20 {
        out.push(kind(text.to_owned()));
        return;
    }
    if first > 0 {
        out.push(kind(text.chars().take(first).collect()));
    }
    out.push(Segment::Cut(count - first - last));
    if last > 0 {
        out.push(kind(text.chars().skip(count - last).collect()));
    }
}

/// What became of a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Same,
    Added,
    Removed,
}

/// How many words came, stayed and went between two texts.
#[derive(Debug, Default)]
pub(crate) struct Words {
    /// The most that came in a row.
    pub(crate) in_a_row: usize,
    pub(crate) added: usize,
    pub(crate) kept: usize,
    pub(crate) gone: usize,
}

impl Words {
    pub(crate) fn of(old: &str, new: &str) -> Self {
        let mut words = Self::default();
        let mut row = 0;
        let compared = compared(tokens(old), tokens(new));
        for (fate, word) in compared.into_iter().filter(|(_, word)| !is_space(word)) {
            match fate {
                Fate::Same => {
                    words.kept += 1;
                    // A short word that stayed among those that came does not end the row.
                    row = if word.chars().count() > 3 || word.starts_with(is_word_alone) { 0 } else { row };
                }
                Fate::Removed => words.gone += 1,
                Fate::Added => {
                    words.added += weight(word);
                    row += weight(word);
                    words.in_a_row = words.in_a_row.max(row);
                }
            }
        }
        words
    }
}

/// A run without blanks counts as the words it may hold, joined by signs or in an encoding.
fn weight(word: &str) -> usize {
    1 + word.chars().count() / 16
}

fn segments(compared: Vec<(Fate, &str)>) -> Vec<Segment> {
    let mut found: Vec<(Fate, String)> = Vec::new();
    for (fate, word) in compared {
        match found.last_mut() {
            Some((last, text)) if *last == fate => text.push_str(word),
            _ => found.push((fate, word.to_owned())),
        }
    }
    let kind = |(fate, text): (Fate, String)| match fate {
        Fate::Same => Segment::Same(visible(&text)),
        Fate::Added => Segment::Added(visible(&text)),
        Fate::Removed => Segment::Removed(visible(&text)),
    };
    found.into_iter().map(kind).collect()
}

/// The words of both texts and the blanks between, each with its fate: the longest common sequence stays.
fn compared<'t>(old: Vec<&'t str>, new: Vec<&'t str>) -> Vec<(Fate, &'t str)> {
    let head = old.iter().zip(&new).take_while(|(a, b)| is_same(a, b)).count();
    let (old_rest, new_rest) = (old.get(head..).unwrap_or_default(), new.get(head..).unwrap_or_default());
    let tail = old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(|(a, b)| is_same(a, b)).count();
    let middle = |rest: &[&'t str]| rest.get(..rest.len().saturating_sub(tail)).unwrap_or_default().to_vec();
    let mut out: Vec<(Fate, &str)> = new.iter().take(head).map(|word| (Fate::Same, *word)).collect();
    out.extend(longest_common(&middle(old_rest), &middle(new_rest)));
    out.extend(new.iter().skip(new.len() - tail).map(|word| (Fate::Same, *word)));
    out
}

fn longest_common<'t>(old: &[&'t str], new: &[&'t str]) -> Vec<(Fate, &'t str)> {
    let mut out = Vec::with_capacity(old.len() + new.len());
    let width = new.len() + 1;
    if (old.len() + 1).saturating_mul(width) > MOST_CELLS {
        // Words that both have are not looked for: it would take a square of them.
        out.extend(old.iter().map(|word| (Fate::Removed, *word)));
        out.extend(new.iter().map(|word| (Fate::Added, *word)));
        return out;
    }
    // `left` of (row, column): how many words the rests from there on have in common.
    let mut table = vec![0_u32; (old.len() + 1) * width];
    let left =
        |table: &[u32], row: usize, column: usize| table.get(row * width + column).copied().unwrap_or(0);
    for (row, a) in old.iter().enumerate().rev() {
        for (column, b) in new.iter().enumerate().rev() {
            let best = if is_same(a, b) {
                left(&table, row + 1, column + 1) + 1
            } else {
                left(&table, row + 1, column).max(left(&table, row, column + 1))
            };
            if let Some(cell) = table.get_mut(row * width + column) {
                *cell = best;
            }
        }
    }
    let (mut row, mut column) = (0, 0);
    loop {
        match (old.get(row), new.get(column)) {
            (Some(a), Some(b)) if is_same(a, b) => {
                out.push((Fate::Same, b));
                (row, column) = (row + 1, column + 1);
            }
            (Some(a), b) if b.is_none() || left(&table, row + 1, column) >= left(&table, row, column + 1) => {
                out.push((Fate::Removed, a));
                row += 1;
            }
            (_, Some(b)) => {
                out.push((Fate::Added, b));
                column += 1;
            }
            (_, None) => return together(out),
        }
    }
}

/// Puts what went and what came of one place side by side, blanks between them with both: a sentence that was replaced is
/// read as two sentences, not as a zip.
fn together(words: Vec<(Fate, &str)>) -> Vec<(Fate, &str)> {
    let mut out = Vec::with_capacity(words.len());
    let (mut removed, mut added) = (Vec::new(), Vec::new());
    let mut words = words.into_iter().peekable();
    while let Some((fate, word)) = words.next() {
        let is_between = is_space(word)
            && !(removed.is_empty() && added.is_empty())
            && words.peek().is_some_and(|(next, _)| *next != Fate::Same);
        match fate {
            Fate::Same if is_between => {
                removed.push((Fate::Removed, word));
                added.push((Fate::Added, word));
            }
            Fate::Same => {
                out.append(&mut removed);
                out.append(&mut added);
                out.push((fate, word));
            }
            Fate::Removed => removed.push((fate, word)),
            Fate::Added => added.push((fate, word)),
        }
    }
    out.append(&mut removed);
    out.append(&mut added);
    out
}

fn is_same(a: &str, b: &str) -> bool {
    a == b || is_space(a) && is_space(b)
}

fn is_space(word: &str) -> bool {
    word.starts_with(is_blank)
}

/// Words and the blanks between them, in turn; in scripts without blanks, letters.
fn tokens(text: &str) -> Vec<&str> {
    split(text, is_word_alone)
}

/// The same, of JSON: its signs are pieces of their own.
fn pieces(text: &str) -> Vec<&str> {
    split(text, |c| is_word_alone(c) || "{}[],:".contains(c))
}

fn split(text: &str, is_alone: fn(char) -> bool) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let blank = is_blank(first);
        let end = if is_alone(first) {
            first.len_utf8()
        } else {
            rest.find(|c| is_blank(c) != blank || is_alone(c)).unwrap_or(rest.len())
        };
        let (token, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
        found.push(token);
        rest = after;
    }
    found
}
