//! Rules about the form of a text, of a parameter or of a name, which code recognises.

use crate::finding::{Rule, Severity};

const fn form(
    id: &'static str,
    atlas: &'static str,
    severity: Severity,
    reason: &'static str,
    advice: &'static str,
) -> Rule {
    Rule {
        id,
        owasp: "MCP03",
        atlas,
        weakness: "",
        severity,
        reason,
        advice,
        when: &[],
        positives: &[],
        near_misses: &[],
        bypasses: &[],
    }
}

const OBFUSCATION: &str = "AML.T0068";
const SHOW: &str = "refuse it, or have its author send it again in plain characters";

pub(crate) const TAGS: Rule = form(
    "hidden.tags",
    OBFUSCATION,
    Severity::Critical,
    "carries words in characters that no font shows and models read",
    SHOW,
);
pub(crate) const INVISIBLE: Rule = form(
    "hidden.invisible",
    OBFUSCATION,
    Severity::High,
    "has invisible characters inside words, which hides them from whoever searches for them",
    SHOW,
);
pub(crate) const BIDI: Rule = form(
    "hidden.direction",
    OBFUSCATION,
    Severity::High,
    "turns the direction of text, so that a person reads it otherwise than a model",
    SHOW,
);
pub(crate) const ANSI: Rule = form(
    "hidden.terminal",
    OBFUSCATION,
    Severity::High,
    "holds sequences that a terminal obeys: they hide, overwrite or link text",
    SHOW,
);
pub(crate) const CONTROL: Rule =
    form("hidden.control", OBFUSCATION, Severity::Medium, "holds control characters", SHOW);
pub(crate) const LOOK_ALIKE: Rule = form(
    "hidden.look-alike",
    OBFUSCATION,
    Severity::High,
    "mixes scripts within a word, so that it looks like another",
    SHOW,
);
pub(crate) const STYLED: Rule = form(
    "hidden.styled",
    OBFUSCATION,
    Severity::Medium,
    "writes words in mathematical, wide or circled letters, which a search does not find",
    SHOW,
);
pub(crate) const BLANK: Rule = form(
    "hidden.blank",
    OBFUSCATION,
    Severity::High,
    "pushes its end out of sight with blanks",
    "read what comes after the blanks",
);
pub(crate) const COMMENT: Rule = form(
    "hidden.comment",
    OBFUSCATION,
    Severity::High,
    "has words in a comment or an element that is not shown",
    "read what the comment says",
);
pub(crate) const ENCODED: Rule = form(
    "hidden.encoded",
    OBFUSCATION,
    Severity::High,
    "carries words in an encoding",
    "decode it and read what it wants",
);
pub(crate) const FORMULA: Rule = form(
    "exfiltrate.formula",
    "AML.T0086",
    Severity::Critical,
    "is computed by whoever opens it in a sheet, and carries other cells to an address or starts a program",
    "open it as text; ask its author what the formula is for",
);
pub(crate) const PARAMETER: Rule = form(
    "parameter.purpose",
    "AML.T0057",
    Severity::High,
    "has a parameter that does not serve the tool: it asks for notes, reasons or the conversation",
    "remove the parameter, or refuse the tool",
);
pub(crate) const NAME_CLASH: Rule = form(
    "steer.look-alike-name",
    "AML.T0053",
    Severity::High,
    "has a name that looks like that of another tool",
    "refuse one of the two",
);
pub(crate) const COPY: Rule = form(
    "steer.copied-description",
    "AML.T0053",
    Severity::High,
    "says of itself what another tool says of itself, so that it gets the calls of that one",
    "find out which of the two is meant, and refuse the other",
);
pub(crate) const TWIN: Rule = form(
    "steer.twin",
    "AML.T0053",
    Severity::High,
    "is called nearly as another server's tool and claims its place",
    "find out which of the two is meant, and refuse the other",
);
pub(crate) const FOREIGN: Rule = form(
    "steer.foreign-tool",
    "AML.T0053",
    Severity::High,
    "names a tool of another server, which is none of its business",
    "read what it says of that tool; a server's descriptions speak of its own tools alone",
);
pub(crate) const TOO_LONG: Rule = form(
    "form.too-long",
    "AML.T0029",
    Severity::High,
    "is longer than any description for a model, so that what follows was not read",
    "refuse the tool; have its author say it in fewer words",
);
pub(crate) const MODEL: Rule = form(
    "model.instruction",
    "AML.T0051.001",
    Severity::High,
    "reads like an order to the model rather than a description, by the words it uses together",
    "read the sentence; if it is honest, say so with an exception for this tool",
);

pub(crate) const SPEAKER: Rule = form(
    "instruct.speaker",
    "AML.T0051.001",
    Severity::High,
    "speaks to the model as if it were somebody whom the model obeys, and gives an order",
    "look at what it wants done; who speaks in what a tool returned is the tool, whatever it writes",
);
