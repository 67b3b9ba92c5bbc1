//! Tells open streams that what they are judged under has changed, so that none outlives its permit in silence (D-03).

use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

/// Counts changes, and knows who waits for the next one.
#[derive(Default)]
pub(crate) struct Change {
    count: AtomicU64,
    watchers: AtomicU64,
    waiting: Mutex<HashMap<u64, Waker>>,
}

/// One who waits, and the last change it saw.
pub(crate) struct Watcher {
    id: u64,
    seen: u64,
}

impl Change {
    /// Wakes everybody who waits.
    pub(crate) fn announce(&self) {
        self.count.fetch_add(1, Ordering::AcqRel);
        let waiting = std::mem::take(&mut *self.waiting());
        waiting.into_values().for_each(Waker::wake);
    }

    /// Begins to watch. The first wait ends at once: what was judged before may be judged under something old already.
    pub(crate) fn watch(&self) -> Watcher {
        Watcher { id: self.watchers.fetch_add(1, Ordering::Relaxed), seen: u64::MAX }
    }

    /// Begins to watch from the very first change on, whenever that was.
    pub(crate) fn watch_all(&self) -> Watcher {
        Watcher { id: self.watchers.fetch_add(1, Ordering::Relaxed), seen: 0 }
    }

    /// Waits for a change that the watcher has not seen.
    pub(crate) async fn next(&self, watcher: &mut Watcher) {
        poll_fn(|context| {
            // Registered before the count is read: a change in between finds the waker.
            self.waiting().insert(watcher.id, context.waker().clone());
            let count = self.count.load(Ordering::Acquire);
            if count == watcher.seen {
                return Poll::Pending;
            }
            watcher.seen = count;
            self.leave(watcher);
            Poll::Ready(())
        })
        .await;
    }

    /// Forgets a watcher that waits no more.
    pub(crate) fn leave(&self, watcher: &Watcher) {
        self.waiting().remove(&watcher.id);
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<u64, Waker>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::Context;

    use super::*;

    // control: D-03: a stream that waits is told of every change, and of what happened before it began to wait
    #[test]
    fn a_change_is_seen_once_and_nobody_is_kept() {
        let change = Change::default();
        let mut watcher = change.watch();
        let mut context = Context::from_waker(Waker::noop());
        assert!(pin!(change.next(&mut watcher)).poll(&mut context).is_ready());
        {
            let mut next = pin!(change.next(&mut watcher));
            assert!(next.as_mut().poll(&mut context).is_pending());
            change.announce();
            assert!(next.as_mut().poll(&mut context).is_ready());
        }
        assert!(change.waiting().is_empty());
        assert!(pin!(change.next(&mut watcher)).poll(&mut context).is_pending());
        change.leave(&watcher);
        assert!(change.waiting().is_empty());
    }
}
