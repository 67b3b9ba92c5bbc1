//! What holds for every order of calls.

use std::time::Duration;

use doorward_flow::{Approver, Confidentiality, Flow, Integrity, Label, Outcome, Thread, Ticket};
use doorward_types::Timestamp;
use proptest::prelude::*;

use crate::world::{Desk, LABELS, Step, Stop};

fn label() -> impl Strategy<Value = Label> {
    (0..3_usize, 0..4_usize).prop_map(|(integrity, confidentiality)| Label {
        integrity: Integrity::ALL[integrity],
        confidentiality: Confidentiality::ALL[confidentiality],
    })
}

const OUT: Step = ("web/post", r#"{"text":"x"}"#);

/// One tool of each label, with arguments that no condition fits.
fn step() -> impl Strategy<Value = Step> {
    (0..=LABELS.len()).prop_map(|at| {
        let names = LABELS.get(at).map_or("gadget/x".to_owned(), |row| format!("{}/{}", row.0, row.1));
        (&*names.leak(), r#"{"a":1}"#)
    })
}

fn thread() -> impl Strategy<Value = Option<Thread>> {
    prop_oneof![
        Just(None),
        (0..3_u8).prop_map(|at| Thread::conversation(&at.to_string())),
        (0..2_u8, 0..2_u8).prop_map(|(of, at)| {
            Thread::session(&crate::world::server(["web", "crm"][usize::from(of)]), &at.to_string())
        }),
    ]
}

#[derive(Debug, Clone)]
enum Event {
    Begin(Step, Option<Thread>),
    End(usize, Option<Label>),
    Leave(Option<Thread>),
    Shown,
    Reset,
    Wait(u64),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => (step(), thread()).prop_map(|(step, thread)| Event::Begin(step, thread)),
        4 => (any::<usize>(), proptest::option::weighted(0.8, label())).prop_map(|(at, found)| Event::End(at, found)),
        1 => thread().prop_map(Event::Leave),
        1 => Just(Event::Shown),
        1 => Just(Event::Reset),
        1 => (0..600_u64).prop_map(Event::Wait),
    ]
}

/// How strict an answer is.
fn strictness(result: &Result<Ticket, Stop>) -> u8 {
    match result {
        Ok(_) => 0,
        Err(Stop::Asked(reason)) if reason.approver() == Some(Approver::Person) => 1,
        Err(Stop::Asked(_)) => 2,
        Err(Stop::Blocked(_)) => 3,
    }
}

/// What a probe in any thread would be told; nothing is changed by it.
fn probe(desk: &Desk, step: Step, thread: Option<Thread>) -> u8 {
    let (flow, rules) = (desk.flow.clone(), desk.rules.clone());
    let mut beside = Desk { flow, rules, thread, now: desk.now, ..Desk::new() };
    strictness(&beside.begin(step, None))
}

fn apply(desk: &mut Desk, running: &mut Vec<Ticket>, event: Event) {
    match event {
        Event::Begin(step, thread) => {
            desk.thread = thread;
            running.extend(desk.begin(step, None));
        }
        Event::End(at, found) if !running.is_empty() => {
            let ticket = running.swap_remove(at % running.len());
            desk.flow.after(ticket, found.map_or(Outcome::NotSent, Outcome::Answered), desk.now);
        }
        Event::End(..) => {}
        Event::Leave(thread) => thread.iter().for_each(|thread| desk.flow.end(thread)),
        Event::Shown => desk.flow.shown(&crate::world::server("gadget"), None, desk.now),
        Event::Reset => drop(desk.flow.reset("anna", "x", desk.now)),
        Event::Wait(minutes) => desk.minutes(minutes),
    }
}

proptest! {
    // control: DAT-01: Labels are joined as in a lattice, in any order and as often as one likes.
    #[test]
    fn labels_are_a_lattice(a in label(), b in label(), c in label()) {
        prop_assert_eq!(a.join(b), b.join(a));
        prop_assert_eq!(a.join(b).join(c), a.join(b.join(c)));
        prop_assert_eq!(a.join(a), a);
        prop_assert_eq!(a.join(Label::BOTTOM), a);
        prop_assert_eq!(a.join(Label::TOP), Label::TOP);
        prop_assert!(a <= a.join(b) && b <= a.join(b));
        prop_assert_eq!(a <= b, a.join(b) == b);
        prop_assert!(!(a <= c && b <= c) || a.join(b) <= c, "the least of what is above both");
    }

    // control: DAT-01: What was read is only ever added to, and whatever is added, no answer gets milder.
    #[test]
    fn nothing_gets_milder_while_nothing_is_given_up(
        events in prop::collection::vec(event(), 1..40),
        step in step(),
        thread in thread(),
    ) {
        let (mut desk, mut running) = (Desk::new(), Vec::new());
        desk.rules.idle = Duration::MAX;
        for event in events {
            // What was never sent takes back what it would have brought, by design; so does an act.
            let gives_up = matches!(event, Event::End(_, None) | Event::Reset);
            let (label, answer) = (desk.flow.label(), probe(&desk, step, thread.clone()));
            apply(&mut desk, &mut running, event);
            if !gives_up {
                prop_assert!(label <= desk.flow.label());
                prop_assert!(answer <= probe(&desk, step, thread.clone()));
            }
        }
    }

    // control: INJ-12: However calls are interleaved, none carries out what another that had begun before brings.
    #[test]
    fn no_interleaving_gets_past_the_rule(order in Just((0..6_usize).collect::<Vec<_>>()).prop_shuffle()) {
        // 0, 1 begin the sources, 2 the sink; 3, 4, 5 end them.
        let steps = [("crm/read_customer", "{}"), ("github/read_issue", "{}"), OUT];
        let mut desk = Desk::new();
        let mut running: [Option<Ticket>; 3] = [None, None, None];
        let mut begun = [false; 3];
        for event in order {
            let at = event % 3;
            if event < 3 {
                let result = desk.begin(steps[at], None);
                if at == 2 {
                    prop_assert_eq!(result.is_err(), begun[0] && begun[1]);
                }
                begun[at] = true;
                running[at] = result.ok();
            } else if let Some(ticket) = running[at].take() {
                desk.flow.after(ticket, Outcome::Answered(Label::BOTTOM), desk.now);
            }
        }
    }

    // control: D-20: A thread never knows less than what is restricted, and never more than the whole grant.
    #[test]
    fn a_thread_is_narrower_and_never_wider(
        events in prop::collection::vec(event(), 1..40),
        step in step(),
        thread in thread(),
    ) {
        let (mut desk, mut running) = (Desk::new(), Vec::new());
        for event in events {
            apply(&mut desk, &mut running, event);
        }
        let (whole, narrow) = (probe(&desk, OUT, None), probe(&desk, OUT, thread.clone()));
        prop_assert!(narrow <= whole);
        prop_assert!(desk.flow.label().confidentiality < Confidentiality::Restricted || narrow >= 2 || whole == 0);
        prop_assert!(probe(&desk, step, thread) <= probe(&desk, step, None));
    }

    #[test]
    fn what_is_written_is_read_back(events in prop::collection::vec(event(), 0..60)) {
        let (mut desk, mut running) = (Desk::new(), Vec::new());
        for event in events {
            apply(&mut desk, &mut running, event);
        }
        let text = desk.flow.to_json();
        let read = Flow::read(text.as_bytes()).unwrap();
        prop_assert_eq!(read.to_json(), text);
        prop_assert_eq!(read.label(), desk.flow.label());
        let after = Desk { flow: read, now: desk.now, ..Desk::new() };
        for thread in [None, Thread::conversation("1"), Thread::session(&crate::world::server("web"), "0")] {
            prop_assert_eq!(probe(&after, OUT, thread.clone()), probe(&desk, OUT, thread));
        }
    }

    #[test]
    fn a_mark_does_not_depend_on_the_order_of_answers(turn in any::<bool>()) {
        let mut desk = Desk::new();
        let one = desk.begin(("crm/read_customer", "{}"), None).unwrap();
        desk.now = Timestamp::from_micros(desk.now.as_micros() + 1);
        let two = desk.begin(("crm/read_ticket", "{}"), None).unwrap();
        let asked = |desk: &Desk| {
            let mut beside = Desk { flow: desk.flow.clone(), now: desk.now, ..Desk::new() };
            beside.begin(OUT, None).expect_err("asked").reason().bound()
        };
        let bound = asked(&desk);
        let (first, second) = if turn { (one, two) } else { (two, one) };
        for ticket in [first, second] {
            desk.flow.after(ticket, Outcome::Answered(Label::BOTTOM), desk.now);
            prop_assert_eq!(&asked(&desk), &bound);
        }
    }
}
