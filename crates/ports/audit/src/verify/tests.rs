//! The tamper matrix (spine-j): every way to change a log, with and without the keys, is found up to the last
//! checkpoint that the second sink knows; what comes after is named as the unanchored tail.

use std::fs;

use proptest::prelude::*;

use crate::keys::SigningKey;
use crate::log::chain::link;
use crate::testing::{NOW, Place, after, copy, intent, outcome, run, subject};
use crate::*;

/// Records before the last checkpoint; more of them would only make the tests slower.
const ROUNDS: u64 = 6;

/// A log of three segments, checkpoints in each, and a tail of four records after the last one.
fn sample() -> Place {
    let place = Place::with_segments(9 << 10);
    run(async {
        let log = place.open();
        let subject = subject(&log);
        for round in 0..ROUNDS {
            for call in 0..3 {
                intent(&log, &subject, round * 10 + call, after(round)).await.unwrap();
                outcome(&log, round * 10 + call, after(round)).await.unwrap();
            }
            log.anchor_epoch(round + 1, after(round)).await.unwrap();
        }
        for call in 100..102 {
            intent(&log, &subject, call, after(50)).await.unwrap();
            outcome(&log, call, after(50)).await.unwrap();
        }
    });
    assert!(place.segment(3).exists() && !place.segment(4).exists());
    place
}

/// A log as text: its segments' lines and the second sink's.
struct Text {
    segments: Vec<Vec<String>>,
    sink: Vec<String>,
    key: SigningKey,
}

impl Text {
    fn read(place: &Place) -> Self {
        let lines = |path| fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect::<Vec<_>>();
        Self {
            segments: (1..=3).map(|number| lines(place.segment(number))).collect(),
            sink: lines(place.sink()),
            key: SigningKey::load(&place.config.key_file, false).unwrap(),
        }
    }

    fn write(&self, place: &Place) {
        let text = |lines: &[String]| lines.iter().map(|line| format!("{line}\n")).collect::<String>();
        for (lines, number) in self.segments.iter().zip(1..) {
            fs::write(place.segment(number), text(lines)).unwrap();
        }
        fs::write(place.sink(), text(&self.sink)).unwrap();
    }

    /// The line of the first record of this kind in a segment.
    fn find(&self, segment: usize, kind: &str) -> usize {
        let kind = format!("\"kind\":\"{kind}\"");
        self.segments[segment].iter().position(|line| line.contains(&kind)).unwrap()
    }

    /// Numbers and chains every record anew, as whoever can write the file can; signs with `key` if there is one.
    fn forge(&mut self, key: Option<&SigningKey>) {
        let mut prev: Option<String> = None;
        for (line, seq) in self.segments.iter_mut().flatten().zip(1..) {
            let prefix = scan::Prefix::of(line.as_bytes()).unwrap();
            let old = format!("{{\"seq\":{},", prefix.seq);
            let old_prev = String::from_utf8(prefix.prev.to_vec()).unwrap();
            let mut forged = line.replacen(&old, &format!("{{\"seq\":{seq},"), 1);
            if let Some(prev) = &prev {
                forged = forged.replacen(&old_prev, prev, 1);
            }
            if forged.contains("\"kind\":\"checkpoint\"")
                && let Some(key) = key
            {
                let (signed, _) = scan::signed(forged.as_bytes()).unwrap();
                let signature: [u8; 86] = encode::base64(&key.sign(signed));
                forged = format!(
                    "{},\"sig\":\"{}\"}}",
                    std::str::from_utf8(signed).unwrap(),
                    std::str::from_utf8(&signature).unwrap()
                );
            }
            *line = forged;
            prev = Some(String::from_utf8(link(line.as_bytes()).to_vec()).unwrap());
        }
    }
}

/// A way to change a log.
type Tamper = fn(&mut Text);

/// Changes after the last checkpoint, chained anew: whoever can write the file could have written them.
const IN_THE_TAIL: &[(&str, Tamper)] = &[
    ("a member of the tail edited, chained anew", |log| {
        let line = log.segments[2].last_mut().unwrap();
        *line = line.replace("\"result\":\"ok\"", "\"result\":\"error\"");
        log.forge(None);
    }),
    ("the tail cut at a record", |log| drop(log.segments[2].pop())),
    ("a record added to the tail", |log| {
        let line = log.segments[2].last().unwrap().clone();
        log.segments[2].push(line);
        log.forge(None);
    }),
];

