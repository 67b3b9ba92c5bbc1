//! A bundle's JSON, read strictly: a member that is not known, or a pattern that cannot be read, is a mistake and not a rule that
//! finds less.

use std::collections::BTreeSet;
use std::fmt;

use aho_corasick::AhoCorasick;
use bytes::Bytes;
use doorward_wire::{Kind, Limits, Tree, Value};

use super::Bundle;
use crate::concept::{CONCEPTS, Concept};
use crate::finding::{Rule, Severity};
use crate::lexicon::Class;
use crate::pattern::Pattern;
use crate::rules::{Ready, rules};
use crate::vocabulary::Vocabulary;

/// The largest bundle, in bytes.
const LARGEST: usize = 256 * 1024;
/// The most rules of a bundle, and the most patterns, texts or examples of one rule.
const MOST_RULES: usize = 512;
const MOST_EACH: usize = 64;
/// The most words of a bundle.
const MOST_WORDS: usize = 1024;
/// A text that is looked for letter by letter is at least so long: shorter ones stand in everything.
const SHORTEST: usize = 6;

/// Something that is wrong with a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundleProblem {
    /// A JSON pointer.
    pub place: String,
    /// What is wrong.
    pub what: String,
    /// The way out.
    pub help: &'static str,
}

impl BundleProblem {
    pub(super) fn new(place: impl Into<String>, what: impl Into<String>, help: &'static str) -> Self {
        Self { place: place.into(), what: what.into(), help }
    }
}

impl fmt::Display for BundleProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.place.is_empty() { "the bundle" } else { &self.place };
        write!(f, "{place}: {}; {}", self.what, self.help)
    }
}

pub(super) fn bundle(text: &str) -> Result<Bundle, Vec<BundleProblem>> {
    if text.len() > LARGEST {
        let what = format!("{} bytes, and {LARGEST} is the most", text.len());
        return Err(vec![BundleProblem::new("", what, "make two bundles of it")]);
    }
    let tree = Tree::parse(Bytes::copy_from_slice(text.as_bytes()), &Limits::default()).map_err(|error| {
        vec![BundleProblem::new("", format!("no strict JSON: {error}"), "put it right there")]
    })?;
    let mut reader = Reader { problems: Vec::new() };
    let bundle = reader.bundle(tree.root());
    match bundle {
        Some(bundle) if reader.problems.is_empty() => Ok(bundle),
        _ => Err(reader.problems),
    }
}

struct Reader {
    problems: Vec<BundleProblem>,
}

impl Reader {
    fn bundle(&mut self, root: Value<'_>) -> Option<Bundle> {
        self.only(root, "", &["name", "version", "issued", "words", "rules"])?;
        let name = self.text(root, "", "name").filter(|name| self.is_name("/name", name));
        let version =
            root.get("version").and_then(|version| version.as_i64()).and_then(|n| u64::try_from(n).ok());
        if version.is_none() {
            self.wrong("/version", "no whole number", "count versions from 1 on");
        }
        let words = self.words(root);
        let mut rules = Vec::new();
        let (mut literals, mut owners) = (Vec::new(), Vec::new());
        for (n, value) in self.list(root, "", "rules", MOST_RULES).into_iter().enumerate() {
            let place = format!("/rules/{n}");
            if let Some((rule, patterns, texts)) = self.rule(value, &place) {
                owners.extend(std::iter::repeat_n(rules.len(), texts.len()));
                literals.extend(texts);
                rules.push(Ready { rule, patterns });
            }
        }
        let mut ids = BTreeSet::new();
        let twice = rules.iter().find(|ready| !ids.insert(ready.rule.id)).map(|ready| ready.rule.id);
        if let Some(id) = twice {
            self.wrong("/rules", format!("two rules are called {id}"), "give each its own id");
        }
        let automaton = AhoCorasick::builder().ascii_case_insensitive(true).build(&literals);
        if automaton.is_err() {
            self.wrong("/rules", "the texts of `contains` are too many", "make two bundles of it");
        }
        let literals = automaton.ok().filter(|_| !literals.is_empty());
        Some(Bundle { name: name?, version: version?, rules, words, literals, owners })
    }

