use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use doorward_types::ServerName;

use crate::testing::*;
use crate::*;

// control: D-09: with many calls at once, one write carries the records of all that are ready.
#[test]
fn ready_records_share_a_write() {
    let place = Place::new();
    let disk = Faulty::new(&place);
    run(tokio::task::LocalSet::new().run_until(async {
        let log = place.open_on(&disk);
        let subject = subject(&log);
        let before = disk.set(|disk| disk.written);
        let tasks: Vec<_> = (0..32)
            .map(|number| {
                let (log, subject) = (log.clone(), subject.clone());
                tokio::task::spawn_local(async move { intent(&log, &subject, number, NOW).await })
            })
            .collect();
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        assert_eq!(disk.set(|disk| disk.written) - before, 1);
    }));
    assert_eq!(place.records().len(), 33);
}

#[test]
fn a_call_that_is_dropped_leaves_the_chain_whole() {
    let place = Place::new();
    run(async {
        let log = place.open();
        let subject = subject(&log);
        {
            let mut abandoned = Box::pin(intent(&log, &subject, 1, NOW));
            let polled = std::future::poll_fn(|context| {
                std::task::Poll::Ready(abandoned.as_mut().poll(context).is_pending())
            });
            assert!(polled.await);
        }
        intent(&log, &subject, 2, NOW).await.unwrap();
        outcome(&log, 2, NOW).await.unwrap();
    });
    let report = place.verify();
    assert!(report.is_intact(), "{report}");
    assert_eq!(report.open_intents.iter().map(|open| open.seq).collect::<Vec<_>>(), [2]);
}

// control: D-09, D-11, spine-i: a full volume stops new calls; calls under way still record their outcome in reserved
// space, and freeing the volume heals the log.
#[test]
fn a_full_volume_refuses_intents_first_and_heals() {
    let place = Place::new();
    let disk = Faulty::new(&place);
    run(async {
        let log = place.open_on(&disk);
        let subject = subject(&log);
        intent(&log, &subject, 1, NOW).await.unwrap();
        disk.set(|disk| disk.free = 100);
        intent(&log, &subject, 2, NOW).await.unwrap();
        assert!(!log.healthy(), "the second one had to use the reserve");
        assert!(matches!(intent(&log, &subject, 3, after(50)).await, Err(AuditError::Full)));
        assert!(matches!(intent(&log, &subject, 3, after(200)).await, Err(AuditError::Full)));
        outcome(&log, 1, after(200)).await.unwrap();
        outcome(&log, 2, after(200)).await.unwrap();
        assert!(!log.healthy());
        disk.set(|disk| disk.free = 1 << 30);
        assert!(
            matches!(intent(&log, &subject, 3, after(250)).await, Err(AuditError::Full)),
            "not yet tried"
        );
        intent(&log, &subject, 3, after(400)).await.unwrap();
        assert!(log.healthy());
        outcome(&log, 3, after(400)).await.unwrap();
        log.close(after(500)).await.unwrap();
    });
    let report = place.verify();
    assert!(report.is_intact() && report.open_intents.is_empty(), "{report}");
}

#[test]
fn an_exhausted_reserve_fails_outcomes_and_leaves_whole_records() {
    let place = Place::new();
    let disk = Faulty::new(&place);
    let mut landed = 0;
    run(async {
        let log = place.open_on(&disk);
        disk.set(|disk| disk.free = 10);
        for number in 0..100 {
            match outcome(&log, number, NOW).await {
                Ok(()) => landed += 1,
                Err(error) => {
                    assert!(matches!(error, AuditError::Full));
                    break;
                }
            }
        }
        assert!((5..100).contains(&landed), "{landed}");
        let report = place.verify();
        assert!(report.is_intact() && report.torn_bytes == 0, "{report}");
        assert_eq!(report.orphan_outcomes, landed);
        // Nobody calls a door that says it is not ready: the timer heals it.
        disk.set(|disk| disk.free = 1 << 30);
        log.tick(after(1_000));
        assert!(log.healthy());
        log.close(after(1_000)).await.unwrap();
    });
    assert!(place.verify().is_intact());
}

