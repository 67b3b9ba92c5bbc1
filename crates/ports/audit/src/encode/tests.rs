use std::sync::Arc;

use doorward_types::ServerName;

use crate::testing::{NOW, Place, call, intent, outcome, run, subject};
use crate::*;

fn refusal<'a>(subject: &'a Subject, target: Target<'a>, method: &'a str) -> RefusedRecord<'a> {
    RefusedRecord {
        call: Some(call(9)),
        trace: None,
        subject,
        client: "client",
        server: None,
        method: Some(method),
        target,
        reason: "no-permit",
        fault: Fault::Caller,
        policies: &[],
        errors: &[],
        findings: &[],
        session: None,
        steps: &[],
    }
}

// control: AUD-01: every kind of record has one order of members, strictly valid JSON, one line each.
#[test]
fn records_have_the_members_they_are_documented_with() {
    let place = Place::new();
    run(async {
        let log = place.open();
        let subject = subject(&log);
        let server = ServerName::parse("crm").unwrap();
        intent(&log, &subject, 1, NOW).await.unwrap();
        outcome(&log, 1, NOW).await.unwrap();
        log.refused(&refusal(&subject, Target::None, "tools/call"), NOW).await.unwrap();
        let alarm = Alarm {
            what: "foreign-session",
            subject: Some(&subject),
            server: Some(&server),
            target: Target::None,
            rule: None,
            call: None,
            trace: None,
            session: Some(subject.session("x")),
        };
        log.alarm(&alarm, NOW).await.unwrap();
        let granted = Grant {
            what: "refreshed",
            subject: Some(&subject),
            client: Some("https://client.example/id.json"),
            server: Some(&server),
            grant: Some(subject.session("grant")),
            reason: Some("repeat"),
        };
        log.grant(&granted, NOW).await.unwrap();
        log.close(NOW).await.unwrap();
    });
    let members: Vec<String> = place
        .records()
        .iter()
        .map(|record| {
            record.root().members().map(|(name, _)| name.into_owned()).collect::<Vec<_>>().join(" ")
        })
        .collect();
    assert_eq!(
        members,
        [
            "seq time kind prev format log segment version key public_key",
            "seq time kind prev call trace tenant person who client server method tool decision policies arguments session us",
            "seq time kind prev call server result frames bytes took_us",
            "seq time kind prev call tenant person who client method decision reason fault",
            "seq time kind prev alarm tenant person who server session",
            "seq time kind prev grant tenant person who client server session reason",
            "seq time kind prev",
            "seq time kind prev log epoch key sig",
        ]
    );
}

// control: AUD-01: no name a caller or a server chose can break a line, add a member, or act on a terminal.
#[test]
fn hostile_names_stay_inside_their_string() {
    let place = Place::new();
    let hostile = "a\",\"kind\":\"stop\n\u{1b}[2J\u{202e}\\\u{7f}\u{9b}\u{2028}é🚪";
    run(async {
        let log = place.open();
        let subject = subject(&log);
        log.refused(&refusal(&subject, Target::Tool(hostile), "x\ny\"\u{1b}é"), NOW).await.unwrap();
        log.refused(&refusal(&subject, Target::Prompt(&"é".repeat(400)), "m"), NOW).await.unwrap();
    });
    let records = place.records();
    assert_eq!(records[1].text("tool").unwrap(), hostile);
    assert_eq!(records[1].kind(), "refused");
    assert_eq!(records[1].text("method").unwrap(), "x?y????");
    assert!(!records[1].line().chars().any(super::repaints), "{}", records[1].line());
    assert_eq!(records[2].text("prompt").unwrap(), "é".repeat(128) + "…");
    assert_eq!(records.len(), 3);
    assert!(!render(&records[1]).chars().any(super::repaints));
}

#[test]
fn what_was_found_stands_in_the_line() {
    let place = Place::new();
    let findings = [Finding { what: "argument.shell", done: "refused", count: 2 }];
    run(async {
        let log = place.open();
        let subject = subject(&log);
        let refused = RefusedRecord { findings: &findings, ..refusal(&subject, Target::None, "m") };
        log.refused(&refused, NOW).await.unwrap();
        log.refused(&refusal(&subject, Target::None, "m"), NOW).await.unwrap();
    });
    let told: Vec<_> = place.records().iter().map(render).collect();
    assert!(told[1].ends_with("  found argument.shell refused"), "{}", told[1]);
    assert!(!told[2].contains("found"), "{}", told[2]);
}

#[test]
fn long_lists_are_cut_and_counted() {
    let place = Place::new();
    let policies: Vec<Arc<str>> = (0..50).map(|at| Arc::from(format!("p{at}"))).collect();
    run(async {
        let log = place.open();
        let subject = subject(&log);
        let refused = RefusedRecord { policies: &policies, ..refusal(&subject, Target::None, "m") };
        log.refused(&refused, NOW).await.unwrap();
    });
    let records = place.records();
    let list = records[1].root().get("policies").unwrap();
    let last = list.items().last().and_then(|item| item.as_str().map(|text| text.into_owned()));
    assert_eq!((list.len(), last.as_deref()), (33, Some("and 18 more")));
}

// control: D-19: while an emulator stands in for Entra, every record says so.
#[test]
fn the_lab_marks_every_record() {
    let mut place = Place::new();
    place.config.lab = true;
    run(async {
        let log = place.open();
        outcome(&log, 1, NOW).await.unwrap();
        log.close(NOW).await.unwrap();
    });
    let records = place.records();
    assert_eq!(records.len(), 4);
    assert!(
        records.iter().all(|record| record.root().get("lab").and_then(|lab| lab.as_bool()) == Some(true))
    );
}
