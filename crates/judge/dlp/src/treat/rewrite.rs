//! The second round: replacements, in the document and in JSON within its strings.

use aho_corasick::{AhoCorasick, MatchKind};
use doorward_wire::{Edits, Kind, Value, quote};

use super::replace::Replacer;
use super::{Names, NumberEdit, Round, inner_json, is_long, is_read, place};
use crate::found::{Class, Found};
use crate::handling::Treatment;
use crate::place::{Direction, Purpose, Spot};
use crate::vault::Vault;

pub(super) fn rewrite(round: &Round<'_>, vault: &Vault, value: Value<'_>) -> (Edits, Vec<NumberEdit>) {
    // Where two texts begin in the same place, the longer one is meant.
    let twins = AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostLongest)
        .build(round.twins.iter().map(|(text, _, _)| text))
        .ok();
    let left = round.facts.most_bytes;
    let mut rewrite = Rewrite { round, vault, twins, edits: Edits::new(), numbers: Vec::new(), left };
    rewrite.value(value, round.facts.tool.root(), None, 0);
    (rewrite.edits, rewrite.numbers)
}

struct Rewrite<'r, 'v> {
    round: &'r Round<'r>,
    vault: &'v Vault,
    twins: Option<AhoCorasick>,
    edits: Edits,
    numbers: Vec<NumberEdit>,
    left: usize,
}

impl Rewrite<'_, '_> {
    fn value(&mut self, value: Value<'_>, spot: Spot<'_>, field: Option<&str>, level: u8) {
        if level == 0 && self.round.facts.leave.binary_search(&value.span()).is_ok() {
            return;
        }
        match value.kind() {
            Kind::Array => value.items().for_each(|item| self.value(item, spot.item(), field, level)),
            Kind::Object => {
                let names = Names::of(value);
                for (name, member) in value.members() {
                    self.value(member, spot.member(&name), Some(names.field(&name)), level);
                }
            }
            Kind::String => {
                let Some(text) = value.as_str() else { return };
                let new = if level > 0 || is_read(&mut self.left, &text) {
                    self.string(&text, spot, field, level)
                } else {
                    // What would lure the model into handing over another's secret does not, wherever it stands.
                    self.edited(&text, Vec::new())
                };
                if let Some(new) = new {
                    self.edits.replace(value.span(), quote(&new));
                }
            }
            Kind::Number => {
                let Some(text) = value.number_text().filter(|text| is_long(text)) else { return };
                if let Some(new) = self.text(text, spot, field) {
                    self.numbers.push(NumberEdit { span: value.span(), text: quote(&new) });
                }
            }
            Kind::Null | Kind::Bool => {}
        }
    }

    /// What a string becomes, if anything in it changes.
    fn string(&mut self, text: &str, spot: Spot<'_>, field: Option<&str>, level: u8) -> Option<String> {
        let Some(tree) = inner_json(text, level) else { return self.text(text, spot, field) };
        let (edits, numbers) = (std::mem::take(&mut self.edits), std::mem::take(&mut self.numbers));
        self.value(tree.root(), spot, field, level + 1);
        let mut inner = std::mem::replace(&mut self.edits, edits);
        // Nobody holds the text of a string against a schema: a number in it may become a string.
        for number in std::mem::replace(&mut self.numbers, numbers) {
            inner.replace(number.span, number.text);
        }
        if inner.is_empty() {
            return None;
        }
        String::from_utf8(inner.apply(&tree).ok()?.to_vec()).ok()
    }

    fn text(&mut self, text: &str, spot: Spot<'_>, field: Option<&str>) -> Option<String> {
        let mut changes: Vec<(std::ops::Range<usize>, String)> = Vec::new();
        for found in self.round.finder.find(text, &place(field, spot)) {
            let treatment = self.round.treatment(&found, field, spot);
            if treatment > Treatment::Allow {
                let new = self.replacement(text, &found, treatment);
                changes.push((found.span, new));
            }
        }
        let taken: Vec<_> = changes.iter().map(|(span, _)| span.clone()).collect();
        for (span, found, treatment) in self.twins_in(text, spot) {
            let next = taken.get(taken.partition_point(|other| other.end <= span.start));
            if next.is_none_or(|next| next.start >= span.end) {
                let new = self.replacement(text, &Found { span: span.clone(), ..found }, treatment);
                changes.push((span, new));
            }
        }
        self.edited(text, changes)
    }

    /// A text with these changes, and with placeholders spoilt that are another's.
    fn edited(&self, text: &str, mut changes: Vec<(std::ops::Range<usize>, String)>) -> Option<String> {
        if self.round.facts.direction == Direction::Result {
            for at in self.vault.foreign(self.round.facts.scope, text) {
                changes.push((at..at + 1, "[ ".into()));
            }
        }
        changes.sort_by_key(|(span, _)| span.start);
        let (mut out, mut from) = (String::with_capacity(text.len()), 0);
        for (span, new) in &changes {
            if span.start >= from {
                out.push_str(text.get(from..span.start)?);
                out.push_str(new);
                from = span.end;
            }
        }
        out.push_str(text.get(from..)?);
        (!changes.is_empty()).then_some(out)
    }

    /// Texts that have to go and were not found here by themselves.
    fn twins_in(&self, text: &str, spot: Spot<'_>) -> Vec<(std::ops::Range<usize>, Found, Treatment)> {
        let Some(twins) = &self.twins else { return Vec::new() };
        let hits = twins.find_iter(text).filter_map(|hit| {
            let (_, found, treatment) = self.round.twins.get(hit.pattern().as_usize())?;
            // A mail's own address is not taken out of its `to` because somebody wrote it into the text as well.
            let purpose = found.class == Class::Personal && spot.purpose == Purpose::Contact;
            (!purpose).then(|| (hit.span().range(), found.clone(), *treatment))
        });
        hits.collect()
    }

    fn replacement(&mut self, text: &str, found: &Found, treatment: Treatment) -> String {
        let value = text.get(found.span.clone()).unwrap_or_default();
        Replacer { finder: self.round.finder, scope: self.round.facts.scope, vault: self.vault }
            .replacement(value, found, treatment)
    }
}
