use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::opinion::{Content, Heard, Hit};

fn said(attack: bool) -> Opinion {
    Opinion { shields: Some(Heard { answer: attack, missing: None }), ..Opinion::default() }
}

fn harm(category: Category, severity: u8) -> Opinion {
    let answer = Content { severities: [(category, severity)].into(), hits: Vec::new() };
    Opinion { content: Some(Heard { answer, missing: None }), ..said(false) }
}

fn listed() -> Opinion {
    let hit = |item: &str| Hit { list: "words".to_owned(), item: item.to_owned() };
    let answer = Content { hits: vec![hit("1"), hit("2")], ..Content::default() };
    Opinion { content: Some(Heard { answer, missing: None }), ..said(false) }
}

fn model(percent: u8) -> Opinion {
    Opinion { model: Some(Heard { answer: percent, missing: None }), ..Opinion::default() }
}

fn missing(why: NoOpinion) -> Opinion {
    Opinion { shields: Some(Heard { answer: false, missing: Some(why) }), ..Opinion::default() }
}

fn act(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Flag(_) => "flag",
        Verdict::Refuse(_) => "refuse",
    }
}

// control: INJ-09, CSF-01, CSF-02: What was found refuses; what is not known refuses where much can happen, and is said aloud elsewhere.
#[test]
fn every_opinion_has_its_consequence() {
    let thresholds = Thresholds {
        severities: [(Category::Hate, 4), (Category::Violence, 2)].into(),
        ..Thresholds::default()
    };
    let beside = |opinion: Opinion, why| Opinion {
        shields: Some(Heard { answer: true, missing: Some(why) }),
        ..opinion
    };
    for (what, opinion, high, low) in [
        ("nothing found", said(false), "pass", "pass"),
        ("an attack", said(true), "refuse", "refuse"),
        ("below the threshold", harm(Category::Hate, 3), "pass", "pass"),
        ("at the threshold", harm(Category::Hate, 4), "refuse", "refuse"),
        ("another threshold", harm(Category::Violence, 2), "refuse", "refuse"),
        ("no threshold", harm(Category::Sexual, 7), "pass", "pass"),
        ("on a list", listed(), "refuse", "refuse"),
        ("a model that is not sure", model(89), "pass", "pass"),
        ("a model that is sure", model(90), "refuse", "refuse"),
        (
            "a model that is gone",
            Opinion { model: Some(Heard { answer: 0, missing: Some(NoOpinion::Ended) }), ..said(false) },
            "refuse",
            "flag",
        ),
        ("too late", missing(NoOpinion::Deadline), "refuse", "flag"),
        ("throttled", missing(NoOpinion::Throttled(Duration::from_secs(9))), "refuse", "flag"),
        ("breaker", missing(NoOpinion::BreakerOpen), "refuse", "flag"),
        ("credential", missing(NoOpinion::Credential), "refuse", "flag"),
        ("refused", missing(NoOpinion::Refused { status: 400, code: "unknown" }), "refuse", "flag"),
        ("failing", missing(NoOpinion::Failing(500)), "refuse", "flag"),
        ("unreachable", missing(NoOpinion::Unreachable), "refuse", "flag"),
        ("malformed", missing(NoOpinion::Malformed("x")), "refuse", "flag"),
        ("interrupted", missing(NoOpinion::Interrupted), "refuse", "flag"),
        ("an attack, and not all was heard", beside(said(false), NoOpinion::Deadline), "refuse", "refuse"),
        ("too long", Opinion { unread: 1, ..said(false) }, "refuse", "flag"),
        ("nobody was asked", Opinion::default(), "refuse", "flag"),
    ] {
        assert_eq!(act(&verdict(&opinion, Risk::High, &thresholds)), high, "{what}, high");
        assert_eq!(act(&verdict(&opinion, Risk::Low, &thresholds)), low, "{what}, low");
    }
}

#[test]
fn reasons_name_what_was_found_before_what_is_not_known() {
    let mut opinion = listed();
    opinion.shields = Some(Heard { answer: true, missing: None });
    opinion.unread = 7;
    let reasons =
        vec![Reason::Attack, Reason::Listed { list: "words".to_owned() }, Reason::Unread { characters: 7 }];
    assert_eq!(verdict(&opinion, Risk::Low, &Thresholds::default()), Verdict::Refuse(reasons));
}

#[test]
fn what_is_found_may_be_flagged_alone() {
    let flag = ByRisk { high: Act::Refuse, low: Act::Flag };
    let thresholds = Thresholds { on_finding: flag, ..Thresholds::default() };
    assert_eq!(act(&verdict(&said(true), Risk::Low, &thresholds)), "flag");
    assert_eq!(act(&verdict(&said(true), Risk::High, &thresholds)), "refuse");
    assert_eq!(act(&verdict(&missing(NoOpinion::Deadline), Risk::High, &thresholds)), "refuse");
}

fn rank(verdict: &Verdict) -> u8 {
    match verdict {
        Verdict::Pass => 0,
        Verdict::Flag(_) => 1,
        Verdict::Refuse(_) => 2,
    }
}

proptest! {
    /// More that speaks against a text, or more risk, never makes the consequence milder.
    #[test]
    fn nothing_gets_milder(attack: bool, hate in 0_u8..8, unread in 0_usize..2, gap: bool, more: bool) {
        let opinion = |attack, hate, unread, gap: bool| Opinion {
            shields: Some(Heard { answer: attack, missing: gap.then_some(NoOpinion::Deadline) }),
            unread,
            ..harm(Category::Hate, hate)
        };
        let thresholds = Thresholds::default();
        let mild = opinion(attack, hate, unread, gap);
        let worse = opinion(attack | more, (hate + 1).min(7), unread + 1, gap | more);
        for risk in [Risk::Low, Risk::High] {
            prop_assert!(rank(&verdict(&mild, risk, &thresholds)) <= rank(&verdict(&worse, risk, &thresholds)));
        }
        prop_assert!(
            rank(&verdict(&mild, Risk::Low, &thresholds)) <= rank(&verdict(&mild, Risk::High, &thresholds))
        );
    }
}
