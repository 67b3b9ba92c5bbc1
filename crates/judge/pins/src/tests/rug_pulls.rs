//! Rug pulls over the honest definitions of the corpus: none of the harmless changes may be seen, none of the others may pass.

use std::collections::BTreeMap;

use serde_json::Value;

use super::edits::{Dice, cosmetic};
use super::meanings::{MEANINGS, meaning, strict};
use super::{level, tool};
use crate::{Drift, Segment, judge};

/// From which all draws follow.
const SEED: u64 = 0x0d00_12a2_d5ee_d001;

const STEP: usize = 8;

/// The corpora of the lab, built in: nothing here reads a file.
const HONEST: &str = include_str!("../../../../../lab/corpora/tools-benign.jsonl");
const POISONED: &str = include_str!("../../../../../lab/corpora/tools-poisoned.jsonl");

fn lines(corpus: &str) -> impl Iterator<Item = Value> {
    corpus.lines().map(|line| serde_json::from_str(line).expect("a line of JSON"))
}

fn honest() -> Vec<Value> {
    let all: Vec<Value> = lines(HONEST).map(|mut line| line["json"].take()).collect();
    assert!(all.len() > 1000, "{}", all.len());
    all.into_iter().filter(|tool| tool["name"].is_string()).collect()
}

fn pinned(value: &Value) -> crate::Definition {
    tool(&value.to_string())
}

// control-off: TPO-03: A hash alone takes every layout of one definition for a change.
#[test]
fn without_levels_most_harmless_changes_are_alarms() {
    let mut dice = Dice(SEED);
    let tools = honest();
    let differs = |value: &&Value| pinned(value).hash() != tool(&cosmetic(value, &mut dice)).hash();
    let alarms = tools.iter().filter(differs).count();
    assert!(alarms * 2 > tools.len(), "{alarms} of {}", tools.len());
}

// control: TPO-03: Of the generated changes that nobody reads otherwise, three of each honest definition, none is an alarm.
#[test]
fn no_cosmetic_change_is_an_alarm() {
    let mut dice = Dice(SEED);
    let (mut drawn, mut changed) = (0, 0);
    let mut alarms = Vec::new();
    for value in honest() {
        let before = pinned(&value);
        for _ in 0..3 {
            let now = cosmetic(&value, &mut dice);
            let drift = judge(&before, &tool(&now));
            drawn += 1;
            changed += usize::from(drift == Drift::Cosmetic);
            if !matches!(drift, Drift::Same | Drift::Cosmetic) {
                alarms.push((drift, now));
            }
        }
    }
    println!("{drawn} cosmetic changes, {changed} of them with another hash: {} alarms", alarms.len());
    assert!(drawn >= 4000 && changed > drawn / 2, "{drawn} {changed}");
    assert!(alarms.is_empty(), "{} of {drawn}: {:#?}", alarms.len(), alarms.first());
}

// control: TPO-03: Of the generated changes of meaning, of each kind on each honest definition that has a place for it, all are
// blocked; laid out anew at the same time, they still are.
#[test]
fn every_change_of_meaning_is_blocked() {
    let mut dice = Dice(SEED);
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut missed = Vec::new();
    for (n, honest) in honest().into_iter().enumerate() {
        for (m, kind) in MEANINGS.into_iter().enumerate() {
            // Each definition meets each eighth kind, or an unoptimised build takes minutes.
            if (n + m) % STEP > 0 {
                continue;
            }
            let bounds = matches!(kind, "enum" | "enum narrowed" | "bound" | "pattern" | "additional");
            let value = if bounds { strict(&honest) } else { honest.clone() };
            let before = pinned(&value);
            let Some(changed) = meaning(kind, &value, &mut dice) else { continue };
            let mixed = dice.below(4) == 0;
            let now = if mixed { cosmetic(&changed, &mut dice) } else { changed.to_string() };
            let drift = judge(&before, &tool(&now));
            let count = counts.entry(kind).or_default();
            count.0 += 1;
            if matches!(drift, Drift::Meaning(_)) {
                count.1 += 1;
            } else {
                missed.push((kind, level(&drift), before.canonical().to_owned(), now));
            }
        }
    }
    let (drawn, blocked) = counts.values().fold((0, 0), |sum, count| (sum.0 + count.0, sum.1 + count.1));
    println!("{drawn} changes of meaning, {blocked} blocked: {counts:?}");
    assert!(counts.len() == MEANINGS.len() && drawn > 30_000 / STEP, "{drawn} {counts:?}");
    assert!(missed.is_empty(), "{} of {drawn} pass: {:#?}", missed.len(), &missed[..missed.len().min(5)]);
}

