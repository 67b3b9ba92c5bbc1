//! What a change amounts to.

use std::fmt;

use crate::diff::Diff;
use crate::visible::visible;

/// How far something has drifted from what was agreed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Drift {
    /// One canonical form.
    Same,
    /// Blanks, order, another spelling of one character: nobody reads it otherwise. Passes without a word.
    Cosmetic,
    /// Other words for what is offered, or less of it. Passes, and is shown.
    Wording(Changes),
    /// Something new is offered, asked for or pointed to. Does not pass until a person agrees.
    Meaning(Changes),
}

/// What is different, for a person.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// Why it is another meaning, the first of them first. Empty for another wording.
    pub reasons: Vec<Reason>,
    /// All that is different and not cosmetic.
    pub diff: Diff,
}

/// Why a change is another meaning, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// A JSON pointer into the definition, what is invisible in it made visible.
    pub pointer: String,
    /// What it is.
    pub why: Why,
}

/// What makes a change another meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// A parameter that was not there.
    NewParameter,
    /// A parameter that is gone, or goes by another name.
    ParameterGone,
    /// A parameter that could be left out and no longer can.
    NowRequired(String),
    /// A parameter that had to be given and no longer has to.
    NoLongerRequired(String),
    /// The schema lets pass what it did not.
    Widened(&'static str),
    /// The schema leaves less of a choice.
    Narrowed(&'static str),
    /// What a model fills in by itself, or is told to.
    NewValue(&'static str),
    /// Any other part of a schema.
    Schema(String),
    /// Another name or title.
    Renamed,
    /// Another claim about what it does to the world, and what it is read as.
    Claim {
        /// Which.
        name: &'static str,
        /// What it says now.
        now: bool,
    },
    /// Data for programs, which a client may obey.
    Meta,
    /// Any other member, known or not.
    Member,
    /// A text points to where it did not.
    Address(String),
    /// A text uses words of demands more often.
    Demand(Vec<String>),
    /// A "not", "never" or "only" came or went.
    Negation(Vec<String>),
    /// Characters that nobody sees were added.
    Invisible(usize),
    /// Blanks push the rest out of sight.
    Blank,
    /// Letters of a script that the text did not have.
    Script,
    /// A rule of `inspect` finds more than before.
    Finding {
        /// Which.
        rule: &'static str,
        /// What it is about: "asks for …".
        reason: &'static str,
    },
    /// The same demanding words stand in another order.
    Reordered,
    /// Less than half of the words are left.
    Replaced,
    /// More new words than a matter of wording takes.
    MuchText(usize),
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NewParameter => write!(f, "a new parameter"),
            Self::ParameterGone => write!(f, "a parameter is gone or renamed"),
            Self::NowRequired(name) => write!(f, "`{}` must be given now", visible(name)),
            Self::NoLongerRequired(name) => write!(f, "`{}` may be left out now", visible(name)),
            Self::Widened(what) => write!(f, "lets more pass than before (`{what}`)"),
            Self::Narrowed(what) => write!(f, "leaves less of a choice (`{what}`)"),
            Self::NewValue(what) => write!(f, "offers another value (`{what}`)"),
            Self::Schema(what) => write!(f, "the schema's `{}` is another", visible(what)),
            Self::Renamed => write!(f, "goes by another name"),
            Self::Claim { name, now } => write!(f, "now counts as `{name}: {now}`"),
            Self::Meta => write!(f, "data for programs is another"),
            Self::Member => write!(f, "a member is another"),
            Self::Address(address) => write!(f, "points to `{}`", visible(address)),
            Self::Demand(words) => write!(f, "may ask for something new ({})", listed(words)),
            Self::Negation(words) => write!(f, "may say the opposite ({})", listed(words)),
            Self::Invisible(1) => write!(f, "an invisible character was added"),
            Self::Invisible(count) => write!(f, "{count} invisible characters were added"),
            Self::Blank => write!(f, "blanks push the rest out of sight"),
            Self::Script => write!(f, "has letters of another script"),
            Self::Finding { rule, reason } => write!(f, "{reason} ({rule})"),
            Self::Reordered => write!(f, "words that demand or deny stand in another order"),
            Self::Replaced => write!(f, "most of the text is another"),
            Self::MuchText(count) => write!(f, "{count} words are new"),
        }
    }
}

/// A few words, for a line.
fn listed(words: &[String]) -> String {
    let few: Vec<String> = words.iter().take(6).map(|word| format!("\"{}\"", visible(word))).collect();
    few.join(", ") + if words.len() > few.len() { " and others" } else { "" }
}

/// How much one change weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Cosmetic,
    Wording,
    Meaning,
}
