use std::time::Duration;

use super::*;
use crate::testing::{NOW, Place, after, outcome, run};

fn address(number: u32) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from(number << 8))
}

// control: D-11: a million refusals before sign-in from anywhere leave a bounded number of records.
#[test]
fn nobody_without_a_token_fills_the_log() {
    let place = Place::new();
    run(async {
        let log = place.open();
        for number in 0..1_000_000 {
            log.refused_unauthenticated(address(number % 5_000), "no-token", NOW);
        }
        log.tick(NOW);
        log.tick(after(10_000));
        outcome(&log, 1, after(10_000)).await.unwrap();
    });
    let records = place.records();
    let floods: Vec<_> = records.iter().filter(|record| record.kind() == "flood").collect();
    assert_eq!(floods.len(), FIRSTS + 1);
    let summary = floods.last().unwrap();
    assert_eq!(summary.number("total"), Some(1_000_000));
    let named = summary.root().get("sources").unwrap();
    let counted: i64 = named.items().filter_map(|source| source.get("count")?.as_i64()).sum();
    let others = summary.root().path(&["others", "no-token"]).and_then(|count| count.as_i64()).unwrap();
    assert_eq!((named.len(), counted + others), (NAMED, 1_000_000));
    assert!(place.verify().is_intact());
}

#[test]
fn the_first_is_told_at_once_and_the_rest_every_ten_seconds() {
    let mut flood = Flood::default();
    let source = "203.0.113.9".parse().unwrap();
    assert!(flood.count(source, "no-token", NOW));
    assert!(!flood.count("203.0.113.200".parse().unwrap(), "no-token", NOW), "the same network");
    assert!(flood.count(source, "bad-token", NOW), "another reason");
    assert_eq!(flood.firsts().len(), 2);
    assert!(flood.summary(after(9_999), false).is_none());
    let summary = flood.summary(after(10_000), false).unwrap();
    assert_eq!((summary.total, summary.named[0].2), (3, 2));
    assert!(!flood.count(source, "no-token", after(10_001)), "still known");
    assert_eq!(flood.summary(after(20_000), false).unwrap().total, 1);
    assert!(flood.summary(after(30_000), false).is_none(), "a quiet window has no record");
    assert!(flood.is_empty(), "and is forgotten");
    assert!(flood.count(source, "no-token", after(40_000)), "so it is a first again");
}

#[test]
fn a_clock_set_back_does_not_hold_the_summary_back() {
    let mut flood = Flood::default();
    flood.count(address(1), "no-token", NOW);
    assert!(flood.summary(Timestamp::from_secs(5), false).is_some());
}

#[test]
fn sources_are_networks() {
    for (address, network) in [
        ("203.0.113.9", "203.0.113.0/24"),
        ("::ffff:203.0.113.9", "203.0.113.0/24"),
        ("2001:db8:7:8::1", "2001:db8:7::/48"),
        ("::1", "::/48"),
    ] {
        assert_eq!(Prefix::of(address.parse().unwrap()).to_string(), network);
    }
}

#[test]
fn what_is_counted_at_the_end_is_told_at_the_end() {
    let place = Place::new();
    run(async {
        let log = place.open();
        log.refused_unauthenticated(address(1), "no-token", NOW);
        log.close(NOW.plus(Duration::from_secs(1))).await.unwrap();
    });
    let kinds: Vec<_> = place.records().iter().map(|record| record.kind().into_owned()).collect();
    assert_eq!(kinds, ["start", "flood", "flood", "stop", "checkpoint"]);
}
