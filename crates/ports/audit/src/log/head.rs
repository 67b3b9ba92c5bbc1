//! The head: where records are encoded and chained, in memory, one after the other.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use doorward_types::Timestamp;

use crate::clock::ClockText;
use crate::encode::{Line, base64};
use crate::health::Health;
use crate::keys::SigningKey;
use crate::log::batch::Batch;
use crate::log::chain::{CHECKPOINT_RECORDS, Chain};
use crate::record::Kind;

/// Time after which anything new is signed (D-10).
pub(crate) const CHECKPOINT_EVERY: Duration = Duration::from_secs(10);

/// Records taken from the head to be written.
pub(crate) struct Taken {
    pub(crate) bytes: Vec<u8>,
    pub(crate) records: u32,
    pub(crate) batch: Arc<Batch>,
    /// Lines for the second sink, as the log holds them.
    pub(crate) checkpoints: Vec<Vec<u8>>,
    /// Where the chain stands once they have landed.
    pub(crate) chain: Chain,
}

/// What does not change while the log is open.
pub(crate) struct Identity {
    /// The log's random id, in hexadecimal.
    pub(crate) log: String,
    pub(crate) key: SigningKey,
    /// The public key's id.
    pub(crate) key_id: String,
    pub(crate) lab: bool,
}

/// The chain's end in memory, with the records that no write has taken yet.
pub(crate) struct Head {
    pub(crate) chain: Chain,
    pub(crate) health: Health,
    /// The highest revocation epoch, anchored in every checkpoint (D-18).
    pub(crate) epoch: u64,
    /// The time of the newest record.
    pub(crate) now: Timestamp,
    clock: ClockText,
    queue: Vec<u8>,
    records: u32,
    batch: Arc<Batch>,
    checkpoints: Vec<Vec<u8>>,
}

impl Head {
    pub(crate) fn new(chain: Chain, epoch: u64, now: Timestamp) -> Self {
        Self {
            chain,
            health: Health::Good,
            epoch,
            now,
            clock: ClockText::new(),
            queue: Vec::with_capacity(64 << 10),
            records: 0,
            batch: Arc::new(Batch::new()),
            checkpoints: Vec::new(),
        }
    }

    /// Adds a record to the queue, and a checkpoint after it if one is due.
    pub(crate) fn append(
        &mut self,
        identity: &Identity,
        kind: Kind,
        now: Timestamp,
        members: impl FnOnce(&mut Line<'_>),
    ) -> Arc<Batch> {
        self.now = now;
        self.encode(identity, kind, members);
        if self.chain.unsigned >= CHECKPOINT_RECORDS || self.checkpoint_due(now) {
            self.checkpoint(identity);
        }
        Arc::clone(&self.batch)
    }

    /// True if something is unsigned for longer than it may be.
    pub(crate) fn checkpoint_due(&self, now: Timestamp) -> bool {
        self.chain.unsigned > 0
            && (now.since(self.chain.signed_at) >= CHECKPOINT_EVERY || now < self.chain.signed_at)
    }

    /// Adds a signed checkpoint: everything before it in the chain is what the key's holder saw.
    pub(crate) fn checkpoint(&mut self, identity: &Identity) -> Arc<Batch> {
        let epoch = self.epoch;
        let written = self.encode(identity, Kind::Checkpoint, |line| {
            line.token("log", identity.log.as_bytes());
            line.number("epoch", epoch);
            line.token("key", identity.key_id.as_bytes());
            line.sign(&identity.key);
        });
        let line = self.queue.get(written).unwrap_or_default().to_vec();
        self.checkpoints.push(line);
        self.chain.signed(self.now);
        Arc::clone(&self.batch)
    }

    /// Takes everything that is queued; `spare` becomes the next queue.
    pub(crate) fn take(&mut self, spare: &mut Vec<u8>) -> Option<Taken> {
        if self.queue.is_empty() {
            return None;
        }
        spare.clear();
        Some(Taken {
            bytes: std::mem::replace(&mut self.queue, std::mem::take(spare)),
            records: std::mem::take(&mut self.records),
            batch: std::mem::replace(&mut self.batch, Arc::new(Batch::new())),
            checkpoints: std::mem::take(&mut self.checkpoints),
            chain: self.chain,
        })
    }

    /// Goes back to where the file ends: what is queued is chained to records that never landed. Returns the batch
    /// of the records that fall.
    pub(crate) fn rewind(&mut self, chain: Chain) -> Arc<Batch> {
        self.chain = chain;
        self.queue.clear();
        self.records = 0;
        self.checkpoints.clear();
        std::mem::replace(&mut self.batch, Arc::new(Batch::new()))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    fn encode(
        &mut self,
        identity: &Identity,
        kind: Kind,
        members: impl FnOnce(&mut Line<'_>),
    ) -> Range<usize> {
        let from = self.queue.len();
        let mut line =
            Line::begin(&mut self.queue, &self.chain, &mut self.clock, self.now, kind, identity.lab);
        members(&mut line);
        line.end();
        let written = self.queue.get(from..).unwrap_or_default();
        self.chain.advance(written.strip_suffix(b"\n").unwrap_or(written));
        self.records += 1;
        from..self.queue.len()
    }
}

impl Line<'_> {
    /// Adds the signature over the line up to here. It is the last member, so that what was signed is a prefix.
    fn sign(&mut self, key: &SigningKey) {
        let signature: [u8; 86] = base64(&key.sign(self.written()));
        self.token("sig", &signature);
    }
}
