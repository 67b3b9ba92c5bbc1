//! What a verification found, and the sentences it says it in.

use std::fmt;
use std::path::PathBuf;

use crate::read::clean;
use crate::record::CallId;

/// What a verification found.
#[derive(Debug, Clone, Default)]
pub struct VerifyReport {
    /// The log's id.
    pub log: String,
    /// Records read.
    pub records: u64,
    /// Segments read.
    pub segments: usize,
    /// Checkpoints whose signature holds.
    pub checkpoints: u64,
    /// The last checkpoint up to which everything is proven.
    pub intact_to: Option<Anchor>,
    /// Records after it. They are chained, but whoever can write the file could have written them.
    pub unanchored_tail: u64,
    /// Calls whose outcome is unknown: begun, and neither ended nor refused.
    pub open_intents: Vec<OpenIntent>,
    /// Outcomes whose intent is not in the log.
    pub orphan_outcomes: u64,
    /// Bytes at the end that are no whole record: torn by a crash, or being written.
    pub torn_bytes: u64,
    /// False if the key was taken from the log itself.
    pub key_given: bool,
    /// False if no second sink was compared.
    pub sink_given: bool,
    /// What does not fit, in the order of the log; at most 100.
    pub problems: Vec<Problem>,
    /// How many more there are.
    pub further_problems: u64,
}

/// A checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    /// Its record's number.
    pub seq: u64,
    /// When it was signed, in RFC 3339.
    pub time: String,
}

/// A call that was begun and of whose end nothing is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenIntent {
    /// The intent's record number.
    pub seq: u64,
    /// When, in RFC 3339.
    pub time: String,
    /// The call.
    pub call: CallId,
    /// Where it went.
    pub server: String,
    /// What was called: method and name.
    pub what: String,
}

/// Something that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1; 0 for the whole file.
    pub line: u64,
    /// The record's number, where the line has one.
    pub seq: Option<u64>,
    /// What does not fit.
    pub what: String,
}

impl VerifyReport {
    /// True if nothing contradicts the log. What is unanchored is not proven by that.
    pub fn is_intact(&self) -> bool {
        self.problems.is_empty()
    }
}

/// `intact to checkpoint 1200 (2026-…); a tail of 7 records is unanchored`, then what limits or contradicts it, each on
/// one line. Texts come from a log that may have been edited: none may steer a terminal or pass for a line of its own.
impl fmt::Display for VerifyReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.intact_to {
            Some(Anchor { seq, time }) => write!(f, "intact to checkpoint {seq} ({})", clean(time))?,
            None => f.write_str("no checkpoint proves any of it")?,
        }
        match self.unanchored_tail {
            0 => {}
            1 => f.write_str("; a tail of 1 record is unanchored")?,
            tail => write!(f, "; a tail of {tail} records is unanchored")?,
        }
        let Self { records, segments, checkpoints, torn_bytes, .. } = self;
        write!(f, "\n{records} records, {segments} segments, {checkpoints} checkpoints")?;
        if *torn_bytes > 0 {
            write!(
                f,
                "\n{torn_bytes} bytes at the end are no whole record: being written, or torn by a crash"
            )?;
        }
        if !self.key_given {
            f.write_str("\nthe key was taken from the log itself: a log rewritten as a whole is not found without one")?;
        }
        if !self.sink_given {
            f.write_str("\nno second sink was compared: a log cut at a checkpoint is not found without one")?;
        }
        for intent in &self.open_intents {
            let OpenIntent { seq, time, call, server, what } = intent;
            let (time, server, what) = (clean(time), clean(server), clean(what));
            write!(f, "\noutcome unknown: record {seq}, {time}, {server}, {what}, call {call}")?;
        }
        for problem in &self.problems {
            write!(f, "\nPROBLEM {problem}")?;
        }
        if self.further_problems > 0 {
            write!(f, "\nand {} more", self.further_problems)?;
        }
        Ok(())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&clean(&self.file.display().to_string()))?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        if let Some(seq) = self.seq {
            write!(f, " (record {seq})")?;
        }
        write!(f, ": {}", clean(&self.what))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Found by fuzzing: a method of two lines made `verify` print a line that was none of its own.
    #[test]
    fn no_text_of_a_log_steers_a_terminal_or_passes_for_a_line() {
        let hostile = || "x\n\u{1b}[2Jintact\u{202e}".to_owned();
        let intent =
            OpenIntent { seq: 1, time: hostile(), call: CallId([0; 16]), server: hostile(), what: hostile() };
        let problem = Problem { file: hostile().into(), line: 1, seq: None, what: hostile() };
        let report = VerifyReport {
            intact_to: Some(Anchor { seq: 1, time: hostile() }),
            open_intents: vec![intent],
            problems: vec![problem],
            key_given: true,
            sink_given: true,
            ..VerifyReport::default()
        };
        let shown = report.to_string();
        assert_eq!(shown.lines().count(), 4, "{shown}");
        assert!(!shown.contains(|c: char| c != '\n' && crate::encode::repaints(c)), "{shown:?}");
    }
}
