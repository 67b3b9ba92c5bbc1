//! What an audit log holds, read as anybody can read it: one object a line.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

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
            let text = std::fs::read_to_string(segment).unwrap();
            for line in text.split_inclusive('\n') {
                record.torn = !line.ends_with('\n');
                if !record.torn {
                    record.take(line);
                }
            }
        }
        record
    }

    fn take(&mut self, line: &str) {
        let text =
            |name: &str| member(line, name).unwrap_or_else(|| panic!("no {name} in {line}")).to_owned();
        match text("kind").as_str() {
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

/// The first text member of a name. These hold nothing that is escaped; looking for them is quicker than to parse a log
/// again after each of a hundred kills.
fn member<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(&format!("\"{name}\":\""))?;
    rest.split_once('"').map(|(value, _)| value)
}
