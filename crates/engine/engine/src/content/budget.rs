//! How much one answer may take of a model's context (CTX-01). Whatever fills a context pushes out what stood there before: the
//! person's own words, and the rules that the model was given. A server that says too much is told apart from one that says what
//! it should not by size alone, so nothing here is cut: a cut answer would be a wrong one. The client hears what to ask for instead.

use std::fmt;

use doorward_wire::{Edits, Frame, Kind, Value};

use super::texts::{DRY, is_media_member, is_twin};
use super::tokens::tokens;
use crate::ports::{Ports, UpstreamError, UpstreamFault};
use crate::record::Done;
use crate::stage::Exchange;

/// What it is called in records.
pub(crate) const OVER: &str = "over-budget";

/// What an answer may have; none, and it may have what the door can carry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Budget {
    /// Bytes of its result as JSON, and of all messages on the way to it.
    pub bytes: Option<usize>,
    /// Tokens of what a model reads of its result, by a guess.
    pub tokens: Option<usize>,
}

/// An answer that has more than it may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Over {
    Bytes { has: usize, may: usize },
    Tokens { has: usize, may: usize },
}

impl fmt::Display for Over {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes { has, may } => {
                write!(f, "it has {has} bytes, and this server's answers may have {may}")?;
            }
            Self::Tokens { has, may } => {
                write!(f, "it is about {has} tokens by estimate, and this server's answers may be {may}")?;
            }
        }
        f.write_str("; ask for less: a narrower question, fewer fields, or one page at a time")
    }
}

impl Budget {
    /// Says whether something is more than it may be. What is seen or heard, and `_meta`, have bytes and no tokens.
    pub(crate) fn over(&self, said: Value<'_>) -> Option<Over> {
        let has = said.span().len();
        if let Some(may) = self.bytes.filter(|may| has > *may) {
            return Some(Over::Bytes { has, may });
        }
        // Cheap first: no text has more tokens than bytes, as this door counts them.
        let may = self.tokens.filter(|may| has > *may)?;
        let has = weigh(said);
        (has > may).then_some(Over::Tokens { has, may })
    }
}

impl<P: Ports> Exchange<P> {
    /// Keeps back an answer that is more than it may be, as it would go on, and says so in its place.
    pub(crate) fn afford(&self, frame: Frame) -> Result<Frame, UpstreamError> {
        let said = frame.result().or(frame.error()).filter(|_| self.is_content());
        let Some(over) = said.and_then(|said| self.trail.server.results.budget.over(said)) else {
            return Ok(frame);
        };
        self.trail.notes.add(OVER, Done::Refused);
        let mut edits = Edits::new();
        self.block(&frame, &over.to_string(), &mut edits)?;
        self.spotlit(frame, &edits)
    }

    /// Says whether a message on the way is by itself more than an answer may be.
    pub(crate) fn is_over(&self, frame: &Frame) -> bool {
        let over = frame.params().and_then(|params| self.trail.server.results.budget.over(params));
        over.is_some()
    }

    /// Ends a call whose messages on the way, `spent` bytes by now, are together more than an answer may be: as soon as that is
    /// known, for the next would be more.
    pub(crate) fn still_affords(&self, spent: usize) -> Result<(), UpstreamError> {
        let may = self.trail.server.results.budget.bytes;
        // What is said unasked has no end, and nobody waits for one.
        match may.filter(|may| spent > *may && self.door_id.is_some() && !self.is_subscription()) {
            Some(may) => {
                let over = Over::Bytes { has: spent, may };
                Err(UpstreamError::new(UpstreamFault::OverBudget, over.to_string()))
            }
            None => Ok(()),
        }
    }
}

/// The tokens of what a model reads of a value: its texts, its names and its numbers. A structured result whose text stands
/// beside it is counted once.
fn weigh(said: Value<'_>) -> usize {
    let structured = said.get("structuredContent");
    let mut weight = Weight { structured, is_told: false, sum: 0 };
    weight.value(said);
    if let Some(structured) = structured.filter(|_| !weight.is_told) {
        weight.structured = None;
        weight.value(structured);
    }
    weight.sum
}

struct Weight<'t> {
    structured: Option<Value<'t>>,
    /// The structured result stands there as a text too.
    is_told: bool,
    sum: usize,
}

