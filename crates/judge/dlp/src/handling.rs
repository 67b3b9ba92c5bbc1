//! What is done about a finding: rows of configuration, of which the first that fits decides.

use crate::found::{Class, Confidence, Found};
use crate::place::{Direction, Purpose};

/// What is done about a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Treatment {
    /// It stays; it is recorded that it was there.
    Allow,
    /// What is left says how it begins or ends: `****1111`.
    Mask,
    /// What is left says what it was: `[personal:payment-card]`.
    Redact,
    /// What is left can be turned back into it, towards the same server: `[[secret:github-token:…]]`.
    Tokenise,
    /// The message is refused.
    Block,
}

/// What a row is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Everything.
    Any,
    /// Secrets, or personal data.
    Class(Class),
    /// One kind, by its name.
    Kind(String),
}

/// One row. What it does not name it does not ask about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What it is about.
    pub what: What,
    /// Findings less sure than this are not meant.
    pub at_least: Confidence,
    /// Which way it goes, if that matters.
    pub direction: Option<Direction>,
    /// What its place is for, if that matters.
    pub purpose: Option<Purpose>,
    /// Names of tools and prompts; any if empty.
    pub tools: Vec<String>,
    /// Members' names, in small letters; any if empty.
    pub fields: Vec<String>,
    /// Labels of the tool or resource; any if empty.
    pub labels: Vec<String>,
    /// Roles of whom the message is from or for: one of them is enough; any if empty.
    pub roles: Vec<String>,
    /// What is done.
    pub treatment: Treatment,
}

impl Row {
    /// A row for everything of a kind that is at least likely.
    pub fn new(what: What, treatment: Treatment) -> Self {
        Self {
            what,
            at_least: Confidence::Likely,
            direction: None,
            purpose: None,
            tools: Vec::new(),
            fields: Vec::new(),
            labels: Vec::new(),
            roles: Vec::new(),
            treatment,
        }
    }
}

/// The rows of a configuration, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handling {
    rows: Vec<Row>,
}

/// What a finding is judged by, besides itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Circumstances<'a> {
    pub(crate) direction: Direction,
    pub(crate) purpose: Purpose,
    pub(crate) field: Option<&'a str>,
    pub(crate) tool: &'a str,
    pub(crate) label: &'a str,
    pub(crate) roles: &'a [&'a str],
}

impl Handling {
    /// Takes the rows in the order in which they are asked.
    pub fn new(rows: Vec<Row>) -> Self {
        Self { rows }
    }

    /// What the first row that fits says. If none fits, a secret does not go on: a configuration that forgot a kind lets
    /// none of it through. An answer is redacted. A call is refused: a tool that is given something else than what was meant
    /// does something else, and nobody would know; whoever calls is told instead. A place that is made for a credential may
    /// have one. Personal data is somebody's work in most tools, so it stays and is recorded.
    pub(crate) fn of(&self, found: &Found, circumstances: &Circumstances<'_>) -> Treatment {
        let row = self.rows.iter().find(|row| row.fits(found, circumstances));
        if let Some(row) = row {
            return row.treatment;
        }
        match (found.class, circumstances.direction, circumstances.purpose) {
            (Class::Secret, ..) if found.confidence < Confidence::Likely => Treatment::Allow,
            (Class::Secret, Direction::Arguments, Purpose::Credential) => Treatment::Allow,
            (Class::Secret, Direction::Arguments, _) => Treatment::Block,
            (Class::Secret, Direction::Result, _) => Treatment::Redact,
            (Class::Personal, ..) => Treatment::Allow,
        }
    }
}

impl Default for Handling {
    /// No rows: secrets are redacted in answers and refused in calls, personal data is recorded.
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

impl Row {
    fn fits(&self, found: &Found, circumstances: &Circumstances<'_>) -> bool {
        let what = match &self.what {
            What::Any => true,
            What::Class(class) => *class == found.class,
            What::Kind(kind) => kind == found.kind,
        };
        let field = circumstances.field.map(str::to_ascii_lowercase);
        what && found.confidence >= self.at_least
            && self.direction.is_none_or(|direction| direction == circumstances.direction)
            && self.purpose.is_none_or(|purpose| purpose == circumstances.purpose)
            && (self.tools.is_empty() || self.tools.iter().any(|tool| tool == circumstances.tool))
            && (self.fields.is_empty() || field.is_some_and(|field| self.fields.contains(&field)))
            && (self.labels.is_empty() || self.labels.iter().any(|label| label == circumstances.label))
            && (self.roles.is_empty()
                || self.roles.iter().any(|role| circumstances.roles.contains(&role.as_str())))
    }
}

#[cfg(test)]
mod tests;