// control: D-09: a write that fails or lands in part leaves no trace in the chain, at whatever byte it breaks.
#[test]
fn a_write_that_breaks_anywhere_is_taken_back() {
    let place = Place::new();
    let disk = Faulty::new(&place);
    run(async {
        let log = place.open_on(&disk);
        let subject = subject(&log);
        let mut now = NOW;
        for land in (0..900).step_by(7) {
            disk.set(|disk| disk.writes.push_back(Some((land, ErrorKind::Other))));
            let failed = intent(&log, &subject, 1_000, now).await;
            // Beyond its length the record lands whole, and the fault meets the next one.
            if failed.is_err() {
                assert!(matches!(failed, Err(AuditError::Failing(ErrorKind::Other))), "{failed:?}");
                assert!(!log.healthy());
                let at_once = outcome(&log, 7, now).await;
                assert!(matches!(at_once, Err(AuditError::Failing(_))), "it fails fast: {at_once:?}");
            }
            disk.set(|disk| disk.writes.clear());
            now = now.plus(std::time::Duration::from_millis(100));
            intent(&log, &subject, land as u64, now).await.unwrap();
            outcome(&log, land as u64, now).await.unwrap();
            assert!(log.healthy());
        }
        log.close(now).await.unwrap();
    });
    let report = place.verify();
    assert!(report.is_intact() && report.torn_bytes == 0, "{report}");
}

#[test]
fn a_failing_log_is_tried_again_by_the_timer() {
    let place = Place::new();
    let disk = Faulty::new(&place);
    run(async {
        let log = place.open_on(&disk);
        disk.set(|disk| disk.writes.push_back(Some((3, ErrorKind::Other))));
        outcome(&log, 1, NOW).await.unwrap_err();
        log.tick(after(50));
        assert!(!log.healthy());
        log.tick(after(100));
        assert!(log.healthy());
    });
    assert!(place.verify().is_intact());
}

#[test]
fn what_cannot_be_taken_back_or_synced_breaks_the_log_until_restart() {
    let place = Place::new();
    let disk = Faulty::new(&place);
    run(async {
        let log = place.open_on(&disk);
        disk.set(|disk| {
            disk.writes.push_back(Some((9, ErrorKind::Other)));
            disk.truncate_fails = true;
        });
        outcome(&log, 1, NOW).await.unwrap_err();
        disk.set(|disk| disk.truncate_fails = false);
        assert!(matches!(outcome(&log, 1, after(60_000)).await, Err(AuditError::Broken(_))));
        assert!(matches!(log.close(after(60_000)).await, Err(AuditError::Broken(_))));
        drop(log);
        let log = place.open_on(&disk);
        outcome(&log, 2, after(60_000)).await.unwrap();
    });
    assert!(place.verify().is_intact());
    assert_eq!(place.records()[1].number("torn_bytes"), Some(9));
}

// control: D-09: with durability "record" a call waits for fdatasync, and is refused if it fails.
#[test]
fn a_record_that_must_be_durable_waits_for_the_device() {
    let mut place = Place::new();
    place.config.durability = Durability::Record;
    let disk = Faulty::new(&place);
    run(async {
        let log = place.open_on(&disk);
        let before = disk.set(|disk| disk.synced);
        outcome(&log, 1, NOW).await.unwrap();
        assert!(disk.set(|disk| disk.synced) > before);
        disk.set(|disk| disk.sync_fails = true);
        assert!(matches!(outcome(&log, 2, NOW).await, Err(AuditError::Broken(_))));
        disk.set(|disk| disk.sync_fails = false);
        assert!(
            matches!(outcome(&log, 3, after(60_000)).await, Err(AuditError::Broken(_))),
            "it stays broken"
        );
        assert!(!log.healthy());
    });
}

// control: D-09: what was acknowledged is in the log and what was refused is not, with writers on many threads, writes
// that break at random places, and new segments.
#[test]
fn acknowledged_is_present_and_refused_is_absent() {
    const TASKS: u64 = 16;
    const CALLS: u64 = 150;
    let place = Place::with_segments(40 << 10);
    let disk = Faulty::new(&place);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap();
    let clock = Arc::new(AtomicU64::new(0));
    let answers = runtime.block_on(async {
        let log = place.open_on(&disk);
        disk.set(|disk| {
            for round in 0..200 {
                disk.writes.extend([None, None, None, Some((round * 13 % 1_500, ErrorKind::Other))]);
            }
        });
        let tasks: Vec<_> = (0..TASKS)
            .map(|task| {
                let (log, clock) = (log.clone(), Arc::clone(&clock));
                tokio::spawn(async move {
                    let mut answers = Vec::new();
                    for at in 0..CALLS {
                        let now = after(clock.fetch_add(40, Ordering::Relaxed));
                        let number = task * CALLS + at;
                        answers.push((number, outcome(&log, number, now).await.is_ok()));
                    }
                    answers
                })
            })
            .collect();
        let mut answers = Vec::new();
        for task in tasks {
            answers.extend(task.await.unwrap());
        }
        disk.set(|disk| disk.writes.clear());
        let end = after(clock.load(Ordering::Relaxed) + 1_000);
        outcome(&log, TASKS * CALLS, end).await.unwrap();
        log.close(end).await.unwrap();
        answers
    });
    let report = place.verify();
    assert!(report.is_intact() && report.unanchored_tail == 0, "{report}");
    assert!(report.segments > 2, "{report}");
    let present: std::collections::HashSet<_> = place.records().iter().filter_map(Record::call).collect();
    let (mut kept, mut refused) = (0, 0);
    for (number, acknowledged) in answers {
        assert_eq!(present.contains(&call(number)), acknowledged, "call {number}");
        if acknowledged { kept += 1 } else { refused += 1 }
    }
    assert!(kept > 100 && refused > 10, "{kept} kept, {refused} refused");
}

