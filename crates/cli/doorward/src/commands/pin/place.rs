//! Whose pins are meant: those of this person's guards, or those of a gateway on this machine.

use std::path::PathBuf;
use std::time::SystemTime;

use clap::Args;
use doorward_audit::{AuditError, AuditLog};
use doorward_config::Config;
use doorward_pinboard::{Approver, Done, Pinboard, write_down};
use doorward_types::{ServerName, Timestamp};

use crate::commands::accounts::state_folder;
use crate::commands::audit::audit_config;
use crate::commands::serve;
use crate::commands::vault;
use crate::failure::Failure;

#[derive(Debug, Args)]
pub(crate) struct Place {
    /// The configuration of a gateway on this machine; without it, your own guards are meant.
    #[arg(short, long, value_name = "FILE", conflicts_with = "state")]
    config: Option<PathBuf>,
    /// Where your guards keep their things; by default `doorward` in your state folder.
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
}

/// Where acts are done, and where they are written down.
pub(crate) struct At {
    pub(crate) board: Pinboard,
    log: Log,
}

enum Log {
    Gateway(Box<Config>),
    Guard(PathBuf),
}

impl Place {
    pub(crate) async fn open(&self) -> Result<At, Failure> {
        if let Some(path) = &self.config {
            let config = serve::load(path)?;
            let store = vault::open(&config).await?;
            return Ok(At { board: Pinboard::new(store), log: Log::Gateway(Box::new(config)) });
        }
        let state = self.state.clone().map_or_else(|| state_folder("--state DIR"), Ok)?;
        if !state.join("store").join("guard.db").exists() {
            return Err(Failure::new(format!("no guard has kept anything in {} yet", state.display()))
                .help("start a server behind `doorward guard` first, or name a gateway's configuration with --config"));
        }
        let store = doorward_guard::open_store(&state)
            .await
            .map_err(|error| Failure::new(format!("the store cannot be opened: {error}")))?;
        Ok(At { board: Pinboard::new(store), log: Log::Guard(state) })
    }
}

impl At {
    /// Whoever sits at this machine, by the number of their account: its name may be given to somebody else.
    pub(crate) fn approver(&self, reason: String, expires: Option<Timestamp>) -> Approver {
        let id = format!("uid:{}", rustix::process::getuid().as_raw());
        Approver { id, reason, expires }
    }

    /// Writes acts into the audit log; false where a door has it, which then does.
    pub(crate) async fn record(&self, done: &[Done], now: Timestamp) -> Result<bool, Failure> {
        for done in done {
            let Some(log) = self.log(&done.server)? else { return Ok(false) };
            let acts = std::slice::from_ref(&done.act);
            let written = write_down(&log, &done.server, acts, now).await;
            let closed = log.close(SystemTime::now().into()).await;
            written.and(closed).map_err(|error| unrecorded(&error))?;
            self.board.recorded(&done.server, acts, now).await.map_err(|error| super::failed(&error))?;
        }
        Ok(true)
    }

    fn log(&self, server: &ServerName) -> Result<Option<AuditLog>, Failure> {
        let opened = match &self.log {
            Log::Gateway(config) => AuditLog::open(audit_config(config), SystemTime::now().into()),
            Log::Guard(state) => match doorward_guard::open_log(state, server) {
                Ok((log, _)) => Ok(log),
                Err(doorward_guard::OpenError::Audit(error)) => Err(error),
                Err(_) => return Ok(None),
            },
        };
        match opened {
            Ok(log) => Ok(Some(log)),
            Err(AuditError::Locked(_)) => Ok(None),
            Err(error) => Err(unrecorded(&error)),
        }
    }
}

fn unrecorded(error: &AuditError) -> Failure {
    Failure::new(format!("it is done, but the audit log does not say so yet: {error}"))
        .help("the next door that starts writes it down")
}
