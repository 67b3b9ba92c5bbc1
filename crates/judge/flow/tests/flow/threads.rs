//! What narrows, what never does, and calls that run beside each other.

use std::collections::BTreeSet;

use doorward_flow::{Approved, Approver, Flow, Key, Label, Outcome, Rules, Thread};
use doorward_types::{ClientId, GrantId, ObjectId, Person, TenantId};

use crate::world::{Desk, Step, Stop, server};

const SECRET: Step = ("crm/read_customer", r#"{"id":7}"#);
const RESTRICTED: Step = ("hr/salary", r#"{"who":"bo"}"#);
const PAGE: Step = ("github/read_issue", r#"{"n":1}"#);
const OUT: Step = ("web/post", r#"{"text":"x"}"#);

fn conversation(id: &str) -> Option<Thread> {
    Thread::conversation(id)
}

fn session(of: &str, id: &str) -> Option<Thread> {
    Thread::session(&server(of), id)
}

/// Makes each call in its thread; the last is what is asked about.
fn last(calls: &[(Step, Option<Thread>)]) -> Result<(), Stop> {
    let mut desk = Desk::new();
    let mut result = Ok(());
    for (step, thread) in calls {
        desk.thread.clone_from(thread);
        result = desk.call(*step);
    }
    result
}

// control: D-20: A conversation of a client that is believed is not held to what another read, but for restricted data.
#[test]
fn a_conversation_narrows_and_restricted_data_is_held_against_all() {
    let (a, b) = (|| conversation("a"), || conversation("b"));
    assert!(last(&[(SECRET, a()), (PAGE, b()), (OUT, b())]).is_ok());
    assert!(last(&[(SECRET, a()), (PAGE, a()), (OUT, b())]).is_ok());
    assert!(matches!(last(&[(SECRET, a()), (PAGE, b()), (OUT, None)]), Err(Stop::Asked(_))));
    assert!(matches!(last(&[(SECRET, None), (PAGE, b()), (OUT, b())]), Err(Stop::Asked(_))));
    assert!(matches!(last(&[(RESTRICTED, a()), (PAGE, b()), (OUT, b())]), Err(Stop::Blocked(_))));
    let Err(Stop::Asked(reason)) = last(&[(RESTRICTED, a()), (PAGE, a()), (OUT, b())]) else { panic!() };
    assert_eq!(reason.approver(), Some(Approver::Another), "the page was read elsewhere, the salary counts");
}

// control: D-20: A session with one server does not hide what was read in a session with another.
#[test]
fn sessions_with_different_servers_are_never_apart() {
    assert!(matches!(
        last(&[(SECRET, session("crm", "1")), (PAGE, session("github", "2")), (OUT, session("web", "3"))]),
        Err(Stop::Asked(_))
    ));
    let elsewhere = ("web/search", r#"{"q":"x"}"#);
    assert!(
        last(&[(SECRET, session("crm", "1")), (elsewhere, session("web", "3")), (OUT, session("web", "4"))])
            .is_ok()
    );
}

// control: D-20: Ending a session and beginning another washes nothing off.
#[test]
fn what_an_ended_thread_read_counts_for_all() {
    let page = ("web/search", r#"{"q":"x"}"#);
    let mut desk = Desk { thread: session("web", "1"), ..Desk::new() };
    desk.call(page).unwrap();
    let running = desk.begin(page, None).unwrap();
    desk.flow.end(&session("web", "1").unwrap());
    desk.flow.after(running, Outcome::Answered(Label::BOTTOM), desk.now);
    desk.thread = session("crm", "2");
    desk.call(SECRET).unwrap();
    desk.thread = session("web", "3");
    assert!(matches!(desk.call(OUT), Err(Stop::Asked(_))));
}

// control: D-20: Nor does ending it while its call still runs.
#[test]
fn a_call_that_outlives_its_thread_counts_for_all() {
    let page = ("web/search", r#"{"q":"x"}"#);
    for ends_first in [true, false] {
        let mut desk = Desk { thread: session("web", "1"), ..Desk::new() };
        let running = desk.begin(page, None).unwrap();
        desk.flow.end(&session("web", "1").unwrap());
        if ends_first {
            desk.flow.after(running, Outcome::Answered(Label::BOTTOM), desk.now);
        }
        desk.thread = session("crm", "2");
        desk.call(SECRET).unwrap();
        desk.thread = session("web", "3");
        assert!(matches!(desk.call(OUT), Err(Stop::Asked(_))), "{ends_first}");
    }
}

#[test]
fn only_named_clients_narrow_and_only_by_plain_ids() {
    let named = ClientId::registered("https://host.example/client.json").unwrap();
    let other = ClientId::registered("other").unwrap();
    let rules = Rules { narrowing: BTreeSet::from([named.clone()]), ..Rules::default() };
    let web = server("web");
    let at = Some((&web, "1"));
    assert_eq!(rules.thread(&named, at, Some("a")), conversation("a"));
    assert_eq!(rules.thread(&named, at, None), session("web", "1"));
    assert_eq!(rules.thread(&other, at, Some("a")), None);
    for odd in ["", "a b", "é", "a\n", &"a".repeat(257)] {
        assert_eq!(rules.thread(&named, None, Some(odd)), None, "{odd:?}");
    }
}

// control: D-20: More threads than are told apart are held against each other, and no label is lost.
#[test]
fn a_flood_of_threads_loses_no_label() {
    let mut desk = Desk { thread: conversation("first"), ..Desk::new() };
    desk.call(SECRET).unwrap();
    for at in 0..Flow::MOST_THREADS {
        desk.thread = conversation(&format!("flood-{at}"));
        desk.call(PAGE).unwrap();
    }
    desk.thread = conversation("flood-1");
    assert!(matches!(desk.call(OUT), Err(Stop::Asked(_))), "the first joined what counts for all");
}

// control: INJ-12: Two calls side by side cannot race past the rule: one that has begun counts as if it had answered.
#[test]
fn a_source_that_runs_has_raised_the_labels() {
    let mut desk = Desk::new();
    let secret = desk.begin(SECRET, None).unwrap();
    let page = desk.begin(PAGE, None).unwrap();
    assert!(matches!(desk.begin(OUT, None), Err(Stop::Asked(_))));
    desk.flow.after(page, Outcome::NotSent, desk.now);
    assert!(desk.begin(OUT, None).is_ok(), "what was never sent brought nothing");
    desk.flow.after(secret, Outcome::Answered(Label::BOTTOM), desk.now);
    desk.call(PAGE).unwrap();
    assert!(matches!(desk.begin(OUT, None), Err(Stop::Asked(_))));
}

// control: INJ-12: More calls at once than can be taken back raise the labels for good.
#[test]
fn a_flood_of_running_calls_loses_no_label() {
    let mut desk = Desk::new();
    let mut running = Vec::new();
    for _ in 0..Flow::MOST_FLIGHTS {
        running.push(desk.begin(("docs/write", r#"{"text":"x"}"#), None).unwrap());
    }
    running.push(desk.begin(SECRET, None).unwrap());
    running.push(desk.begin(PAGE, None).unwrap());
    for ticket in running {
        desk.flow.after(ticket, Outcome::NotSent, desk.now);
    }
    assert!(matches!(desk.begin(OUT, None), Err(Stop::Asked(_))));
}

// control: D-21: An approval lets exactly one call through, under exactly the labels that its giver was told of.
#[test]
fn an_approval_fits_one_call_under_one_set_of_labels() {
    let mut desk = Desk::new();
    desk.call(SECRET).unwrap();
    desk.call(PAGE).unwrap();
    let Err(Stop::Asked(reason)) = desk.call(OUT) else { panic!("not asked") };
    let approved = || Some(Approved::consumed(reason.bound(), Approver::Person));

    let other = ("web/post", r#"{"text":"y"}"#);
    assert!(matches!(desk.approved(other, approved()), Err(Stop::Asked(_))), "another text");
    assert!(desk.approved(OUT, approved()).is_ok());
    assert!(matches!(desk.call(OUT), Err(Stop::Asked(_))), "the next one needs its own");

    desk.call(("docs/write", r#"{"page":"a","text":"b"}"#)).unwrap_err();
    desk.rules.private = doorward_flow::Confidentiality::Internal;
    assert!(desk.approved(OUT, approved()).is_ok(), "the labels are the same");
    let ticket = desk.begin(("files/read", r#"{"path":"a"}"#), None).unwrap();
    let found = Label { confidentiality: doorward_flow::Confidentiality::Restricted, ..Label::BOTTOM };
    desk.flow.after(ticket, Outcome::Answered(found), desk.now);
    assert!(matches!(desk.approved(OUT, approved()), Err(Stop::Blocked(_))), "they have risen since");
}

// control: D-21: What the same call is found to have brought since makes the approval another's.
#[test]
fn an_approval_does_not_fit_what_the_same_source_brought_since() {
    let wiki = ("docs/write", r#"{"page":"a","text":"b"}"#);
    let mut desk = Desk::new();
    let running = desk.begin(SECRET, None).unwrap();
    desk.call(PAGE).unwrap();
    let Err(Stop::Asked(reason)) = desk.call(wiki) else { panic!("not asked") };
    let approved = || Some(Approved::consumed(reason.bound(), Approver::Another));
    let found = Label { confidentiality: doorward_flow::Confidentiality::Restricted, ..Label::BOTTOM };
    desk.flow.after(running, Outcome::Answered(found), desk.now);
    assert!(matches!(desk.approved(wiki, approved()), Err(Stop::Asked(_))));
}

// control: D-21: Nobody lets restricted data go alone.
#[test]
fn restricted_data_needs_another_person() {
    let mut desk = Desk::new();
    desk.call(RESTRICTED).unwrap();
    let Err(Stop::Asked(reason)) = desk.call(OUT) else { panic!("not asked") };
    assert_eq!(reason.approver(), Some(Approver::Another));
    let by = |by| Some(Approved::consumed(reason.bound(), by));
    assert!(matches!(desk.approved(OUT, by(Approver::Person)), Err(Stop::Asked(_))));
    assert!(desk.approved(OUT, by(Approver::Another)).is_ok());
}

#[test]
fn no_two_keys_share_a_place() {
    let tenant = TenantId::parse("72f988bf-86f1-41af-91ab-2d7cd011db47").unwrap();
    let object = ObjectId::parse("aebc6443-996d-45c2-90f0-388ff96faa56").unwrap();
    let who = Person { tenant: tenant.clone(), object };
    let client = ClientId::registered("a/b").unwrap();
    let keys = [
        Key::Grant(who.clone(), GrantId([1; 16])),
        Key::Grant(who.clone(), GrantId([2; 16])),
        Key::Client(who, client.clone()),
        Key::App(tenant, client),
        Key::LocalUser("app/72f988bf-86f1-41af-91ab-2d7cd011db47/a/b".to_owned()),
        Key::LocalUser("1000".to_owned()),
    ];
    let places: BTreeSet<String> = keys.iter().map(ToString::to_string).collect();
    assert_eq!(places.len(), keys.len());
}