    fn rule(&mut self, value: Value<'_>, place: &str) -> Option<(&'static Rule, Vec<Pattern>, Vec<String>)> {
        const MEMBERS: [&str; 12] = [
            "id",
            "owasp",
            "atlas",
            "weakness",
            "severity",
            "reason",
            "advice",
            "when",
            "contains",
            "positives",
            "near_misses",
            "bypasses",
        ];
        self.only(value, place, &MEMBERS)?;
        let before = self.problems.len();
        let id = self.text(value, place, "id").unwrap_or_default();
        if self.is_name(&format!("{place}/id"), &id) && !id.contains('.') {
            self.wrong(format!("{place}/id"), format!("`{id}` has no group"), "call it `group.name`");
        }
        if rules().any(|rule| rule.id == id) {
            self.wrong(format!("{place}/id"), format!("{id} is built in"), "call it otherwise");
        }
        let severity = self.severity(value, place);
        let when = self.texts(value, place, "when");
        let contains = self.texts(value, place, "contains");
        let patterns: Vec<_> = when.iter().filter_map(|text| self.pattern(text, place)).collect();
        for text in contains.iter().filter(|text| text.len() < SHORTEST) {
            let what = format!("`{text}` is shorter than {SHORTEST} bytes and stands in everything");
            self.wrong(format!("{place}/contains"), what, "say more of it");
        }
        if when.is_empty() && contains.is_empty() {
            self.wrong(place, "finds nothing", "give it patterns in `when`, or texts in `contains`");
        }
        let owasp = self.text(value, place, "owasp").unwrap_or_default();
        let atlas = self.text(value, place, "atlas").unwrap_or_default();
        if !owasp.starts_with("MCP") || !atlas.starts_with("AML.T") {
            let help = "name the risk as `MCP03` and the technique as `AML.T0051.001`";
            self.wrong(place, "`owasp` and `atlas` name no risk and technique", help);
        }
        let weakness =
            if value.get("weakness").is_some() { self.text(value, place, "weakness") } else { None };
        let (reason, advice) = (self.text(value, place, "reason"), self.text(value, place, "advice"));
        let [positives, near_misses, bypasses] =
            ["positives", "near_misses", "bypasses"].map(|list| self.texts(value, place, list));
        if positives.is_empty() || near_misses.is_empty() {
            let help = "show at least one text that it must find, and an honest one that it must not";
            self.wrong(place, "has no `positives` or no `near_misses`", help);
        }
        if self.problems.len() > before {
            return None;
        }
        // Kept for good: a finding outlives the bundle, and a bundle is bounded and seldom read.
        let rule = Box::leak(Box::new(Rule {
            id: id.leak(),
            owasp: owasp.leak(),
            atlas: atlas.leak(),
            weakness: weakness.unwrap_or_default().leak(),
            severity: severity?,
            reason: reason?.leak(),
            advice: advice?.leak(),
            when: leak(when),
            positives: leak(positives),
            near_misses: leak(near_misses),
            bypasses: leak(bypasses),
        }));
        Some((rule, patterns, contains))
    }

    fn pattern(&mut self, text: &str, place: &str) -> Option<Pattern> {
        let pattern = Pattern::parse(text);
        if pattern.is_none() {
            let help = "ideas stand as `read ..6 secret ..4 send|include`; docs/rules.md lists them";
            self.wrong(format!("{place}/when"), format!("`{text}` is no pattern"), help);
        }
        pattern
    }

    fn words(&mut self, root: Value<'_>) -> Option<Vocabulary> {
        root.get("words")?;
        let mut vocabulary = Vocabulary::empty();
        let mut count = 0;
        for (n, value) in self.list(root, "", "words", MOST_WORDS).into_iter().enumerate() {
            let place = format!("/words/{n}");
            if self.only(value, &place, &["means", "form", "words"]).is_none() {
                continue;
            }
            let means = self.concept(value, &place);
            let form = self.form(value, &place);
            let words = self.texts(value, &place, "words");
            count += words.len();
            // The table is of one size, and finds its end by an empty place.
            if count > MOST_WORDS {
                let what = format!("more than {MOST_WORDS} words");
                self.wrong("/words", what, "make two bundles of it");
                return None;
            }
            for word in &words {
                let parts: Vec<String> = word.split_ascii_whitespace().map(str::to_lowercase).collect();
                if let (Some(means), Some(form)) = (means, form) {
                    vocabulary.add(&parts.iter().map(String::as_str).collect::<Vec<_>>(), means, form);
                }
            }
        }
        Some(vocabulary)
    }

