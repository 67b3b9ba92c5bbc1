//! `doorward flow` and `doorward approvals`: what a person's guards have read, and what nobody was asked.

use doorward_approvals::labels;
use doorward_engine::KeptLabels;
use doorward_flow::{Flow, Key};
use doorward_types::{ServerName, Timestamp};

use crate::{run_in, write};

fn now() -> Timestamp {
    std::time::SystemTime::now().into()
}

// control: D-20: What somebody gives up by hand is shown before, gone after, and in the record with their reason.
#[test]
fn what_guards_have_read_is_shown_and_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    std::fs::create_dir(&state).unwrap();
    let at = ["--state", "state"];
    run_in(folder.path(), &[&["flow", "show"][..], &at].concat())
        .ends(1)
        .says("no guard has run", "--state DIR");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = doorward_guard::open_store(&state).await.unwrap();
        let key = Key::LocalUser(doorward_guard::local_user(&state).unwrap());
        let mut flow = Flow::default();
        flow.shown(&ServerName::parse("math").unwrap(), None, now());
        let kept = KeptLabels { given_up: 0, version: 0, text: flow.to_json().into_bytes() };
        let until = now().plus(std::time::Duration::from_secs(60));
        labels::write(&store, &key, &kept, until).await.unwrap();
        store.close().await;
    });
    let shown = run_in(folder.path(), &[&["flow", "show"][..], &at].concat()).ends(0);
    assert!(shown.out.contains("untrusted, since `math/descriptions`"), "{}", shown.out);
    let reset = ["flow", "reset", "--why", "a new topic"];
    let told = run_in(folder.path(), &[&reset[..], &at].concat()).ends(0);
    assert!(told.out.contains("public data and untrusted text"), "{}", told.out);
    let shown = run_in(folder.path(), &[&["--json", "flow", "show"][..], &at].concat()).ends(0).json();
    assert_eq!(shown[0]["integrity"], "trusted");
    let logs = state.join("audit").join("doorward-flow").join("0");
    let records: String = std::fs::read_dir(logs)
        .unwrap()
        .filter_map(|entry| std::fs::read_to_string(entry.unwrap().path()).ok())
        .collect();
    assert!(records.contains("labels-fell") && records.contains("a new topic"), "{records}");
}

#[test]
fn labels_that_are_wrong_are_told_with_their_line() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "labels.toml", "[[label]]\nserver = \"files\"\nsink = \"outwards\"\n");
    let words = ["guard", "--state", "state", "--labels", "labels.toml", "--", "true"];
    run_in(folder.path(), &words).ends(2).says("labels.toml:3:8", "docs/flow.md");
}
