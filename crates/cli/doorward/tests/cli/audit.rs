//! `doorward audit`, on logs that the audit crate wrote.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use doorward_audit::{
    AuditConfig, AuditLog, CallId, Ending, Fault, Intent, Outcome, Part, RefusedRecord, Subject,
    SubjectFacts, Target, Timer,
};
use doorward_types::{ObjectId, ServerName, TenantId, Timestamp};
use tempfile::TempDir;

use crate::{Run, assert_snapshot, command, run_in, write};

const NOW: Timestamp = Timestamp::from_secs(1_795_176_000);
const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
const OBJECT: &str = "0b1ec7ed-0000-4000-8000-000000000001";

const CONFIG: &str = r#"
[gateway]
listen = "127.0.0.1:8443"
public_url = "http://127.0.0.1:8443"

[entra]
tenant = "72f988bf-86f1-41af-91ab-2d7cd011db47"
client_id = "11111111-2222-3333-4444-555555555555"

[[server]]
name = "crm"
url = "https://crm.contoso.com/mcp"

[audit]
dir = "log"
key_file = "keys/audit.key"
checkpoint_dir = "second"
"#;

/// A folder with a configuration and the log it names.
struct Place {
    root: TempDir,
}

impl Place {
    /// A log with a whole call, a call without an end, and a refusal; closed, so that all of it is anchored.
    fn with_a_log() -> Self {
        let place = Self::empty();
        let log = place.open();
        wait(async {
            let alice = subject(&log);
            begin(&log, &alice, 0xa1).await;
            end(&log, 0xa1).await;
            begin(&log, &alice, 0xb2).await;
            refuse(&log, &alice, 0xc3).await;
            log.close(NOW).await.unwrap();
        });
        place
    }

    fn empty() -> Self {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), "doorward.toml", CONFIG);
        Self { root }
    }

    fn path(&self) -> &Path {
        self.root.path()
    }

    fn open(&self) -> AuditLog {
        let at = self.path();
        let mut config = AuditConfig::new(at.join("log"), at.join("keys/audit.key"), at.join("second"));
        config.timer = Timer::Handed;
        AuditLog::open(config, NOW).unwrap()
    }

    fn segment(&self) -> PathBuf {
        self.path().join("log/audit-000001.jsonl")
    }

    /// Changes the log behind its back.
    fn tamper(&self, change: impl FnOnce(&str) -> String) {
        let text = std::fs::read_to_string(self.segment()).unwrap();
        let changed = change(&text);
        assert_ne!(text, changed);
        std::fs::write(self.segment(), changed).unwrap();
    }

    fn audit(&self, args: &[&str]) -> Run {
        run_in(self.path(), &[&["audit"], args].concat())
    }
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn subject(log: &AuditLog) -> Subject {
    let facts = SubjectFacts {
        tenant: &TenantId::parse(TENANT).unwrap(),
        object: &ObjectId::parse(OBJECT).unwrap(),
        name: Some("Alice Liddell"),
        source: Some("198.51.100.77".parse().unwrap()),
        application: false,
    };
    log.subject(&facts).unwrap()
}

/// Ids that differ in their first digits, which `tail` shows.
fn call(number: u8) -> CallId {
    CallId([number; 16])
}

fn crm() -> ServerName {
    ServerName::parse("crm").unwrap()
}

async fn begin(log: &AuditLog, subject: &Subject, number: u8) {
    let intent = Intent {
        call: call(number),
        trace: None,
        subject,
        client: "11111111-2222-3333-4444-555555555555",
        server: &crm(),
        method: "tools/call",
        target: Target::Tool("search"),
        policies: &[Arc::from("readers")],
        arguments: Some(subject.digest(Part::Arguments, b"{}")),
        session: None,
        findings: &[],
        steps: &[],
    };
    log.intent(&intent, NOW).await.unwrap();
}

async fn end(log: &AuditLog, number: u8) {
    let outcome = Outcome {
        call: call(number),
        trace: None,
        server: &crm(),
        ending: Ending::Ok,
        reason: None,
        frames: 1,
        bytes: 120,
        digest: None,
        findings: &[],
        took_micros: 2_500,
        steps: &[],
    };
    log.outcome(&outcome, NOW).await.unwrap();
}

async fn refuse(log: &AuditLog, subject: &Subject, number: u8) {
    let refused = RefusedRecord {
        call: Some(call(number)),
        trace: None,
        subject,
        client: "11111111-2222-3333-4444-555555555555",
        server: Some(&crm()),
        method: Some("tools/call"),
        target: Target::Tool("delete"),
        reason: "forbidden",
        fault: Fault::Caller,
        policies: &[Arc::from("no-deletes")],
        errors: &[],
        findings: &[],
        session: None,
        steps: &[],
    };
    log.refused(&refused, NOW).await.unwrap();
}

/// What is random in a log, made the same in every run.
fn settled(text: &str) -> String {
    let mut settings = Vec::new();
    for word in text.split([' ', '\n', ',', '(', ')']) {
        let random =
            word.len() >= 8 && word.bytes().any(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase());
        let known =
            word.starts_with("2026-") || word.bytes().all(|byte| matches!(byte, b'a'..=b'c' | b'1'..=b'3'));
        if random
            && !known
            && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        {
            settings.push(word.to_owned());
        }
    }
    settings.iter().fold(text.to_owned(), |text, word| text.replace(word.as_str(), "…"))
}

