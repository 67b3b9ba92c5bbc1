use std::fs;
use std::path::PathBuf;

use crate::testing::{NOW, Place, after, copy, intent, outcome, run, subject};
use crate::*;

fn refusal(place: &Place) -> AuditError {
    AuditLog::open(place.config.clone(), NOW).map(drop).unwrap_err()
}

/// Copies a place, so that it can be damaged without losing the original.
fn copied(place: &Place) -> Place {
    let copied = Place::new();
    copy(place.root.path(), copied.root.path());
    copied
}

// control: D-10: neither the signing key nor the second sink may lie where the log lies, not even through a link.
#[test]
fn keys_and_second_sink_stay_out_of_the_log_folder() {
    let mut place = Place::new();
    let good = place.config.clone();
    place.config.key_file = good.dir.join("audit.key");
    assert!(matches!(refusal(&place), AuditError::Beside { what: "signing key", .. }));
    place.config.key_file = good.dir.join("deep/er/audit.key");
    assert!(matches!(refusal(&place), AuditError::Beside { .. }));
    place.config = good.clone();
    place.config.checkpoint_dir = good.dir.clone();
    assert!(matches!(refusal(&place), AuditError::Beside { what: "second sink", .. }));
    place.config = good.clone();
    let link = place.root.path().join("elsewhere");
    std::os::unix::fs::symlink(&good.dir, &link).unwrap();
    place.config.key_file = link.join("audit.key");
    assert!(matches!(refusal(&place), AuditError::Beside { .. }));
}

// A kill between the first file and the first record is no tampering.
#[test]
fn a_first_start_that_was_killed_begins_again() {
    for left in [&b""[..], br#"{"seq":0,"time":"2026-11-20T12"#] {
        let place = Place::new();
        fs::create_dir_all(&place.config.dir).unwrap();
        fs::write(place.config.dir.join("audit-000001.jsonl"), left).unwrap();
        drop(place.open());
        let report = place.verify();
        assert!(report.is_intact(), "{report}");
    }
}

// control: D-10: two doors cannot write one log: the chain would fork.
#[test]
fn a_second_writer_is_refused() {
    let place = Place::new();
    let first = place.open();
    assert!(matches!(refusal(&place), AuditError::Locked(_)));
    drop(first);
    drop(place.open());
}

#[test]
fn a_log_goes_on_where_it_ended() {
    let place = Place::new();
    run(async {
        for round in 0..3 {
            let log = place.open();
            let subject = subject(&log);
            intent(&log, &subject, round, after(round)).await.unwrap();
            outcome(&log, round, after(round)).await.unwrap();
            log.close(after(round)).await.unwrap();
        }
    });
    let report = place.verify();
    assert!(report.is_intact(), "{report}");
    assert_eq!((report.records, report.checkpoints, report.unanchored_tail), (15, 3, 0));
    assert!(
        report.to_string().starts_with("intact to checkpoint 15 (2026-11-20T12:00:00.002000Z)\n"),
        "{report}"
    );
}

// control: D-10, spine-i: a record torn at any byte by a crash is set aside and named; the chain goes on and verifies.
#[test]
fn a_torn_record_is_repaired_at_every_offset() {
    let place = Place::new();
    run(async {
        let log = place.open();
        let subject = subject(&log);
        intent(&log, &subject, 1, NOW).await.unwrap();
        log.anchor_epoch(4, NOW).await.unwrap();
        intent(&log, &subject, 2, NOW).await.unwrap();
        outcome(&log, 1, NOW).await.unwrap();
        outcome(&log, 2, NOW).await.unwrap();
    });
    let whole = fs::read(place.segment(1)).unwrap();
    let ends: Vec<usize> =
        whole.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1).collect();
    let from = ends[ends.len() - 3];
    for cut in from..=whole.len() {
        fs::write(place.segment(1), &whole[..cut]).unwrap();
        let segments = super::segments(&place.config.dir).unwrap();
        let sink = FileSink::open(&place.config.checkpoint_dir).unwrap();
        let known = super::recover::known_checkpoints(&sink).unwrap();
        let key = place.public_key();
        let found = super::recover::recover(&place.config.dir, segments, &known, &key, NOW).unwrap();
        let kept = ends.iter().copied().filter(|end| *end <= cut).max().unwrap();
        assert_eq!(found.len, kept as u64, "cut at {cut}");
        assert_eq!(found.torn.map_or(0, |torn| torn.bytes), (cut - kept) as u64, "cut at {cut}");
        assert_eq!(fs::read(place.segment(1)).unwrap(), whole[..kept], "cut at {cut}");
        assert_eq!(found.epoch, 4);
        // The whole way is the same for every offset within a record; a few stand for all.
        if (cut - kept) % 64 == 1 {
            fs::write(place.segment(1), &whole[..cut]).unwrap();
            drop(place.open());
            let report = place.verify();
            assert!(report.is_intact() && report.torn_bytes == 0, "{report}");
            let recovered =
                place.records().into_iter().rev().find(|record| record.kind() == "recovered").unwrap();
            let kept_as = place.config.dir.join(&*recovered.text("kept_as").unwrap());
            assert_eq!(fs::read(kept_as).unwrap(), whole[kept..cut]);
            assert!(report.open_intents.iter().any(|open| open.seq == 4), "{report}");
        }
    }
}

