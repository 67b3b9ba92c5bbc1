//! What callers and the log's own thread share, and how a record gets from the one to the file: it is chained in the
//! head, and whoever finds the writer free writes everything that is queued.

use std::future::Future;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, TryLockError};
use std::task::Poll;

use doorward_types::Timestamp;

use crate::encode::Line;
use crate::error::AuditError;
use crate::flood::{First, Flood, Summary};
use crate::health::{Health, Space};
use crate::keys::Keyring;
use crate::log::batch::{Batch, Fate};
use crate::log::{Head, Identity, Sync, Writer, lock};
use crate::record::Kind;
use crate::storage::Storage;

/// What the callers and the log's own thread share. Locks are taken in the order writer, head, and never while the
/// thread's list of work is held.
pub(crate) struct Shared {
    pub(crate) dir: PathBuf,
    pub(crate) segment_bytes: u64,
    pub(crate) waits_for_sync: bool,
    pub(crate) identity: Identity,
    pub(crate) keyring: Keyring,
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) head: Mutex<Head>,
    pub(crate) writer: Mutex<Writer>,
    pub(crate) sync: Sync,
    pub(crate) flood: Mutex<Flood>,
    /// True unless the log is in good health; so that nobody takes the head's lock to ask.
    pub(crate) troubled: AtomicBool,
    /// Holds the folder against a second writer as long as the log is open.
    pub(crate) _held: std::fs::File,
}

impl Shared {
    pub(crate) fn append(
        &self,
        space: Space,
        kind: Kind,
        now: Timestamp,
        members: impl FnOnce(&mut Line<'_>),
    ) -> Result<Arc<Batch>, AuditError> {
        let mut head = lock(&self.head);
        if self.is_troubled() {
            let admitted = head.health.admit(space, now, || self.storage.reserve().is_ok());
            self.publish(&head);
            admitted?;
        }
        Ok(head.append(&self.identity, kind, now, members))
    }

    /// Returns when the batch is written, and synced if that is asked for. Writes it itself if nobody else writes.
    pub(crate) async fn written(&self, batch: &Batch) -> Result<(), AuditError> {
        loop {
            let mut changed = pin!(batch.changed());
            changed.as_mut().enable();
            match batch.fate() {
                Fate::Failed => return Err(lock(&self.head).health.error()),
                Fate::Synced => return Ok(()),
                Fate::Written if !self.waits_for_sync => return Ok(()),
                Fate::Pending if self.flush_if_free() => {}
                Fate::Written | Fate::Pending => changed.await,
            }
        }
    }

    /// Writes what is queued unless somebody else is writing; true if it did.
    pub(crate) fn flush_if_free(&self) -> bool {
        let mut flushed = false;
        loop {
            {
                let mut writer = match self.writer.try_lock() {
                    Ok(writer) => writer,
                    Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                    Err(TryLockError::WouldBlock) => return flushed,
                };
                self.flush(&mut writer);
                flushed = true;
            }
            // Who came while the lock was held saw it held and waits: their records must not be left behind.
            if lock(&self.head).is_empty() {
                return flushed;
            }
        }
    }

    pub(crate) fn tick(&self, now: Timestamp) {
        self.write_flood(now, false);
        let mut head = lock(&self.head);
        // A door that says it is not ready gets no calls: so a log in trouble is tried again from here too, with a
        // checkpoint, which is never out of place.
        let trial = self.is_troubled()
            && head.health.admit(Space::Common, now, || self.storage.reserve().is_ok()).is_ok();
        let due = head.checkpoint_due(now) && head.health.admit(Space::Reserved, now, || false).is_ok();
        if trial || due {
            head.now = now;
            head.checkpoint(&self.identity);
        }
        self.publish(&head);
        let idle = head.is_empty();
        drop(head);
        if !idle {
            self.flush_if_free();
        }
    }

    /// Queues what the flood counters have to tell. A log in trouble is spared: the counts are kept.
    pub(crate) fn write_flood(&self, now: Timestamp, ending: bool) {
        if self.is_troubled() {
            return;
        }
        let (firsts, summary) = {
            let mut flood = lock(&self.flood);
            if flood.is_empty() {
                return;
            }
            (flood.firsts(), flood.summary(now, ending))
        };
        for First { source, reason, at } in firsts {
            let _ = self.append(Space::Common, Kind::Flood, at, |line| {
                line.text("reason", reason);
                line.text("source", &source.to_string());
                line.flag("first", true);
            });
        }
        if let Some(summary) = summary {
            let _ = self.append(Space::Common, Kind::Flood, now, |line| summary.write(line));
        }
    }

    pub(crate) fn is_troubled(&self) -> bool {
        self.troubled.load(Ordering::Acquire)
    }

    /// Makes the head's health known to those who do not hold it.
    pub(crate) fn publish(&self, head: &Head) {
        self.troubled.store(head.health != Health::Good, Ordering::Release);
    }
}

impl Summary {
    fn write(&self, line: &mut Line<'_>) {
        line.token("from", self.from.to_string().as_bytes());
        line.number("total", self.total);
        line.counts(&self.named, &self.others);
    }
}

/// Lets every other task that is ready run once. It goes to the end of the queue without a turn of the reactor, so it
/// costs no system call.
pub(crate) fn yield_once() -> impl Future<Output = ()> {
    let mut yielded = false;
    std::future::poll_fn(move |context| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
}