impl<'t> Weight<'t> {
    /// Depth is bounded by the strict parse, so recursion is too.
    fn value(&mut self, value: Value<'t>) {
        match value.kind() {
            Kind::String => {
                let text = value.as_str().unwrap_or_default();
                self.add(&text);
                self.is_told |= self.structured.is_some_and(|structured| is_twin(&text, structured));
            }
            Kind::Array => value.items().for_each(|item| self.value(item)),
            Kind::Object => {
                for (name, member) in value.members() {
                    let is_structured =
                        self.structured.is_some_and(|structured| structured.span() == member.span());
                    if is_structured || DRY.contains(&&*name) || is_media_member(value, &name) {
                        continue;
                    }
                    self.add(&name);
                    self.value(member);
                }
            }
            Kind::Null | Kind::Bool | Kind::Number => self.add(value.raw()),
        }
    }

    /// Adds a text, and what stands around it.
    fn add(&mut self, text: &str) {
        self.sum = self.sum.saturating_add(tokens(text)).saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use doorward_wire::{Limits, Tree};

    use super::*;

    fn over(budget: Budget, text: &str) -> Option<Over> {
        let tree = Tree::parse(Bytes::copy_from_slice(text.as_bytes()), &Limits::default()).unwrap();
        budget.over(tree.root())
    }

    fn tokens_of(text: &str) -> usize {
        match over(Budget { bytes: None, tokens: Some(0) }, text) {
            Some(Over::Tokens { has, .. }) => has,
            _ => 0,
        }
    }

    #[test]
    fn a_budget_is_met_and_passed_by_one() {
        let text = r#"{"content":[{"type":"text","text":"one two three"}]}"#;
        for (bytes, expected) in
            [(text.len(), None), (text.len() - 1, Some(Over::Bytes { has: text.len(), may: text.len() - 1 }))]
        {
            assert_eq!(over(Budget { bytes: Some(bytes), tokens: None }, text), expected);
        }
        let has = tokens_of(text);
        assert_eq!(over(Budget { bytes: None, tokens: Some(has) }, text), None);
        assert_eq!(
            over(Budget { bytes: None, tokens: Some(has - 1) }, text),
            Some(Over::Tokens { has, may: has - 1 })
        );
        assert_eq!(over(Budget::default(), text), None);
    }

    #[test]
    fn a_model_reads_words_names_and_numbers_and_no_pictures() {
        let words = tokens_of(r#"{"content":[{"type":"text","text":"one two three four five six"}]}"#);
        assert!((8..16).contains(&words), "{words}");
        let numbers: Vec<String> = (1000..1100).map(|n| n.to_string()).collect();
        assert!(tokens_of(&format!(r#"{{"structuredContent":{{"rows":[{}]}}}}"#, numbers.join(","))) >= 400);
        let names: Vec<String> = (0..100).map(|n| format!(r#""name_{n}":null"#)).collect();
        assert!(tokens_of(&format!(r#"{{"structuredContent":{{{}}}}}"#, names.join(","))) >= 300);
        let long = "A1b2".repeat(1_000);
        let picture = format!(r#"{{"content":[{{"type":"image","mimeType":"image/png","data":"{long}"}}]}}"#);
        assert!(tokens_of(&picture) < 10);
        assert!(tokens_of(&picture.replace("image/png", "text/plain")) > 2_000);
        assert_eq!(tokens_of(&format!(r#"{{"_meta":{{"x":"{long}"}}}}"#)), 0);
    }

    #[test]
    fn what_is_said_twice_in_one_result_is_counted_once() {
        let rows: Vec<String> = (0..50).map(|n| format!(r#"{{"id":{n},"name":"somebody"}}"#)).collect();
        let rows = format!(r#"{{"rows":[{}]}}"#, rows.join(","));
        let text = doorward_wire::quote(&rows);
        let once = tokens_of(&format!(r#"{{"content":[{{"type":"text","text":{text}}}]}}"#));
        let both = tokens_of(&format!(
            r#"{{"content":[{{"type":"text","text":{text}}}],"structuredContent":{rows}}}"#
        ));
        assert_eq!(both, once);
        let other = tokens_of(&format!(
            r#"{{"content":[{{"type":"text","text":{}}}],"structuredContent":{rows}}}"#,
            text.replacen("somebody", "nobody", 1)
        ));
        assert!(other > once + 200, "{once} {other}");
    }
}
