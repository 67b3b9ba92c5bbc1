//! A secret that was cut in two: its halves stand at the end of one text and at the beginning of the next, and neither is
//! one by itself.

use super::replace::redacted;
use super::{Facts, place};
use crate::find::Finder;
use crate::found::Class;
use crate::handling::{Circumstances, Handling, Treatment};
use crate::place::Spot;

/// How much of either text is looked at: more than most secrets are long, with what explains them.
const REACH: usize = 2 << 10;

/// A finding that two texts hold between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Torn {
    /// What it is.
    pub kind: &'static str,
    /// Secret or personal.
    pub class: Class,
    /// How many bytes at the end of the first text belong to it.
    pub before: usize,
    /// How many bytes at the beginning of the second.
    pub after: usize,
    /// What is done about it.
    pub treatment: Treatment,
}

impl Torn {
    /// What stands in its place.
    pub fn mark(&self) -> String {
        redacted(self.kind, self.class)
    }
}

/// Finds what a cut between two texts that follow one another has torn. Of the first no more than its end need be given.
pub fn torn(
    finder: &Finder,
    before: &str,
    after: &str,
    facts: &Facts<'_>,
    handling: &Handling,
) -> Option<Torn> {
    let before = before.get(before.ceil_char_boundary(before.len().saturating_sub(REACH))..)?;
    let after = after.get(..after.floor_char_boundary(REACH))?;
    if before.is_empty() || after.is_empty() {
        return None;
    }
    let seam = before.len();
    let spot: Spot<'_> = facts.tool.root();
    let found = finder.find(&format!("{before}{after}"), &place(None, spot));
    let torn = found.into_iter().find(|found| found.span.start < seam && seam < found.span.end)?;
    let circumstances = Circumstances {
        direction: facts.direction,
        purpose: spot.purpose,
        field: None,
        tool: facts.tool.name(),
        label: facts.label,
        roles: facts.roles,
    };
    let treatment = handling.of(&torn, &circumstances);
    let (kind, class) = (torn.kind, torn.class);
    Some(Torn { kind, class, before: seam - torn.span.start, after: torn.span.end - seam, treatment })
}
