//! `doorward audit`: what happened, and whether the record of it is what was written.

mod erase;
mod place;
mod show;
mod tail;
mod verify;

use std::process::ExitCode;

use clap::Subcommand;
use doorward_audit::{AuditConfig, AuditError};
use doorward_config::Config;

use crate::failure::Failure;
use crate::out::Out;

/// Read and verify the audit log.
#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// Print the last records, and those that come.
    Tail(tail::Tail),
    /// Print everything that is recorded about one call.
    Show(show::Show),
    /// Verify that the log is what was written, and say up to where that is proven.
    Verify(verify::Verify),
    /// Erase a person: delete the key that their identifying fields are sealed with. This cannot be undone.
    Erase(erase::Erase),
}

impl Audit {
    pub(crate) fn run(self, out: &Out) -> Result<ExitCode, Failure> {
        match self {
            Self::Tail(tail) => tail.run(out),
            Self::Show(show) => show.run(out),
            Self::Verify(verify) => verify.run(out),
            Self::Erase(erase) => erase.run(out),
        }
    }
}

fn failed(error: AuditError) -> Failure {
    Failure::new(error.to_string())
}

/// How this door's log is opened for writing, by commands that add to it while no door runs.
pub(crate) fn audit_config(config: &Config) -> AuditConfig {
    let audit = &config.audit;
    let mut made = AuditConfig::new(&audit.dir, &audit.key_file, &audit.checkpoint_dir);
    made.segment_bytes = audit.segment_bytes;
    made.lab = config.lab.is_some();
    made
}
