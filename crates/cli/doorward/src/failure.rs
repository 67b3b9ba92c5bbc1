//! How a command fails: what happened, and what to do about it.

use std::fmt;
use std::process::ExitCode;

/// A failed command.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) what: String,
    pub(crate) help: Option<String>,
    usage: bool,
}

impl Failure {
    /// Something could not be done.
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), help: None, usage: false }
    }

    /// What the person typed, or a file they wrote, is wrong.
    pub(crate) fn usage(what: impl Into<String>) -> Self {
        Self { what: what.into(), help: None, usage: true }
    }

    /// Says what to do.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(crate) fn code(&self) -> ExitCode {
        ExitCode::from(if self.usage { 2 } else { 1 })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}
