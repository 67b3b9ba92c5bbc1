//! Line after line: the number, the hash of the line before, the signature, the second sink's word.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::keys::PublicKey;
use crate::log::chain::{genesis, link};
use crate::open::is_signed;
use crate::read::Record;
use crate::record::CallId;
use crate::verify::Told;
use crate::verify::report::{Anchor, OpenIntent, Problem, VerifyReport};

/// Problems kept; a log that was rewritten has one a line.
const PROBLEMS: usize = 100;

/// The state of a verification.
pub(crate) struct Walk {
    report: VerifyReport,
    key: Option<PublicKey>,
    told: Option<Told>,
    /// The next of the second sink's checkpoints to be met.
    told_at: usize,
    path: PathBuf,
    number: u32,
    /// Number and hash that the next record must have.
    next: u64,
    prev: Option<[u8; 43]>,
    /// Nothing after a break is proven: what is before it may have been exchanged.
    broken: bool,
    /// A last line that has no end belongs to the last segment alone.
    torn: Option<(PathBuf, u64, u64)>,
    open: BTreeMap<CallId, OpenIntent>,
    last_checkpoint: u64,
}

impl Walk {
    pub(crate) fn new(key: Option<PublicKey>, told: Option<Told>) -> Self {
        let report =
            VerifyReport { key_given: key.is_some(), sink_given: told.is_some(), ..VerifyReport::default() };
        let mut walk = Self {
            report,
            key,
            told: None,
            told_at: 0,
            path: PathBuf::new(),
            number: 0,
            next: 1,
            prev: None,
            broken: false,
            torn: None,
            open: BTreeMap::new(),
            last_checkpoint: 0,
        };
        for (line, what) in told.iter().flat_map(|told| &told.problems) {
            let path = told.as_ref().map(|told| told.path.clone()).unwrap_or_default();
            walk.note(Problem { file: path, line: *line, seq: None, what: (*what).into() });
        }
        walk.told = told;
        walk
    }

    /// Begins a segment.
    pub(crate) fn enter(&mut self, path: &Path, number: u32) {
        if let Some((file, line, bytes)) = self.torn.take() {
            self.problem(&file, line, None, format!("{bytes} bytes at the end are no whole record"));
        }
        self.path = path.to_owned();
        self.number = number;
    }

    /// Takes the next line.
    pub(crate) fn take(&mut self, at: u64, line: Vec<u8>) {
        let hash = link(&line);
        self.report.records += 1;
        match Record::parse(line) {
            Some(record) => {
                self.chain(at, &record);
                if at == 1 {
                    self.header(&record);
                }
                self.compare(at, &record, &hash);
                self.pair(&record);
                self.next = record.seq().saturating_add(1);
            }
            None => {
                self.contradiction(at, Some(self.next), "not a record".into());
                self.next += 1;
            }
        }
        self.prev = Some(hash);
    }

    /// Ends a segment, before a line `at` that has `torn` bytes and no end.
    pub(crate) fn leave(&mut self, at: u64, torn: u64) {
        if torn > 0 {
            self.torn = Some((self.path.clone(), at, torn));
        }
    }

    /// Ends the log.
    pub(crate) fn finish(mut self, dir: &Path, known: Option<u64>, segments: usize) -> VerifyReport {
        self.report.torn_bytes = self.torn.as_ref().map_or(0, |(_, _, bytes)| *bytes);
        self.report.segments = segments;
        let end = self.next.saturating_sub(1);
        let rest = self.told.as_ref().and_then(|told| told.lines.last()).map_or(0, |(seq, _)| *seq);
        if rest > end {
            let what = format!(
                "it ends at record {end}, the second sink knows checkpoint {rest}: the end was cut off"
            );
            self.problem(dir, 0, None, what);
        }
        if let Some(known) = known.filter(|known| *known > self.last_checkpoint) {
            let what = format!(
                "its last checkpoint is {}, you know checkpoint {known}: the log and its second sink were put back",
                self.last_checkpoint
            );
            self.problem(dir, 0, None, what);
        }
        if segments == 0 {
            self.problem(dir, 0, None, "there is no log here".into());
        }
        let anchored = self.report.intact_to.as_ref().map_or(0, |anchor| anchor.seq);
        self.report.unanchored_tail = end.saturating_sub(anchored);
        self.report.open_intents = self.open.into_values().collect();
        self.report.open_intents.sort_by_key(|intent| intent.seq);
        self.report
    }

    /// Notes a contradiction to the chain: no later checkpoint proves anything about what is before it.
    pub(crate) fn problem(&mut self, file: &Path, line: u64, seq: Option<u64>, what: String) {
        self.broken = true;
        self.note(Problem { file: file.to_owned(), line, seq, what });
    }

