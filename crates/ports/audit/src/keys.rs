//! The log's keys: the one that signs checkpoints, the root of pseudonyms and digests, and one for each person.

mod files;
mod person;
mod ring;
mod signing;
mod subjects;

use std::io;
use std::path::PathBuf;

pub use files::replace as replace_file;
pub use person::{AuditKeys, Who};
pub use ring::{Digest, Part, Pseudonym, Subject, SubjectFacts};
pub use signing::{PublicKey, SigningKey};

pub(crate) use files::{make_folder, sync_folder};
pub(crate) use ring::Keyring;

/// Why a key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read or made.
    #[error("cannot {what} `{path}`: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// On which path.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// Others than the owner may read it.
    #[error("`{0}` can be read by others; run `chmod 600` on it, and think of the key as known")]
    Open(PathBuf),
    /// It does not hold what it should.
    #[error("`{path}` is not {what}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
    },
    /// The log exists, its key does not.
    #[error(
        "`{0}` is gone, but the log was signed with it; restore it, or start with a new folder for the log"
    )]
    Gone(PathBuf),
    /// The cryptographic library refused, or the operating system has no randomness.
    #[error("the cryptographic library refused to {0}")]
    Crypto(&'static str),
}

impl KeyError {
    pub(crate) fn io(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { what, path: path.into(), source }
    }
}

#[cfg(test)]
mod tests;
