//! `doorward vault`: the store of sign-ins, beside a running door or without one.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

use clap::{Args, Subcommand};
use doorward_audit::{Alarm, AuditError, AuditLog, Filter, Grant, Target, tail};
use doorward_config::Config;
use doorward_gateway::{BuildError, open_store, store_key};
use doorward_store::{Store, StoreError};
use doorward_types::Timestamp;

use crate::commands::audit::audit_config;
use crate::commands::serve::{self, runtime};
use crate::failure::Failure;
use crate::out::{GOOD, Out, WARN, paint};
use crate::table::{count, short};

/// Look after the store of sign-ins.
#[derive(Debug, Subcommand)]
pub(crate) enum Vault {
    /// Open every row of the store, and say whether all of it is what a door wrote.
    Check(Place),
    /// Draw new keys and seal every row anew; with `--to` under another key.
    Rekey(Rekey),
    /// Accept a store that is older than the audit log, after a backup was put back. Everybody signs in again.
    AcceptRollback(Place),
}

/// The configuration that names the store.
#[derive(Debug, Args)]
pub(crate) struct Place {
    /// The configuration that says where store and key are.
    #[arg(short, long, value_name = "FILE", default_value = "doorward.toml")]
    config: PathBuf,
}

/// Draw new keys and seal every row anew; with `--to` under another key.
#[derive(Debug, Args)]
#[command(
    after_help = "It is one transaction: whatever interrupts it leaves the old whole or the new. A door that runs goes on, unless
--to names another key: then restart it with the configuration that names the new one."
)]
pub(crate) struct Rekey {
    /// The configuration that says where store and key are.
    #[arg(short, long, value_name = "FILE", default_value = "doorward.toml")]
    config: PathBuf,
    /// A configuration whose `[vault]` names the key to change to, for moving from a key file to a Key Vault or back.
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
}

impl Vault {
    pub(crate) fn run(self, out: &Out) -> Result<ExitCode, Failure> {
        match self {
            Self::Check(place) => check(&place.config, out),
            Self::Rekey(rekey) => rekey.run(out),
            Self::AcceptRollback(place) => accept_rollback(&place.config, out),
        }
    }
}

fn check(path: &Path, out: &Out) -> Result<ExitCode, Failure> {
    let config = serve::load(path)?;
    let (rows, epoch) = runtime(Some(1))?.block_on(async {
        let store = open(&config).await?;
        let rows = store.check().await.map_err(failed)?;
        let epoch = store.epoch().await.map_err(failed)?;
        store.close().await;
        Ok::<_, Failure>((rows, epoch))
    })?;
    if out.json {
        out.line(serde_json::json!({ "whole": true, "rows": rows, "epoch": epoch }));
    } else {
        let rows = count(usize::try_from(rows).unwrap_or(usize::MAX), "row");
        out.line(format_args!(
            "{} {rows}, each what a door wrote; revocation epoch {epoch}",
            paint(GOOD, "whole:")
        ));
    }
    Ok(ExitCode::SUCCESS)
}

impl Rekey {
    fn run(&self, out: &Out) -> Result<ExitCode, Failure> {
        let config = serve::load(&self.config)?;
        let new = match &self.to {
            None => config.clone(),
            Some(path) => {
                let new = serve::load(path)?;
                same_store(&config, &new)?;
                new
            }
        };
        let rows = runtime(Some(1))?.block_on(async {
            let store = open(&config).await?;
            let rows = store.rekey(store_key(&new).map_err(not_built)?).await.map_err(failed)?;
            store.close().await;
            Ok::<_, Failure>(rows)
        })?;
        if out.json {
            out.line(serde_json::json!({ "rekeyed": true, "rows": rows, "moved": self.to.is_some() }));
            return Ok(ExitCode::SUCCESS);
        }
        let rows = count(usize::try_from(rows).unwrap_or(usize::MAX), "row");
        out.line(format_args!("{} {rows} under new keys", paint(GOOD, "sealed anew:")));
        if let Some(to) = &self.to {
            out.note(format_args!(
                "{} start the door with {} from now on: the old key opens nothing any more",
                paint(WARN, "note:"),
                to.display()
            ));
        }
        out.note("Backups made before this still open with the old keys: destroy them when you no longer need them.");
        Ok(ExitCode::SUCCESS)
    }
}

/// Two configurations that name two stores would leave one of them without its key.
fn same_store(old: &Config, new: &Config) -> Result<(), Failure> {
    let place = |config: &Config| config.vault.as_ref().map(|vault| vault.path.clone());
    let real = |path: PathBuf| std::fs::canonicalize(&path).unwrap_or(path);
    if place(old).map(real) == place(new).map(real) {
        return Ok(());
    }
    Err(Failure::usage("the two configurations name different stores")
        .help("let `vault.path` of both name the same database, and only its key differ"))
}

