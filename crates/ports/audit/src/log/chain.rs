//! The chain: each record carries the hash of the line before it, so that none can be changed, taken out, put in or
//! moved without every later one changing too.

use aws_lc_rs::digest::{SHA256, digest};
use doorward_types::Timestamp;

use crate::encode::base64;

/// Records after which a checkpoint is signed (D-10).
pub(crate) const CHECKPOINT_RECORDS: u32 = 1_000;

/// Where the chain stands: all that is needed to add a record, and to take back some that did not land.
#[derive(Clone, Copy)]
pub(crate) struct Chain {
    /// Number of the next record.
    pub(crate) next: u64,
    /// Hash of the last line.
    pub(crate) prev: [u8; 43],
    /// Records since the last checkpoint.
    pub(crate) unsigned: u32,
    /// When the last checkpoint was signed.
    pub(crate) signed_at: Timestamp,
}

impl Chain {
    /// Begins the chain of the log `id`: the first record's `prev` is bound to it, so that records cannot be moved
    /// from one log to another.
    pub(crate) fn genesis(id: &str, now: Timestamp) -> Self {
        Self { next: 1, prev: genesis(id), unsigned: 0, signed_at: now }
    }

    /// Takes in a line that was just written.
    pub(crate) fn advance(&mut self, line: &[u8]) {
        self.next += 1;
        self.prev = link(line);
        self.unsigned = self.unsigned.saturating_add(1);
    }

    /// Takes note that the line just taken in was a checkpoint.
    pub(crate) fn signed(&mut self, now: Timestamp) {
        self.unsigned = 0;
        self.signed_at = now;
    }
}

/// Returns what the first record of the log `id` has in `prev`.
pub(crate) fn genesis(id: &str) -> [u8; 43] {
    link(format!("doorward audit log 1\n{id}").as_bytes())
}

/// Returns the hash of a line, without its newline, as the next record holds it.
pub(crate) fn link(line: &[u8]) -> [u8; 43] {
    base64(digest(&SHA256, line).as_ref())
}
