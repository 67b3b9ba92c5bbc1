//! One text judged.

use std::ops::Range;

use doorward_text::{Layer, Limits, MarkKind, Origin, Reading, read, windows};

use crate::concept::Concepts;
use crate::finding::{Finding, Rule, Severity};
use crate::place::Place;
use crate::rules::{self, READY};
use crate::sentence::{Known, Sentences, sentences};

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
}

impl Report {
    /// Takes another report in: the score is that of the worse.
    pub(crate) fn take(&mut self, other: Self) {
        self.findings.extend(other.findings);
        self.score = self.score.max(other.score);
        self.is_flagged |= other.is_flagged;
        self.findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        self.findings.truncate(MOST);
    }

    fn add(&mut self, finding: Finding) {
        let again = self.findings.iter().any(|other| {
            other.rule.id == finding.rule.id
                && other.span.start < finding.span.end
                && finding.span.start < other.span.end
        });
        if !again && self.findings.len() < MOST {
            self.findings.push(finding);
        }
    }
}

/// Judges one text. `siblings` are the names of the other tools of the same list.
pub fn text(place: Place, text: &str, siblings: &[&str]) -> Report {
    let mut report = Report::default();
    for window in windows(text, WINDOW, OVERLAP) {
        let part = text.get(window.clone()).unwrap_or_default();
        for mut finding in piece(place, part, Known { siblings }) {
            finding.span = finding.span.start + window.start..finding.span.end + window.start;
            report.add(finding);
        }
    }
    let doubt = report.findings.iter().fold(1.0, |doubt, finding| doubt * (1.0 - weight(finding.severity)));
    report.score = 1.0 - doubt;
    report.is_flagged = report.score >= place.threshold();
    report.findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    report
}

/// What one finding adds to the certainty.
fn weight(severity: Severity) -> f32 {
    match severity {
        Severity::Low => 0.1,
        Severity::Medium => 0.3,
        Severity::High => 0.7,
        Severity::Critical => 0.9,
    }
}

fn piece(place: Place, text: &str, known: Known<'_>) -> Vec<Finding> {
    let reading = read(text, &Limits::default());
    let mut findings = marks(place, text, &reading);
    for layer in reading.layers() {
        let read = sentences(layer.text(), known);
        by_rules(layer, &read, &mut findings);
        encoded(place, layer, &read, &mut findings);
    }
    findings
}

/// The rules over each sentence together with the one after it.
fn by_rules(layer: &Layer, read: &Sentences, findings: &mut Vec<Finding>) {
    for (n, sentence) in read.list.iter().enumerate() {
        let next = read.list.get(n + 1);
        let all = sentence.concepts.and(next.map_or(Concepts::NONE, |next| next.concepts));
        let end = next.map_or(sentence.tokens.end, |next| next.tokens.end);
        let tokens = read.tokens.get(sentence.tokens.start..end).unwrap_or_default();
        for ready in READY.iter() {
            let found = ready
                .patterns
                .iter()
                .filter(|pattern| pattern.may_fit(all))
                .find_map(|pattern| pattern.find(tokens, sentence.tokens.len()));
            let Some((first, last)) = found else { continue };
            let (Some(first), Some(last)) = (tokens.get(first), tokens.get(last)) else { continue };
            findings.push(finding(ready.rule, layer, first.start as usize..last.end as usize));
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
            MarkKind::Styled | MarkKind::Private => return None,
        })
    };
    let surface = reading.layers().first();
    let found = reading.marks().iter().filter_map(|mark| {
        let rule = rule(mark.kind)?;
        // A description has no reason for any of it; a document has: pages have comments, logs have colours.
        let severity = if place.is_definition() { rule.severity } else { rule.severity.min(Severity::Low) };
        let quote = line(text.get(mark.span.clone()).unwrap_or_default());
        let origin = surface.map_or(Origin::Surface, Layer::origin);
        Some(Finding { rule, pointer: String::new(), span: mark.span.clone(), origin, severity, quote })
    });
    found.collect()
}

/// Words in an encoding: in a definition nothing is encoded that is meant for people.
fn encoded(place: Place, layer: &Layer, read: &Sentences, findings: &mut Vec<Finding>) {
    let is_encoded = matches!(
        layer.origin(),
        Origin::Base64
            | Origin::Digits
            | Origin::Rot13
            | Origin::Reversed
            | Origin::QuotedPrintable
            | Origin::Spread
    );
    let says = read.list.iter().map(|sentence| sentence.words).sum::<u32>() >= 3;
    if place.is_definition() && is_encoded && says {
        findings.push(finding(&rules::ENCODED, layer, 0..layer.text().len()));
    }
}

fn finding(rule: &'static Rule, layer: &Layer, range: Range<usize>) -> Finding {
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
fn line(text: &str) -> String {
    let shown = text.chars().map(|c| if c.is_control() || c.is_whitespace() { ' ' } else { c });
    let visible = shown.filter(|c| c.is_ascii() || c.is_alphanumeric());
    visible.take(160).collect()
}