/// The planted sentences that others collected, each put behind an honest description. Nothing here was written for them.
// control: TPO-03: The sentences of the public collections of poisoned tools, put into an honest description, are blocked.
#[test]
fn planted_sentences_of_others_are_blocked() {
    let tools = honest();
    let mut dice = Dice(SEED);
    let poison: Vec<String> = lines(POISONED)
        .filter_map(|line| Some(line["span"].as_str()?.to_owned()))
        .filter(|span| !span.trim().is_empty())
        .collect();
    let mut missed = Vec::new();
    let mut drawn = 0;
    for span in &poison {
        for _ in 0..5 {
            let value = dice.of(&tools).clone();
            let mut now = value.clone();
            let said = value["description"].as_str().unwrap_or_default();
            now["description"] = format!("{said} {span}").into();
            drawn += 1;
            if !matches!(judge(&pinned(&value), &pinned(&now)), Drift::Meaning(_)) {
                missed.push(span);
            }
        }
    }
    println!("{drawn} planted sentences ({} distinct), {} pass", poison.len(), missed.len());
    assert!(poison.len() > 100, "{}", poison.len());
    assert!(missed.is_empty(), "{} of {drawn} pass: {missed:#?}", missed.len());
}

/// Few words of the same sentences: the bound on new words does not help here, only the rest does. What passes is shown as
/// wording. This is how far the words go, by sentences that were not written for them.
#[test]
fn most_pieces_of_eight_words_of_such_sentences_are_blocked() {
    let before = pinned(
        &serde_json::json!({ "name": "t", "description": "Gets the weather of a city, by the hour." }),
    );
    let (mut drawn, mut passed) = (0, Vec::new());
    for line in lines(POISONED) {
        let words: Vec<&str> = line["span"].as_str().unwrap_or_default().split_whitespace().collect();
        for piece in words.chunks(8).filter(|piece| piece.len() > 3) {
            let said = format!("Gets the weather of a city, by the hour. {}", piece.join(" "));
            let now = pinned(&serde_json::json!({ "name": "t", "description": said }));
            drawn += 1;
            if !matches!(judge(&before, &now), Drift::Meaning(_)) {
                passed.push(piece.join(" "));
            }
        }
    }
    println!("{drawn} pieces, {} pass as wording: {passed:#?}", passed.len());
    assert!(drawn > 300 && passed.len() * 100 <= drawn * 10, "{} of {drawn}: {passed:#?}", passed.len());
}

/// What a person is bothered with: small edits of an author's. Not all may pass, but most must, or approvals become a habit.
#[test]
fn most_small_edits_of_an_author_pass_and_are_shown() {
    let mut dice = Dice(SEED);
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    // Each third of them: all together take half a minute in a debug build.
    for value in honest().into_iter().step_by(3) {
        for kind in ["letter", "full stop", "capital", "synonym", "word dropped", "word added"] {
            let Some(text) = value["description"].as_str() else { continue };
            let Some(edited) = edit(kind, text, &mut dice) else { continue };
            let mut now = value.clone();
            now["description"] = edited.into();
            let drift = judge(&pinned(&value), &pinned(&now));
            let count = counts.entry(kind).or_default();
            count.0 += 1;
            if let Drift::Wording(changes) = &drift {
                count.1 += 1;
                let segments = changes.diff.fields.iter().flat_map(|field| &field.segments);
                assert!(
                    segments.into_iter().any(|segment| !matches!(segment, Segment::Same(_))),
                    "{changes:?}"
                );
            }
        }
    }
    let (drawn, passed) = counts.values().fold((0, 0), |sum, count| (sum.0 + count.0, sum.1 + count.1));
    println!("{drawn} small edits, {passed} pass as wording: {counts:?}");
    assert!(drawn > 2000 && passed * 100 >= drawn * 90, "{passed} of {drawn}: {counts:?}");
}

fn edit(kind: &str, text: &str, dice: &mut Dice) -> Option<String> {
    let words: Vec<&str> = text.split(' ').collect();
    let plain: Vec<usize> = (0..words.len())
        .filter(|n| words[*n].len() > 4 && words[*n].bytes().all(|byte| byte.is_ascii_lowercase()))
        .collect();
    let mut edited: Vec<String> = words.iter().map(|word| word.to_string()).collect();
    let at = *plain.get(dice.below(plain.len()))?;
    match kind {
        // A letter twice, put right or wrong.
        "letter" => edited[at].insert(2, words[at].as_bytes()[2] as char),
        "full stop" if text.ends_with('.') => return Some(text.trim_end_matches('.').to_owned()),
        "full stop" => return Some(format!("{text}.")),
        "capital" => {
            edited[at] = words[at]
                .chars()
                .enumerate()
                .map(|(n, c)| if n == 0 { c.to_ascii_uppercase() } else { c })
                .collect()
        }
        "synonym" => {
            const PAIRS: [(&str, &str); 8] = [
                ("Get", "Gets"),
                ("Returns", "Gives back"),
                ("Create", "Creates"),
                ("information", "details"),
                ("specified", "given"),
                ("List", "Lists"),
                ("about", "on"),
                ("Search", "Searches"),
            ];
            let (old, new) = PAIRS.into_iter().find(|(old, _)| words.contains(old))?;
            let at = words.iter().position(|word| *word == old)?;
            edited[at] = new.to_owned();
        }
        "word dropped" => {
            edited.remove(at);
        }
        "word added" => {
            edited.insert(at, dice.of(&["given", "matching", "current", "available", "whole"]).to_string())
        }
        _ => return None,
    }
    Some(edited.join(" "))
}
