//! What was said of a text, and why something was not.

use std::collections::BTreeMap;
use std::time::Duration;

/// Who is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// Prompt Shields, `text:shieldPrompt`: does a text give orders to a model?
    PromptShields,
    /// Content Safety, `text:analyze`: does it harm, and is it on a list?
    ContentSafety,
    /// A model on this machine: does a text give orders to a model?
    LocalModel,
}

impl Service {
    /// Returns the name for logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PromptShields => "prompt-shields",
            Self::ContentSafety => "content-safety",
            Self::LocalModel => "local-model",
        }
    }
}

/// What harm is looked for. The service has no others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Category {
    /// Hate and unfairness.
    Hate,
    /// Harm to oneself.
    SelfHarm,
    /// Sexual content.
    Sexual,
    /// Violence.
    Violence,
}

impl Category {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Hate, Self::SelfHarm, Self::Sexual, Self::Violence];

    /// Returns the service's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hate => "Hate",
            Self::SelfHarm => "SelfHarm",
            Self::Sexual => "Sexual",
            Self::Violence => "Violence",
        }
    }
}

/// What was said, for all pieces of a question together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Opinion {
    /// Whether it is an attack; `None` if Prompt Shields were not to be asked.
    pub shields: Option<Heard<bool>>,
    /// What harm and which lists; `None` if Content Safety was not to be asked.
    pub content: Option<Heard<Content>>,
    /// How sure the model on this machine is of an attack, in percent; `None` if there is none.
    pub model: Option<Heard<u8>>,
    /// Code points at the end that nobody was asked about: the text was too long.
    pub unread: usize,
}

/// The answers of one service to the pieces of a question.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Heard<T> {
    /// What the answers that came say, the worst of each.
    pub answer: T,
    /// Why an answer did not come, if one did not: then what is not said in `answer` is not known.
    pub missing: Option<NoOpinion>,
}

/// What Content Safety said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Content {
    /// How bad, 0 to 7, for each category that was asked for.
    pub severities: BTreeMap<Category, u8>,
    /// What is on a list; 100 at most are kept.
    pub hits: Vec<Hit>,
}

/// A text holds an item of a list. Which words those are is content, and is not kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hit {
    /// The list's name.
    pub list: String,
    /// The item's id.
    pub item: String,
}

impl Content {
    const MOST_HITS: usize = 100;

    /// Takes up what was said of another piece.
    pub(crate) fn add(&mut self, other: &Self) {
        for (category, severity) in &other.severities {
            let known = self.severities.entry(*category).or_default();
            *known = (*known).max(*severity);
        }
        for hit in &other.hits {
            if self.hits.len() < Self::MOST_HITS && !self.hits.contains(hit) {
                self.hits.push(hit.clone());
            }
        }
    }
}

/// Why there is no answer. It holds nothing of the text, of the credential, or of what the service wrote beside its code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoOpinion {
    /// It did not come before the deadline.
    #[error("no answer before the deadline")]
    Deadline,
    /// The service asks for a pause that is longer than the deadline.
    #[error("the service asks for a pause of {} s", .0.as_secs())]
    Throttled(Duration),
    /// It failed again and again, and is left alone.
    #[error("the service failed repeatedly and is left alone for now")]
    BreakerOpen,
    /// It does not take the door's credential, or there is none.
    #[error("the service does not take the door's credential")]
    Credential,
    /// It refuses the request itself.
    #[error("the service refuses the request: {status} {code}")]
    Refused {
        /// The status.
        status: u16,
        /// The code, as far as it is a known one.
        code: &'static str,
    },
    /// It fails.
    #[error("the service fails: {0}")]
    Failing(u16),
    /// There is no connection.
    #[error("the service cannot be reached")]
    Unreachable,
    /// What it answers cannot be used.
    #[error("the answer cannot be used: {0}")]
    Malformed(&'static str),
    /// The process of the local model ended, or said what cannot be understood.
    #[error("the process of the local model ended")]
    Ended,
    /// The local model could not read the text.
    #[error("the local model gave up on the text")]
    GaveUp,
    /// The question was ended by the program's end.
    #[error("the question was interrupted")]
    Interrupted,
}