fn accept_rollback(path: &Path, out: &Out) -> Result<ExitCode, Failure> {
    let config = serve::load(path)?;
    present(&config)?;
    // A door that runs has the log open and has refused an older store: there is nothing to accept beside it.
    let log = AuditLog::open(audit_config(&config), now()).map_err(|error| match error {
        AuditError::Locked(_) => {
            Failure::new("a door runs with this audit log").help("stop it first, then start it again")
        }
        error => Failure::new(error.to_string()),
    })?;
    let anchored = log.epoch();
    let (accepted, epoch) = runtime(Some(1))?.block_on(async {
        let (accepted, store) = match open_store(&config, anchored, false).await {
            Ok(store) => (false, store),
            Err(BuildError::Store(StoreError::RolledBack { .. })) => {
                (true, open_store(&config, anchored, true).await.map_err(not_built)?)
            }
            Err(error) => return Err(not_built(error)),
        };
        let epoch = store.epoch().await.map_err(failed)?;
        store.close().await;
        if accepted {
            let alarm = Alarm {
                what: "rollback-accepted",
                subject: None,
                server: None,
                target: Target::None,
                rule: None,
                call: None,
                trace: None,
                session: None,
            };
            log.alarm(&alarm, now()).await.map_err(unrecorded)?;
            log.anchor_epoch(epoch, now()).await.map_err(unrecorded)?;
        }
        log.close(now()).await.map_err(unrecorded)?;
        Ok((accepted, epoch))
    })?;
    if out.json {
        out.line(serde_json::json!({ "accepted": accepted, "anchored": anchored, "epoch": epoch }));
    } else if accepted {
        out.line(format_args!(
            "{} everybody signs in again; the store goes on with epoch {epoch}; the log had anchored {anchored}",
            paint(GOOD, "accepted:")
        ));
        out.note(format_args!(
            "{} every sign-in in it has ended, because nobody knows which were revoked since; what people took back of their consents since is allowed again, and clients that were removed are back",
            paint(WARN, "note:")
        ));
    } else {
        out.line(format_args!("{} the store is not older than the log", paint(GOOD, "nothing to accept:")));
    }
    Ok(ExitCode::SUCCESS)
}

/// Opens the store of a configuration as a door would, but makes none where there is none.
pub(crate) async fn open(config: &Config) -> Result<Store, Failure> {
    present(config)?;
    open_store(config, anchored(config)?, false).await.map_err(not_built)
}

fn present(config: &Config) -> Result<(), Failure> {
    let Some(vault) = &config.vault else {
        return Err(Failure::usage("this configuration has no `[vault]`: the door keeps no sign-ins")
            .help("name the configuration that the door runs with: --config FILE"));
    };
    if vault.path.exists() {
        return Ok(());
    }
    Err(Failure::usage(format!("there is no store at {}", short(&vault.path).display()))
        .help("the door makes it at its first start; name its configuration with --config FILE"))
}

/// Returns the highest epoch that the log has anchored, also while a door writes the log. A store below it was put back
/// from somewhere, and lacks revocations (D-18).
fn anchored(config: &Config) -> Result<u64, Failure> {
    if !config.audit.dir.exists() {
        return Ok(0);
    }
    let checkpoints = Filter { kind: Some("checkpoint".to_owned()), ..Filter::default() };
    let last = tail(&config.audit.dir, 1, &checkpoints).map_err(|error| Failure::new(error.to_string()))?;
    Ok(last.last().and_then(|record| record.number("epoch")).unwrap_or(0))
}

/// Writes into the log what the operator did to the store. Returns false where a door has the log: it takes up what
/// was revoked by itself.
pub(crate) async fn record(config: &Config, what: &'static str, epoch: u64) -> Result<bool, Failure> {
    if !config.audit.dir.exists() {
        return Ok(false);
    }
    match AuditLog::open(audit_config(config), now()) {
        Ok(log) => {
            let grant = Grant {
                what,
                subject: None,
                client: None,
                server: None,
                grant: None,
                reason: Some("operator"),
            };
            log.grant(&grant, now()).await.map_err(unrecorded)?;
            log.anchor_epoch(epoch, now()).await.map_err(unrecorded)?;
            log.close(now()).await.map_err(unrecorded)?;
            Ok(true)
        }
        Err(AuditError::Locked(_)) => Ok(false),
        Err(error) => Err(unrecorded(error)),
    }
}

pub(crate) fn now() -> Timestamp {
    SystemTime::now().into()
}

pub(crate) fn failed(error: StoreError) -> Failure {
    Failure::new(error.to_string())
}

fn not_built(error: BuildError) -> Failure {
    Failure::new(error.to_string())
}

fn unrecorded(error: AuditError) -> Failure {
    Failure::new(format!("it is done, but the audit log does not say so: {error}"))
}
