//! From memory to the file: one write for everything that is queued, all of it or nothing.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::health::{Health, is_full};
use crate::log::batch::Fate;
use crate::log::chain::Chain;
use crate::log::head::{Head, Taken};
use crate::log::{Shared, lock};
use crate::record::Kind;
use crate::storage::{Segment, Storage};

/// After a rotation that failed, this part of a segment goes into the old one before the next try.
const ROTATE_AGAIN: u64 = 16;

/// The end of the file. Who holds it may write.
pub(crate) struct Writer {
    pub(crate) segment: Arc<dyn Segment>,
    /// The segment's number, from 1.
    pub(crate) number: u32,
    /// The segment's length: everything before is whole records.
    pub(crate) len: u64,
    /// The length at which a new segment begins.
    pub(crate) rotate_at: u64,
    /// Where the chain stands at `len`.
    pub(crate) chain: Chain,
    pub(crate) spare: Vec<u8>,
    /// True if the last write had to use the reserve.
    pub(crate) used_reserve: bool,
}

impl Shared {
    /// Writes everything queued. Whoever waits for it learns its fate from the batch.
    pub(crate) fn flush(&self, writer: &mut Writer) {
        let Some(taken) = lock(&self.head).take(&mut writer.spare) else { return };
        match writer.land(&taken.bytes, &*self.storage) {
            Ok(()) => {
                self.settle(writer, taken);
                if writer.used_reserve || self.is_troubled() {
                    self.note_landed(&mut lock(&self.head), writer);
                }
            }
            Err(error) => self.lost(&mut lock(&self.head), writer, taken, &error),
        }
        if writer.len >= writer.rotate_at {
            self.rotate(writer);
        }
    }

    /// Tells who waits that a batch is in the file, and the sync thread that there is something to sync.
    fn settle(&self, writer: &mut Writer, taken: Taken) {
        writer.len += u64::try_from(taken.bytes.len()).unwrap_or(u64::MAX);
        writer.chain = taken.chain;
        writer.spare = taken.bytes;
        taken.batch.settle(Fate::Written);
        let waits = self.waits_for_sync.then_some(taken.batch);
        self.sync.landed(&writer.segment, taken.records, waits, taken.checkpoints);
    }

    /// Takes note of how the log stands after a write that landed.
    fn note_landed(&self, head: &mut Head, writer: &mut Writer) {
        if std::mem::take(&mut writer.used_reserve) {
            let now = head.now;
            head.health.failed(io::ErrorKind::StorageFull, now);
            tracing::error!("the audit log's volume is full: no call is let through until space is freed");
        } else {
            head.health.landed();
        }
        self.publish(head);
    }

    /// Takes back a batch that did not land, and what was chained to it meanwhile.
    fn lost(&self, head: &mut Head, writer: &mut Writer, taken: Taken, error: &io::Error) {
        let now = head.now;
        match writer.segment.truncate(writer.len) {
            Ok(()) => head.health.failed(error.kind(), now),
            // Part of a record may stand at the end of the file: the next one must not follow it.
            Err(_) => head.health = Health::Broken("a failed write could not be taken back"),
        }
        let later = head.rewind(writer.chain);
        self.publish(head);
        tracing::error!(%error, "the audit log cannot be written");
        writer.spare = taken.bytes;
        writer.used_reserve = false;
        taken.batch.settle(Fate::Failed);
        later.settle(Fate::Failed);
    }

    /// Ends the segment with a checkpoint and begins the next one. Nobody appends meanwhile.
    fn rotate(&self, writer: &mut Writer) {
        let mut head = lock(&self.head);
        // The last record of a log that was closed is the checkpoint of its end.
        if head.health == Health::Closed {
            return;
        }
        head.checkpoint(&self.identity);
        if let Some(last) = head.take(&mut writer.spare) {
            match writer.land(&last.bytes, &*self.storage) {
                Ok(()) => {
                    self.settle(writer, last);
                    self.note_landed(&mut head, writer);
                }
                Err(error) => {
                    self.lost(&mut head, writer, last, &error);
                    writer.rotate_at = writer.len + self.segment_bytes / ROTATE_AGAIN;
                    return;
                }
            }
        }
        self.begin_segment(writer, &mut head);
    }

    fn begin_segment(&self, writer: &mut Writer, head: &mut Head) {
        let (old, old_len) = (Arc::clone(&writer.segment), writer.len);
        let number = writer.number + 1;
        let path = segment_path(&self.dir, number);
        head.append(&self.identity, Kind::Continued, head.now, |line| {
            line.token("log", self.identity.log.as_bytes());
            line.number("segment", u64::from(number));
            line.token("key", self.identity.key_id.as_bytes());
        });
        let Some(header) = head.take(&mut writer.spare) else { return };
        let begun = self.storage.create(&path).and_then(|segment| {
            (writer.segment, writer.len) = (segment, 0);
            writer.land(&header.bytes, &*self.storage)
        });
        match begun {
            Ok(()) => {
                writer.number = number;
                writer.rotate_at = self.segment_bytes;
                writer.chain = header.chain;
                writer.len = u64::try_from(header.bytes.len()).unwrap_or(u64::MAX);
                self.note_landed(head, writer);
                self.sync.landed(&writer.segment, header.records, None, header.checkpoints);
            }
            Err(error) => {
                tracing::warn!(%error, "no new audit segment can be begun; the old one goes on");
                (writer.segment, writer.len) = (old, old_len);
                let _ = self.storage.remove(&path);
                writer.rotate_at = writer.len + self.segment_bytes / ROTATE_AGAIN;
                head.rewind(writer.chain);
            }
        }
    }
}

impl Writer {
    /// Writes all of `bytes` at the end. A full volume gives back the reserve, once, and tries again.
    fn land(&mut self, bytes: &[u8], storage: &dyn Storage) -> io::Result<()> {
        match write_all(&*self.segment, bytes) {
            Err(error) if is_full(error.kind()) && storage.release() => {
                self.segment.truncate(self.len)?;
                self.used_reserve = true;
                write_all(&*self.segment, bytes)
            }
            other => other,
        }
    }
}

fn write_all(segment: &dyn Segment, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match segment.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(landed) => bytes = bytes.get(landed..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Returns the path of a segment, `audit-000001.jsonl`.
pub(crate) fn segment_path(dir: &Path, number: u32) -> PathBuf {
    dir.join(format!("audit-{number:06}.jsonl"))
}
