//! How far a text may be believed and who may know it: two small lattices and their product.

use std::cmp::Ordering;

/// How far a text may be believed. The order is of taint: what is further up taints what it is joined with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Integrity {
    /// Written by those who run the door or the server's own program.
    Trusted,
    /// Written by the person who is signed in.
    User,
    /// Anybody may have written it: a web page, a mail, a ticket.
    Untrusted,
}

/// Who may know a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Confidentiality {
    /// Everybody.
    Public,
    /// Everybody in the house.
    Internal,
    /// Those who work with it.
    Confidential,
    /// Named people, and nobody sends it out alone.
    Restricted,
}

/// Both at once, of one text or of everything that a conversation has read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Label {
    /// How far it may be believed.
    pub integrity: Integrity,
    /// Who may know it.
    pub confidentiality: Confidentiality,
}

impl Integrity {
    /// Every level, from the least to the most tainted.
    pub const ALL: [Self; 3] = [Self::Trusted, Self::User, Self::Untrusted];

    /// Returns the word for it in configurations and records.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Trusted => "trusted",
            Self::User => "user",
            Self::Untrusted => "untrusted",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.word() == word)
    }

    /// Returns what a text is that was made of both.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        self.max(other)
    }
}

impl Confidentiality {
    /// Every level, from the least to the most secret.
    pub const ALL: [Self; 4] = [Self::Public, Self::Internal, Self::Confidential, Self::Restricted];

    /// Returns the word for it in configurations and records.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Internal => "internal",
            Self::Confidential => "confidential",
            Self::Restricted => "restricted",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.word() == word)
    }

    /// Returns what a text is that was made of both.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        self.max(other)
    }
}

impl Label {
    /// What has read nothing yet.
    pub const BOTTOM: Self = Self { integrity: Integrity::Trusted, confidentiality: Confidentiality::Public };

    /// What nobody labelled: it may be anybody's words, and somebody's secrets (D-20).
    pub const UNLABELLED: Self =
        Self { integrity: Integrity::Untrusted, confidentiality: Confidentiality::Confidential };

    /// The worst there is.
    pub const TOP: Self =
        Self { integrity: Integrity::Untrusted, confidentiality: Confidentiality::Restricted };

    /// Returns what a text is that was made of both.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        Self {
            integrity: self.integrity.join(other.integrity),
            confidentiality: self.confidentiality.join(other.confidentiality),
        }
    }
}

/// The product order: more believable and less known are two different things, so some labels are not comparable.
impl PartialOrd for Label {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        let (integrity, confidentiality) =
            (self.integrity.cmp(&other.integrity), self.confidentiality.cmp(&other.confidentiality));
        match (integrity, confidentiality) {
            (one, Ordering::Equal) | (Ordering::Equal, one) => Some(one),
            (one, two) => (one == two).then_some(one),
        }
    }
}