#[test]
fn a_segment_that_cannot_be_begun_lets_the_old_one_go_on() {
    let place = Place::with_segments(3 << 10);
    let disk = Faulty::new(&place);
    run(async {
        let log = place.open_on(&disk);
        disk.set(|disk| disk.create_fails = true);
        for number in 0..50 {
            outcome(&log, number, NOW).await.unwrap();
        }
        assert!(log.healthy());
        assert!(!place.segment(2).exists());
        drop(log);
        disk.set(|disk| disk.create_fails = false);
        let log = place.open_on(&disk);
        outcome(&log, 50, NOW).await.unwrap();
        assert!(place.segment(2).exists());
    });
    assert!(place.verify().is_intact());
}

// control: D-10: a checkpoint is signed after every 1,000 records, and after 10 s if there is anything new.
#[test]
fn checkpoints_come_by_count_and_by_time() {
    let place = Place::new();
    run(async {
        let log = place.open();
        for number in 0..2_100 {
            outcome(&log, number, NOW).await.unwrap();
        }
        let signed = |place: &Place| -> Vec<u64> {
            place.records().iter().filter(|record| record.kind() == "checkpoint").map(Record::seq).collect()
        };
        assert_eq!(signed(&place), [1_001, 2_002]);
        log.tick(after(9_999));
        assert_eq!(signed(&place).len(), 2);
        log.tick(after(10_000));
        assert_eq!(signed(&place), [1_001, 2_002, 2_104]);
        log.tick(after(60_000));
        assert_eq!(signed(&place).len(), 3, "nothing new");
        outcome(&log, 9_000, after(60_000)).await.unwrap();
        assert_eq!(signed(&place).len(), 4, "a record that comes late is signed at once");
    });
    assert_eq!(place.verify().unanchored_tail, 0);
}

#[test]
fn a_closed_log_takes_nothing_more() {
    let place = Place::new();
    run(async {
        let log = place.open();
        log.close(NOW).await.unwrap();
        assert!(matches!(outcome(&log, 1, NOW).await, Err(AuditError::Closed)));
        assert!(matches!(log.close(NOW).await, Err(AuditError::Closed)));
        assert!(!log.healthy());
    });
    let report = place.verify();
    assert_eq!((report.records, report.unanchored_tail), (3, 0));
}

#[test]
fn a_log_that_ends_at_a_segments_end_begins_no_other() {
    let place = Place::with_segments(1);
    run(async {
        let log = place.open();
        log.close(NOW).await.unwrap();
    });
    let report = place.verify();
    assert_eq!((report.segments, report.unanchored_tail), (2, 0), "{report}");
}

// control: D-09: a call whose caller has gone still has its outcome.
#[test]
fn an_outcome_needs_no_await() {
    let place = Place::new();
    let server = ServerName::parse("crm").unwrap();
    let log = place.open();
    let aborted = Outcome { ending: Ending::Aborted, reason: Some("caller-gone"), ..an_outcome(&server, 5) };
    log.outcome_detached(&aborted, NOW).unwrap();
    assert_eq!(place.records()[1].text("result").unwrap(), "aborted", "it is in the file already");
    drop(log);
    assert!(place.verify().is_intact());
}

#[test]
fn further_sinks_are_told_every_checkpoint() {
    struct Memory(Arc<std::sync::Mutex<Vec<u8>>>);
    impl CheckpointSink for Memory {
        fn put(&mut self, lines: &[Vec<u8>]) -> std::io::Result<()> {
            self.0.lock().unwrap().extend(lines.concat());
            Ok(())
        }
    }
    let place = Place::new();
    let told = Arc::new(std::sync::Mutex::new(Vec::new()));
    run(async {
        let sinks: Vec<Box<dyn CheckpointSink>> =
            vec![Box::new(Memory(Arc::clone(&told))), Box::new(TracingSink)];
        let log = AuditLog::open_with_sinks(place.config.clone(), sinks, NOW).unwrap();
        log.anchor_epoch(1, NOW).await.unwrap();
        log.close(NOW).await.unwrap();
    });
    assert_eq!(*told.lock().unwrap(), std::fs::read(place.sink()).unwrap());
    assert_eq!(told.lock().unwrap().iter().filter(|byte| **byte == b'\n').count(), 2);
}
