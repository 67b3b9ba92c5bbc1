//! Treating a message: everything in it is looked at, and what may not stay is replaced or blocks it.
//!
//! Two rounds. The first finds, and remembers what has to go. The second replaces, and takes the same texts out of places
//! where they were not found by themselves: what `structuredContent` calls a password stands in the prose beside it, too.

use bytes::Bytes;
use doorward_wire::{Edits, Kind, Span, Tree, Value};

use crate::find::Finder;
use crate::found::{Class, Confidence, Found};
use crate::handling::{Circumstances, Handling, Treatment};
use crate::place::{Direction, Place, Spot, Tool};
use crate::vault::{Kept, Scope, Vault};

mod replace;
mod rewrite;
#[cfg(test)]
mod tests;
mod torn;

pub use torn::{Torn, torn};

/// How many levels of JSON within strings of JSON are read as JSON.
const LEVELS: u8 = 2;
/// How many bytes of texts are taken out of places where they were not found: looking for them costs time.
const MOST_TWINS: usize = 16 << 10;
/// A shorter text is not taken out elsewhere: it would hit words that have nothing to do with it.
const SHORTEST_TWIN: usize = 6;

/// Names that every answer has: there is nothing in them.
const OF_PROTOCOL: [&str; 7] =
    ["content", "structuredContent", "isError", "resultType", "mimeType", "annotations", "resource"];

/// What a message is judged by, besides its content.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// Which way it goes.
    pub direction: Direction,
    /// The tool that is called or answers, with the schema of the value that is treated.
    pub tool: Tool<'a>,
    /// The server, and on whose behalf.
    pub scope: Scope<'a>,
    /// The label of the tool or resource.
    pub label: &'a str,
    /// The roles of the person.
    pub roles: &'a [&'a str],
    /// What is left alone: names and states of the protocol, which nobody reads and which must come back as they were. In the
    /// order of the document: a server chooses how many there are, and each is looked up.
    pub leave: &'a [Span],
    /// What was put back into the call that this answers.
    pub kept: &'a [Kept],
    /// How many bytes of texts are looked at. What comes after them is not, unless it fits.
    pub most_bytes: usize,
}

impl<'a> Facts<'a> {
    /// The least that must be known.
    pub fn new(direction: Direction, tool: Tool<'a>, scope: Scope<'a>) -> Self {
        let (leave, kept) = (&[][..], &[][..]);
        Self { direction, tool, scope, label: "", roles: &[], leave, kept, most_bytes: usize::MAX }
    }
}

/// What was found in a message, for the record. It holds no content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is: `github-token`.
    pub kind: &'static str,
    /// Secret or personal.
    pub class: Class,
    /// How sure that is.
    pub confidence: Confidence,
    /// What gave it away.
    pub why: &'static str,
    /// The value that it stands in, in the document; the outermost one, if it stands in JSON within a string.
    pub within: Span,
    /// It stands in the name of a member, which cannot be replaced without changing what the message says.
    pub in_name: bool,
    /// What is done about it.
    pub treatment: Treatment,
}

impl Finding {
    /// Says whether a message is refused for it.
    pub fn refuses(&self) -> bool {
        self.treatment == Treatment::Block || self.in_name && self.treatment > Treatment::Allow
    }
}

/// A number that would become a string. Whether it may is a question to the schema, which the caller has: if it may not,
/// the message is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberEdit {
    /// The number.
    pub span: Span,
    /// What would stand there: one JSON string.
    pub text: String,
}

/// What is to be done with a message. It has no `Debug`: the edits hold what stands around the findings.
#[derive(Default)]
pub struct Treated {
    /// The changes. They leave JSON valid; what they leave is to be judged again (D-02), and a result's
    /// `structuredContent` validated against its schema (D-04).
    pub edits: Edits,
    /// Changes that need the schema's word.
    pub numbers: Vec<NumberEdit>,
    /// Everything that was found, whatever is done about it.
    pub findings: Vec<Finding>,
    /// The message is refused; the findings with [`Treatment::Block`], or in a name, say why.
    pub blocked: bool,
    /// How many placeholders were spoilt that were not this server's.
    pub spoilt: usize,
    /// How many bytes of texts were not looked at.
    pub unread: usize,
}

/// Judges the arguments of a call, or a result.
pub fn treat(
    finder: &Finder,
    value: Value<'_>,
    facts: &Facts<'_>,
    handling: &Handling,
    vault: &Vault,
) -> Treated {
    let mut round = Round {
        finder,
        facts,
        handling,
        findings: Vec::new(),
        twins: Vec::new(),
        room: MOST_TWINS,
        foreign: 0,
        left: facts.most_bytes,
        unread: 0,
    };
    let kept = vault.kept(facts.scope, facts.kept);
    let kept = kept.into_iter().filter(|(text, _)| text.len() >= SHORTEST_TWIN);
    round.twins.extend(kept.map(|(text, found)| (text, found, Treatment::Tokenise)));
    round.collect(vault, value, facts.tool.root(), None);
    let blocked = round.findings.iter().any(Finding::refuses);
    let changes = round.foreign > 0
        || !round.twins.is_empty()
        || round.findings.iter().any(|finding| finding.treatment > Treatment::Allow);
    let (edits, numbers) =
        if changes && !blocked { rewrite::rewrite(&round, vault, value) } else { (Edits::new(), Vec::new()) };
    let Round { findings, foreign: spoilt, unread, .. } = round;
    Treated { edits, numbers, findings, blocked, spoilt, unread }
}