    fn contradiction(&mut self, at: u64, seq: Option<u64>, what: String) {
        let file = self.path.clone();
        self.problem(&file, at, seq, what);
    }

    fn note(&mut self, problem: Problem) {
        if self.report.problems.len() < PROBLEMS {
            self.report.problems.push(problem);
        } else {
            self.report.further_problems += 1;
        }
    }

    /// The record's number and the hash it goes on from.
    fn chain(&mut self, at: u64, record: &Record) {
        let seq = record.seq();
        if seq != self.next {
            let next = self.next;
            self.contradiction(at, Some(seq), format!("record {seq} stands where {next} should"));
        }
        let prev = record.text("prev").unwrap_or_default();
        let holds = match &self.prev {
            Some(expected) => prev.as_bytes() == expected,
            None => record.text("log").is_some_and(|log| prev.as_bytes() == genesis(&log)),
        };
        if !holds {
            let what = if self.prev.is_some() {
                "the record before it was changed, or one was taken out, put in or moved"
            } else {
                "the first record is not bound to the log's id"
            };
            self.contradiction(at, Some(seq), what.into());
        }
    }

    /// A segment's first record says which segment of which log it is.
    fn header(&mut self, record: &Record) {
        let kind = if self.number == 1 { "start" } else { "continued" };
        if record.kind() != kind || record.number("segment") != Some(u64::from(self.number)) {
            let what = format!("it does not begin with the header of segment {}", self.number);
            self.contradiction(1, Some(record.seq()), what);
        }
        if self.report.log.is_empty() {
            self.report.log = record.text("log").unwrap_or_default().into_owned();
        }
        if self.key.is_none() {
            let bytes =
                record.text("public_key").and_then(|text| URL_SAFE_NO_PAD.decode(text.as_bytes()).ok());
            self.key = bytes.and_then(|bytes| bytes.try_into().ok()).map(PublicKey::from_bytes);
        }
    }

    /// Compares with the key and with the second sink.
    fn compare(&mut self, at: u64, record: &Record, hash: &[u8; 43]) {
        let seq = record.seq();
        let is_checkpoint = record.kind() == "checkpoint";
        let signed =
            is_checkpoint && self.key.as_ref().is_some_and(|key| is_signed(record.line().as_bytes(), key));
        if is_checkpoint && !signed {
            self.contradiction(at, Some(seq), format!("checkpoint {seq} is not signed by the log's key"));
        }
        let confirmed = self.confirm(at, seq, is_checkpoint, hash);
        if signed {
            self.report.checkpoints += 1;
            self.last_checkpoint = seq;
            if confirmed && !self.broken {
                self.report.intact_to = Some(Anchor { seq, time: record.time().into_owned() });
            }
        }
    }

    /// True if no second sink is given, or it was told this very line.
    fn confirm(&mut self, at: u64, seq: u64, is_checkpoint: bool, hash: &[u8; 43]) -> bool {
        let Some(told) = &self.told else { return true };
        let mut told_at = self.told_at;
        while told.lines.get(told_at).is_some_and(|(told, _)| *told < seq) {
            told_at += 1;
        }
        let known = told.lines.get(told_at).copied();
        let sink = told.path.clone();
        self.told_at = told_at;
        match known {
            Some((told, line)) if told == seq => {
                if line != *hash {
                    let what = format!("record {seq} is not the checkpoint that the second sink knows");
                    self.contradiction(at, Some(seq), what);
                }
                line == *hash
            }
            // It knows later ones: this one was withheld from it, or taken out of it. The later one proves this one
            // too, so the chain is not broken by it.
            Some(_) if is_checkpoint => {
                let what = format!("the second sink does not know checkpoint {seq}");
                self.note(Problem { file: sink, line: 0, seq: Some(seq), what });
                false
            }
            _ => false,
        }
    }

    /// Pairs intents with their outcomes.
    fn pair(&mut self, record: &Record) {
        let Some(call) = record.call() else { return };
        match &*record.kind() {
            "intent" => {
                let text = |name: &str| record.text(name).unwrap_or_default();
                let target = ["tool", "prompt"].iter().find_map(|name| record.text(name));
                let what = match target {
                    Some(target) => format!("{} {target}", text("method")),
                    None => text("method").into_owned(),
                };
                let server = text("server").into_owned();
                let time = record.time().into_owned();
                self.open.insert(call, OpenIntent { seq: record.seq(), time, call, server, what });
            }
            "outcome" if self.open.remove(&call).is_none() => self.report.orphan_outcomes += 1,
            _ => {}
        }
    }
}
