//! The store of questions and labels, on a real database.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper that fails is a failed test")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use doorward_engine::{Approval, KeptLabels, LabelsError, Plea};
use doorward_flow::{Approver, Flow, Key, Label};
use doorward_oauth::{AtHome, Groups, Identity, at_home};
use doorward_store::{KeyFile, Store, StoreConfig};
use doorward_types::{ClientId, ObjectId, Person, ServerName, TenantId, Timestamp};

use doorward_approvals::{AnswerError, Approvals, By, State, labels};

const NOW: Timestamp = Timestamp::from_secs(1_795_168_800);

fn person(number: u8) -> Person {
    Person {
        tenant: TenantId::parse("c0175050-0000-4000-8000-000000000001").unwrap(),
        object: ObjectId::parse(&format!("0e090000-0000-4000-8000-0000000000{number:02x}")).unwrap(),
    }
}

fn identity(number: u8) -> Identity {
    let who = AtHome {
        person: person(number),
        client: ClientId::registered("a-client").unwrap(),
        roles: Vec::new(),
        groups: Groups::Absent,
        expires: Timestamp::from_micros(i64::MAX),
    };
    at_home(who, NOW)
}

async fn open(folder: &Path) -> Store {
    let database = folder.join("store").join("store.db");
    let key = KeyFile::open_or_create(&folder.join("keys").join("store.key"), &database).unwrap();
    Store::open(StoreConfig::new(database, 0), Arc::new(key), NOW).await.unwrap()
}

async fn approvals(folder: &Path) -> Approvals {
    Approvals::new(open(folder).await, Duration::from_secs(3600), "https://door.example/account/approvals")
}

struct Call {
    who: Identity,
    server: ServerName,
    bound: Vec<u8>,
    approver: Approver,
    now: Timestamp,
}

fn a_call() -> Call {
    let server = ServerName::parse("mail").unwrap();
    Call { who: identity(1), server, bound: vec![1], approver: Approver::Person, now: NOW }
}

impl Call {
    async fn made(&self, at: &Approvals) -> Approval {
        let plea = Plea {
            identity: &self.who,
            server: &self.server,
            method: "tools/call",
            name: "send",
            arguments: r#"{"to":"x@evil.example"}"#,
            bound: &self.bound,
            why: "`mail/send` to `x@evil.example` would carry it out",
            approver: self.approver,
            now: self.now,
        };
        at.take(&plea).await.approval
    }

    async fn asked(&self, at: &Approvals) -> String {
        match self.made(at).await {
            Approval::Wait { reference, url } => {
                assert!(url.ends_with(&reference));
                reference
            }
            other => panic!("{other:?}"),
        }
    }
}

fn by(number: u8, for_others: bool) -> By {
    By { person: person(number), for_others, signed_in: NOW, way: "page" }
}

// control: D-21: An approval is used once, and what was used up stays used up over a crash between that and the sending.
#[tokio::test]
async fn an_approval_is_used_once() {
    let folder = tempfile::tempdir().unwrap();
    let at = approvals(folder.path()).await;
    let call = a_call();
    let reference = call.asked(&at).await;
    assert_eq!(call.asked(&at).await, reference, "nobody is asked twice");
    at.approve(&reference, &by(1, false), NOW).await.unwrap();
    // Another process, with the same file.
    let after = approvals(folder.path()).await;
    assert_eq!(call.made(&after).await, Approval::Given(Approver::Person));
    // The process is gone before it sent anything: the call is asked about anew.
    drop(after);
    let after = approvals(folder.path()).await;
    assert_ne!(call.asked(&after).await, reference);
    let used = after.get(&reference, NOW).await.unwrap().unwrap();
    assert_eq!((used.state, used.answer.unwrap().person), (State::Used, person(1)));
    assert!(matches!(
        after.approve(&reference, &by(1, false), NOW).await,
        Err(AnswerError::Answered(State::Used))
    ));
}

// control: D-21: It covers one person's call, and what was bound to it: other labels, other arguments ask anew.
#[tokio::test]
async fn an_approval_covers_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let at = approvals(folder.path()).await;
    let reference = a_call().asked(&at).await;
    at.approve(&reference, &by(1, false), NOW).await.unwrap();
    assert_ne!(Call { bound: vec![2], ..a_call() }.asked(&at).await, reference);
    assert_ne!(Call { who: identity(2), ..a_call() }.asked(&at).await, reference);
    // What one person may approve is no answer to what needs another.
    assert_ne!(Call { approver: Approver::Another, ..a_call() }.asked(&at).await, reference);
    // Nor is it one after its time.
    let late = NOW.plus(Duration::from_secs(3600));
    assert_ne!(Call { now: late, ..a_call() }.asked(&at).await, reference);
    assert!(matches!(at.approve(&reference, &by(1, false), late).await, Err(AnswerError::Unknown)));
    assert_eq!(a_call().made(&at).await, Approval::Given(Approver::Person));
}

