//! One process at a time: `flock` on a file beside the cache. The system lets go of it when its holder dies.

use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use tokio::time::Instant;

use crate::cache::{CacheError, Folder};

/// Pauses between two tries. A blocking `flock` could not be given up when the caller leaves.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// The lock, held until it is dropped.
pub(crate) struct Lock {
    _file: OwnedFd,
    /// Whether another held it first: what it did may be what this caller wanted.
    pub(crate) waited: bool,
}

/// Takes a lock.
///
/// # Errors
/// [`CacheError::Busy`] if another process does not let go in time; else what the system says.
pub(crate) async fn take(folder: &Folder, name: &str, patience: Duration) -> Result<Lock, CacheError> {
    let file = folder.lock_file(name)?;
    let (until, mut pause, mut waited) = (Instant::now() + patience, FIRST_PAUSE, false);
    loop {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(Lock { _file: file, waited }),
            Err(Errno::WOULDBLOCK | Errno::INTR) => {}
            Err(error) => return Err(folder.failed(name, error)),
        }
        if Instant::now() >= until {
            return Err(CacheError::Busy { path: folder.path(name), waited: patience });
        }
        waited = true;
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}
