//! The audit log of a real door, damaged in every way a thief would try, and what `doorward audit verify` says of it.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "helpers of tests: a panic here is a failed test"
)]

#[path = "tamper/log.rs"]
mod log;

use std::path::Path;

use doorward_servers::echo;
use doorward_testkit::{DoorPlan, DoorProcess, Lab, Ran, call, run};
use serde_json::json;

use log::Log;

const POLICIES: &str = r#"permit (principal in Role::"Reader", action, resource in Server::"echo");"#;

/// How a log is damaged, and what `verify` must say.
struct Row {
    what: &'static str,
    damage: fn(&mut Log),
    says: &'static str,
}

const fn row(what: &'static str, damage: fn(&mut Log), says: &'static str) -> Row {
    Row { what, damage, says }
}

/// Everything here strikes before the last checkpoint, or at it.
const MATRIX: [Row; 18] = [
    row("a tool's name edited", |log| log.edit("\"tool\":\"echo\"", "\"tool\":\"ecno\""), "changed"),
    row("an outcome turned round", |log| log.edit("\"result\":\"error\"", "\"result\":\"ok\""), "changed"),
    row("one letter of a time", |log| log.edit("\"time\":\"20", "\"time\":\"21"), "changed"),
    row("the lab's mark taken off", |log| log.edit(",\"lab\":true", ""), "changed"),
    row("an intent deleted", |log| log.lines.remove(log.find("intent")).clear(), "stands where"),
    row("a refusal deleted", |log| log.lines.remove(log.find("refused")).clear(), "stands where"),
    row("the first record deleted", |log| log.lines.remove(0).clear(), "stands where"),
    row("two records swapped", Log::swap, "stands where"),
    row("a record twice", |log| log.lines.insert(5, log.lines[4].clone()), "stands where"),
    row("a record put in, the rest renumbered", Log::put_in_and_renumber, "changed"),
    row("a record taken out, the rest chained anew", Log::take_out_and_chain, "not signed"),
    row("cut at a record before the last checkpoint", |log| log.cut_before_last("checkpoint", 3), "cut off"),
    row("cut at the checkpoint before the last", |log| log.cut_after_first("checkpoint"), "cut off"),
    row("a checkpoint's signature edited", Log::spoil_signature, "not signed"),
    row("rewritten whole without the key", Log::rewrite, "not signed"),
    row("rewritten whole with a key of the thief's own", Log::rewrite_with_new_key, "not signed"),
    row(
        "rewritten whole with the stolen key",
        Log::rewrite_with_stolen_key,
        "not the checkpoint that the second sink",
    ),
    row("the second sink's line for a checkpoint edited", Log::edit_second_sink, "second sink"),
];