// control: D-21: Who may not answer cannot: a stranger, whoever calls where two are asked for, whoever signed in too long ago.
#[tokio::test]
async fn who_may_not_answer_cannot() {
    let folder = tempfile::tempdir().unwrap();
    let at = approvals(folder.path()).await;
    let reference = Call { approver: Approver::Another, ..a_call() }.asked(&at).await;
    let approve = async |by: By, now: Timestamp| at.approve(&reference, &by, now).await;
    assert!(matches!(approve(by(2, false), NOW).await, Err(AnswerError::Unknown)));
    assert!(matches!(approve(by(1, true), NOW).await, Err(AnswerError::OwnCall)));
    let later = NOW.plus(Duration::from_secs(301));
    assert!(matches!(approve(by(2, true), later).await, Err(AnswerError::Stale)));
    assert_eq!(approve(by(2, true), NOW).await.unwrap().state, State::Approved);
    let made = Call { approver: Approver::Another, ..a_call() }.made(&at).await;
    assert_eq!(made, Approval::Given(Approver::Another));
    assert!(at.get("no-reference", NOW).await.unwrap().is_none());
}

// control: D-21: Of calls that race for one approval, in several processes, one gets it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_many_gets_it() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (approvals(folder.path()).await, approvals(folder.path()).await);
    let reference = a_call().asked(&one).await;
    one.approve(&reference, &by(1, false), NOW).await.unwrap();
    let calls = (0..8).map(|number| {
        let at = if number % 2 == 0 { one.clone() } else { two.clone() };
        tokio::spawn(async move { a_call().made(&at).await })
    });
    let mut given = 0;
    for call in calls.collect::<Vec<_>>() {
        given += usize::from(call.await.unwrap() == Approval::Given(Approver::Person));
    }
    assert_eq!(given, 1);
}

// control: D-21: Somebody who said no is not asked again, and nobody is asked about more than they can read.
#[tokio::test]
async fn people_are_not_worn_down() {
    let folder = tempfile::tempdir().unwrap();
    let at = approvals(folder.path()).await;
    let reference = a_call().asked(&at).await;
    at.refuse(&reference, &by(1, false), NOW).await.unwrap();
    assert_eq!(a_call().made(&at).await, Approval::Refused);
    for number in 0..16 {
        Call { bound: vec![7, number], ..a_call() }.asked(&at).await;
    }
    assert_eq!(Call { bound: vec![8], ..a_call() }.made(&at).await, Approval::Full);
    // Another's place is their own.
    Call { who: identity(2), ..a_call() }.asked(&at).await;
    assert_eq!(at.of_person(&person(1), NOW).await.unwrap().len(), 17);
}

fn key() -> Key {
    Key::LocalUser("1000".to_owned())
}

fn kept(version: u64, flow: &Flow) -> KeptLabels {
    KeptLabels { given_up: 0, version, text: flow.to_json().into_bytes() }
}

// control: D-20: Of two that write at once one is told, and nothing that was read is lost.
#[tokio::test]
async fn labels_are_written_one_after_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (open(folder.path()).await, open(folder.path()).await);
    assert_eq!(labels::read(&one, &key()).await, Ok(None));
    let lost = Flow::lost(&ServerName::parse("mail").unwrap(), NOW);
    let until = NOW.plus(Duration::from_secs(60));
    assert_eq!(labels::write(&one, &key(), &kept(0, &lost), until).await, Ok(Some(1)));
    assert_eq!(
        labels::write(&two, &key(), &kept(0, &Flow::default()), until).await,
        Ok(None),
        "somebody was faster"
    );
    assert_eq!(labels::read(&two, &key()).await, Ok(Some(kept(1, &lost))));
    assert_eq!(labels::write(&two, &key(), &kept(1, &Flow::default()), until).await, Ok(Some(2)));
    assert_eq!(labels::write(&one, &key(), &kept(1, &lost), until).await, Ok(None));
}

#[tokio::test]
async fn labels_are_given_up_by_an_act() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    assert!(labels::reset(&store, "user/1000", ("bo", "why"), NOW).await.unwrap().is_none());
    let lost = Flow::lost(&ServerName::parse("mail").unwrap(), NOW);
    labels::write(&store, &key(), &kept(0, &lost), NOW.plus(Duration::from_secs(60))).await.unwrap();
    let fallen = labels::reset(&store, "user/1000", ("bo", "why"), NOW).await.unwrap().unwrap();
    assert_eq!(fallen.label, Label::TOP);
    let row = labels::read(&store, &key()).await.unwrap().unwrap();
    assert_eq!((row.given_up, Flow::read(&row.text).unwrap().label()), (1, Label::BOTTOM));
}

// control: D-20, D-18: A row that somebody spoilt is not one that is not there, and is written over.
#[tokio::test]
async fn a_spoilt_row_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let until = NOW.plus(Duration::from_secs(60));
    labels::write(&store, &key(), &kept(0, &Flow::default()), until).await.unwrap();
    let options =
        sqlx::sqlite::SqliteConnectOptions::new().filename(folder.path().join("store").join("store.db"));
    let mut database = <sqlx::SqliteConnection as sqlx::Connection>::connect_with(&options).await.unwrap();
    let spoil = "UPDATE door_rows SET body = zeroblob(60) WHERE kind = 'flow'";
    sqlx::query(spoil).execute(&mut database).await.unwrap();
    let Err(LabelsError::Spoilt(version)) = labels::read(&store, &key()).await else { panic!("it opens") };
    let lost = Flow::lost(&ServerName::parse("mail").unwrap(), NOW);
    assert_eq!(labels::write(&store, &key(), &kept(version, &lost), until).await, Ok(Some(2)));
    assert_eq!(labels::read(&store, &key()).await.unwrap().unwrap().text, lost.to_json().into_bytes());
}