    fn concept(&mut self, value: Value<'_>, place: &str) -> Option<Concept> {
        let name = self.text(value, place, "means")?;
        let found = CONCEPTS.iter().find(|(word, _)| *word == name).map(|(_, concept)| *concept);
        if found.is_none() {
            let help = "docs/rules.md lists the ideas";
            self.wrong(format!("{place}/means"), format!("`{name}` is no idea"), help);
        }
        found
    }

    fn form(&mut self, value: Value<'_>, place: &str) -> Option<Class> {
        let form = match self.text(value, place, "form")?.as_str() {
            "verb" => Class::Verb,
            "order" => Class::Order,
            "noun" => Class::Noun,
            "fixed" => Class::Fixed,
            _ => {
                self.wrong(format!("{place}/form"), "no form", "`verb`, `order`, `noun` or `fixed`");
                return None;
            }
        };
        Some(form)
    }

    fn severity(&mut self, value: Value<'_>, place: &str) -> Option<Severity> {
        let text = self.text(value, place, "severity")?;
        let all = [Severity::Low, Severity::Medium, Severity::High, Severity::Critical];
        let found = all.into_iter().find(|severity| severity.name() == text);
        if found.is_none() {
            let what = format!("`{text}` is no severity");
            self.wrong(format!("{place}/severity"), what, "`low`, `medium`, `high` or `critical`");
        }
        found
    }

    /// An object with no other members than these.
    fn only(&mut self, value: Value<'_>, place: &str, members: &[&str]) -> Option<()> {
        if !value.is_object() {
            self.wrong(place, "no object", "write it as { … }");
            return None;
        }
        for (name, _) in value.members().filter(|(name, _)| !members.contains(&&**name)) {
            self.wrong(format!("{place}/{name}"), "is not known", "see docs/rules.md for what there is");
        }
        Some(())
    }

    fn text(&mut self, value: Value<'_>, place: &str, name: &str) -> Option<String> {
        let text = value.get(name).and_then(|text| text.as_str()).filter(|text| !text.trim().is_empty());
        if text.is_none() {
            self.wrong(format!("{place}/{name}"), "no text, or an empty one", "say it in words");
        }
        text.map(std::borrow::Cow::into_owned)
    }

    fn list<'t>(&mut self, value: Value<'t>, place: &str, name: &str, most: usize) -> Vec<Value<'t>> {
        let Some(list) = value.get(name) else { return Vec::new() };
        if list.kind() != Kind::Array || list.len() > most {
            let what = format!("no list of at most {most}");
            self.wrong(format!("{place}/{name}"), what, "write it as [ … ], or make two of it");
            return Vec::new();
        }
        list.items().collect()
    }

    fn texts(&mut self, value: Value<'_>, place: &str, name: &str) -> Vec<String> {
        let list = self.list(value, place, name, MOST_EACH);
        let texts: Vec<String> =
            list.iter().filter_map(|text| text.as_str()).map(std::borrow::Cow::into_owned).collect();
        if texts.len() != list.len() || texts.iter().any(|text| text.trim().is_empty()) {
            self.wrong(format!("{place}/{name}"), "not all of it is text", "write each as \"…\"");
        }
        texts
    }

    fn is_name(&mut self, place: &str, name: &str) -> bool {
        let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-');
        let fits = (1..=64).contains(&name.len())
            && name.bytes().all(is_plain)
            && name.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
        if !fits && !name.is_empty() {
            let help = "small letters, digits, `-` and `.`, at most 64, a letter first";
            self.wrong(place, format!("`{}` is no name", name.escape_debug()), help);
        }
        fits
    }

    fn wrong(&mut self, place: impl Into<String>, what: impl Into<String>, help: &'static str) {
        self.problems.push(BundleProblem::new(place, what, help));
    }
}

fn leak(texts: Vec<String>) -> &'static [&'static str] {
    texts.into_iter().map(|text| &*text.leak()).collect::<Vec<_>>().leak()
}