/// Changes that everybody with write access to the log could make, and some that need more.
const FOUND: &[(&str, Tamper)] = &[
    ("a member edited", |log| {
        let at = log.find(0, "intent");
        log.segments[0][at] = log.segments[0][at].replace("\"tool\":\"search\"", "\"tool\":\"delete\"");
    }),
    ("a member edited, chained anew", |log| {
        let at = log.find(0, "intent");
        log.segments[0][at] = log.segments[0][at].replace("\"tool\":\"search\"", "\"tool\":\"delete\"");
        log.forge(None);
    }),
    ("a byte edited in the first record", |log| {
        log.segments[0][0] = log.segments[0][0].replace("0.1", "0.2")
    }),
    ("a byte edited in the tail, not chained", |log| {
        let at = log.segments[2].len() - 2;
        log.segments[2][at] = log.segments[2][at].replace("search", "delete");
    }),
    ("white space added", |log| log.segments[1][2] = log.segments[1][2].replace(",\"kind\"", ", \"kind\"")),
    ("a member doubled", |log| {
        log.segments[1][2] = log.segments[1][2].replace(",\"kind\"", ",\"lab\":true,\"lab\":true,\"kind\"");
    }),
    ("a record taken out", |log| drop(log.segments[0].remove(3))),
    ("a record taken out, chained anew", |log| {
        log.segments[0].remove(3);
        log.forge(None);
    }),
    ("a segment's header taken out", |log| drop(log.segments[1].remove(0))),
    ("the first record taken out", |log| drop(log.segments[0].remove(0))),
    ("two records swapped", |log| log.segments[0].swap(3, 4)),
    ("two records swapped, chained anew", |log| {
        log.segments[0].swap(3, 4);
        log.forge(None);
    }),
    ("a record doubled", |log| {
        let line = log.segments[0][3].clone();
        log.segments[0].insert(4, line);
    }),
    ("a record put in", |log| {
        let line = log.segments[1][3].clone();
        log.segments[0].insert(5, line);
        log.forge(None);
    }),
    ("a checkpoint taken out, chained anew", |log| {
        let at = log.find(1, "checkpoint");
        log.segments[1].remove(at);
        log.forge(None);
    }),
    ("a checkpoint's signature exchanged", |log| {
        let (from, to) = (log.find(0, "checkpoint"), log.find(1, "checkpoint"));
        let signature = |line: &str| line.split("\"sig\":").nth(1).unwrap().to_owned();
        let (old, new) = (signature(&log.segments[1][to]), signature(&log.segments[0][from]));
        log.segments[1][to] = log.segments[1][to].replace(&old, &new);
    }),
    ("a checkpoint's epoch put back", |log| {
        let at = log.find(1, "checkpoint");
        log.segments[1][at] = log.segments[1][at].replace("\"epoch\":", "\"epoch\":1");
    }),
    ("cut at a record before the last checkpoint", |log| log.segments[2].truncate(2)),
    ("cut after an earlier checkpoint", |log| {
        log.segments[2].clear();
        let at = log.segments[1].iter().rposition(|line| line.contains("\"checkpoint\"")).unwrap();
        log.segments[1].truncate(at + 1);
    }),
    ("cut inside a record before the last checkpoint", |log| {
        log.segments[2].truncate(2);
        let half = log.segments[2][1].len() / 2;
        log.segments[2][1].truncate(half);
    }),
    ("everything cut off", |log| log.segments.iter_mut().for_each(Vec::clear)),
    ("two segments swapped", |log| log.segments.swap(0, 1)),
    ("two later segments swapped", |log| log.segments.swap(1, 2)),
    ("two segments swapped, chained anew", |log| {
        log.segments.swap(1, 2);
        log.forge(None);
    }),
    ("rewritten as a whole without the key", |log| {
        for line in log.segments.iter_mut().flatten() {
            *line = line.replace("\"tool\":\"search\"", "\"tool\":\"delete\"");
        }
        log.forge(None);
    }),
    ("rewritten as a whole and signed with another key", |log| {
        let other = Place::new();
        drop(other.open());
        let other = SigningKey::load(&other.config.key_file, false).unwrap();
        for line in log.segments.iter_mut().flatten() {
            *line = line.replace("\"tool\":\"search\"", "\"tool\":\"delete\"");
        }
        log.forge(Some(&other));
    }),
    ("rewritten as a whole and signed with the stolen key", |log| {
        for line in log.segments.iter_mut().flatten() {
            *line = line.replace("\"tool\":\"search\"", "\"tool\":\"delete\"");
        }
        sign(log);
    }),
    ("a record taken out and signed with the stolen key", |log| {
        log.segments[0].remove(3);
        sign(log);
    }),
    ("the last checkpoint taken out and chained with the stolen key", |log| {
        let at = log.segments[2].iter().rposition(|line| line.contains("\"checkpoint\"")).unwrap();
        log.segments[2].truncate(at);
        sign(log);
    }),
    ("a checkpoint taken out of the second sink", |log| drop(log.sink.remove(2))),
    ("a checkpoint of the second sink edited", |log| {
        log.sink[2] = log.sink[2].replace("\"epoch\":", "\"epoch\":9")
    }),
    ("two checkpoints of the second sink swapped", |log| log.sink.swap(1, 2)),
    ("the second sink exchanged for another log's", |log| {
        let other = sample();
        log.sink = Text::read(&other).sink;
    }),
    ("the second sink filled with nonsense", |log| log.sink[0] = "{}".into()),
];

