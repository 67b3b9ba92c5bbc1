//! The log as the doors hold it.

mod batch;
pub(crate) mod chain;
mod head;
mod shared;
mod sync;
mod writer;

pub(crate) use head::{Head, Identity};
pub(crate) use shared::Shared;
pub(crate) use sync::Sync;
pub(crate) use writer::{Writer, segment_path};

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use doorward_types::{ObjectId, TenantId, Timestamp};

use crate::config::AuditConfig;
use crate::encode::{self, Line};
use crate::error::AuditError;
use crate::health::{Health, Space};
use crate::keys::{Digest, Part, PublicKey, Subject, SubjectFacts};
use crate::log::batch::Fate;
use crate::open;
use crate::record::{Alarm, Grant, Intent, Kind, Outcome, PinAct, RefusedRecord};
use crate::sink::CheckpointSink;

/// The audit log, open for writing. A clone is the same log.
#[derive(Clone)]
pub struct AuditLog(Arc<Handle>);

/// Ends the thread when the last clone is gone.
struct Handle {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl AuditLog {
    /// Opens a log, or begins one: makes keys and folders that are absent, repairs a torn last record, checks the last
    /// segment against its checkpoints and the second sink.
    ///
    /// # Errors
    /// [`AuditError::Tampered`] if the log is not what was signed, [`AuditError::Beside`] if a key or the second sink
    /// lies in its folder, [`AuditError::Locked`] if another process writes it, and errors of keys and files.
    pub fn open(config: AuditConfig, now: Timestamp) -> Result<Self, AuditError> {
        Self::open_with_sinks(config, Vec::new(), now)
    }

    /// Opens a log that tells its checkpoints to further sinks too.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_with_sinks(
        config: AuditConfig,
        further: Vec<Box<dyn CheckpointSink>>,
        now: Timestamp,
    ) -> Result<Self, AuditError> {
        let storage = Arc::new(crate::storage::Disk::new(&config.dir));
        open::open(config, further, storage, now)
    }

    /// Starts the thread of a log whose files are checked.
    pub(crate) fn start(
        shared: Shared,
        timer: crate::config::Timer,
        sinks: Vec<Box<dyn CheckpointSink>>,
    ) -> Result<Self, AuditError> {
        let shared = Arc::new(shared);
        let dir = shared.dir.clone();
        let of_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("doorward-audit".into())
            .spawn(move || sync::run(&of_thread, timer, sinks))
            .map_err(AuditError::io("start the thread for", dir))?;
        Ok(Self(Arc::new(Handle { shared, thread: Some(thread) })))
    }

    /// Makes the handle under which records name a caller; makes the person's key at their first call.
    ///
    /// # Errors
    /// [`AuditError::Key`] if the key cannot be kept: without it the record could not be erased later.
    pub fn subject(&self, facts: &SubjectFacts<'_>) -> Result<Subject, AuditError> {
        Ok(self.0.shared.keyring.subject(facts)?)
    }

    /// Returns the digest of bytes that belong to no known caller, under a key of the log.
    pub fn unattributed_digest(&self, part: Part, bytes: &[u8]) -> Digest {
        self.0.shared.keyring.unattributed(part, bytes)
    }

    /// Records an intent; returns when it is written (D-09). The call may go on only then.
    ///
    /// # Errors
    /// [`AuditError`] if it is not in the log; the call must be refused.
    pub async fn intent(&self, intent: &Intent<'_>, now: Timestamp) -> Result<(), AuditError> {
        self.record(Space::Common, Kind::Intent, now, |line| encode::intent(line, intent)).await
    }

    /// Records an outcome; returns when it is written (D-09). The last byte may leave only then.
    ///
    /// # Errors
    /// [`AuditError`] if it is not in the log; the answer must be withheld.
    pub async fn outcome(&self, outcome: &Outcome<'_>, now: Timestamp) -> Result<(), AuditError> {
        self.record(Space::Reserved, Kind::Outcome, now, |line| encode::outcome(line, outcome)).await
    }

    /// Records the outcome of a call whose caller has gone, from where nothing can be awaited (a destructor). It is
    /// written before this returns, unless another write is under way: then that one's writer takes it along.
    ///
    /// # Errors
    /// [`AuditError`] if the log takes no records; a write that fails later shows in [`healthy`](Self::healthy).
    pub fn outcome_detached(&self, outcome: &Outcome<'_>, now: Timestamp) -> Result<(), AuditError> {
        let shared = &self.0.shared;
        shared.append(Space::Reserved, Kind::Outcome, now, |line| encode::outcome(line, outcome))?;
        shared.flush_if_free();
        Ok(())
    }

    /// Records the refusal of a known caller; returns when it is written.
    ///
    /// # Errors
    /// [`AuditError`] if it is not in the log; it stays a refusal.
    pub async fn refused(&self, refused: &RefusedRecord<'_>, now: Timestamp) -> Result<(), AuditError> {
        self.record(Space::Common, Kind::Refused, now, |line| encode::refused(line, refused)).await
    }

    /// Counts a refusal of somebody unknown (D-11). Never waits, never writes: the log's thread does, or
    /// [`tick`](Self::tick).
    pub fn refused_unauthenticated(&self, source: IpAddr, reason: &'static str, now: Timestamp) {
        if lock(&self.0.shared.flood).count(source, reason, now) {
            self.0.shared.sync.tick();
        }
    }

