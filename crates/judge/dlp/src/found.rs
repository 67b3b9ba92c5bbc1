//! What was found, and how sure that is.

use std::ops::Range;

/// What kind of thing it is that must not get about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// Whoever has it may do something: a key, a token, a password.
    Secret,
    /// It says something about a person.
    Personal,
}

/// How sure a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Confidence {
    /// It may be; names and addresses are never more than this.
    Possible,
    /// Its shape and what stands around it say so.
    Likely,
    /// A checksum, or a shape that nothing else has.
    Certain,
}

/// How the text that was found is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// In base64.
    Base64,
    /// With percent signs, as in an address.
    Percent,
}

/// One finding in a text. It holds no content: it may be logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What it is: `github-token`, `payment-card`.
    pub kind: &'static str,
    /// Secret or personal.
    pub class: Class,
    /// How sure that is.
    pub confidence: Confidence,
    /// Where it stands, in bytes of the text; on borders of characters.
    pub span: Range<usize>,
    /// What gave it away, for the log.
    pub why: &'static str,
    /// If the text at `span` is an encoding of what was found.
    pub encoding: Option<Encoding>,
}

impl Found {
    pub(crate) fn secret(
        kind: &'static str,
        confidence: Confidence,
        span: Range<usize>,
        why: &'static str,
    ) -> Self {
        Self { kind, class: Class::Secret, confidence, span, why, encoding: None }
    }

    pub(crate) fn personal(
        kind: &'static str,
        confidence: Confidence,
        span: Range<usize>,
        why: &'static str,
    ) -> Self {
        Self { kind, class: Class::Personal, confidence, span, why, encoding: None }
    }
}

/// Puts findings in order and makes them disjoint. Of two that overlap the surer one, then the longer one, gives its
/// name; both their texts are covered, or a rest of one would stay behind.
pub(crate) fn disjoint(mut all: Vec<Found>) -> Vec<Found> {
    all.sort_by(|a, b| (a.span.start, b.span.end).cmp(&(b.span.start, a.span.end)));
    let mut kept: Vec<Found> = Vec::with_capacity(all.len());
    for next in all {
        let Some(last) = kept.last_mut().filter(|last| next.span.start < last.span.end) else {
            kept.push(next);
            continue;
        };
        let span = last.span.start..last.span.end.max(next.span.end);
        if (next.class == Class::Secret, next.confidence, next.span.len())
            > (last.class == Class::Secret, last.confidence, last.span.len())
        {
            *last = next;
        }
        last.span = span;
    }
    kept
}
