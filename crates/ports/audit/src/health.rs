//! Whether a record may be written, and when a log that could not be written is tried again.

use std::io;
use std::time::Duration;

use doorward_types::Timestamp;

use crate::error::AuditError;

/// How long a log that failed refuses before one record may try again.
const RETRY: Duration = Duration::from_millis(100);

/// What kind of space a record may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Space {
    /// What is free on the volume.
    Common,
    /// The reserve too: outcomes of calls already under way, checkpoints, the end.
    Reserved,
}

/// The log's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Health {
    /// Records land.
    Good,
    /// The volume is full and the reserve is in use.
    Full { tried: Timestamp },
    /// The last write failed for another reason.
    Failing { tried: Timestamp, why: io::ErrorKind },
    /// What is on disk is not known any more. Only a restart helps.
    Broken(&'static str),
    /// The end was recorded.
    Closed,
}

impl Health {
    /// Decides whether a record may be written. `reserve` sets the reserve aside again; true if it could.
    pub(crate) fn admit(
        &mut self,
        space: Space,
        now: Timestamp,
        reserve: impl FnOnce() -> bool,
    ) -> Result<(), AuditError> {
        match self {
            Self::Good => Ok(()),
            Self::Broken(why) => Err(AuditError::Broken(why)),
            Self::Closed => Err(AuditError::Closed),
            Self::Full { .. } if space == Space::Reserved => Ok(()),
            Self::Full { tried } => {
                if due(tried, now) && reserve() {
                    *self = Self::Good;
                    Ok(())
                } else {
                    Err(AuditError::Full)
                }
            }
            Self::Failing { tried, why } => {
                if due(tried, now) {
                    Ok(())
                } else {
                    Err(AuditError::Failing(*why))
                }
            }
        }
    }

    /// Takes note of a batch that landed.
    pub(crate) fn landed(&mut self) {
        if matches!(self, Self::Failing { .. }) {
            *self = Self::Good;
        }
    }

    /// Takes note of a batch that did not land.
    pub(crate) fn failed(&mut self, why: io::ErrorKind, now: Timestamp) {
        if !matches!(self, Self::Broken(_) | Self::Closed) {
            *self = if is_full(why) { Self::Full { tried: now } } else { Self::Failing { tried: now, why } };
        }
    }

    /// Returns the error that a failed batch's records get.
    pub(crate) fn error(&self) -> AuditError {
        match self {
            Self::Broken(why) => AuditError::Broken(why),
            Self::Closed => AuditError::Closed,
            Self::Failing { why, .. } => AuditError::Failing(*why),
            Self::Full { .. } => AuditError::Full,
            // Healed since.
            Self::Good => AuditError::Failing(io::ErrorKind::Other),
        }
    }
}

/// True for the two errors that freeing space cures.
pub(crate) fn is_full(why: io::ErrorKind) -> bool {
    matches!(why, io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// True if the last try is long enough ago, or in the future: a clock set back must not keep the door shut.
fn due(tried: &mut Timestamp, now: Timestamp) -> bool {
    let due = now.since(*tried) >= RETRY || now < *tried;
    if due {
        *tried = now;
    }
    due
}
