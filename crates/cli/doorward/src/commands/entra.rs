//! `doorward entra`: the app registration that a configuration needs.

mod manifest;
mod spoken;

use std::process::ExitCode;

use clap::Subcommand;

use crate::failure::Failure;
use crate::out::Out;

pub(crate) use spoken::Spoken;

/// Print what a configuration needs at Microsoft Entra.
#[derive(Debug, Subcommand)]
pub(crate) enum Entra {
    /// Print the app registration that fits a configuration, as Graph JSON or as `az` commands.
    Manifest(manifest::Manifest),
}

impl Entra {
    pub(crate) fn run(self, out: &Out) -> Result<ExitCode, Failure> {
        match self {
            Self::Manifest(manifest) => manifest.run(out),
        }
    }
}