#[test]
fn zeros_of_a_power_cut_are_torn_bytes() {
    let place = Place::new();
    run(async {
        let log = place.open();
        outcome(&log, 1, NOW).await.unwrap();
    });
    let mut content = fs::read(place.segment(1)).unwrap();
    content.extend([0; 700]);
    content.extend(b"\n{\"seq\"");
    fs::write(place.segment(1), content).unwrap();
    drop(place.open());
    assert!(place.verify().is_intact());
    assert_eq!(place.records()[2].number("torn_bytes"), Some(707));
}

// control: D-10: a door does not start on a log that is not what was signed.
#[test]
fn a_changed_log_does_not_start() {
    let place = Place::new();
    run(async {
        let log = place.open();
        let subject = subject(&log);
        for number in 0..4 {
            intent(&log, &subject, number, NOW).await.unwrap();
        }
        log.close(NOW).await.unwrap();
    });
    let segment = |place: &Place| fs::read_to_string(place.segment(1)).unwrap();
    let lines = |place: &Place| segment(place).lines().map(str::to_owned).collect::<Vec<_>>();
    type Damage = fn(&mut Vec<String>);
    let damages: [(&str, Damage); 5] = [
        ("an edited member", |lines| lines[2] = lines[2].replace("search", "delete")),
        ("a record taken out", |lines| drop(lines.remove(2))),
        ("two records swapped", |lines| lines.swap(2, 3)),
        ("cut before the last checkpoint", |lines| lines.truncate(4)),
        ("another signature", |lines| {
            let last = lines.len() - 1;
            lines[last] = lines[last].replace("\"sig\":\"", "\"sig\":\"A").replace("A\"}", "\"}");
        }),
    ];
    for (name, damage) in damages {
        let copy = copied(&place);
        let mut changed = lines(&copy);
        damage(&mut changed);
        fs::write(copy.segment(1), changed.join("\n") + "\n").unwrap();
        assert!(matches!(refusal(&copy), AuditError::Tampered { .. }), "{name}");
    }
}

// control: D-10: a log that vanished while its second sink remembers it does not start anew.
#[test]
fn a_vanished_log_or_sink_does_not_start() {
    let place = Place::new();
    run(async {
        let log = place.open();
        log.close(NOW).await.unwrap();
    });
    let copy = copied(&place);
    fs::remove_file(copy.segment(1)).unwrap();
    assert!(matches!(refusal(&copy), AuditError::Tampered { .. }));
    let copy = copied(&place);
    fs::remove_file(copy.sink()).unwrap();
    assert!(matches!(refusal(&copy), AuditError::Tampered { .. }));
    fs::write(copy.sink(), "").unwrap();
    drop(copy.open());
    assert_eq!(fs::read_to_string(copy.sink()).unwrap().lines().count(), 1, "an empty one is told again");
    assert_eq!(copy.records()[3].number("untold_checkpoints"), Some(1), "and the start says so");
}

#[test]
fn what_the_second_sink_missed_by_a_crash_is_told_at_start() {
    let place = Place::with_segments(6 << 10);
    run(async {
        let log = place.open();
        let subject = subject(&log);
        for number in 0..40 {
            intent(&log, &subject, number, NOW).await.unwrap();
        }
    });
    let told = fs::read_to_string(place.sink()).unwrap();
    assert!(told.lines().count() >= 3);
    let kept: String = told.split_inclusive('\n').take(1).collect();
    fs::write(place.sink(), kept + "{\"seq\":99").unwrap();
    drop(place.open());
    assert_eq!(fs::read_to_string(place.sink()).unwrap(), told);
    assert!(place.verify().is_intact());
}

#[test]
fn a_new_segment_without_a_record_is_dropped() {
    for content in ["", "{\"seq\":17,\"ti"] {
        let place = Place::new();
        run(async {
            let log = place.open();
            outcome(&log, 1, NOW).await.unwrap();
        });
        fs::write(place.segment(2), content).unwrap();
        drop(place.open());
        assert!(!place.segment(2).exists());
        assert!(place.verify().is_intact());
    }
}

// control: D-18: the highest revocation epoch survives restarts and segments.
#[test]
fn the_epoch_is_anchored() {
    let place = Place::with_segments(4 << 10);
    run(async {
        let log = place.open();
        let subject = subject(&log);
        log.anchor_epoch(7, NOW).await.unwrap();
        log.anchor_epoch(5, NOW).await.unwrap();
        assert_eq!(log.epoch(), 7);
        for number in 0..20 {
            intent(&log, &subject, number, NOW).await.unwrap();
        }
    });
    assert!(place.segment(2).exists());
    assert_eq!(place.open().epoch(), 7);
}

#[test]
fn the_folders_are_made() {
    let mut place = Place::new();
    let at = |name: &str| -> PathBuf { place.root.path().join("deep").join(name) };
    let (dir, keys, second) = (at("a/log"), at("b/keys/k.key"), at("c/second"));
    (place.config.dir, place.config.key_file, place.config.checkpoint_dir) = (dir, keys, second);
    drop(place.open());
    assert!(place.verify().is_intact());
}
