//! What the door wrote down of the visits.

use std::collections::BTreeMap;

use doorward_testkit::{Lab, run};
use serde_json::Value;

use crate::servers::{SERVERS, Server};
use crate::visit::CLIENTS;

/// Every call of every client is in the log with its outcome; the log is whole and holds no token.
pub(crate) async fn check(lab: &Lab, tokens: &[String], log: &str) {
    let config = lab.folder().join("doorward.toml").display().to_string();
    let verified = run(lab.folder(), ["audit", "verify", "--config", &config]).await;
    assert_eq!(verified.code, Some(0), "{}{}", verified.out, verified.err);

    let text = text(lab);
    let records: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let outcomes = records.iter().filter(|record| record["kind"] == "outcome");
    let outcomes: BTreeMap<&str, &Value> =
        outcomes.filter_map(|record| Some((record["call"].as_str()?, record))).collect();
    let mut odd = Vec::new();
    let mut plain: BTreeMap<&str, usize> = BTreeMap::new();
    for intent in
        records.iter().filter(|record| record["kind"] == "intent" && record["method"] == "tools/call")
    {
        let outcome = intent["call"].as_str().and_then(|call| outcomes.get(call).copied());
        let server = SERVERS.iter().find(|server| intent["server"] == server.name);
        let server = server.expect("only these servers are there");
        let given_up = server.waits.is_some_and(|(slow, _)| intent["tool"] == slow);
        let result = outcome.and_then(|outcome| outcome["result"].as_str());
        let well = match result {
            Some("ok") => !given_up,
            // In a session some servers answer all the same, by an error, and some say nothing until the session ends.
            Some("aborted" | "error") => given_up,
            Some("refused") => {
                given_up && outcome.is_some_and(|outcome| outcome["reason"] == "session-ended")
            }
            _ => false,
        };
        if !well {
            odd.push(format!("{outcome:?} of {intent}"));
        }
        if intent["tool"] == server.tool {
            *plain.entry(server.name).or_default() += 1;
        }
    }
    assert!(odd.is_empty(), "calls without a good outcome:\n{}", odd.join("\n"));
    let each = |server: &Server| (server.name, CLIENTS.len());
    assert_eq!(
        plain,
        SERVERS.iter().map(each).collect(),
        "one plain call a visit, and each of them recorded"
    );

    for token in tokens {
        let signature = token.rsplit('.').next().expect("a token has parts");
        assert!(!text.contains(signature) && !log.contains(signature), "a token was written down");
    }
}

fn text(lab: &Lab) -> String {
    let entries = std::fs::read_dir(lab.audit()).expect("the log is there");
    let paths = entries.map(|entry| entry.expect("readable").path());
    let logs = paths.filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    logs.map(|path| std::fs::read_to_string(path).expect("readable")).collect()
}
