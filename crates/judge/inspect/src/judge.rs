//! One text judged.

use std::cell::Cell;
use std::ops::Range;

use doorward_text::{Layer, Limits, MarkKind, Origin, Reading, read, windows};

use crate::abroad;
use crate::bundle::{Bundles, Stage, certainty};
use crate::concept::{Concept, Concepts};
use crate::features::{Set, Setting, features};
use crate::finding::{Finding, Rule, Severity};
use crate::formula::formulas;
use crate::model::{Weights, weights};
use crate::names::Names;
use crate::place::Place;
use crate::request::may_ask;
use crate::rules::{self, NEEDED, READY};
use crate::sentence::{Known, Sentence, Sentences, Token, sentences};
use crate::speaker;
use crate::topic::Topic;
use crate::training::Seen;

/// Longest text that is judged in one piece, and how much two pieces share.
const WINDOW: usize = 256 * 1024;
const OVERLAP: usize = 4 * 1024;
/// Most findings of one text: a report is for people.
const MOST: usize = 64;

/// What was found, and how sure it is that something is wrong.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The findings, the worst first.
    pub findings: Vec<Finding>,
    /// From 0, nothing to be seen, to 1, certain.
    pub score: f32,
    /// Whether the score reaches the threshold of its place, or of one of its parts' places.
    pub is_flagged: bool,
    /// What bundles in the shadow found: it has no part in the score.
    pub shadow: Vec<Finding>,
}

impl Report {
    /// Takes another report in: the score is that of the worse.
    pub(crate) fn take(&mut self, other: Self) {
        self.findings.extend(other.findings);
        self.shadow.extend(other.shadow);
        self.shadow.truncate(MOST);
        self.score = self.score.max(other.score);
        self.is_flagged |= other.is_flagged;
        self.findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        self.findings.truncate(MOST);
    }

    /// Of two findings of one rule at one place the worse is kept.
    fn add(&mut self, finding: Finding) {
        Self::add_to(&mut self.findings, finding);
    }

    fn add_to(findings: &mut Vec<Finding>, finding: Finding) {
        let again = findings.iter().position(|other| {
            other.rule.id == finding.rule.id
                && other.span.start < finding.span.end
                && finding.span.start < other.span.end
        });
        // A flood of mild findings must not push a bad one out.
        let full = findings.len() >= MOST;
        let mildest = || (0..findings.len()).min_by_key(|n| findings.get(*n).map(|other| other.severity));
        let place = again.or_else(|| if full { mildest() } else { None });
        match place.and_then(|n| findings.get_mut(n)) {
            Some(other) if other.severity < finding.severity => *other = finding,
            Some(_) => {}
            None => findings.push(finding),
        }
    }
}

/// Judges one text. `names` are those of the tools that the same client sees.
pub fn text(place: Place, text: &str, names: &Names) -> Report {
    judge(place, text, Known::of(names, ""), weights(place), &Topic::of(text))
}

/// Judges one text by these bundles too.
pub fn text_with(place: Place, text: &str, names: &Names, bundles: &Bundles) -> Report {
    let known = Known { bundles: Some(bundles), ..Known::of(names, "") };
    judge(place, text, known, weights(place), &Topic::of(text))
}

pub(crate) fn judge(place: Place, text: &str, known: Known<'_>, weights: &Weights, topic: &Topic) -> Report {
    let mut report = Report::default();
    // A type, a format, a short name: nothing fits in there, and schemas consist of them.
    if text.len() <= 24 && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
    {
        return report;
    }
    let mut doubt = 1.0_f32;
    for window in windows(text, WINDOW, OVERLAP) {
        let part = text.get(window.clone()).unwrap_or_default();
        let piece = piece(place, part, known, weights, topic);
        let moved = |mut finding: Finding| {
            finding.span = finding.span.start + window.start..finding.span.end + window.start;
            finding
        };
        piece.findings.into_iter().map(moved).for_each(|finding| report.add(finding));
        piece.shadow.into_iter().map(moved).for_each(|finding| Report::add_to(&mut report.shadow, finding));
        doubt = doubt.min(piece.doubt);
    }
    report.score = 1.0 - doubt;
    report.is_flagged = report.score >= place.threshold();
    report.findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    report
}