/// Chains anew and signs with the log's own key.
fn sign(log: &mut Text) {
    let key = std::mem::replace(&mut log.key, other_key());
    log.forge(Some(&key));
    log.key = key;
}

fn other_key() -> SigningKey {
    let place = Place::new();
    drop(place.open());
    SigningKey::load(&place.config.key_file, false).unwrap()
}

fn tampered(original: &Place, tamper: Tamper) -> Place {
    let place = Place::new();
    copy(original.root.path(), place.root.path());
    let mut text = Text::read(&place);
    tamper(&mut text);
    text.write(&place);
    place
}

// control: D-10, AUD-01, spine-j: every change before the last checkpoint that the second sink knows is found.
#[test]
fn the_tamper_matrix() {
    let original = sample();
    let honest = original.verify();
    assert!(honest.is_intact(), "{honest}");
    assert_eq!(honest.unanchored_tail, 4, "{honest}");
    for (name, tamper) in FOUND {
        let report = tampered(&original, *tamper).verify();
        assert!(!report.is_intact(), "not found: {name}\n{report}");
    }
}

// control: D-10: what follows the last checkpoint is named as unanchored, never called proven.
#[test]
fn the_tail_is_named() {
    let original = sample();
    let anchor = original.verify().intact_to;
    for (name, tamper) in IN_THE_TAIL {
        let report = tampered(&original, *tamper).verify();
        assert!(report.is_intact(), "{name}: {report}");
        assert_eq!(report.intact_to, anchor, "{name}");
        assert!((3..=5).contains(&report.unanchored_tail), "{name}: {report}");
        assert!(report.to_string().contains("records is unanchored"), "{report}");
    }
}

#[test]
fn a_problem_is_named_with_file_line_and_record() {
    let original = sample();
    let report = tampered(&original, FOUND[0].1).verify();
    let problem = &report.problems[0];
    assert_eq!(problem.file.file_name().unwrap(), "audit-000001.jsonl");
    assert_eq!((problem.line, problem.seq), (3, Some(3)), "{report}");
    assert!(problem.what.starts_with("the record before it was changed"), "{report}");
    assert!(report.intact_to.is_none(), "nothing after a break is proven: {report}");
}

#[test]
fn a_missing_segment_is_found() {
    let original = sample();
    for number in 1..=3 {
        let place = Place::new();
        copy(original.root.path(), place.root.path());
        fs::remove_file(place.segment(number)).unwrap();
        assert!(!place.verify().is_intact(), "segment {number}");
    }
}

