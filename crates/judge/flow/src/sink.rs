//! Where a call writes to, and who reads it there: a place, or a place unless the arguments say otherwise.

mod condition;
mod parse;

use std::fmt;

use doorward_wire::Value;

use self::condition::{Condition, Path, known};
pub use self::parse::SinkError;
use crate::label::Confidentiality;

/// Who of the house reads what is written. The wider, the later in the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Audience {
    /// The person alone: their own notes, their own drafts.
    Myself,
    /// Those who work with it.
    Team,
    /// Everybody in the house.
    Company,
}

/// Where something is written. The order is that of who reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// Nobody reads the arguments but the server's own program.
    Nowhere,
    /// Within the house.
    Internal(Audience),
    /// Anybody: a mail to a stranger, a request to a host that somebody else runs, a public page.
    Outward,
}

/// Where a call writes to, as far as its label tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sink {
    place: Place,
    unless: Option<Unless>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Unless {
    all: Vec<Condition>,
    beside: Beside,
    then: Place,
}

/// Which arguments there may be that no condition asks about.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Beside {
    Only(Vec<Path>),
    Anything,
}

impl Audience {
    const ALL: [Self; 3] = [Self::Myself, Self::Team, Self::Company];

    const fn word(self) -> &'static str {
        match self {
            Self::Myself => "self",
            Self::Team => "team",
            Self::Company => "company",
        }
    }
}

impl Place {
    /// What may be written there without a question. `private` is the least that may not go outward.
    pub(crate) fn cleared(self, private: Confidentiality) -> Option<Confidentiality> {
        match self {
            Self::Nowhere | Self::Internal(Audience::Myself) => Some(Confidentiality::Restricted),
            Self::Internal(Audience::Team) => Some(Confidentiality::Confidential),
            Self::Internal(Audience::Company) => Some(Confidentiality::Internal),
            Self::Outward => Confidentiality::ALL.into_iter().take_while(|level| *level < private).last(),
        }
    }
}

impl Sink {
    /// A place whatever the arguments are.
    pub const fn always(place: Place) -> Self {
        Self { place, unless: None }
    }

    /// Reads the text form: `none`, `internal for team`, or
    /// `outward unless args.to, args.cc ends with "@contoso.com" beside args.subject, args.body then internal for team`.
    ///
    /// # Errors
    /// What stands where in the text, and what could stand there.
    pub fn parse(text: &str) -> Result<Self, SinkError> {
        parse::sink(text)
    }

    /// Returns where a call with these arguments writes to.
    pub fn place(&self, arguments: Option<Value<'_>>) -> Place {
        match (&self.unless, arguments) {
            (Some(unless), Some(arguments)) if unless.holds(arguments) => unless.then,
            _ => self.place,
        }
    }

    /// Returns what the arguments say of where it goes, for a person to read: at most three values, as they came.
    pub(crate) fn destinations(&self, arguments: Option<Value<'_>>) -> Vec<String> {
        let (Some(unless), Some(arguments)) = (&self.unless, arguments) else { return Vec::new() };
        let mut found = Vec::new();
        for condition in &unless.all {
            condition.failing(arguments, &mut found);
        }
        found.truncate(3);
        found
    }
}

impl Unless {
    /// An argument that the label does not know may say anything: a label that asks about `to` must not be passed with
    /// a `bcc`.
    fn holds(&self, arguments: Value<'_>) -> bool {
        let closed = match &self.beside {
            Beside::Anything => true,
            Beside::Only(beside) => {
                let asked = self.all.iter().flat_map(|condition| &condition.paths);
                let paths: Vec<&[String]> = asked.chain(beside).map(Path::names).collect();
                known(arguments, &paths)
            }
        };
        closed && self.all.iter().all(|condition| condition.holds(arguments))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nowhere => f.write_str("none"),
            Self::Internal(audience) => write!(f, "internal for {}", audience.word()),
            Self::Outward => f.write_str("outward"),
        }
    }
}

/// The text form, which reads back as the same sink.
impl fmt::Display for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.place)?;
        let Some(unless) = &self.unless else { return Ok(()) };
        for (at, condition) in unless.all.iter().enumerate() {
            write!(f, " {} {condition}", if at == 0 { "unless" } else { "and" })?;
        }
        match &unless.beside {
            Beside::Anything => f.write_str(" beside *")?,
            Beside::Only(paths) if paths.is_empty() => {}
            Beside::Only(paths) => write!(f, " beside {}", condition::listed(paths))?,
        }
        write!(f, " then {}", unless.then)
    }
}

#[cfg(test)]
mod tests;