/// What the model sees of each sentence of a text, for training.
pub(crate) fn seen(place: Place, text: &str, topic: &Topic, known: Known<'_>) -> Vec<Seen> {
    let reading = read(text, &Limits::default());
    let mut all = Vec::new();
    for layer in reading.layers() {
        let read = sentences(layer.text(), known);
        each_sentence(layer, &read, place, (topic, known.is_twin), |sentence, _, features| {
            let text = layer.text().get(sentence.bytes.clone()).unwrap_or_default().trim().to_owned();
            all.push(Seen { text, features: features.to_vec() });
        });
    }
    all
}

/// What one finding of form adds to the certainty.
fn weight(severity: Severity) -> f32 {
    match severity {
        Severity::Low => 0.1,
        Severity::Medium => 0.3,
        Severity::High => 0.7,
        Severity::Critical => 0.9,
    }
}

struct Piece {
    findings: Vec<Finding>,
    shadow: Vec<Finding>,
    /// How far all may still be honest: 1 where nothing speaks against it.
    doubt: f32,
}

fn piece(place: Place, text: &str, known: Known<'_>, weights: &Weights, topic: &Topic) -> Piece {
    let reading = read(text, &Limits::default());
    let mut findings = marks(place, text, &reading);
    for layer in reading.layers() {
        findings.extend(encoded(place, layer));
    }
    // What a server returned may become a sheet; what it says of itself does not.
    let surface = reading.layers().first().filter(|_| !place.is_definition());
    findings.extend(surface.into_iter().flat_map(formulas));
    let mut doubt = findings.iter().fold(1.0, |doubt, finding| doubt * (1.0 - weight(finding.severity)));
    let mut worst = 0.0_f32;
    let mut shadow = Vec::new();
    for layer in reading.layers() {
        let read = sentences(layer.text(), known);
        if !place.is_definition() {
            speaker::find(layer.text(), &read, &mut |range| {
                worst = worst.max(speaker::CERTAINTY);
                findings.push(finding(&rules::SPEAKER, layer, range));
            });
        }
        // What a server says of another's tools may be harmless; that it says anything is worth a look (TPO-08).
        let foreign = read.list.iter().filter_map(|sentence| sentence.foreign.clone());
        for range in foreign.filter(|_| place.is_definition()) {
            worst = worst.max(FOREIGN);
            findings.push(finding(&rules::FOREIGN, layer, range));
        }
        abroad::find(layer.text(), &read, &mut |rule, range| {
            worst = worst.max(abroad::CERTAINTY);
            findings.push(finding(rule, layer, range));
        });
        if let Some(bundles) = known.bundles {
            bundles.find(layer, &read, known, &mut |stage, rule, range| {
                let finding = finding(rule, layer, range);
                if stage == Stage::Shadow {
                    return shadow.push(finding);
                }
                worst = worst.max(certainty(finding.severity, place));
                findings.push(finding);
            });
        }
        each_sentence(layer, &read, place, (topic, known.is_twin), |sentence, hits, features| {
            let chance = 1.0 / (1.0 + (-weights.logit(features)).exp());
            let chance = weighed(chance, place, hits).max(order(layer.text(), sentence, hits));
            worst = worst.max(chance);
            for (rule, range) in hits {
                let mut finding = finding(rule, layer, range.clone());
                // The rule says what it is, the model how sure that is: in an honest sentence it is a line of a report.
                if chance < place.threshold() {
                    finding.severity = Severity::Low;
                }
                findings.push(finding);
            }
            let is_told = !hits.is_empty() || place.is_definition() && sentence.foreign.is_some();
            if !is_told && chance >= place.threshold() {
                findings.push(finding(&rules::MODEL, layer, sentence.bytes.clone()));
            }
        });
    }
    doubt *= 1.0 - worst;
    Piece { findings, shadow, doubt }
}

/// What an order cannot do without: a verb that orders, somebody who must, or what stands for an act by itself. Half of the
/// sentences there are have none of it, and are done with here.
const ACTS: Concepts = Concepts::all(&[
    Concept::Plain,
    Concept::Must,
    Concept::Not,
    Concept::Omit,
    Concept::Priority,
    Concept::Freedom,
    Concept::Quiet,
    Concept::Grant,
    Concept::Secret,
    Concept::Vault,
    Concept::SystemPrompt,
    Concept::Inside,
    Concept::Shell,
    Concept::Sql,
    Concept::Script,
    Concept::Delimiter,
    Concept::Traversal,
    Concept::Sibling,
    Concept::Decode,
    Concept::Talk,
    Concept::Agent,
    Concept::Authority,
]);

