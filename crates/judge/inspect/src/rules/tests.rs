//! Each rule finds its positives, lets its near-misses pass, and is known not to find its bypasses.

use super::{READY, RULES};
use crate::pattern::Pattern;
use crate::{Names, Place, Report, text};

fn rules() -> impl Iterator<Item = &'static crate::Rule> {
    RULES.iter().copied().flatten()
}

fn judge(sentence: &str) -> Report {
    text(Place::Description, sentence, &Names::new(["send_email"]))
}

#[test]
fn every_pattern_can_be_read() {
    for rule in rules() {
        for pattern in rule.when {
            assert!(Pattern::parse(pattern).is_some(), "{}: {pattern}", rule.id);
        }
    }
    assert!(READY.len() > 10);
}

// control: TPO-01: Each idea of planted instructions is found in sentences of its own, with its rule and its reason.
#[test]
fn positives_are_found() {
    let mut missed = Vec::new();
    for rule in rules() {
        for positive in rule.positives {
            let report = judge(positive);
            let named = report.findings.iter().any(|finding| finding.rule.id == rule.id);
            if !named || !report.is_flagged {
                missed.push(format!("{} {:.2} named {named}: {positive}", rule.id, report.score));
            }
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

// control: INJ-03: Honest sentences that use the same words pass.
#[test]
fn near_misses_pass() {
    let mut flagged = Vec::new();
    for rule in rules() {
        for honest in rule.near_misses {
            let report = judge(honest);
            if report.is_flagged {
                flagged.push(format!("{} {:.2}: {honest}", rule.id, report.score));
            }
        }
    }
    assert!(flagged.is_empty(), "{}", flagged.join("\n"));
}

/// A bypass that is found after all belongs among the positives.
#[test]
fn bypasses_are_known() {
    for rule in rules() {
        assert!(
            !rule.positives.is_empty() && !rule.near_misses.is_empty() && !rule.bypasses.is_empty(),
            "{}",
            rule.id
        );
        for bypass in rule.bypasses {
            let found = judge(bypass).findings.iter().any(|finding| finding.rule.id == rule.id);
            assert!(!found, "{}: {bypass}", rule.id);
        }
    }
}

#[test]
fn every_rule_says_what_and_why() {
    for rule in rules() {
        assert!(rule.owasp.starts_with("MCP") && rule.atlas.starts_with("AML.T"), "{}", rule.id);
        assert!(!rule.reason.is_empty() && !rule.advice.is_empty(), "{}", rule.id);
        assert_eq!(rules().filter(|other| other.id == rule.id).count(), 1, "{}", rule.id);
    }
}
