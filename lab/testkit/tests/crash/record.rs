//! What an audit log holds, read as anybody can read it: one JSON object a line.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

/// The calls of a log, by trace id and by call id.
#[derive(Debug, Default)]
pub(crate) struct Record {
    /// From the trace id of each intent to its call.
    pub(crate) intents: BTreeMap<String, String>,
    /// The calls that have an outcome, and what it is.
    pub(crate) outcomes: BTreeMap<String, String>,
    /// How often a door opened it.
    pub(crate) starts: usize,
    /// How often a torn end was repaired.
    pub(crate) recovered: usize,
    /// True if the last line is not whole.
    pub(crate) torn: bool,
}

impl Record {
    /// Reads every whole line of every segment.
    pub(crate) fn read(audit: &Path) -> Self {
        let files = std::fs::read_dir(audit).unwrap().map(|entry| entry.unwrap().path());
        let segments: BTreeSet<_> =
            files.filter(|path| path.extension().is_some_and(|end| end == "jsonl")).collect();
        let mut record = Self::default();
        for segment in segments {
            let bytes = std::fs::read(segment).unwrap();
            for line in bytes.split_inclusive(|byte| *byte == b'\n') {
                record.torn = !line.ends_with(b"\n");
                if !record.torn {
                    record.take(&serde_json::from_slice(line).unwrap());
                }
            }
        }
        record
    }

    fn take(&mut self, line: &Value) {
        let text = |member: &str| line[member].as_str().unwrap_or_default().to_owned();
        match line["kind"].as_str().unwrap() {
            "intent" => drop(self.intents.insert(text("trace"), text("call"))),
            "outcome" => drop(self.outcomes.insert(text("call"), text("result"))),
            "start" => self.starts += 1,
            "recovered" => self.recovered += 1,
            _ => {}
        }
    }

    /// The outcome of the call with a trace id, if the log has both of its records.
    pub(crate) fn outcome(&self, trace: &str) -> Option<&str> {
        self.outcomes.get(self.intents.get(trace)?).map(String::as_str)
    }
}
