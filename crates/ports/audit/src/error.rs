//! Why the log cannot be opened or written.

use std::io;
use std::path::PathBuf;

use crate::keys::KeyError;

/// Why the log cannot be opened or written. None of these texts is for a caller of the door.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The volume is full; only outcomes of calls already under way are still recorded, in reserved space.
    #[error("the audit log's volume is full; free space on it, the log then heals by itself")]
    Full,
    /// A write failed; the next records try again.
    #[error("the audit log cannot be written: {0}; it is tried again every 100 ms")]
    Failing(io::ErrorKind),
    /// The file is in a state this process cannot vouch for.
    #[error("the audit log is broken: {0}; restart the door, which repairs or refuses it")]
    Broken(&'static str),
    /// The log was closed.
    #[error("the audit log is closed")]
    Closed,
    /// A record could not be made because a key was missing or randomness failed.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Another process writes this log.
    #[error(
        "`{0}` is held by another process; two writers would break the chain: give each door its own folder"
    )]
    Locked(PathBuf),
    /// The key or the second sink lies where the log lies.
    #[error(
        "`{path}` lies in the log's folder; put the {what} elsewhere: who can rewrite the log must not reach it"
    )]
    Beside {
        /// The path that may not be there.
        path: PathBuf,
        /// What lies there.
        what: &'static str,
    },
    /// The log is not what was signed.
    #[error(
        "the audit log was changed at `{file}` line {line}: {what}; run `doorward audit verify`, keep the folder as evidence, and start with a new one"
    )]
    Tampered {
        /// The segment.
        file: PathBuf,
        /// The line, from 1; 0 for the whole file.
        line: u64,
        /// What does not fit.
        what: String,
    },
    /// The log's folder cannot be used.
    #[error("cannot {what} `{path}`: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// On which path.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
}

impl AuditError {
    /// Takes an I/O error with what was tried and where.
    pub(crate) fn io(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { what, path: path.into(), source }
    }
}
