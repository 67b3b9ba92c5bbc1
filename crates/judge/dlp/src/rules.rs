//! The rules as data: how each provider's secrets begin, what follows, and what proves them.

use crate::charset::Part::Text;
use crate::charset::{Charset, Part, exactly};
use crate::found::Confidence;

mod cloud;
mod forges;
mod services;

/// One shape of secret.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rule {
    pub(crate) kind: &'static str,
    /// Literals, at least two characters long, one of which stands in every secret of this shape. A literal that begins
    /// the secret begins a word, too.
    pub(crate) anchors: &'static [&'static str],
    /// What stands before the anchor and belongs to the secret.
    pub(crate) head: &'static [Part],
    /// What follows the anchor.
    pub(crate) tail: &'static [Part],
    /// The least entropy of the whole, in tenths of a bit a character.
    pub(crate) entropy: u32,
    /// If not empty, one of these words, in small letters, must stand shortly before.
    pub(crate) near: &'static [&'static str],
    /// A check that, passed, makes the finding certain.
    pub(crate) proof: Option<fn(&str) -> bool>,
    /// How sure the shape alone is.
    pub(crate) confidence: Confidence,
    /// Characters that, right before or after, make it a part of something else.
    pub(crate) edge: Charset,
}

/// A UUID.
const UUID: &[Part] = &[
    exactly(Charset::HEX, 8),
    Text("-"),
    exactly(Charset::HEX, 4),
    Text("-"),
    exactly(Charset::HEX, 4),
    Text("-"),
    exactly(Charset::HEX, 4),
    Text("-"),
    exactly(Charset::HEX, 12),
];

/// Begins the description of a rule.
const fn rule(kind: &'static str, anchors: &'static [&'static str], tail: &'static [Part]) -> Rule {
    Rule {
        kind,
        anchors,
        head: &[],
        tail,
        entropy: 25,
        near: &[],
        proof: None,
        confidence: Confidence::Certain,
        edge: Charset::WORD,
    }
}

impl Rule {
    const fn head(self, head: &'static [Part]) -> Self {
        Self { head, ..self }
    }

    const fn entropy(self, entropy: u32) -> Self {
        Self { entropy, ..self }
    }

    const fn near(self, near: &'static [&'static str]) -> Self {
        Self { near, confidence: Confidence::Likely, ..self }
    }

    const fn proof(self, proof: fn(&str) -> bool) -> Self {
        Self { proof: Some(proof), confidence: Confidence::Likely, ..self }
    }

    const fn likely(self) -> Self {
        Self { confidence: Confidence::Likely, ..self }
    }

    const fn edge(self, edge: Charset) -> Self {
        Self { edge, ..self }
    }
}

/// Every rule.
pub(crate) fn all() -> impl Iterator<Item = &'static Rule> {
    [forges::RULES, cloud::RULES, services::RULES].into_iter().flatten()
}
