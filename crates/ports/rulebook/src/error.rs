//! Why rules are not taken.

use std::io;
use std::path::PathBuf;

use doorward_audit::KeyError;
use doorward_inspect::BundleProblem;

/// What went wrong, where, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum RulebookError {
    /// A file cannot be read or locked.
    #[error("cannot {what} `{path}`: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// On which path.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A key cannot be used, or a file not be written.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// It is no envelope.
    #[error("it is no signed bundle: it is not {0}; `doorward rules sign` makes one")]
    Malformed(&'static str),
    /// No key that is trusted here signed it.
    #[error(
        "no key of `rules.keys` signed it; add its keeper's public key there, or take it from another keeper"
    )]
    Unsigned,
    /// The bundle itself is not right.
    #[error("{}", list(.0))]
    Bundle(Vec<BundleProblem>),
    /// The same or a later version was here before.
    #[error(
        "{name}@{version} is not newer than {name}@{known}, which is here already; give the bundle a higher version"
    )]
    Old {
        /// The bundle's name.
        name: String,
        /// Its version.
        version: u64,
        /// The newest that was here.
        known: u64,
    },
    /// A file holds another bundle than its name says.
    #[error("`{path}` holds {found}; restore the file, or `doorward rules rollback` the bundle")]
    Other {
        /// The file.
        path: PathBuf,
        /// What it holds.
        found: String,
    },
    /// The file that says what counts is not right.
    #[error(
        "`{path}` is not as `doorward rules` writes it: {why}; restore it, or move it away and enforce anew"
    )]
    Stages {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: &'static str,
    },
    /// There is no such bundle, or nothing to do with it.
    #[error("{0}")]
    Nothing(String),
    /// Something about one file.
    #[error("`{path}`: {source}")]
    At {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<RulebookError>,
    },
}

impl RulebookError {
    pub(crate) fn io(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { what, path: path.into(), source }
    }

    pub(crate) fn at(path: impl Into<PathBuf>) -> impl FnOnce(Self) -> Self {
        move |source| Self::At { path: path.into(), source: Box::new(source) }
    }
}

fn list(problems: &[BundleProblem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
