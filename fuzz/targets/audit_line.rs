//! Logs that somebody has edited: never panics; reading and verifying end, with a report that cannot steer a terminal
//! or forge a line; up to the checkpoint that is proven, the log is the genuine one, byte for byte.
//! Input: the log's first segment, and after zero bytes its second segment and the second sink.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward_audit::{
    AuditError, Filter, PublicKey, Reader, VerifyInputs, VerifyReport, render, tail, verify,
};
use tempfile::TempDir;

/// A log in two segments with its second sink, as the door wrote it.
const GENUINE: &[u8] = include_bytes!("../seeds/audit_line/genuine");
/// The key that signed it.
const KEY: &str = "glOoGa6IhoOCYpN3SQH0k4t0wZoNk4kuC38Xl7K3A7E";

pub(crate) fn run(data: &[u8]) {
    let place = folder();
    let parts: Vec<&[u8]> = data.splitn(3, |byte| *byte == 0).collect();
    let files = ["audit-000001.jsonl", "audit-000002.jsonl", "checkpoints"];
    for (at, name) in files.iter().enumerate() {
        match parts.get(at) {
            Some(part) => fs::write(place.join(name), part).unwrap(),
            None => drop(fs::remove_file(place.join(name))),
        }
    }
    let segments: Vec<&[u8]> = parts.iter().take(2).copied().collect();
    read(place, &segments);
    let sink = (parts.len() > 2).then(|| place.join("checkpoints"));
    for (public_key, checkpoints) in [(Some(key()), sink.clone()), (Some(key()), None), (None, sink)] {
        let key_given = public_key.is_some();
        let inputs =
            VerifyInputs { dir: place.to_owned(), public_key, checkpoints, ..VerifyInputs::default() };
        let report = verify(&inputs).unwrap();
        sound(&report, &segments);
        if let (true, Some(anchor)) = (key_given, &report.intact_to) {
            let lines = |parts: &[&[u8]]| -> Vec<Vec<u8>> {
                let lines = parts.iter().flat_map(|part| part.split(|byte| *byte == b'\n'));
                lines.take(anchor.seq as usize).map(<[u8]>::to_vec).collect()
            };
            let genuine: Vec<&[u8]> = GENUINE.split(|byte| *byte == 0).take(2).collect();
            let genuine: Vec<&[u8]> = genuine.iter().map(|part| part.strip_suffix(b"\n").unwrap()).collect();
            let judged: Vec<&[u8]> =
                segments.iter().map(|part| part.strip_suffix(b"\n").unwrap_or(part)).collect();
            assert_eq!(lines(&judged), lines(&genuine), "proven and not what was written");
        }
    }
}

/// Reads from the first record to the end, or to the first line that is none.
fn read(place: &Path, segments: &[&[u8]]) {
    let mut lines = segments.iter().flat_map(|part| part.split_inclusive(|byte| *byte == b'\n'));
    let mut reader = Reader::open(place).unwrap();
    loop {
        match reader.next_record() {
            Ok(None) => break,
            Ok(Some(record)) => {
                let line = lines.by_ref().find(|line| line.ends_with(b"\n")).unwrap();
                assert_eq!(record.line().as_bytes(), line.trim_ascii());
                assert!(!render(&record).contains(char::is_control));
            }
            Err(AuditError::Tampered { .. }) => break,
            Err(error) => panic!("{error}"),
        }
    }
    if let Ok(last) = tail(place, 3, &Filter::default()) {
        assert!(last.len() <= 3);
    }
}

fn sound(report: &VerifyReport, segments: &[&[u8]]) {
    let shown = report.to_string();
    assert!(!shown.contains(|c: char| c.is_control() && c != '\n'), "{shown:?}");
    let head = 2
        + usize::from(report.torn_bytes > 0)
        + usize::from(!report.key_given)
        + usize::from(!report.sink_given);
    let items = report.open_intents.len() + report.problems.len() + usize::from(report.further_problems > 0);
    assert_eq!(shown.lines().count(), head + items, "a line was forged: {shown:?}");
    let whole: usize = segments.iter().map(|part| part.iter().filter(|byte| **byte == b'\n').count()).sum();
    assert_eq!(report.records, whole as u64);
    assert!(report.unanchored_tail == 0 || report.records > 0 || !report.is_intact());
}

fn key() -> PublicKey {
    let bytes = URL_SAFE_NO_PAD.decode(KEY).unwrap();
    PublicKey::from_bytes(bytes.try_into().unwrap())
}

/// A folder for this process, in memory where the machine has such a place.
fn folder() -> &'static Path {
    static PLACE: OnceLock<TempDir> = OnceLock::new();
    PLACE.get_or_init(|| tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()).path()
}
