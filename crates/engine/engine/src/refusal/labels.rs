//! What a caller hears of a call that its labels hold back: what, why, and what can be done.

use doorward_wire::{Era, quote};

use super::{Asker, Face, REFUSED, URL_ELICITATION};
use crate::rounds::APPROVE;

/// A call that is held back.
#[derive(Debug)]
pub struct Held {
    /// What became of it.
    pub why: Withheld,
    /// What would be carried where, in words; nothing of the arguments.
    pub text: String,
    /// What can be done.
    pub help: &'static str,
}

/// What became of a call that is held back.
#[derive(Debug)]
pub enum Withheld {
    /// Nobody may approve it.
    Never,
    /// A budget of calls is used up.
    OverCalls,
    /// It waits for a person.
    Until {
        /// Names the question.
        reference: String,
        /// Where it is answered.
        url: String,
        /// The reason for the person, with where it goes.
        person: String,
    },
    /// A person said no.
    Refused,
    /// Nobody answered in time.
    Unanswered,
    /// There is nobody to ask, for this reason.
    NobodyToAsk(&'static str),
    /// As many questions wait as may.
    TooMany,
    /// More was read while somebody was asked.
    Changed,
}

impl Withheld {
    pub(super) fn id(&self) -> &'static str {
        match self {
            Self::Never => "flow-refused",
            Self::OverCalls => "flow-over-budget",
            Self::Until { .. } => "approval-needed",
            Self::Refused => "approval-refused",
            Self::Unanswered => "approval-not-answered",
            Self::NobodyToAsk(_) => "approval-nobody-to-ask",
            Self::TooMany => "approval-too-many",
            Self::Changed => "approval-outdated",
        }
    }
}

impl Held {
    pub(super) fn face(&self, asker: &Asker<'_>) -> Face {
        let Self { why, text, help } = self;
        let message = match why {
            Withheld::Until { reference, url, person } => {
                return waits(asker, (text, person), reference, url);
            }
            Withheld::Never | Withheld::OverCalls => format!("refused: {text}; {help}"),
            Withheld::Refused => {
                format!("refused: {text}; a person was asked, and did not approve this call")
            }
            Withheld::Unanswered => format!("refused: {text}; a person was asked, and did not answer"),
            Withheld::NobodyToAsk(why) => format!("refused: {text}; nobody can be asked: {why}"),
            Withheld::TooMany => {
                format!(
                    "refused: {text}; as many calls wait for this person's approval as may: answer those first"
                )
            }
            Withheld::Changed => {
                format!(
                    "refused: {text}; this was read while the approval was asked for, which did not cover it: call again"
                )
            }
        };
        said(asker, message)
    }
}

fn said(asker: &Asker<'_>, message: String) -> Face {
    if asker.calls_tool { Face::tool_error(message) } else { Face::error(200, REFUSED, message) }
}

/// A call never waits on the wire for a person: it ends here, and is made once more.
fn waits(asker: &Asker<'_>, (text, person): (&str, &str), reference: &str, url: &str) -> Face {
    let message = format!(
        "not sent yet: {text}. A person has to approve this one call (reference {reference}): open {url}, then call again with the same arguments"
    );
    let why = quote(&format!(
        "{person}. Look at what is sent and where to, and approve this one call or refuse it."
    ));
    let url = quote(url);
    if asker.era == Era::Modern && asker.opens_urls && asker.has_rounds {
        Face::asked(format!(
            r#"{{"{APPROVE}":{{"method":"elicitation/create","params":{{"mode":"url","url":{url},"message":{why}}}}}}}"#
        ))
    } else if asker.era == Era::Legacy && asker.opens_urls {
        let reference = quote(reference);
        let data = format!(
            r#"{{"elicitations":[{{"mode":"url","elicitationId":{reference},"url":{url},"message":{why}}}]}}"#
        );
        Face { data: Some(data), ..Face::error(200, URL_ELICITATION, message) }
    } else {
        said(asker, message)
    }
}
