//! Locks that survive a panicking holder: the emulator's state is simple data, valid after every statement.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks, taking over from a holder that panicked.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