/// The first round.
struct Round<'r> {
    finder: &'r Finder,
    facts: &'r Facts<'r>,
    handling: &'r Handling,
    findings: Vec<Finding>,
    /// Texts that have to go, wherever they stand, what they are, and what is done about them.
    twins: Vec<(String, Found, Treatment)>,
    /// How many bytes more may be remembered of them.
    room: usize,
    foreign: usize,
    /// How many bytes more are looked at.
    left: usize,
    unread: usize,
}

/// Says whether a text of the document itself is still looked at. Both rounds come by the same texts in the same order, so
/// they look at the same ones.
fn is_read(left: &mut usize, text: &str) -> bool {
    let rest = left.checked_sub(text.len());
    *left = rest.unwrap_or(*left);
    rest.is_some()
}

impl Round<'_> {
    /// Looks at a value and everything in it; `outer` is the string of the document that it was read out of.
    fn collect(&mut self, vault: &Vault, value: Value<'_>, spot: Spot<'_>, outer: Option<(Span, u8)>) {
        self.collect_named(vault, value, spot, None, outer);
    }

    fn collect_named(
        &mut self,
        vault: &Vault,
        value: Value<'_>,
        spot: Spot<'_>,
        field: Option<&str>,
        outer: Option<(Span, u8)>,
    ) {
        if outer.is_none() && self.facts.leave.binary_search(&value.span()).is_ok() {
            return;
        }
        match value.kind() {
            Kind::Array => {
                value.items().for_each(|item| self.collect_named(vault, item, spot.item(), field, outer))
            }
            Kind::Object => {
                let names = Names::of(value);
                for (name, member) in value.members() {
                    if name.len() >= SHORTEST_TWIN && !OF_PROTOCOL.contains(&&*name) {
                        self.look(&name, None, spot, outer.map_or(value.span(), |outer| outer.0), true);
                    }
                    self.collect_named(vault, member, spot.member(&name), Some(names.field(&name)), outer);
                }
            }
            Kind::String => {
                let Some(text) = value.as_str() else { return };
                let (span, level) = outer.unwrap_or((value.span(), 0));
                if self.facts.direction == Direction::Result {
                    self.foreign += vault.foreign(self.facts.scope, &text).len();
                }
                if outer.is_none() && !is_read(&mut self.left, &text) {
                    self.unread += text.len();
                    return;
                }
                match inner_json(&text, level) {
                    Some(tree) => {
                        self.collect_named(vault, tree.root(), spot, field, Some((span, level + 1)))
                    }
                    None => self.look(&text, field, spot, span, false),
                }
            }
            Kind::Number => {
                let span = outer.map_or(value.span(), |outer| outer.0);
                if let Some(text) = value.number_text().filter(|text| is_long(text)) {
                    self.look(text, field, spot, span, false);
                }
            }
            Kind::Null | Kind::Bool => {}
        }
    }

    fn look(&mut self, text: &str, field: Option<&str>, spot: Spot<'_>, within: Span, in_name: bool) {
        for found in self.finder.find(text, &place(field, spot)) {
            let treatment = self.treatment(&found, field, spot);
            let value = text.get(found.span.clone()).unwrap_or_default();
            if treatment > Treatment::Allow
                && !in_name
                && value.len() >= SHORTEST_TWIN
                && value.len() <= self.room
            {
                self.room -= value.len();
                self.twins.push((value.to_owned(), found.clone(), treatment));
            }
            self.findings.push(Finding {
                kind: found.kind,
                class: found.class,
                confidence: found.confidence,
                why: found.why,
                within,
                in_name,
                treatment,
            });
        }
    }

    fn treatment(&self, found: &Found, field: Option<&str>, spot: Spot<'_>) -> Treatment {
        self.handling.of(
            found,
            &Circumstances {
                direction: self.facts.direction,
                purpose: spot.purpose,
                field,
                tool: self.facts.tool.name(),
                label: self.facts.label,
                roles: self.facts.roles,
            },
        )
    }
}

fn place<'p>(field: Option<&'p str>, spot: Spot<'_>) -> Place<'p> {
    Place { field, purpose: spot.purpose }
}

/// What the members of an object are called, where their own names do not say it.
struct Names {
    /// `{"name": "DB_PASSWORD", "value": …}`
    value: Option<String>,
    /// A key of RFC 7517, whose private parts have names of one or two letters.
    is_key: bool,
}

impl Names {
    fn of(object: Value<'_>) -> Self {
        let text = |name| Some(object.get(name)?.as_str()?.into_owned());
        let value = object.get("value").and_then(|_| text("name").or_else(|| text("key")));
        Self { value, is_key: object.get("kty").is_some() }
    }

    fn field<'n>(&'n self, name: &'n str) -> &'n str {
        match name {
            "value" => self.value.as_deref().unwrap_or(name),
            "d" | "k" | "p" | "q" | "dp" | "dq" | "qi" if self.is_key => "private_key",
            _ => name,
        }
    }
}

/// Reads a string that holds an object or an array of JSON.
fn inner_json(text: &str, level: u8) -> Option<Tree> {
    let trimmed = text.trim_ascii();
    let looks = trimmed.starts_with(['{', '[']) && trimmed.ends_with(['}', ']']);
    if level >= LEVELS || !looks {
        return None;
    }
    Tree::parse(Bytes::copy_from_slice(text.as_bytes()), &doorward_wire::Limits::default()).ok()
}

/// Numbers of cards and people are whole, and have at least nine digits.
fn is_long(number: &str) -> bool {
    number.len() >= 9 && number.bytes().all(|byte| byte.is_ascii_digit())
}