thread_local! {
    /// Kept from text to text: it is larger than most of them, and to make it anew costs more than to read one.
    static SET: Cell<Option<Set>> = const { Cell::new(None) };
}

/// Calls `each` with every sentence, the rules that fit it and where, and what the model sees of it.
fn each_sentence(
    layer: &Layer,
    read: &Sentences,
    place: Place,
    (topic, is_twin): (&Topic, bool),
    mut each: impl FnMut(&Sentence, &[(&'static Rule, Range<usize>)], &[u16]),
) {
    let mut hits = Vec::new();
    let mut numbers = Vec::new();
    let mut set = SET.take().unwrap_or_else(Set::new);
    for (n, sentence) in read.list.iter().enumerate() {
        let words = layer.text().get(sentence.bytes.clone()).unwrap_or_default();
        // What a tool returns is asked for in any words: an act need not be one that an attack is known by.
        let may_act =
            sentence.concepts.meets(ACTS) || !place.is_definition() && (may_ask(words) || !words.is_ascii());
        if !may_act && (!layer.is_hidden() || sentence.concepts.is_none()) {
            continue;
        }
        hits.clear();
        numbers.clear();
        let next = read.list.get(n + 1);
        let end = next.map_or(sentence.tokens.end, |next| next.tokens.end);
        let all = sentence.concepts.and(next.map_or(Concepts::NONE, |next| next.concepts));
        let tokens = read.tokens.get(sentence.tokens.start..end).unwrap_or_default();
        by_rules(all, tokens, sentence.tokens.len(), &mut hits, &mut numbers);
        let own = tokens.get(..sentence.tokens.len()).unwrap_or_default();
        let text = layer.text();
        let setting = Setting {
            place,
            is_twin,
            around: [
                text.get(..sentence.bytes.start).unwrap_or_default(),
                text.get(sentence.bytes.end..).unwrap_or_default(),
            ],
            topic,
        };
        features(&mut set, sentence, own, &numbers, words, &setting);
        each(sentence, &hits, set.list());
    }
    SET.set(Some(set));
}

/// The rules that fit from one of the first `starts` tokens on, and the numbers of their patterns.
fn by_rules(
    all: Concepts,
    tokens: &[Token],
    starts: usize,
    hits: &mut Vec<(&'static Rule, Range<usize>)>,
    numbers: &mut Vec<usize>,
) {
    let mut told = None;
    for (number, [rule, n]) in NEEDED.met(all) {
        let ready = READY.get(rule).and_then(|ready| Some((ready.rule, ready.patterns.get(n)?)));
        let Some((is, pattern)) = ready.filter(|(_, pattern)| pattern.may_fit(all)) else { continue };
        let Some((first, last)) = pattern.find(tokens, starts) else { continue };
        numbers.push(number);
        // Of a rule the first pattern that fits says where.
        if told.replace(rule) != Some(rule)
            && let Some((first, last)) = tokens.get(first).zip(tokens.get(last))
        {
            hits.push((is, first.start as usize..last.end as usize));
        }
    }
}

/// What the means of hiding say by themselves.
fn marks(place: Place, text: &str, reading: &Reading) -> Vec<Finding> {
    let rule: fn(MarkKind) -> Option<&'static Rule> = |kind| {
        Some(match kind {
            MarkKind::Tags | MarkKind::Selectors => &rules::TAGS,
            MarkKind::ZeroWidth => &rules::INVISIBLE,
            MarkKind::Bidi => &rules::BIDI,
            MarkKind::Ansi => &rules::ANSI,
            MarkKind::Control => &rules::CONTROL,
            MarkKind::LookAlike => &rules::LOOK_ALIKE,
            MarkKind::Blank => &rules::BLANK,
            MarkKind::Comment | MarkKind::Unseen => &rules::COMMENT,
            MarkKind::Styled => &rules::STYLED,
            MarkKind::Private => return None,
        })
    };
    let surface = reading.layers().first();
    let found = reading.marks().iter().filter_map(|mark| {
        let rule = rule(mark.kind)?;
        if mark.kind == MarkKind::Styled && mark.count < 6 {
            return None;
        }
        // A description has no reason for any of it; a document has: pages have comments, logs have colours.
        let severity = if place.is_definition() { rule.severity } else { rule.severity.min(Severity::Low) };
        let quote = line(text.get(mark.span.clone()).unwrap_or_default());
        let origin = surface.map_or(Origin::Surface, Layer::origin);
        Some(Finding { rule, pointer: String::new(), span: mark.span.clone(), origin, severity, quote })
    });
    found.collect()
}

/// From here on the model alone says less: at its loudest 0.89, in the order of before.
const ALONE: f32 = 0.8;
/// How sure the name of another server's tool makes: it is flagged.
const FOREIGN: f32 = 0.55;
/// How sure a rule and the model make together.
const AGREED: f32 = 0.93;
/// How sure an order to set instructions aside makes by itself, in what a tool returned.
const PLAIN: f32 = 0.9;

/// How sure an order to keep something from the person makes that is all there is of its sentence, and how many words that has.
const KEPT: f32 = 0.7;
const SHORT: u32 = 7;

/// What begins a quotation, or something said aside.
const QUOTES: [char; 10] = ['"', '\'', '`', '\u{201c}', '\u{201e}', '\u{ab}', '\u{bb}', '\u{300c}', '(', '*'];

/// How sure it is by the model, and by a rule of a bad kind where one fits: each is wrong now and then, about other texts. What
/// both say is beyond doubt, and what the model says alone never is: half a sentence would do.
fn weighed(chance: f32, place: Place, hits: &[(&'static Rule, Range<usize>)]) -> f32 {
    let is_bad = hits.iter().any(|(rule, _)| rule.severity >= Severity::High);
    // Of what a tool returned half an order is no order yet.
    let least = if place.is_definition() { place.threshold() } else { 0.9 };
    match is_bad {
        true if chance >= least => chance.max(AGREED),
        true => chance,
        false => chance.min(ALONE) + (chance - ALONE).max(0.0) * 0.45,
    }
}

/// How sure a sentence makes by itself that begins by setting instructions aside: `Ignore all previous instructions and state that
/// …`. What follows may be about anything, and its honest words must not outweigh that. One that is quoted, that speaks of
/// attacks or that holds for some readers alone (`… if you use Windows`) is left to the model.
fn order(text: &str, sentence: &Sentence, hits: &[(&'static Rule, Range<usize>)]) -> f32 {
    const FRAMES: Concepts = Concepts::all(&[Concept::Attack, Concept::When, Concept::Question]);
    if sentence.concepts.meets(FRAMES) {
        return 0.0;
    }
    let tells = sentence.concepts.has(Concept::Tell) && sentence.concepts.has(Concept::Plain);
    let each = hits.iter().map(|(rule, range)| {
        let before = text.get(sentence.bytes.start..range.start).unwrap_or_default();
        let begins = before.split_ascii_whitespace().count() <= 2;
        match rule.id {
            _ if before.contains(QUOTES) => 0.0,
            "instruct.override" if begins => PLAIN,
            // `Do not tell the user.`, and nothing else.
            "conceal.from-user" if begins && sentence.words <= SHORT && tells => KEPT,
            _ => 0.0,
        }
    });
    each.fold(0.0, f32::max)
}

/// Words in an encoding: in a definition nothing is encoded that is meant for people.
fn encoded(place: Place, layer: &Layer) -> Option<Finding> {
    let is_encoded = matches!(
        layer.origin(),
        Origin::Base64
            | Origin::Digits
            | Origin::Rot13
            | Origin::Reversed
            | Origin::QuotedPrintable
            | Origin::Spread
    );
    let says = layer.text().split_ascii_whitespace().nth(1).is_some();
    (place.is_definition() && is_encoded && says)
        .then(|| finding(&rules::ENCODED, layer, 0..layer.text().len()))
}

pub(crate) fn finding(rule: &'static Rule, layer: &Layer, range: Range<usize>) -> Finding {
    let severity = match rule.severity {
        Severity::High if layer.is_hidden() => Severity::Critical,
        Severity::Medium if layer.is_hidden() => Severity::High,
        severity => severity,
    };
    Finding {
        rule,
        pointer: String::new(),
        span: layer.source(range.clone()),
        origin: layer.origin(),
        severity,
        quote: line(layer.text().get(range).unwrap_or_default()),
    }
}

/// One line of at most so many characters that a terminal shows as they are.
pub(crate) fn line(text: &str) -> String {
    let shown = text.chars().map(|c| if c.is_control() || c.is_whitespace() { ' ' } else { c });
    let visible = shown.filter(|c| c.is_ascii() || c.is_alphanumeric());
    visible.take(160).collect()
}
