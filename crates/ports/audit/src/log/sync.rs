//! The thread behind the log: `fdatasync`, then the second sink, in this order. A checkpoint in the sink that a power
//! cut took from the log would look like a cut log.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use crate::config::Timer;
use crate::health::Health;
use crate::log::batch::{Batch, Fate};
use crate::log::{Shared, lock};
use crate::sink::CheckpointSink;
use crate::storage::Segment;

/// A batch is synced at the latest after so many records (D-09).
const SYNC_RECORDS: u32 = 100;
/// A batch is synced at the latest after this time (D-09).
const SYNC_AFTER: Duration = Duration::from_millis(10);
/// How often the system timer looks whether a checkpoint or a flood summary is due.
const TICK: Duration = Duration::from_secs(1);
/// Checkpoints kept for a second sink that cannot be written; older ones are dropped, and `verify` names the gap.
const KEPT_CHECKPOINTS: usize = 4_096;

/// What the thread has to do, and how it is woken.
pub(crate) struct Sync {
    todo: Mutex<Todo>,
    wake: Condvar,
    /// Settled once everything is synced and the thread is gone.
    pub(crate) ended: Batch,
}

#[derive(Default)]
struct Todo {
    records: u32,
    since: Option<Instant>,
    segments: Vec<Arc<dyn Segment>>,
    waiting: Vec<Arc<Batch>>,
    checkpoints: Vec<Vec<u8>>,
    /// Something must be written that no caller waits for.
    tick: bool,
    stop: bool,
}

/// Why the thread woke.
struct Work {
    segments: Vec<Arc<dyn Segment>>,
    waiting: Vec<Arc<Batch>>,
    checkpoints: Vec<Vec<u8>>,
    stop: bool,
}

impl Sync {
    pub(crate) fn new() -> Self {
        Self { todo: Mutex::default(), wake: Condvar::new(), ended: Batch::new() }
    }

    /// Takes note of records that are written and not synced.
    pub(crate) fn landed(
        &self,
        segment: &Arc<dyn Segment>,
        records: u32,
        waits: Option<Arc<Batch>>,
        checkpoints: Vec<Vec<u8>>,
    ) {
        let mut todo = lock(&self.todo);
        let before = todo.records;
        todo.records = before.saturating_add(records);
        if !todo.segments.iter().any(|known| Arc::ptr_eq(known, segment)) {
            todo.segments.push(Arc::clone(segment));
        }
        todo.checkpoints.extend(checkpoints);
        let first = todo.since.is_none();
        if first {
            todo.since = Some(Instant::now());
        }
        let filled = before < SYNC_RECORDS && todo.records >= SYNC_RECORDS;
        let urgent = waits.is_some();
        todo.waiting.extend(waits);
        drop(todo);
        // Woken once for the timer and once for the count, not for each record.
        if first || filled || urgent {
            self.wake.notify_one();
        }
    }

    /// Has the thread look for flood records and due checkpoints.
    pub(crate) fn tick(&self) {
        lock(&self.todo).tick = true;
        self.wake.notify_one();
    }

    /// Has the thread end once everything is synced.
    pub(crate) fn stop(&self) {
        lock(&self.todo).stop = true;
        self.wake.notify_one();
    }

    /// Waits for work.
    fn next(&self, timer: Timer) -> Work {
        let mut todo = lock(&self.todo);
        loop {
            let age = todo.since.map(|since| since.elapsed());
            let due = age.is_some_and(|age| age >= SYNC_AFTER)
                || todo.records >= SYNC_RECORDS
                || !todo.waiting.is_empty();
            if due || todo.tick || todo.stop {
                break;
            }
            let patience = match (age, timer) {
                (Some(age), _) => SYNC_AFTER.saturating_sub(age),
                (None, Timer::System) => TICK,
                (None, Timer::Handed) => Duration::MAX,
            };
            if patience == Duration::MAX {
                todo = self.wake.wait(todo).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let (woken, waited) =
                self.wake.wait_timeout(todo, patience).unwrap_or_else(PoisonError::into_inner);
            todo = woken;
            if waited.timed_out() {
                break;
            }
        }
        todo.tick = false;
        todo.records = 0;
        todo.since = None;
        Work {
            segments: std::mem::take(&mut todo.segments),
            waiting: std::mem::take(&mut todo.waiting),
            checkpoints: std::mem::take(&mut todo.checkpoints),
            stop: todo.stop,
        }
    }
}

/// Runs until told to stop; what is written by then is synced.
pub(crate) fn run(shared: &Shared, timer: Timer, sinks: Vec<Box<dyn CheckpointSink>>) {
    let mut sinks: Vec<Outbox> = sinks.into_iter().map(Outbox::new).collect();
    loop {
        let work = shared.sync.next(timer);
        shared.sync_segments(&work);
        for sink in &mut sinks {
            sink.deliver(work.checkpoints.clone());
        }
        if work.stop {
            break;
        }
        if timer == Timer::System {
            shared.tick(SystemTime::now().into());
        }
    }
    shared.sync.ended.settle(Fate::Synced);
}

impl Shared {
    fn sync_segments(&self, work: &Work) {
        let mut fate = Fate::Synced;
        for segment in &work.segments {
            if let Err(error) = segment.sync() {
                // The kernel may have dropped the pages it could not write: a second call would return success for
                // records that are not there.
                tracing::error!(%error, "the audit log could not be synced");
                fate = Fate::Failed;
                let mut head = lock(&self.head);
                head.health = Health::Broken("fdatasync failed");
                self.publish(&head);
            }
        }
        for batch in &work.waiting {
            batch.settle(fate);
        }
    }
}

/// A second sink with the checkpoints it has not taken yet.
struct Outbox {
    sink: Box<dyn CheckpointSink>,
    kept: Vec<Vec<u8>>,
    failing: bool,
}

impl Outbox {
    fn new(sink: Box<dyn CheckpointSink>) -> Self {
        Self { sink, kept: Vec::new(), failing: false }
    }

    fn deliver(&mut self, checkpoints: Vec<Vec<u8>>) {
        self.kept.extend(checkpoints);
        if self.kept.is_empty() {
            return;
        }
        match self.sink.put(&self.kept) {
            Ok(()) => {
                self.kept.clear();
                self.failing = false;
            }
            Err(error) => {
                if !std::mem::replace(&mut self.failing, true) {
                    tracing::error!(%error, "the audit log's second sink does not take checkpoints");
                }
                let surplus = self.kept.len().saturating_sub(KEPT_CHECKPOINTS);
                self.kept.drain(..surplus);
            }
        }
    }
}
