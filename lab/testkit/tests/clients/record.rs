//! What the door wrote down of the visits.

use std::collections::{BTreeMap, BTreeSet};

use doorward_testkit::{Lab, run};
use serde_json::Value;

use crate::Cell;

/// Every call of every client is in the log with its outcome, none besides; the log is whole and holds no token.
pub(crate) async fn check(lab: &Lab, cells: &[Cell], token: &str, log: &str) {
    let config = lab.folder().join("doorward.toml").display().to_string();
    let verified = run(lab.folder(), ["audit", "verify", "--config", &config]).await;
    assert_eq!(verified.code, Some(0), "{}{}", verified.out, verified.err);

    let text = text(lab);
    let records: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let well = records.iter().filter(|record| record["kind"] == "outcome" && record["result"] == "ok");
    let well: BTreeSet<&str> = well.filter_map(|record| record["call"].as_str()).collect();
    let mut calls: BTreeMap<&str, usize> = BTreeMap::new();
    for intent in
        records.iter().filter(|record| record["kind"] == "intent" && record["method"] == "tools/call")
    {
        let (server, call) = (intent["server"].as_str(), intent["call"].as_str().unwrap_or_default());
        assert!(well.contains(call), "a call has no good outcome: {intent}");
        *calls.entry(server.unwrap_or_default()).or_default() += 1;
    }
    let mut visits: BTreeMap<&str, usize> = BTreeMap::new();
    for cell in cells {
        *visits.entry(cell.server.name).or_default() += 1;
    }
    assert_eq!(calls, visits, "one call a visit, and each of them recorded");

    let signature = token.rsplit('.').next().expect("a token has parts");
    assert!(!text.contains(signature) && !log.contains(signature), "a token was written down");
}

fn text(lab: &Lab) -> String {
    let entries = std::fs::read_dir(lab.audit()).expect("the log is there");
    let paths = entries.map(|entry| entry.expect("readable").path());
    let logs = paths.filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    logs.map(|path| std::fs::read_to_string(path).expect("readable")).collect()
}
