//! Reading a log: records one after the other, across segments, also while a door writes it.

mod record;
mod render;

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use doorward_wire::{Limits, Tree};

pub use record::{Filter, Record};
pub(crate) use render::clean;
pub use render::render;

use crate::error::AuditError;
use crate::log::segment_path;
use crate::open::segments;
use crate::record::CallId;

/// No record is longer; a longer line is not read into memory.
pub(crate) const LINE_BYTES: u64 = 256 << 10;

/// Reads records in order. At the end it returns nothing; called again later, it returns what has come since.
pub struct Reader {
    dir: PathBuf,
    /// The segment being read; nothing before the first one exists.
    segment: Option<(u32, BufReader<File>)>,
    line: u64,
    next_exists: bool,
}

impl Reader {
    /// Begins at a log's first record.
    ///
    /// # Errors
    /// [`AuditError::Io`] if the folder or the segment cannot be read.
    pub fn open(dir: &Path) -> Result<Self, AuditError> {
        let first = segments(dir)?.first().copied();
        let mut reader = Self { dir: dir.to_owned(), segment: None, line: 0, next_exists: false };
        reader.enter(first)?;
        Ok(reader)
    }

    /// Returns the next record; nothing at the end, or while the last one is half written.
    ///
    /// # Errors
    /// [`AuditError::Io`] if the file cannot be read, [`AuditError::Tampered`] if a line is not a record.
    pub fn next_record(&mut self) -> Result<Option<Record>, AuditError> {
        loop {
            let Some((number, file)) = &mut self.segment else {
                let first = segments(&self.dir)?.first().copied();
                if first.is_none() {
                    return Ok(None);
                }
                self.enter(first)?;
                continue;
            };
            let number = *number;
            let path = segment_path(&self.dir, number);
            match read_line(file).map_err(AuditError::io("read", &path))? {
                Line::Whole(line) => {
                    self.line += 1;
                    let parsed = Record::parse(line);
                    return parsed.map(Some).ok_or_else(|| self.not_a_record(path));
                }
                Line::TooLong => {
                    self.line += 1;
                    return Err(self.not_a_record(path));
                }
                Line::End { .. } if self.next_exists => {
                    self.next_exists = false;
                    self.enter(Some(number + 1))?;
                }
                // Once the next segment exists this one is complete; but what completed it may have come between
                // the read and the look, so it is read once more.
                Line::End { .. } if segment_path(&self.dir, number + 1).exists() => self.next_exists = true,
                Line::End { .. } => return Ok(None),
            }
        }
    }

    fn enter(&mut self, number: Option<u32>) -> Result<(), AuditError> {
        if let Some(number) = number {
            let path = segment_path(&self.dir, number);
            let file = File::open(&path).map_err(AuditError::io("open", path))?;
            self.segment = Some((number, BufReader::with_capacity(256 << 10, file)));
            self.line = 0;
        }
        Ok(())
    }

    fn not_a_record(&self, file: PathBuf) -> AuditError {
        AuditError::Tampered { file, line: self.line, what: "not a record".into() }
    }
}

/// Returns the last `count` records that the filter lets through, oldest first.
///
/// # Errors
/// As [`Reader::next_record`].
pub fn tail(dir: &Path, count: usize, filter: &Filter) -> Result<Vec<Record>, AuditError> {
    let mut found = VecDeque::new();
    for number in segments(dir)?.into_iter().rev() {
        let mut reader = Reader { dir: dir.to_owned(), segment: None, line: 0, next_exists: false };
        reader.enter(Some(number))?;
        let mut newest = VecDeque::new();
        while let Some(record) = reader.next_record()? {
            if reader.segment.as_ref().is_none_or(|(at, _)| *at != number) {
                break;
            }
            if filter.matches(&record) {
                newest.push_back(record);
                if newest.len() + found.len() > count {
                    newest.pop_front();
                }
            }
        }
        newest.append(&mut found);
        found = newest;
        if found.len() >= count {
            break;
        }
    }
    Ok(found.into())
}

/// Returns the records of one call, oldest first.
///
/// # Errors
/// As [`Reader::next_record`].
pub fn show(dir: &Path, call: CallId) -> Result<Vec<Record>, AuditError> {
    let filter = Filter { call: Some(call), ..Filter::default() };
    let mut reader = Reader::open(dir)?;
    let mut found = Vec::new();
    while let Some(record) = reader.next_record()? {
        if filter.matches(&record) {
            found.push(record);
        }
    }
    Ok(found)
}

/// What stands next in a segment.
pub(crate) enum Line {
    /// A line, without its newline.
    Whole(Vec<u8>),
    /// Longer than any record; it was skipped.
    TooLong,
    /// The end, after so many bytes that have no newline.
    End { torn: u64 },
}

/// Reads the next line; leaves a half one unread, so that it can be read when it is whole.
pub(crate) fn read_line(file: &mut BufReader<File>) -> io::Result<Line> {
    let mut line = Vec::with_capacity(1024);
    let read = file.by_ref().take(LINE_BYTES).read_until(b'\n', &mut line)?;
    if line.last() == Some(&b'\n') {
        line.pop();
        return Ok(Line::Whole(line));
    }
    if read as u64 == LINE_BYTES {
        let mut rest = Vec::new();
        loop {
            rest.clear();
            let more = file.by_ref().take(LINE_BYTES).read_until(b'\n', &mut rest)?;
            if more == 0 || rest.last() == Some(&b'\n') {
                return Ok(Line::TooLong);
            }
        }
    }
    let back = i64::try_from(read).unwrap_or(0);
    file.seek(SeekFrom::Current(-back))?;
    Ok(Line::End { torn: read as u64 })
}

/// Parses a line strictly.
pub(crate) fn parse(line: Vec<u8>) -> Option<Tree> {
    Tree::parse(Bytes::from(line), &Limits::default()).ok()
}

#[cfg(test)]
mod tests;
