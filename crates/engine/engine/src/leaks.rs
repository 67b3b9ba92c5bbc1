//! Secrets and personal data in what callers send and in what servers answer (DAT-02, DAT-03): what is found is masked,
//! redacted, tokenised or refused, by the rows of the configuration, and what is left is judged like what came.
//!
//! Records tell the kinds that were found and what was done, never where exactly or what: that would be content.

mod answers;
mod calls;
mod inside;
mod people;
mod said;
mod seams;

use doorward_dlp::{Confidence, Facts, Finder, Finding, Handling, Row, Treated, Treatment, What, treat};
use doorward_wire::Value;

pub(crate) use calls::{judge_arguments, judge_reply};
pub(crate) use people::Leaks;
pub(crate) use said::{WITHHELD, Watch};

use crate::record::{Done, Notes, Subject};

/// What is recorded where a text was too long to be looked at.
const UNREAD: &str = "unread-content";
/// What is recorded where a text that looks like a placeholder was spoilt.
const LOOK_ALIKE: &str = "placeholder-look-alike";

/// What is done about secrets and personal data, for one server.
#[derive(Debug, Clone)]
pub struct DataRules {
    /// What is done about each finding.
    pub handling: Handling,
    /// The label of what the server holds, where it has one.
    pub label: String,
    /// How many bytes of texts of one message are looked at.
    pub most_bytes: usize,
    /// Whether a message is refused that has more of them than that. Else it is recorded.
    pub refuses_unread: bool,
}

impl DataRules {
    /// How much of a message is looked at, unless it is configured.
    pub const MOST_BYTES: usize = 4 << 20;

    /// The rows of a configuration; what is too long to be looked at is recorded.
    pub fn of_rows(rows: Vec<Row>) -> Self {
        let handling = Handling::new(rows);
        Self { handling, label: String::new(), most_bytes: Self::MOST_BYTES, refuses_unread: false }
    }

    /// Rules that record what is found, and let all of it through.
    pub fn recording() -> Self {
        Self::of_rows(vec![Row { at_least: Confidence::Possible, ..Row::new(What::Any, Treatment::Allow) }])
    }
}

impl Default for DataRules {
    /// Secrets are taken out of answers and refused in arguments; personal data is recorded.
    fn default() -> Self {
        Self::of_rows(Vec::new())
    }
}

/// The tool or prompt that a message is about. A resource's address is no name that says what it is for.
fn name_of(subject: &Subject) -> &str {
    match subject {
        Subject::Tool(name) | Subject::Prompt(name) => name,
        Subject::Resource(_) | Subject::Method(_) | Subject::None => "",
    }
}

/// What is recorded of a finding; `refused` says that nothing of the message went on.
fn done(treatment: Treatment, refused: bool) -> Done {
    match treatment {
        Treatment::Allow => Done::Seen,
        Treatment::Block => Done::Refused,
        _ if refused => Done::Refused,
        Treatment::Mask | Treatment::Redact | Treatment::Tokenise => Done::Edited,
    }
}

/// What was found in a message.
struct Looked {
    treated: Treated,
    /// The message does not go on.
    refused: bool,
}

/// Looks at a value.
fn look(value: Value<'_>, facts: &Facts<'_>, rules: &DataRules, leaks: &people::Of) -> Looked {
    let facts = Facts { label: &rules.label, most_bytes: rules.most_bytes, ..*facts };
    let treated = treat(Finder::shared(), value, &facts, &rules.handling, &leaks.vault);
    let refused = treated.blocked || treated.unread > 0 && rules.refuses_unread;
    Looked { treated, refused }
}

impl Looked {
    /// Writes down what was found; `refused` says that nothing of the message went on.
    fn note(&self, notes: &Notes, refused: bool) {
        for finding in &self.treated.findings {
            notes.add(finding.kind, done(finding.treatment, refused));
        }
        if self.treated.unread > 0 {
            notes.add(UNREAD, if refused { Done::Refused } else { Done::Seen });
        }
        if self.treated.spoilt > 0 {
            notes.add(LOOK_ALIKE, if refused { Done::Refused } else { Done::Edited });
        }
    }

    /// The kinds for which a message is refused, each once.
    fn kinds(&self) -> Vec<&'static str> {
        let mut kinds: Vec<_> = self.refusing().map(|finding| finding.kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        if self.treated.unread > 0 && kinds.is_empty() {
            kinds.push("more than is looked at");
        }
        kinds
    }

    /// The findings for which a message is refused.
    fn refusing(&self) -> impl Iterator<Item = &Finding> {
        self.treated.findings.iter().filter(|finding| finding.refuses())
    }
}
