//! What is found, and the rule that found it.

use std::fmt;
use std::ops::Range;

use doorward_text::Origin;

/// How bad it is, by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth a line in a report.
    Low,
    /// Worth a look; alone no reason to refuse.
    Medium,
    /// A reason to refuse.
    High,
    /// There is no honest reading.
    Critical,
}

impl Severity {
    /// Returns the word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// One idea of an attack: data. What it is recognised by stands beside what it must find, what it must let pass, and what is
/// known to get past it; tests run all three.
#[derive(Debug)]
pub struct Rule {
    /// A name that stays: `poison.exfiltrate`.
    pub id: &'static str,
    /// The risk of OWASP's MCP Top 10.
    pub owasp: &'static str,
    /// The technique of MITRE ATLAS.
    pub atlas: &'static str,
    /// The weakness of MITRE's CWE that it attacks, such as `CWE-89`. Empty where what is attacked is a model.
    pub weakness: &'static str,
    /// How bad.
    pub severity: Severity,
    /// Why it matters, in words: "asks for …".
    pub reason: &'static str,
    /// What to do about it.
    pub advice: &'static str,
    /// Patterns of ideas, any of which it is recognised by. Empty where code recognises it.
    pub when: &'static [&'static str],
    /// Texts it must find.
    pub positives: &'static [&'static str],
    /// Honest texts that come close.
    pub near_misses: &'static [&'static str],
    /// Attacks of this kind that it is known not to find.
    pub bypasses: &'static [&'static str],
}

/// One thing that was found.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The rule that found it.
    pub rule: &'static Rule,
    /// Where in the document: a JSON pointer, empty where a text was judged by itself.
    pub pointer: String,
    /// The bytes of the judged text.
    pub span: Range<usize>,
    /// How it was hidden.
    pub origin: Origin,
    /// How bad it is here: what nobody sees weighs one step more.
    pub severity: Severity,
    /// What it says, with its disguises taken off, cut to a line.
    pub quote: String,
}

impl fmt::Display for Finding {
    /// One line: how bad, which rule, where, why, what it says, what to do.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rule, pointer, span, origin, severity, quote } = self;
        write!(f, "{} {} ({}, {}", severity.name(), rule.id, rule.owasp, rule.atlas)?;
        if !rule.weakness.is_empty() {
            write!(f, ", {}", rule.weakness)?;
        }
        f.write_str(")")?;
        if !pointer.is_empty() {
            write!(f, " at {pointer}")?;
        }
        write!(f, ", bytes {}-{}: it {}", span.start, span.end, rule.reason)?;
        if !quote.is_empty() {
            write!(f, "; read from {}: `{quote}`", origin.name())?;
        }
        write!(f, "; {}", rule.advice)
    }
}
