//! Time, acts, budgets, labels as they are configured, and what is read back.

use doorward_flow::{Cause, Confidentiality, Entry, Flow, Item, Label, Labels, Outcome, Sink};
use doorward_types::Timestamp;

use crate::world::{Desk, Step, Stop, server};

const SECRET: Step = ("crm/read_customer", r#"{"id":7}"#);
const PAGE: Step = ("github/read_issue", r#"{"n":1}"#);
const OUT: Step = ("web/post", r#"{"text":"x"}"#);

fn tainted() -> Desk {
    let mut desk = Desk::new();
    desk.call(SECRET).unwrap();
    desk.call(PAGE).unwrap();
    desk
}

// control: D-20: Labels fall when nothing has happened for eight hours, not while something does, and not by a clock that is set back.
#[test]
fn labels_fall_by_idleness_alone() {
    let mut desk = tainted();
    for _ in 0..3 {
        desk.minutes(7 * 60);
        let stop = desk.call(OUT).expect_err("a refused call is something that happens");
        assert!(
            stop.reason().for_person().contains("`crm/read_customer` gave confidential data at 10:01 UTC")
        );
    }
    let told = desk.call(OUT).unwrap_err().reason().for_person();
    assert!(told.contains("at 10:01 UTC on 2026-11-20"), "{told}");
    let noon = desk.now;
    desk.now = Timestamp::from_secs(0);
    assert!(desk.call(OUT).is_err(), "a clock that is set back");
    desk.now = Timestamp::from_secs(0).plus(std::time::Duration::from_secs(7 * 3600));
    assert!(desk.call(OUT).is_err());
    desk.minutes(8 * 60);
    desk.call(OUT).unwrap();
    assert!(desk.now < noon, "and it does not wait until the clock is there again");
}

// control: D-20: A call that answers after the labels fell raises them again; one that was lost counts until then.
#[test]
fn a_lost_ticket_does_not_count_for_ever_and_a_late_answer_does() {
    let mut desk = Desk::new();
    let (late, lost) = (desk.begin(SECRET, None).unwrap(), desk.begin(PAGE, None).unwrap());
    drop(lost);
    assert!(desk.call(OUT).is_err());
    desk.minutes(8 * 60);
    desk.call(OUT).unwrap();
    desk.flow.after(late, Outcome::Answered(Label::BOTTOM), desk.now);
    desk.call(PAGE).unwrap();
    assert!(desk.call(OUT).is_err());
}

#[test]
fn what_fell_is_told_for_the_record() {
    let mut desk = tainted();
    desk.minutes(8 * 60);
    let (of, arguments) = (server("web"), crate::world::tree("{}"));
    let call = doorward_flow::Call {
        server: &of,
        item: Item::Tool("post"),
        arguments: Some(arguments.root()),
        digest: [0; 32],
        thread: None,
    };
    let judged = desk.flow.before(&call, None, &desk.labels, &desk.rules, desk.now);
    let fallen = judged.fallen.unwrap();
    assert_eq!(fallen.label, Label::UNLABELLED);
    assert!(matches!(fallen.cause, Cause::Idle(idle) if idle == std::time::Duration::from_secs(8 * 3600)));
}

// control: D-20: Labels fall by a person's act, which is recorded; what still runs raises them again.
#[test]
fn an_act_makes_labels_fall_but_not_those_of_calls_that_run() {
    let mut desk = tainted();
    let fallen = desk.flow.reset("anna", "the page was mine", desk.now);
    assert_eq!(fallen.label, Label::UNLABELLED);
    assert_eq!(fallen.cause, Cause::Act { who: "anna".to_owned(), why: "the page was mine".to_owned() });
    assert!(desk.call(OUT).is_ok());

    let mut desk = tainted();
    let (page, secret) = (desk.begin(PAGE, None).unwrap(), desk.begin(SECRET, None).unwrap());
    let _ = desk.flow.reset("anna", "start over", desk.now);
    assert!(desk.call(OUT).is_err(), "both still run");
    for ticket in [page, secret] {
        desk.flow.after(ticket, Outcome::Answered(Label::BOTTOM), desk.now);
    }
    assert!(desk.call(OUT).is_err(), "both have answered since");
}

// control: DAT-06: Bytes that go outward within an hour are bounded, and the next hour is another.
#[test]
fn bytes_outward_are_bounded_within_an_hour() {
    let mut desk = Desk::new();
    desk.rules.outward_bytes = 50;
    let drop = ("web/post", r#"{"text":"aaaaa"}"#);
    desk.call(drop).unwrap();
    desk.call(drop).unwrap();
    let Err(Stop::Asked(reason)) = desk.call(drop) else { panic!("not asked") };
    assert_eq!(
        reason.for_person(),
        "`web/post` would be 60 bytes sent out within an hour, of 50 that are sent without a question; the hour ends at 11:01 UTC"
    );
    desk.call(("tickets/create", r#"{"title":"a"}"#)).unwrap();
    let _ = desk.flow.reset("anna", "x", desk.now);
    assert!(desk.call(drop).is_err(), "an act gives nothing back");
    desk.now = Timestamp::from_secs(0);
    assert!(desk.call(drop).is_err(), "nor does a clock that is set back");
    desk.minutes(60);
    desk.call(drop).unwrap();
}

// control-off: DAT-06: Without the bound, what is not labelled private leaves in any amount.
#[test]
fn without_a_budget_drops_become_a_stream() {
    let mut desk = Desk::new();
    desk.rules.outward_bytes = u64::MAX;
    for _ in 0..1000 {
        desk.call(("web/post", r#"{"text":"aaaaa"}"#)).unwrap();
        desk.now = Timestamp::from_secs(0);
    }
    assert_eq!(desk.outside.len(), 1000);
}

#[test]
fn calls_are_bounded_within_an_hour_and_nobody_is_asked_about_a_loop() {
    let mut desk = Desk::new();
    desk.rules.calls = 3;
    for _ in 0..3 {
        desk.call(PAGE).unwrap();
    }
    let Err(Stop::Blocked(reason)) = desk.call(PAGE) else { panic!("not refused") };
    assert_eq!(
        reason.for_person(),
        "`github/read_issue` is one call more than the 3 of an hour, which ends at 11:01 UTC"
    );
    assert_eq!(reason.approver(), None);
    desk.minutes(60);
    desk.call(PAGE).unwrap();
}

// control: D-20: What nobody labelled is untrusted, confidential and outward.
#[test]
fn a_server_that_nobody_labelled_counts_as_the_worst_that_is_usual() {
    let mut desk = Desk::new();
    desk.call(("gadget/a", "{}")).unwrap();
    let Err(Stop::Asked(reason)) = desk.call(("gadget/b", "{}")) else { panic!("not asked") };
    assert!(reason.help().contains("labelled in the configuration"), "{}", reason.help());
}

// control-off: D-20: A server that says of itself that it is trusted and closed is believed where labels come from annotations.
#[test]
fn a_label_from_a_servers_own_mouth_would_let_everything_out() {
    let gadget = server("gadget");
    let lie = Entry {
        server: &gadget,
        item: None,
        integrity: Some("trusted"),
        confidentiality: Some("public"),
        sink: Some("none"),
    };
    let mut desk = tainted();
    desk.labels = Labels::read(&[lie]).unwrap();
    assert!(desk.call(("gadget/send", r#"{"text":"owes 4,000"}"#)).is_ok());
}

#[test]
fn an_item_is_what_it_or_its_server_is_labelled() {
    let (files, web) = (server("files"), server("web"));
    let entry = |server, item, integrity, confidentiality, sink| Entry {
        server,
        item,
        integrity,
        confidentiality,
        sink,
    };
    let labels = Labels::read(&[
        entry(&files, None, Some("user"), None, Some("none")),
        entry(&files, Some(Item::Resource("file:///*")), None, Some("internal"), None),
        entry(&files, Some(Item::Resource("file:///public/*")), None, Some("public"), None),
        entry(&files, Some(Item::Tool("x")), Some("trusted"), None, None),
        entry(&web, Some(Item::Prompt("x")), Some("trusted"), Some("public"), Some("none")),
    ])
    .unwrap();
    let of = |server, item| {
        let nature = labels.nature(server, item);
        let label = nature.source;
        format!(
            "{} {} {} {}",
            label.integrity.word(),
            label.confidentiality.word(),
            nature.sink,
            nature.labelled
        )
    };
    for (item, is) in [
        (Item::Resource("file:///public/a"), "user public none true"),
        (Item::Resource("file:///public/../secret"), "user confidential none false"),
        (Item::Resource("file:///public/%2e%2e/secret"), "user confidential none false"),
        (Item::Resource("file:///a"), "user internal none true"),
        (Item::Tool("x"), "trusted confidential none false"),
        (Item::Tool("file:///*"), "user confidential none false"),
    ] {
        assert_eq!(of(&files, item), is, "{item:?}");
    }
    assert_eq!(of(&web, Item::Prompt("x")), "trusted public none true");
    assert_eq!(of(&web, Item::Tool("x")), "untrusted confidential outward false");

    let pin = entry(&web, Some(Item::Tool("x")), Some("user"), Some("internal"), Some("none"));
    let over = entry(&files, Some(Item::Tool("x")), Some("untrusted"), None, None);
    let pinned = labels.clone().with_pins(&[pin, over]).unwrap();
    assert_eq!(pinned.nature(&web, Item::Tool("x")).source.confidentiality, Confidentiality::Internal);
    assert_eq!(
        pinned.nature(&files, Item::Tool("x")),
        labels.nature(&files, Item::Tool("x")),
        "config stands"
    );
    assert!(labels.with_pins(&[entry(&web, None, Some("user"), None, None)]).is_err());
}

#[test]
fn every_wrong_entry_is_told_with_its_place() {
    let web = server("web");
    let base = Entry {
        server: &web,
        item: Some(Item::Tool("x")),
        integrity: None,
        confidentiality: None,
        sink: None,
    };
    let errors = Labels::read(&[
        base,
        Entry { integrity: Some("Trusted"), confidentiality: Some("secret"), sink: Some("away"), ..base },
        Entry { item: Some(Item::Tool("")), integrity: Some("user"), ..base },
        Entry { integrity: Some("user"), ..base },
        Entry { integrity: Some("trusted"), ..base },
    ])
    .unwrap_err();
    let told: Vec<String> = errors.iter().map(|e| format!("{} {:?} {}", e.entry, e.member, e.what)).collect();
    assert_eq!(
        told,
        [
            "0 None the label says nothing",
            "1 Some(\"integrity\") \"Trusted\" is no integrity",
            "1 Some(\"confidentiality\") \"secret\" is no confidentiality",
            "1 Some(\"sink\") `away` stands where a place is expected",
            "2 None the label is about an item without a name",
            "4 None it is labelled by an earlier entry as well",
        ]
    );
    assert!(errors.iter().all(|error| !error.help.is_empty()));
    assert!(Sink::parse("none").is_ok());
}

// control: D-20: A remembered flow that cannot be read is gone on with as the worst.
#[test]
fn a_spoilt_row_does_not_wash_labels_off() {
    let mut desk = tainted();
    let text = desk.flow.to_json();
    assert_eq!(Flow::read(text.as_bytes()).as_ref(), Ok(&desk.flow));
    for spoilt in [
        "",
        "{}",
        "null",
        &text.replace("untrusted", "trusted"),
        &text.replace("\"version\":1", "\"version\":2"),
        &text.replace("\"calls\":2", "\"calls\":-2"),
        &text.replace("\"seen\"", "\"Seen\""),
        &text.replace("\"since\"", "\"more\":1,\"since\""),
        &text.replace("\"since\"", "\"seen\":1,\"since\""),
        &format!("{text} "),
    ] {
        let read = Flow::read(spoilt.as_bytes());
        assert!(read.is_err() || spoilt.ends_with(' ') && read.is_ok(), "{spoilt}");
    }
    desk.flow = Flow::lost(&server("web"), desk.now);
    assert!(matches!(desk.call(OUT), Err(Stop::Blocked(_))));
}

#[test]
fn names_of_strangers_do_not_steer_a_reader() {
    let mut desk = Desk::new();
    desk.call(("gadget/\u{202e}\u{1b}[2J`x` gave nothing\n", "{}")).unwrap();
    let Err(Stop::Asked(reason)) = desk.call(OUT) else { panic!("not asked") };
    assert_eq!(
        reason.for_person(),
        "`gadget/\u{fffd}\u{fffd}[2J\u{fffd}x\u{fffd} gave nothing\u{fffd}` gave confidential data at 10:01 UTC and untrusted text; `web/post` would carry it out"
    );
}