// control: spine-j, D-10: an edited, cut, reordered or rewritten log is found out up to its last checkpoint
#[tokio::test]
async fn each_way_to_damage_a_log_is_found() {
    let house = House::with_a_log().await;
    let whole = house.verify(&house.log()).await;
    assert_eq!(whole.code, Some(0), "{}{}", whole.out, whole.err);
    let mut missed = Vec::new();
    for Row { what, damage, says } in MATRIX {
        let mut log = house.log();
        damage(&mut log);
        let found = house.verify(&log).await;
        if found.code != Some(1) || !found.out.contains(says) || !found.out.contains("NOT INTACT") {
            missed.push(format!("{what}: exit {:?}\n{}{}", found.code, found.out, found.err));
        }
        if !["problem: audit", "problem: checkpoints"].iter().any(|place| found.out.contains(place)) {
            missed.push(format!("{what}: the place is not named\n{}", found.out));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n\n"));
}

// control: spine-j, D-10: what stands behind the last checkpoint is not proven, and is called so
#[tokio::test]
async fn the_tail_is_named_for_what_it_is() {
    let house = House::with_a_log().await;
    let log = house.log();
    let tail = log.tail();
    assert!(tail > 3, "the killed door left records behind its last checkpoint");
    let said = house.verify(&log).await.out;
    let checkpoint = log.lines.len() - tail;
    assert!(said.contains(&format!("intact to checkpoint {checkpoint} ")), "{said}");
    assert!(said.contains(&format!("a tail of {tail} records is unanchored")), "{said}");

    // A thief who cuts, or who edits and chains anew, within the tail alone is not found. The promise ends there, and
    // the number of records that it covers is what tells.
    let mut cut = house.log();
    cut.lines.truncate(cut.lines.len() - 2);
    let said = house.verify(&cut).await;
    assert_eq!(said.code, Some(0), "{}", said.out);
    assert!(said.out.contains(&format!("a tail of {} records is unanchored", tail - 2)), "{}", said.out);

    // An edit that is not chained anew is found there too.
    let mut edited = house.log();
    let at = edited.lines.len() - 3;
    edited.lines[at] = edited.lines[at].replace("\"server\":\"echo\"", "\"server\":\"ecno\"");
    assert_eq!(house.verify(&edited).await.code, Some(1));
}

// control-off: D-10: without the second sink and the key kept elsewhere, a log rewritten whole with the stolen key passes
#[tokio::test]
async fn a_log_compared_with_itself_alone_proves_less() {
    let house = House::with_a_log().await;
    let mut log = house.log();
    log.rewrite_with_stolen_key();
    let folder = house.place(&log);
    let alone = run(folder.path(), ["audit", "verify", "--dir", "audit"]).await;
    assert_eq!(alone.code, Some(0), "{}{}", alone.out, alone.err);
    assert!(alone.out.contains("no second sink was compared"), "{}", alone.out);
    assert!(alone.out.contains("the key was taken from the log itself"), "{}", alone.out);
}

// control: D-10: a door does not go on with a log that is not what was signed
#[tokio::test]
async fn a_door_does_not_start_on_a_damaged_log() {
    let house = House::with_a_log().await;
    for damage in [Log::rewrite as fn(&mut Log), |log| log.cut_after_first("checkpoint")] {
        let mut log = house.log();
        damage(&mut log);
        let folder = house.place(&log);
        let before = std::fs::read(folder.path().join("audit/audit-000001.jsonl")).unwrap();
        let started = run(folder.path(), ["serve", "--ready-file", "ready.json"]).await;
        assert_eq!(started.code, Some(1), "{}", started.err);
        assert!(started.err.contains("the audit log cannot be opened"), "{}", started.err);
        assert!(started.err.contains("audit-000001.jsonl"), "{}", started.err);
        assert!(!folder.path().join("ready.json").exists());
        let after = std::fs::read(folder.path().join("audit/audit-000001.jsonl")).unwrap();
        assert!(before == after, "evidence is not touched");
    }
}

/// A folder in which a door has run twice to its end, and a third time until it was killed.
struct House {
    lab: Lab,
}

impl House {
    async fn with_a_log() -> Self {
        let lab = Lab::start().await;
        let echo = echo::start_with(echo::Options::default()).await.unwrap();
        let plan = DoorPlan::before("echo", &echo.url(), POLICIES);
        for run in 0..3 {
            let door = DoorProcess::open(&lab, &plan).await;
            let mut alice = door.client("echo").with_token(lab.token("alice"));
            alice.hello().await.unwrap();
            for n in 0..6 {
                alice.post(&call(n, "echo", &json!({"text": "hello", "n": n}))).await.unwrap();
            }
            alice.post(&call(6, "fail", &json!({}))).await.unwrap();
            // Nothing permits this method.
            alice.post(&json!({"jsonrpc": "2.0", "id": 7, "method": "vendor/unheard-of"})).await.unwrap();
            if run < 2 {
                assert!(door.stop().await.success());
            } else {
                door.kill().await;
            }
        }
        Self { lab }
    }

    fn log(&self) -> Log {
        Log::read(self.lab.folder())
    }

    /// Puts a log, with the keys and the configuration of this house, into a folder of its own.
    fn place(&self, log: &Log) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in ["keys", "policies", "lab"] {
            copy(&self.lab.folder().join(name), &folder.path().join(name));
        }
        std::fs::copy(self.lab.folder().join("doorward.toml"), folder.path().join("doorward.toml")).unwrap();
        log.write(folder.path());
        folder
    }

    async fn verify(&self, log: &Log) -> Ran {
        let folder = self.place(log);
        run(folder.path(), ["audit", "verify"]).await
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}
