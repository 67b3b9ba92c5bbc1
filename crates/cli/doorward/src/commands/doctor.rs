//! `doorward doctor`: what is wrong, why, and the one step that mends it.

mod chain;
mod entra;
mod finding;
mod habits;
mod registration;
mod service;
mod token;

use std::process::ExitCode;

use clap::Subcommand;

use crate::failure::Failure;
use crate::out::Out;

/// Find out why something does not work.
#[derive(Debug, Subcommand)]
pub(crate) enum Doctor {
    /// Look at everything between a client and Entra: configuration, service, registration, a token, the door's answers.
    Entra(entra::Entra),
}

impl Doctor {
    pub(crate) fn run(self, out: &Out) -> Result<ExitCode, Failure> {
        match self {
            Self::Entra(entra) => entra.run(out),
        }
    }
}