// control: D-10: a log and a second sink that were both put back to the same earlier state contradict whoever knows a
// later checkpoint; without that knowledge they are one consistent log.
#[test]
fn a_roll_back_of_both_is_found_by_who_knows_a_checkpoint() {
    let original = sample();
    let known = original.verify().intact_to.unwrap().seq;
    let place = tampered(&original, |log| {
        let at = log.segments[1].iter().rposition(|line| line.contains("\"checkpoint\"")).unwrap();
        log.segments[1].truncate(at + 1);
        log.segments[2].clear();
        let seq = scan::Prefix::of(log.segments[1][at].as_bytes()).unwrap().seq;
        log.sink.retain(|line| scan::Prefix::of(line.as_bytes()).unwrap().seq <= seq);
    });
    fs::remove_file(place.segment(3)).unwrap();
    assert!(place.verify().is_intact());
    let report = verify(&VerifyInputs { known: Some(known), ..place.inputs() }).unwrap();
    assert!(!report.is_intact(), "{report}");
}

// control: D-10: what a verification was not given it says, and what it then cannot find is what it says.
#[test]
fn less_given_is_less_proven_and_said() {
    let original = sample();
    let without_sink = VerifyInputs { checkpoints: None, ..original.inputs() };
    let report = verify(&without_sink).unwrap();
    assert!(report.is_intact() && report.to_string().contains("no second sink was compared"), "{report}");
    let bare = VerifyInputs { public_key: None, ..without_sink };
    let report = verify(&bare).unwrap();
    assert!(
        report.is_intact() && report.to_string().contains("the key was taken from the log itself"),
        "{report}"
    );

    let rewritten = tampered(&original, |log| {
        log.segments[0].remove(3);
        log.forge(None);
    });
    let unsinked = VerifyInputs { checkpoints: None, ..rewritten.inputs() };
    assert!(!verify(&unsinked).unwrap().is_intact(), "the key alone finds who has none");
    let stolen = tampered(&original, |log| {
        log.segments[0].remove(3);
        sign(log);
    });
    let blind = verify(&VerifyInputs { checkpoints: None, ..stolen.inputs() }).unwrap();
    assert!(blind.is_intact(), "the second sink is what finds it: {blind}");
    assert!(!stolen.verify().is_intact());
}

#[test]
fn a_call_without_outcome_is_reported_as_unknown() {
    let place = Place::new();
    run(async {
        let log = place.open();
        let subject = subject(&log);
        intent(&log, &subject, 1, NOW).await.unwrap();
        intent(&log, &subject, 2, NOW).await.unwrap();
        outcome(&log, 1, NOW).await.unwrap();
    });
    let report = place.verify();
    assert_eq!(report.open_intents.len(), 1);
    let expected =
        "outcome unknown: record 3, 2026-11-20T12:00:00.000000Z, crm, tools/call search, call 0000";
    assert!(report.to_string().contains(expected), "{report}");
}

#[test]
fn an_empty_folder_is_no_log() {
    let folder = tempfile::tempdir().unwrap();
    let inputs = VerifyInputs { dir: folder.path().into(), ..VerifyInputs::default() };
    assert!(!verify(&inputs).unwrap().is_intact());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    // control: D-10, spine-j: any change of any bytes before the last known checkpoint is found.
    #[test]
    fn random_edits_are_found(edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let original = SAMPLE.get_or_init(sample);
        let place = Place::new();
        copy(original.root.path(), place.root.path());
        let text = Text::read(&place);
        let anchored: usize = {
            let at = text.segments[2].iter().rposition(|line| line.contains("\"checkpoint\"")).unwrap();
            text.segments[2][..=at].iter().map(|line| line.len() + 1).sum()
        };
        let mut contents: Vec<Vec<u8>> =
            (1..=3).map(|number| fs::read(place.segment(number)).unwrap()).collect();
        let before = contents.clone();
        let total = contents[0].len() + contents[1].len() + anchored;
        for (index, byte) in edits {
            let mut at = index.index(total);
            for content in &mut contents {
                if at < content.len() {
                    content[at] = byte;
                    break;
                }
                at -= content.len();
            }
        }
        for (content, number) in contents.iter().zip(1..) {
            fs::write(place.segment(number), content).unwrap();
        }
        let report = place.verify();
        prop_assert_eq!(report.is_intact(), contents == before, "{}", report);
    }
}

static SAMPLE: std::sync::OnceLock<Place> = std::sync::OnceLock::new();
