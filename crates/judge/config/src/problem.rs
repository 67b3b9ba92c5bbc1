//! What is wrong with a file: where, what, and the way out.

use std::fmt;
use std::ops::Range;

use crate::parse::looks_secret;

/// A longer line is shown only around the place that is meant.
const SHOWN: usize = 140;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The place, if the problem has one: a missing table has none.
    pub place: Option<Place>,
    /// What is wrong and why that matters, one sentence without a full stop.
    pub what: String,
    /// What to do about it.
    pub help: String,
}

/// A place in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The line, counted from 1.
    pub line: usize,
    /// The column in characters, counted from 1.
    pub column: usize,
    /// The line's text, control characters replaced, values that look like secrets masked, cut if very long.
    pub text: String,
    /// Characters of `text` before the marked ones.
    pub before: usize,
    /// How many characters of `text` are marked, at least one.
    pub marked: usize,
}

/// Everything that is wrong with a file, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors {
    file: String,
    problems: Vec<Problem>,
}

impl ConfigErrors {
    /// Returns the file's name as it was given.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Returns the problems in the order of the file; there is at least one.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl std::error::Error for ConfigErrors {}

/// Plain text for a terminal without colour or for a log.
impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.problems {
            match &problem.place {
                None => writeln!(f, "{}: error: {}", self.file, problem.what)?,
                Some(place) => {
                    writeln!(f, "{}:{}:{}: error: {}", self.file, place.line, place.column, problem.what)?;
                    writeln!(f, "{place}")?;
                }
            }
            writeln!(f, "help: {}\n", problem.help)?;
        }
        let count = self.problems.len();
        write!(
            f,
            "{count} problem{} in {}; nothing was changed",
            if count == 1 { "" } else { "s" },
            self.file
        )
    }
}

/// The line with its number, and the mark below it.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A tab stays a tab in the margin, so that the mark stands under what it marks.
        let margin: String =
            self.text.chars().take(self.before).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        writeln!(f, "{:>5} | {}", self.line, self.text)?;
        write!(f, "      | {margin}{}", "^".repeat(self.marked))
    }
}

/// Collects problems while a file is read.
#[derive(Debug, Default)]
pub(crate) struct Problems(Vec<Found>);

#[derive(Debug)]
struct Found {
    span: Option<Range<usize>>,
    what: String,
    help: String,
    mask: Mask,
}

/// What of a line may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mask {
    /// All of it.
    Nothing,
    /// The key and the marked name: the rest may hold a secret.
    Values,
    /// The key: the mark itself may hold a secret.
    Mark,
}

impl Problems {
    pub(crate) fn add(
        &mut self,
        span: Option<Range<usize>>,
        what: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.0.push(Found { span, what: what.into(), help: help.into(), mask: Mask::Nothing });
    }

    /// As [`add`](Self::add), where a name is marked and the values of its line may be secrets: messages end in logs
    /// and tickets, so they are not shown.
    pub(crate) fn add_beside_secret(
        &mut self,
        span: Range<usize>,
        what: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.0.push(Found { span: Some(span), what: what.into(), help: help.into(), mask: Mask::Values });
    }

    /// As [`add`](Self::add), where what is marked may be a secret itself.
    pub(crate) fn add_on_secret(
        &mut self,
        span: Range<usize>,
        what: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.0.push(Found { span: Some(span), what: what.into(), help: help.into(), mask: Mask::Mark });
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Puts the problems in the order of the file and resolves their places.
    pub(crate) fn into_errors(mut self, file: &str, text: &str) -> ConfigErrors {
        self.0.sort_by_key(|found| found.span.as_ref().map_or(usize::MAX, |span| span.start));
        // One secret on a line hides the values of the line in every other problem's excerpt too.
        let line = |span: &Range<usize>| text.get(..span.start).map(|head| head.rfind('\n'));
        let secret: Vec<_> = self
            .0
            .iter()
            .filter(|found| found.mask != Mask::Nothing)
            .filter_map(|f| f.span.as_ref().map(line))
            .collect();
        for found in &mut self.0 {
            let beside = found.span.as_ref().is_some_and(|span| secret.contains(&line(span)));
            if beside && found.mask == Mask::Nothing {
                found.mask = Mask::Mark;
            }
        }
        let problems = self
            .0
            .into_iter()
            .map(|found| Problem {
                place: found.span.map(|span| place(text, &span, found.mask)),
                what: found.what,
                help: found.help,
            })
            .collect();
        ConfigErrors { file: printable(file), problems }
    }
}

fn place(text: &str, span: &Range<usize>, mask: Mask) -> Place {
    let start = floor_boundary(text, span.start);
    let (head, tail) = text.split_at(start);
    let before = head.get(head.rfind('\n').map_or(0, |at| at + 1)..).unwrap_or_default();
    let rest = tail.split(['\n', '\r']).next().unwrap_or_default();
    let (marked, after) = rest.split_at(floor_boundary(rest, span.end.saturating_sub(span.start)));
    let (line, column) = (head.bytes().filter(|byte| *byte == b'\n').count() + 1, before.chars().count() + 1);

    let key = before.split_once('=').map(|(key, _)| key);
    let masked = mask != Mask::Nothing || looks_secret(key.unwrap_or(before));
    let (before, marked, after) = match (masked, key) {
        (false, _) => (before.to_owned(), marked, after),
        (true, None) => (before.to_owned(), marked, " = …"),
        (true, Some(key)) if mask == Mask::Values => (format!("{key}= … "), marked, " = …"),
        (true, Some(key)) => (format!("{key}= "), "…", ""),
    };
    let width = before.chars().count();
    let cut = width.saturating_sub(SHOWN / 2);
    let shown: String = [&before, marked, after].concat().chars().skip(cut).take(SHOWN).collect();
    let room = shown.chars().count().saturating_sub(width - cut);
    Place {
        line,
        column,
        text: printable(&shown),
        before: width - cut,
        marked: marked.chars().count().min(room).max(1),
    }
}

fn floor_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// A terminal must not be steered by a file's content.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect()
}