#[test]
fn the_last_records_are_shown_one_a_line() {
    let place = Place::with_a_log();
    let tail = place.audit(&["tail"]).ends(0).out;
    assert_eq!(tail.lines().count(), 7, "{tail}");
    for part in [
        "intent",
        "permit by readers",
        "ok, 1 frames, 120 bytes, 2.500 ms",
        "refused: forbidden by no-deletes",
    ] {
        assert!(tail.contains(part), "{part} is not in {tail}");
    }
    assert!(!tail.contains(OBJECT) && !tail.contains("Alice"), "persons are pseudonyms");
    assert_eq!(place.audit(&["tail", "-n", "2"]).ends(0).out.lines().count(), 2);
    let refused = place.audit(&["tail", "--kind", "refused", "--json"]).ends(0).json();
    assert_eq!((&refused["kind"], &refused["reason"]), (&"refused".into(), &"forbidden".into()));
    assert_eq!(place.audit(&["tail", "--server", "wiki"]).ends(0).out, "");
}

#[test]
fn a_followed_log_goes_on_until_its_reader_leaves() {
    let place = Place::empty();
    let log = place.open();
    let alice = subject(&log);
    wait(begin(&log, &alice, 0xa1));
    let mut child = command(&["audit", "tail", "--follow", "--json", "--kind", "intent"])
        .current_dir(place.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().contains(&call(0xa1).to_string()));
    wait(begin(&log, &alice, 0xb2));
    assert!(lines.next().unwrap().unwrap().contains(&call(0xb2).to_string()));
    drop(lines);
    wait(begin(&log, &alice, 0xc3));
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_call_is_shown_whole_by_the_beginning_of_its_id() {
    let place = Place::with_a_log();
    let shown = place.audit(&["show", "a1a1a1a1"]).ends(0).out;
    assert!(shown.contains("intent  record 2") && shown.contains("outcome  record 3"), "{shown}");
    assert!(shown.contains("policies   readers") || shown.contains("readers"), "{shown}");
    assert!(!shown.contains("outcome unknown") && !shown.contains("Alice"), "{shown}");
    let open = place.audit(&["show", &call(0xb2).to_string()]).ends(0).out;
    assert!(open.contains("outcome unknown:"), "{open}");
    // As tail shows it: calls of one run begin alike.
    let tail = place.audit(&["tail"]).ends(0).out;
    let told = tail.lines().find_map(|line| line.split_once("  call ")?.1.split_whitespace().next()).unwrap();
    assert!(told.contains('…'), "{told}");
    place.audit(&["show", told]).ends(0);
    place.audit(&["show", &told.replace('…', "..")]).ends(0);
    place.audit(&["show", "a1a1a1a1…000000"]).ends(1).says("no record is about this call", "audit tail");
    place.audit(&["show", "d4d4d4d4"]).ends(1).says("no record is about this call", "audit tail");
    place.audit(&["show", "search"]).ends(2).says("not the id of a call", "first 8");
}

#[test]
fn who_called_is_unsealed_only_when_asked_and_until_erased() {
    let place = Place::with_a_log();
    let shown = place.audit(&["show", "a1a1a1a1", "--who"]).ends(0).out;
    assert!(
        shown.contains("Alice Liddell") && shown.contains(OBJECT) && shown.contains("198.51.100.77"),
        "{shown}"
    );
    let json = place.audit(&["show", "b2b2b2b2", "--who", "--json"]).ends(0).json();
    assert_eq!((&json["who"]["oid"], &json["record"]["kind"]), (&OBJECT.into(), &"intent".into()));
    let by_hand = ["show", "a1a1a1a1", "--who", "--dir", "log"];
    place.audit(&by_hand).ends(2).says("where the keys are", "--key-file");
    place.audit(&[by_hand.as_slice(), &["--key-file", "keys/audit.key"]].concat()).ends(0);

    let erase = ["erase", "--tenant", TENANT, "--object", OBJECT];
    let erased = place.audit(&[erase.as_slice(), &["--json"]].concat()).ends(0).json();
    assert_eq!(erased, serde_json::json!({ "erased": true, "recorded": true }));
    let after = place.audit(&["show", "a1a1a1a1", "--who"]).ends(0).out;
    assert!(after.contains("erased, or sealed") && !after.contains("Alice"), "{after}");
    place.audit(&["verify"]).ends(0);
    assert!(place.audit(&["tail"]).ends(0).out.contains("erased"));
    place.audit(&erase).ends(1);
}

#[test]
fn a_person_is_erased_also_while_a_door_holds_the_log() {
    let place = Place::empty();
    let log = place.open();
    let alice = subject(&log);
    wait(begin(&log, &alice, 0xa1));
    let erased = place.audit(&["erase", "--tenant", TENANT, "--object", OBJECT]).ends(0);
    assert!(erased.err.contains("until it is restarted"), "{}", erased.err);
    wait(log.close(NOW)).unwrap();
    assert!(place.audit(&["show", "a1a1a1a1", "--who"]).ends(0).out.contains("erased, or sealed"));
}

#[test]
fn erasing_where_there_is_no_log_begins_none() {
    let place = Place::empty();
    place.audit(&["erase", "--tenant", TENANT, "--object", OBJECT]).ends(2).says("no audit log", "--dir DIR");
    assert!(!place.path().join("log").exists() && !place.path().join("keys").exists());
    place.audit(&["erase", "--tenant", "contoso", "--object", OBJECT]).ends(2);
}

#[test]
fn a_log_as_it_was_written_is_intact() {
    let place = Place::with_a_log();
    let verified = place.audit(&["verify"]).ends(0);
    assert_snapshot("audit-verify-intact", &settled(&verified.out));
    let json = place.audit(&["verify", "--json"]).ends(0).json();
    assert_eq!((&json["intact"], &json["unanchored_tail"]), (&true.into(), &0.into()));
    assert_eq!(json["outcome_unknown"][0]["call"], call(0xb2).to_string());
}

#[test]
fn records_after_the_last_checkpoint_are_named_as_a_tail() {
    let place = Place::with_a_log();
    let log = place.open();
    wait(begin(&log, &subject(&log), 0xd4));
    let verified = place.audit(&["verify"]).ends(0).out;
    assert!(
        verified.contains("intact to checkpoint 7") && verified.contains("records is unanchored"),
        "{verified}"
    );
}

#[test]
fn a_log_that_was_changed_is_not_intact() {
    type Change = fn(&str) -> String;
    let changes: [(&str, Change); 4] = [
        ("a word", |text| text.replacen("search", "delete", 1)),
        ("a record out", |text| {
            text.lines().enumerate().filter(|(at, _)| *at != 2).map(|(_, line)| format!("{line}\n")).collect()
        }),
        ("the end cut off", |text| text.lines().take(3).map(|line| format!("{line}\n")).collect()),
        ("a line that is none", |text| text.replacen("\"kind\":\"intent\"", "\"kind\":\"\u{1b}[2Jintent", 1)),
    ];
    for (what, change) in changes {
        let place = Place::with_a_log();
        place.tamper(change);
        let verified = place.audit(&["verify"]).ends(1);
        assert!(
            verified.out.contains("NOT INTACT") && verified.out.contains("problem: "),
            "{what}: {}",
            verified.out
        );
        assert!(!verified.out.contains('\u{1b}'), "{what}: {:?}", verified.out);
        let json = place.audit(&["verify", "--json"]).ends(1).json();
        assert_eq!(json["intact"], false, "{what}");
        assert!(!json["problems"].as_array().unwrap().is_empty(), "{what}");
    }
}

#[test]
fn the_place_of_a_change_is_named() {
    let place = Place::with_a_log();
    place.tamper(|text| text.replacen("search", "delete", 1));
    let json = place.audit(&["verify", "--json"]).ends(1).json();
    // The record was changed in line 2; its successor is the first whose chain does not fit.
    assert_eq!((&json["problems"][0]["line"], &json["problems"][0]["seq"]), (&3.into(), &3.into()));
    assert!(json["problems"][0]["file"].as_str().unwrap().ends_with("log/audit-000001.jsonl"));
}

#[test]
fn what_a_verification_was_not_given_is_said() {
    let place = Place::with_a_log();
    let alone = place.audit(&["verify", "--dir", "log"]).ends(0).out;
    assert!(
        alone.contains("the key was taken from the log itself") && alone.contains("no second sink"),
        "{alone}"
    );
    let by_hand = ["verify", "--dir", "log", "--checkpoints", "second", "--public-key", "keys/audit.pub"];
    let whole = place.audit(&by_hand).ends(0).out;
    assert!(!whole.contains("the key was taken") && !whole.contains("no second sink"), "{whole}");
    place.audit(&[by_hand.as_slice(), &["--known", "7"]].concat()).ends(0);
    let back = place.audit(&[by_hand.as_slice(), &["--known", "900"]].concat()).ends(1).out;
    assert!(back.contains("you know checkpoint 900"), "{back}");
}

#[test]
fn a_configured_sink_or_key_that_is_gone_is_no_reason_to_verify_less() {
    let place = Place::with_a_log();
    std::fs::remove_file(place.path().join("second/checkpoints.jsonl")).unwrap();
    place.audit(&["verify"]).ends(1).says("the second sink is not there", "--checkpoints DIR");
    std::fs::remove_file(place.path().join("keys/audit.pub")).unwrap();
    place.audit(&["verify"]).ends(2).says("audit.pub", "--public-key FILE");
}

#[test]
fn a_log_that_is_not_there_has_a_way_out() {
    let place = Place::empty();
    for command in [&["tail"][..], &["verify"], &["show", "a1a1a1a1"]] {
        place.audit(command).ends(2).says("there is no audit log", "--dir DIR");
    }
    std::fs::remove_file(place.path().join("doorward.toml")).unwrap();
    place.audit(&["tail"]).ends(2).says("cannot read doorward.toml", "--dir DIR");
}
