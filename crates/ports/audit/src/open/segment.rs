//! One segment, from its first record to its last whole one.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward_types::Timestamp;

use crate::error::AuditError;
use crate::keys::PublicKey;
use crate::log::chain::{Chain, genesis};
use crate::log::segment_path;
use crate::open::recover::Known;
use crate::scan::{self, Prefix};

/// What a segment's check found.
pub(crate) struct Checked {
    pub(crate) number: u32,
    /// The log's id; nothing if there is no whole record.
    pub(crate) log: Option<String>,
    /// Number of the first record.
    pub(crate) first: u64,
    /// The hash that the first record goes on from.
    pub(crate) first_prev: [u8; 43],
    /// Where the chain stands after the last whole record.
    pub(crate) chain: Chain,
    pub(crate) epoch: u64,
    /// Length of the whole records.
    pub(crate) len: u64,
    pub(crate) file_len: u64,
    /// Checkpoints newer than all that the second sink knows.
    pub(crate) untold: Vec<Vec<u8>>,
}

/// Checks a segment's records up to where a crash may have torn it.
pub(crate) fn check(
    dir: &Path,
    number: u32,
    known: &[Known],
    key: &PublicKey,
    now: Timestamp,
) -> Result<Checked, AuditError> {
    let path = segment_path(dir, number);
    let file = File::open(&path).map_err(AuditError::io("open", &path))?;
    let file_len = file.metadata().map_err(AuditError::io("read", &path))?.len();
    let mut lines = BufReader::with_capacity(1 << 20, file);
    let mut checked = Checked {
        number,
        log: None,
        first: 0,
        first_prev: [b'A'; 43],
        chain: Chain { next: 0, prev: [b'A'; 43], unsigned: 0, signed_at: now },
        epoch: 0,
        len: 0,
        file_len,
        untold: Vec::new(),
    };
    let mut line = Vec::new();
    for at in 1.. {
        line.clear();
        lines.read_until(b'\n', &mut line).map_err(AuditError::io("read", &path))?;
        // What has no end was never a record, nor were the zeros that a power cut leaves.
        let Some(record) = line.strip_suffix(b"\n").filter(|record| !record.contains(&0)) else { break };
        let taken = checked.take(record, known, key);
        taken.map_err(|what| AuditError::Tampered { file: path.clone(), line: at, what })?;
        checked.len += line.len() as u64;
    }
    Ok(checked)
}

/// True if the line is a checkpoint that `key` signed.
pub(crate) fn is_signed(line: &[u8], key: &PublicKey) -> bool {
    let signed = scan::signed(line).and_then(|(text, signature)| {
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        Some(key.verifies(text, &signature))
    });
    signed == Some(true) && Prefix::of(line).is_some_and(|prefix| prefix.kind == b"checkpoint")
}

impl Checked {
    fn take(&mut self, line: &[u8], known: &[Known], key: &PublicKey) -> Result<(), String> {
        let prefix = Prefix::of(line).ok_or("not a record")?;
        let prev = <[u8; 43]>::try_from(prefix.prev).map_err(|_| "not a record")?;
        if self.log.is_none() {
            self.begin(line, &prefix, prev)?;
        }
        if prefix.seq != self.chain.next {
            return Err(format!("record {} stands where {} should", prefix.seq, self.chain.next));
        }
        if prev != self.chain.prev {
            return Err("the record before it was changed, or one was taken out or put in".into());
        }
        self.chain.advance(line);
        if let Ok(told) = known.binary_search_by_key(&prefix.seq, |known| known.seq)
            && known.get(told).is_none_or(|told| told.link != self.chain.prev)
        {
            return Err(format!("record {} is not the checkpoint that the second sink knows", prefix.seq));
        }
        if prefix.kind == b"checkpoint" {
            if !is_signed(line, key) {
                return Err(format!("checkpoint {} is not signed by the log's key", prefix.seq));
            }
            self.epoch = self.epoch.max(scan::number(line, "epoch").unwrap_or(0));
            self.chain.signed(self.chain.signed_at);
            if known.last().is_none_or(|last| last.seq < prefix.seq) {
                self.untold.push([line, b"\n"].concat());
            }
        }
        Ok(())
    }

    /// Takes the first record: what the chain of this segment goes on from.
    fn begin(&mut self, line: &[u8], prefix: &Prefix<'_>, prev: [u8; 43]) -> Result<(), String> {
        let log = scan::token(line, "log").ok_or("a segment must begin with a header")?;
        if prefix.seq == 1 && prev != genesis(log) {
            return Err("the first record is not bound to the log's id".into());
        }
        self.log = Some(log.to_owned());
        (self.first, self.first_prev) = (prefix.seq, prev);
        (self.chain.next, self.chain.prev) = (prefix.seq, prev);
        Ok(())
    }
}