    /// Records what happened around signing in; returns when it is written.
    ///
    /// # Errors
    /// [`AuditError`] if it is not in the log; what it tells of must then not take effect.
    pub async fn grant(&self, grant: &Grant<'_>, now: Timestamp) -> Result<(), AuditError> {
        self.record(Space::Common, Kind::Grant, now, |line| encode::grant(line, grant)).await
    }

    /// Records an alarm; returns when it is written.
    ///
    /// # Errors
    /// [`AuditError`] if it is not in the log.
    pub async fn alarm(&self, alarm: &Alarm<'_>, now: Timestamp) -> Result<(), AuditError> {
        self.record(Space::Common, Kind::Alarm, now, |line| encode::alarm(line, alarm)).await
    }

    /// Records what a person decided about a definition; returns when it is written.
    ///
    /// # Errors
    /// [`AuditError`] if it is not in the log.
    pub async fn pin(&self, act: &PinAct<'_>, now: Timestamp) -> Result<(), AuditError> {
        self.record(Space::Common, Kind::Pin, now, |line| encode::pin(line, act)).await
    }

    /// Erases a person: deletes the key under which their identifying fields are sealed, and records that it did.
    /// Returns true if there was one. The chain stays as it is (D-10).
    ///
    /// # Errors
    /// [`AuditError`] if the key file cannot be written, or the erasure not be recorded.
    pub async fn erase(
        &self,
        tenant: &TenantId,
        object: &ObjectId,
        now: Timestamp,
    ) -> Result<bool, AuditError> {
        let keyring = &self.0.shared.keyring;
        let person = keyring.person(tenant, object)?;
        let found = keyring.erase(&person)?;
        self.record(Space::Common, Kind::Erased, now, |line| {
            line.token("person", person.text());
            line.flag("found", found);
        })
        .await?;
        Ok(found)
    }

    /// Anchors a revocation epoch: from now on no older database is accepted (D-18). Signs a checkpoint at once if the
    /// epoch is a higher one.
    ///
    /// # Errors
    /// [`AuditError`] if the checkpoint is not in the log.
    pub async fn anchor_epoch(&self, epoch: u64, now: Timestamp) -> Result<(), AuditError> {
        let shared = &self.0.shared;
        let batch = {
            let mut head = lock(&shared.head);
            if epoch <= head.epoch {
                return Ok(());
            }
            head.health.admit(Space::Reserved, now, || false)?;
            head.epoch = epoch;
            head.now = now;
            head.checkpoint(&shared.identity)
        };
        shared.written(&batch).await
    }

    /// Returns the highest epoch that the log's checkpoints anchor.
    pub fn epoch(&self) -> u64 {
        lock(&self.0.shared.head).epoch
    }

    /// Returns the key that verifies this log's checkpoints.
    pub fn public_key(&self) -> &PublicKey {
        self.0.shared.identity.key.public()
    }

    /// Returns the log's random id.
    pub fn id(&self) -> &str {
        &self.0.shared.identity.log
    }

    /// True if intents are taken; for `/readyz`. It turns true again with the first record that lands.
    pub fn healthy(&self) -> bool {
        !self.0.shared.is_troubled()
    }

    /// Writes what has become due: flood records, their summary, a timed checkpoint. The log's own thread does this by
    /// the system's clock unless [`Timer::Handed`](crate::Timer::Handed) is chosen.
    pub fn tick(&self, now: Timestamp) {
        self.0.shared.tick(now);
    }

    /// Ends the log: a last flood summary, a `stop` record, a checkpoint, and everything on the device and in the
    /// second sink.
    ///
    /// # Errors
    /// [`AuditError`] if the end is not in the log. It is closed in any case.
    pub async fn close(&self, now: Timestamp) -> Result<(), AuditError> {
        let shared = &self.0.shared;
        shared.write_flood(now, true);
        let stopped = {
            let mut head = lock(&shared.head);
            let admitted = head.health.admit(Space::Reserved, now, || false);
            let batch = admitted.map(|()| {
                head.append(&shared.identity, Kind::Stop, now, |_| {});
                head.checkpoint(&shared.identity)
            });
            if !matches!(batch, Err(AuditError::Closed)) {
                head.health = Health::Closed;
                shared.publish(&head);
            }
            batch?
        };
        let written = shared.written(&stopped).await;
        shared.sync.stop();
        shared.sync.ended.reaches(Fate::Synced).await;
        written
    }

    async fn record(
        &self,
        space: Space,
        kind: Kind,
        now: Timestamp,
        members: impl FnOnce(&mut Line<'_>),
    ) -> Result<(), AuditError> {
        let log = &self.0.shared;
        let batch = log.append(space, kind, now, members)?;
        // Whoever else is ready to run adds their record first: then one write carries them all.
        shared::yield_once().await;
        log.written(&batch).await
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.flush_if_free();
        self.shared.sync.stop();
        // Waited for, so that the folder is free for the next who opens it.
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Locks a mutex. A thread that panicked while it held one left whole values behind: each is replaced, not edited.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
