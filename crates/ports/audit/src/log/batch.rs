//! Records that reach the file in one write, and those who wait for it.

use std::pin::pin;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::sync::Notify;

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Not written yet.
    Pending,
    /// `write(2)` returned.
    Written,
    /// `fdatasync` returned.
    Synced,
    /// Not in the file, and never will be.
    Failed,
}

/// Records that are written together. Each of their writers holds it and asks what became of it.
pub(crate) struct Batch {
    fate: AtomicU8,
    changed: Notify,
}

impl Batch {
    pub(crate) fn new() -> Self {
        Self { fate: AtomicU8::new(0), changed: Notify::new() }
    }

    pub(crate) fn fate(&self) -> Fate {
        match self.fate.load(Ordering::Acquire) {
            0 => Fate::Pending,
            1 => Fate::Written,
            2 => Fate::Synced,
            _ => Fate::Failed,
        }
    }

    pub(crate) fn settle(&self, fate: Fate) {
        let value = match fate {
            Fate::Pending => 0,
            Fate::Written => 1,
            Fate::Synced => 2,
            Fate::Failed => 3,
        };
        self.fate.store(value, Ordering::Release);
        self.changed.notify_waiters();
    }

    /// Waits until this fate is reached.
    pub(crate) async fn reaches(&self, fate: Fate) {
        loop {
            let mut changed = pin!(self.changed());
            changed.as_mut().enable();
            if self.fate() == fate {
                return;
            }
            changed.await;
        }
    }

    /// Waits for the next change after the call; the caller looks at the fate once it holds this.
    pub(crate) fn changed(&self) -> tokio::sync::futures::Notified<'_> {
        self.changed.notified()
    }
}
