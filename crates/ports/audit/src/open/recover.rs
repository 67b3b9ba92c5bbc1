//! Whether the end of the log is what was signed, and what a crash tore off it.
//!
//! The last segment is checked whole: its chain, the signature of each checkpoint, and each against the second sink.
//! Earlier segments are bound to it by their hashes and left to `verify`, or a door with a year of log would start late.

use std::fs;
use std::path::Path;

use doorward_types::Timestamp;

use crate::error::AuditError;
use crate::keys::PublicKey;
use crate::log::chain::{Chain, link};
use crate::log::segment_path;
use crate::open::segment::{Checked, check};
use crate::open::torn::{self, Torn};
use crate::scan::{self, Prefix};
use crate::sink::FileSink;

/// Where the log ends.
pub(crate) struct Found {
    /// The log's id.
    pub(crate) log: String,
    pub(crate) chain: Chain,
    pub(crate) epoch: u64,
    /// The last segment's number.
    pub(crate) number: u32,
    /// The last segment's length, without what was torn.
    pub(crate) len: u64,
    pub(crate) torn: Option<Torn>,
    /// Checkpoints that the second sink was not told before the process died.
    pub(crate) untold: Vec<Vec<u8>>,
}

/// A checkpoint that the second sink was told.
pub(crate) struct Known {
    pub(crate) seq: u64,
    pub(crate) link: [u8; 43],
}

/// Lists the numbers of a log's segments, in order.
pub(crate) fn segments(dir: &Path) -> Result<Vec<u32>, AuditError> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(dir).map_err(AuditError::io("read the folder", dir))? {
        let name = entry.map_err(AuditError::io("read the folder", dir))?.file_name();
        numbers.extend(name.to_str().and_then(segment_number));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// Reads what the second sink knows; cuts off a line that a crash left half.
pub(crate) fn known_checkpoints(sink: &FileSink) -> Result<Vec<Known>, AuditError> {
    let path = sink.path();
    let content = fs::read(path).map_err(AuditError::io("read", path))?;
    let whole = content.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    if whole < content.len() {
        torn::cut(path, whole as u64).map_err(AuditError::io("repair", path))?;
    }
    let mut known: Vec<Known> = Vec::new();
    for (line, at) in content.get(..whole).unwrap_or_default().split_inclusive(|byte| *byte == b'\n').zip(1..)
    {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let problem = |what: &str| AuditError::Tampered { file: path.into(), line: at, what: what.into() };
        let prefix = Prefix::of(line).ok_or_else(|| problem("not a checkpoint"))?;
        if known.last().is_some_and(|last| last.seq >= prefix.seq) {
            return Err(problem("not in order"));
        }
        known.push(Known { seq: prefix.seq, link: link(line) });
    }
    Ok(known)
}

/// Checks the end of a log and finds where to go on.
pub(crate) fn recover(
    dir: &Path,
    mut segments: Vec<u32>,
    known: &[Known],
    key: &PublicKey,
    now: Timestamp,
) -> Result<Found, AuditError> {
    let (mut last, torn) = last_segment(dir, &mut segments, known, key, now)?;
    let log = last.log.take().unwrap_or_default();
    let mut untold = std::mem::take(&mut last.untold);
    let mut epoch = last.epoch;
    let (mut first, mut first_prev, mut number) = (last.first, last.first_prev, last.number);
    let last_known = known.last().map_or(0, |known| known.seq);
    while first > 1 {
        let path = segment_path(dir, number);
        let tampered = |what: &str| AuditError::Tampered { file: path.clone(), line: 1, what: what.into() };
        let Some(before) = segments.pop().filter(|before| before.checked_add(1) == Some(number)) else {
            return Err(tampered("the segment before it is missing"));
        };
        let apart = "it does not go on from the segment before it";
        if last_known >= first - 1 {
            // The second sink knows the checkpoint that ended the segment before: the seam is enough.
            let end = torn::last_line(&segment_path(dir, before))?;
            if link(&end) != first_prev {
                return Err(tampered(apart));
            }
            if !crate::open::segment::is_signed(&end, key) {
                return Err(tampered(
                    "the segment before it does not end with a checkpoint of the log's key",
                ));
            }
            epoch = epoch.max(scan::number(&end, "epoch").unwrap_or(0));
            break;
        }
        let mut earlier = check(dir, before, known, key, now)?;
        if earlier.chain.prev != first_prev || earlier.len != earlier.file_len {
            return Err(tampered(apart));
        }
        earlier.untold.append(&mut untold);
        untold = earlier.untold;
        epoch = epoch.max(earlier.epoch);
        (first, first_prev, number) = (earlier.first, earlier.first_prev, before);
    }
    if last.chain.next <= last_known {
        let end = last.chain.next - 1;
        let what = format!(
            "it ends at record {end}, the second sink knows checkpoint {last_known}: the end was cut off"
        );
        return Err(AuditError::Tampered { file: segment_path(dir, last.number), line: 0, what });
    }
    Ok(Found { log, chain: last.chain, epoch, number: last.number, len: last.len, torn, untold })
}

/// Checks the last segment and sets aside what is torn off it. A crash between a segment's making and its first record
/// leaves one without any: then the one before is the last.
fn last_segment(
    dir: &Path,
    segments: &mut Vec<u32>,
    known: &[Known],
    key: &PublicKey,
    now: Timestamp,
) -> Result<(Checked, Option<Torn>), AuditError> {
    let mut torn = None;
    while let Some(number) = segments.pop() {
        let checked = check(dir, number, known, key, now)?;
        if checked.len < checked.file_len {
            torn = Some(torn::set_aside(dir, number, checked.len)?);
        }
        if checked.log.is_some() {
            return Ok((checked, torn));
        }
        let path = segment_path(dir, number);
        fs::remove_file(&path).map_err(AuditError::io("remove", path))?;
    }
    Err(AuditError::Tampered { file: dir.into(), line: 0, what: "no segment holds a whole record".into() })
}

/// Says whether the log is a first segment without one whole record: a first start was killed before it wrote any.
pub(crate) fn only_begun(dir: &Path, segments: &[u32]) -> Result<bool, AuditError> {
    if *segments != [1] {
        return Ok(false);
    }
    let path = segment_path(dir, 1);
    let bytes = fs::read(&path).map_err(AuditError::io("read", &path))?;
    Ok(bytes.len() < LONGEST_FIRST && !bytes.contains(&b'\n'))
}

/// Longer than any first record.
const LONGEST_FIRST: usize = 4_096;

/// Returns the number in a segment's name.
pub(crate) fn segment_number(name: &str) -> Option<u32> {
    let digits = name.strip_prefix("audit-")?.strip_suffix(".jsonl")?;
    (digits.len() >= 6 && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| digits.parse().ok())?
}
