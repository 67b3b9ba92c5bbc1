//! Why the store cannot be opened, read or written.

use std::io;
use std::path::PathBuf;

use crate::Kind;

/// Why the store cannot be opened, read or written. None of these texts is for a caller of the door.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database does not answer: the disk is full, another process holds it for too long, the device fails.
    #[error("cannot {what} the store `{path}`: {why}")]
    Unavailable {
        /// What was tried.
        what: &'static str,
        /// The database.
        path: PathBuf,
        /// What is wrong, and what to do.
        why: &'static str,
        /// What the database said.
        source: sqlx::Error,
    },
    /// The file is no longer a database.
    #[error("the store `{path}` is damaged: {reason}; keep a copy, then restore a backup")]
    Corrupt {
        /// The database.
        path: PathBuf,
        /// What the database says.
        reason: String,
    },
    /// A row is not what this door wrote.
    #[error(
        "a row of kind `{}` in the store was not written there by this door: {what}; keep a copy of the file as evidence, then restore a backup",
        kind.text()
    )]
    Tampered {
        /// Which kind of row.
        kind: Kind,
        /// What does not fit.
        what: &'static str,
    },
    /// The tables hold something that no version of Doorward writes.
    #[error(
        "the store holds what no door writes: {what}; keep a copy of the file as evidence, then restore a backup"
    )]
    Foreign {
        /// What it is.
        what: String,
    },
    /// The database is older than what the audit log has anchored.
    #[error(
        "the store is older than the audit log: its epoch is {stored}, the log has anchored {anchored}, so revocations are missing; put the newest database back, or run `doorward vault accept-rollback` if the loss is meant"
    )]
    RolledBack {
        /// The epoch in the database.
        stored: u64,
        /// The highest one that was seen.
        anchored: u64,
    },
    /// The root key cannot be unwrapped: nothing can be read.
    #[error(
        "the store's root key cannot be unwrapped by `{wrap}`: {reason}; the store stays closed until it can"
    )]
    KeysUnavailable {
        /// What was to unwrap it.
        wrap: String,
        /// What it said.
        reason: String,
    },
    /// The root key is wrapped by another key than the configured one.
    #[error(
        "the store's root key is wrapped by `{stored}`, but `{given}` is configured; configure the former, and change keys with `doorward vault rekey`"
    )]
    OtherKey {
        /// What wrapped it.
        stored: String,
        /// What is configured.
        given: String,
    },
    /// The key file cannot be used.
    #[error("the key file `{path}` {what}")]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        what: &'static str,
    },
    /// The database was written by a newer program.
    #[error(
        "the store `{path}` has layout {found}, this program knows up to {known}; start the newer program again"
    )]
    TooNew {
        /// The database.
        path: PathBuf,
        /// Its layout.
        found: i64,
        /// The newest one known here.
        known: i64,
    },
    /// The file is a database of another program.
    #[error("`{path}` is a database of another program; configure another path for the store")]
    NotOurs {
        /// The database.
        path: PathBuf,
    },
    /// A file or folder cannot be used.
    #[error("cannot {what} `{path}`: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// On which path.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A kind of row that the store keeps for itself was to be written from outside.
    #[error("rows of kind `{}` are the store's own", .0.text())]
    Reserved(Kind),
    /// A cryptographic operation failed that cannot fail; or the system has no randomness.
    #[error("cannot {0}")]
    Crypto(&'static str),
}

impl StoreError {
    /// Takes an I/O error with what was tried and where.
    pub(crate) fn io(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { what, path: path.into(), source }
    }

    /// Takes an error of the database.
    pub(crate) fn database(what: &'static str, path: &std::path::Path, error: sqlx::Error) -> Self {
        let path = path.to_owned();
        // The primary code is in the low byte, which kind of it above.
        let code = error.as_database_error().and_then(|error| error.code()?.parse::<i64>().ok());
        let why = match (code.map(|code| code & 0xff), &error) {
            (Some(11 | 26), _) => return Self::Corrupt { path, reason: error.to_string() },
            (_, sqlx::Error::ColumnDecode { .. }) => return Self::Foreign { what: error.to_string() },
            (Some(5 | 6), _) => "another process holds it for too long; look who does, and try again",
            (Some(8), _) => "it may not be written; give the door's user the right to",
            (Some(10), _) => "the device fails; look at the system's log",
            (Some(13), _) => "the disk is full; free space on it",
            (Some(14), _) => "it cannot be opened; look whether it is there and whose it is",
            (_, sqlx::Error::PoolTimedOut) => "too many are at work on it; try again",
            _ => "the database refuses",
        };
        Self::Unavailable { what, path, why, source: error }
    }
}
