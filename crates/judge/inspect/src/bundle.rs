//! Rules that were not built in: an operator's own, or what was learned of an attack since the last release (INJ-07).
//!
//! A bundle is data. It is tried on its own examples before it counts, it may stand in the shadow (found and told, without
//! effect) until its keeper trusts it, and nothing in it changes what the built-in rules and the model say.

mod read;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::Arc;

use aho_corasick::AhoCorasick;
use doorward_text::Layer;

use crate::finding::{Rule, Severity};
use crate::names::Names;
use crate::place::Place;
use crate::rules::Ready;
use crate::sentence::{Known, Sentences, sentences};
use crate::vocabulary::Vocabulary;

pub use read::BundleProblem;

/// Rules with a name and a version.
#[derive(Debug)]
pub struct Bundle {
    name: String,
    version: u64,
    rules: Vec<Ready>,
    /// Words that stand for an idea in this bundle's patterns, and in no others.
    words: Option<Vocabulary>,
    /// All texts that rules look for letter by letter, and the number of the rule of each.
    literals: Option<AhoCorasick>,
    owners: Vec<usize>,
}

impl Bundle {
    /// Reads a bundle and tries each rule on its own examples. What its rules say is kept for as long as the process
    /// runs: findings outlive the bundle they came from.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with where and what to do; nothing of it counts then.
    pub fn read(text: &str) -> Result<Self, Vec<BundleProblem>> {
        let bundle = read::bundle(text)?;
        let problems = bundle.try_examples();
        if problems.is_empty() { Ok(bundle) } else { Err(problems) }
    }

    /// Returns its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns its version.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Returns its rules.
    pub fn rules(&self) -> impl Iterator<Item = &'static Rule> {
        self.rules.iter().map(|ready| ready.rule)
    }

    /// Calls `each` with every rule that fits a layer, and where.
    pub(crate) fn find(
        &self,
        layer: &Layer,
        read: &Sentences,
        known: Known<'_>,
        each: &mut dyn FnMut(&'static Rule, Range<usize>),
    ) {
        if let Some(words) = &self.words {
            let read = sentences(layer.text(), Known { words: Some(words), ..known });
            self.fit(&read, each);
        } else {
            self.fit(read, each);
        }
        for hit in self.literals.iter().flat_map(|literals| literals.find_overlapping_iter(layer.text())) {
            let rule = self.owners.get(hit.pattern().as_usize()).and_then(|owner| self.rules.get(*owner));
            if let Some(ready) = rule {
                each(ready.rule, hit.range());
            }
        }
    }

    fn fit(&self, read: &Sentences, each: &mut dyn FnMut(&'static Rule, Range<usize>)) {
        for (n, sentence) in read.list.iter().enumerate() {
            let next = read.list.get(n + 1);
            let end = next.map_or(sentence.tokens.end, |next| next.tokens.end);
            let all = next.map_or(sentence.concepts, |next| sentence.concepts.and(next.concepts));
            let tokens = read.tokens.get(sentence.tokens.start..end).unwrap_or_default();
            let starts = sentence.tokens.len();
            for ready in &self.rules {
                let fits =
                    |(first, last): (usize, usize)| Some(tokens.get(first)?.start..tokens.get(last)?.end);
                let mut found = ready.patterns.iter().filter(|pattern| pattern.may_fit(all));
                if let Some(range) = found.find_map(|pattern| pattern.find(tokens, starts).and_then(fits)) {
                    each(ready.rule, bytes(range));
                }
            }
        }
    }

    /// A rule that does not find what it is for, or finds what is honest, is not ready for anybody's traffic.
    fn try_examples(&self) -> Vec<BundleProblem> {
        let finds = |rule: &Rule, example: &str| {
            let mut found = false;
            let reading = doorward_text::read(example, &doorward_text::Limits::default());
            let names = Names::default();
            for layer in reading.layers() {
                let known = Known::of(&names, "");
                let read = sentences(layer.text(), known);
                self.find(layer, &read, known, &mut |other, _| found |= other.id == rule.id);
            }
            found
        };
        let mut problems = Vec::new();
        for (n, rule) in self.rules().enumerate() {
            let mut tell = |list: &str, example: &str, what: &str, help: &'static str| {
                let place = format!("/rules/{n}/{list}");
                problems.push(BundleProblem::new(place, format!("{} {what}: `{example}`", rule.id), help));
            };
            for example in rule.positives.iter().filter(|example| !finds(rule, example)) {
                tell(
                    "positives",
                    example,
                    "does not find",
                    "widen a pattern, or move the text to `bypasses`",
                );
            }
            for example in rule.near_misses.iter().filter(|example| finds(rule, example)) {
                tell("near_misses", example, "finds what is honest", "make the pattern narrower");
            }
            for example in rule.bypasses.iter().filter(|example| finds(rule, example)) {
                tell("bypasses", example, "finds after all", "move the text to `positives`");
            }
        }
        problems
    }
}

fn bytes(range: Range<u32>) -> Range<usize> {
    range.start as usize..range.end as usize
}

/// Whether what a bundle finds has an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It is told, and nothing more.
    Shadow,
    /// It counts as a built-in rule does.
    Enforce,
}

impl Stage {
    /// Returns the word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Shadow => "shadow",
            Self::Enforce => "enforce",
        }
    }
}

/// The bundles in force.
#[derive(Debug, Clone, Default)]
pub struct Bundles {
    list: Vec<(Stage, Arc<Bundle>)>,
    id: String,
}

impl Bundles {
    /// Takes them together.
    pub fn new(list: Vec<(Stage, Arc<Bundle>)>) -> Self {
        let each =
            list.iter().map(|(stage, bundle)| format!("{}@{} {}", bundle.name, bundle.version, stage.name()));
        Self { id: each.collect::<Vec<_>>().join(", "), list }
    }

    /// Says which they are: `house@3 enforce`. Two that say the same judge the same.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Calls `each` with everything that is found in a layer.
    pub(crate) fn find(
        &self,
        layer: &Layer,
        read: &Sentences,
        known: Known<'_>,
        each: &mut dyn FnMut(Stage, &'static Rule, Range<usize>),
    ) {
        for (stage, bundle) in &self.list {
            bundle.find(layer, read, known, &mut |rule, range| each(*stage, rule, range));
        }
    }
}

/// How sure a rule of a bundle makes by itself: it has no weight in the model. What is critical is without doubt and is
/// kept back wherever something is; what is high is flagged; the rest is a line of a report.
pub(crate) fn certainty(severity: Severity, place: Place) -> f32 {
    match severity {
        Severity::Critical => 0.95,
        Severity::High => place.threshold().max(0.8),
        Severity::Medium => 0.3,
        Severity::Low => 0.0,
    }
}
