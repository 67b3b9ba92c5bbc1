//! Whether a log is what was written, and up to where that can be proven (D-10).

mod report;
mod walk;

use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};

pub use report::{Anchor, OpenIntent, Problem, VerifyReport};

use crate::error::AuditError;
use crate::keys::PublicKey;
use crate::log::chain::link;
use crate::log::segment_path;
use crate::open::segments;
use crate::read::{Line, read_line};
use crate::scan::Prefix;
use walk::Walk;

/// What a verification is given. The less it is given, the less it can find.
#[derive(Debug, Clone, Default)]
pub struct VerifyInputs {
    /// The log's folder.
    pub dir: PathBuf,
    /// The key that signs its checkpoints. Without it the log's own word is taken for it: whoever rewrote the whole
    /// log is then not found.
    pub public_key: Option<PublicKey>,
    /// The second sink's file, `checkpoints.jsonl`. Without it a log that was cut at a checkpoint, or rewritten by a
    /// holder of the key, is not found.
    pub checkpoints: Option<PathBuf>,
    /// A checkpoint's number known from elsewhere. Without it a log and a second sink that were both put back to the
    /// same earlier state are not found.
    pub known: Option<u64>,
}

/// Reads a whole log and reports what does not fit.
///
/// # Errors
/// [`AuditError::Io`] if files cannot be read. What they hold is never an error: it is a problem in the report.
pub fn verify(inputs: &VerifyInputs) -> Result<VerifyReport, AuditError> {
    // Read first: a door that goes on writing tells the log before the sink, so the log is never behind.
    let told = inputs.checkpoints.as_deref().map(told).transpose()?;
    let numbers = segments(&inputs.dir)?;
    let mut walk = Walk::new(inputs.public_key, told);
    for (number, expected) in numbers.iter().copied().zip(1..) {
        let path = segment_path(&inputs.dir, number);
        if number != expected {
            walk.problem(&path, 0, None, format!("segment {expected} is missing"));
        }
        let file = File::open(&path).map_err(AuditError::io("open", &path))?;
        walk_segment(&mut walk, &path, number, BufReader::with_capacity(1 << 20, file))?;
    }
    Ok(walk.finish(&inputs.dir, inputs.known, numbers.len()))
}

fn walk_segment(
    walk: &mut Walk,
    path: &Path,
    number: u32,
    mut file: BufReader<File>,
) -> Result<(), AuditError> {
    walk.enter(path, number);
    for at in 1.. {
        match read_line(&mut file).map_err(AuditError::io("read", path))? {
            Line::Whole(line) => walk.take(at, line),
            Line::TooLong => walk.problem(path, at, None, "longer than any record".into()),
            Line::End { torn } => {
                walk.leave(at, torn);
                break;
            }
        }
    }
    Ok(())
}

/// Checkpoints that the second sink was told.
pub(crate) struct Told {
    path: PathBuf,
    /// Number, hash and line, in order.
    lines: Vec<(u64, [u8; 43])>,
    problems: Vec<(u64, &'static str)>,
}

fn told(path: &Path) -> Result<Told, AuditError> {
    let content = fs::read(path).map_err(AuditError::io("read", path))?;
    let mut told = Told { path: path.into(), lines: Vec::new(), problems: Vec::new() };
    for (line, at) in content.split_inclusive(|byte| *byte == b'\n').zip(1..) {
        // A crash of the door may leave half a line at the end; it is told again at the next start.
        let Some(line) = line.strip_suffix(b"\n") else { continue };
        match Prefix::of(line).filter(|prefix| prefix.kind == b"checkpoint") {
            None => told.problems.push((at, "not a checkpoint")),
            Some(prefix) if told.lines.last().is_some_and(|(last, _)| *last >= prefix.seq) => {
                told.problems.push((at, "checkpoints out of order"));
            }
            Some(prefix) => told.lines.push((prefix.seq, link(line))),
        }
    }
    Ok(told)
}

#[cfg(test)]
mod tests;
