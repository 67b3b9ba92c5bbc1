use std::fs::OpenOptions;
use std::io::Write as _;

use crate::testing::{NOW, Place, after, call, intent, outcome, run, subject};
use crate::*;

#[test]
fn tail_and_show_find_records_across_segments() {
    let place = Place::with_segments(4 << 10);
    run(async {
        let log = place.open();
        let subject = subject(&log);
        for number in 0..30 {
            intent(&log, &subject, number, after(number)).await.unwrap();
            outcome(&log, number, after(number)).await.unwrap();
        }
        log.close(after(40)).await.unwrap();
    });
    assert!(place.segment(4).exists());
    let dir = &place.config.dir;
    let shown = show(dir, call(3)).unwrap();
    assert_eq!(
        shown.iter().map(|record| record.kind().into_owned()).collect::<Vec<_>>(),
        ["intent", "outcome"]
    );
    let all = place.records();
    let last: Vec<u64> = tail(dir, 45, &Filter::default()).unwrap().iter().map(Record::seq).collect();
    let expected: Vec<u64> = all.iter().map(Record::seq).skip(all.len() - 45).collect();
    assert_eq!(last, expected);
    let intents = Filter { kind: Some("intent".into()), server: Some("crm".into()), ..Filter::default() };
    assert_eq!(tail(dir, 1_000, &intents).unwrap().len(), 30);
    let since = Filter { since: Some("2026-11-20T12:00:00.02".into()), ..intents.clone() };
    assert_eq!(tail(dir, 1_000, &since).unwrap().len(), 10);
    let person = all[1].text("person").unwrap().into_owned();
    assert_eq!(tail(dir, 1_000, &Filter { person: Some(person), ..Filter::default() }).unwrap().len(), 30);
    assert!(tail(dir, 5, &Filter { person: Some("x".into()), ..Filter::default() }).unwrap().is_empty());
}

#[test]
fn a_reader_follows_a_log_that_grows() {
    let place = Place::with_segments(3 << 10);
    run(async {
        let log = place.open();
        let mut reader = Reader::open(&place.config.dir).unwrap();
        let mut seen = 0;
        for number in 0..40 {
            outcome(&log, number, NOW).await.unwrap();
            while let Some(record) = reader.next_record().unwrap() {
                seen += 1;
                assert_eq!(record.seq(), seen);
            }
        }
        assert!(seen > 40 && place.segment(2).exists());
    });
}

#[test]
fn a_half_written_record_is_read_once_it_is_whole() {
    let place = Place::new();
    drop(place.open());
    let mut reader = Reader::open(&place.config.dir).unwrap();
    assert!(reader.next_record().unwrap().is_some());
    let mut file = OpenOptions::new().append(true).open(place.segment(1)).unwrap();
    file.write_all(b"{\"seq\":2,\"time\":\"t\",\"ki").unwrap();
    assert!(reader.next_record().unwrap().is_none());
    file.write_all(b"nd\":\"stop\",\"prev\":\"p\"}\n").unwrap();
    assert_eq!(reader.next_record().unwrap().unwrap().kind(), "stop");
    file.write_all(b"nonsense\n").unwrap();
    assert!(matches!(reader.next_record(), Err(AuditError::Tampered { line: 3, .. })));
}

#[test]
fn records_are_shown_in_columns() {
    let place = Place::new();
    run(async {
        let log = place.open();
        let subject = subject(&log);
        intent(&log, &subject, 0xabcd, NOW.plus(std::time::Duration::from_micros(123_456))).await.unwrap();
        outcome(&log, 1, NOW).await.unwrap();
        log.refused_unauthenticated("203.0.113.9".parse().unwrap(), "no-token", NOW);
        log.close(NOW).await.unwrap();
    });
    let shown: Vec<String> = place.records().iter().map(render).collect();
    assert!(shown[0].starts_with("2026-11-20T12:00:00.000Z  start       -             "), "{}", shown[0]);
    assert!(
        shown[1].starts_with(
            "2026-11-20T12:00:00.123Z  intent      crm           tools/call search                 permit by readers  person "
        ),
        "{}",
        shown[1]
    );
    assert!(shown[2].contains("ok, 1 frames, 345 bytes, 4.321 ms  call 00000000"), "{}", shown[2]);
    assert!(shown[3].contains("refused before sign-in: no-token from 203.0.113.0/24"), "{}", shown[3]);
    assert!(shown[4].contains("1 refusals before sign-in since 2026-11-20T12"), "{}", shown[4]);
}

#[test]
fn call_ids_go_through_text() {
    for id in [call(0), call(u64::MAX), CallId([0xfe; 16])] {
        assert_eq!(CallId::parse(&id.to_string()), Some(id));
    }
    for bad in ["", "0", "+0000000000000000000000000000000", "ABCDEF00000000000000000000000000"] {
        assert_eq!(CallId::parse(bad), None);
    }
}
