//! `doorward flow`: what sign-ins have read, and giving it up. Of a gateway by its store, of guards by the person's own.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use doorward_approvals::labels::{self, Shown};
use doorward_audit::Grant;
use doorward_flow::{Fallen, Flow as Labels};
use doorward_store::Store;
use doorward_types::ServerName;

use crate::commands::accounts::state_folder;
use crate::commands::serve::{self, runtime};
use crate::commands::vault::{failed, now, open, record};
use crate::failure::Failure;
use crate::out::{DIM, GOOD, NAME, Out, STRONG, WARN, paint};
use crate::table::{Cell, Table, cell, clean};

/// What a person's guards call their one key in records.
const LOG: &str = "doorward-flow";

/// Look at what sign-ins have read, or give it up.
#[derive(Debug, Subcommand)]
pub(crate) enum Flow {
    /// Show what was read: how secret, how far to be believed, and where that came from.
    Show(Show),
    /// Give up what was read: what it held back may leave again. It is recorded.
    Reset(Reset),
}

/// Whose labels, of each of these commands.
#[derive(Debug, Args)]
pub(crate) struct Place {
    /// The configuration that a gateway runs with; without it your guards are meant.
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where your guards keep their records; by default `doorward` in the person's state folder.
    #[arg(long, value_name = "DIR", conflicts_with = "config")]
    state: Option<PathBuf>,
}

/// Show what was read.
#[derive(Debug, Args)]
pub(crate) struct Show {
    #[command(flatten)]
    place: Place,
}

/// Give up what was read.
#[derive(Debug, Args)]
#[command(
    after_help = "The model may still know what it read: begin a new conversation first. Doors that run take it up with the next call, a
gateway within a second; calls that run now go on counting."
)]
pub(crate) struct Reset {
    /// Which sign-in, as `doorward flow show` names it; at a guard there is one.
    #[arg(value_name = "KEY")]
    key: Option<String>,
    /// Why, in your words: they stand in the record.
    #[arg(long, value_name = "TEXT")]
    why: String,
    #[command(flatten)]
    place: Place,
}

impl Flow {
    pub(crate) fn run(self, out: &Out) -> Result<ExitCode, Failure> {
        match self {
            Self::Show(show) => show.run(out),
            Self::Reset(reset) => reset.run(out),
        }
    }
}

impl Place {
    async fn store(&self) -> Result<Store, Failure> {
        match &self.config {
            Some(config) => open(&serve::load(config)?).await,
            None => {
                let state = self.state.clone().map_or_else(|| state_folder("--state DIR"), Ok)?;
                if !state.join("store").exists() {
                    return Err(Failure::new(format!("no guard has run with {}", state.display()))
                        .help("name a gateway's configuration with --config FILE, or the guards' folder with --state DIR"));
                }
                doorward_guard::open_store(&state).await.map_err(failed)
            }
        }
    }
}

impl Show {
    fn run(self, out: &Out) -> Result<ExitCode, Failure> {
        let shown = runtime(Some(1))?.block_on(async {
            let store = self.place.store().await?;
            let shown = labels::all(&store, now()).await;
            store.close().await;
            shown.map_err(failed)
        })?;
        if out.json {
            out.line(serde_json::Value::from(shown.iter().map(json).collect::<Vec<_>>()));
            return Ok(ExitCode::SUCCESS);
        }
        if shown.is_empty() {
            out.note("nothing was read that is remembered");
            return Ok(ExitCode::SUCCESS);
        }
        let mut table = Table::indented(0);
        for row in &shown {
            let (secret, tainted) = said(row.flow.as_ref());
            table.row([Cell::new(NAME, &row.key), Cell::new(STRONG, secret), cell(tainted)]);
            if let Some(seen) = row.flow.as_ref().and_then(Labels::seen) {
                table.row([Cell::new(DIM, format!("  last used {seen}"))]);
            }
        }
        out.line(table);
        Ok(ExitCode::SUCCESS)
    }
}

impl Reset {
    fn run(self, out: &Out) -> Result<ExitCode, Failure> {
        let (key, fallen, recorded) = runtime(Some(1))?.block_on(async {
            let store = self.place.store().await?;
            let key = match (&self.key, &self.place.config) {
                (Some(key), _) => key.clone(),
                (None, Some(_)) => {
                    return Err(Failure::usage("which sign-in?").help("doorward flow show names them"));
                }
                (None, None) => self.own_key()?,
            };
            let fallen = labels::reset(&store, &key, ("operator", &self.why), now()).await.map_err(failed)?;
            store.close().await;
            let recorded = match fallen {
                Some(_) => self.record().await?,
                None => false,
            };
            Ok((key, fallen, recorded))
        })?;
        let Some(fallen) = fallen else {
            return Err(Failure::new(format!("nothing is remembered of `{}`", clean(&key)))
                .help("doorward flow show names what is"));
        };
        tell(&key, &fallen, recorded, out);
        Ok(ExitCode::SUCCESS)
    }

    /// The one key of this person's guards.
    fn own_key(&self) -> Result<String, Failure> {
        let state = self.place.state.clone().map_or_else(|| state_folder("--state DIR"), Ok)?;
        let user = doorward_guard::local_user(&state).map_err(|error| Failure::new(error.to_string()))?;
        Ok(format!("user/{user}"))
    }

    async fn record(&self) -> Result<bool, Failure> {
        if let Some(config) = &self.place.config {
            let config = serve::load(config)?;
            let epoch = {
                let store = open(&config).await?;
                let epoch = store.epoch().await.map_err(failed)?;
                store.close().await;
                epoch
            };
            return record(&config, "labels-fell", epoch).await;
        }
        let state = self.place.state.clone().map_or_else(|| state_folder("--state DIR"), Ok)?;
        let unrecorded =
            |error: String| Failure::new(format!("it is done, but the audit log does not say so: {error}"));
        let name = ServerName::parse(LOG).map_err(|error| unrecorded(error.to_string()))?;
        let (log, _) =
            doorward_guard::open_log(&state, &name).map_err(|error| unrecorded(error.to_string()))?;
        let grant = Grant {
            what: "labels-fell",
            subject: None,
            client: None,
            server: None,
            grant: None,
            reason: Some(&self.why),
        };
        log.grant(&grant, now()).await.map_err(|error| unrecorded(error.to_string()))?;
        log.close(now()).await.map_err(|error| unrecorded(error.to_string()))?;
        Ok(true)
    }
}

fn tell(key: &str, fallen: &Fallen, recorded: bool, out: &Out) {
    let (secret, tainted) = (fallen.label.confidentiality.word(), fallen.label.integrity.word());
    if out.json {
        out.line(serde_json::json!({
            "key": key, "confidentiality": secret, "integrity": tainted, "recorded": recorded,
        }));
        return;
    }
    out.line(format_args!(
        "{} {}: it had read {secret} data and {tainted} text",
        paint(GOOD, "given up:"),
        clean(key)
    ));
    if !recorded {
        out.note(format_args!(
            "{} a door runs: it takes this up, and records it, with the next call",
            paint(WARN, "note:")
        ));
    }
}

/// What was read, in words.
fn said(flow: Option<&Labels>) -> (String, String) {
    let Some(flow) = flow else {
        return ("cannot be read".to_owned(), "counts as the worst".to_owned());
    };
    let (secret, tainted) = flow.marks();
    let word = |level: &str, mark: Option<String>| match mark {
        Some(from) => format!("{level}, since {from}"),
        None => level.to_owned(),
    };
    let label = flow.label();
    (
        word(label.confidentiality.word(), secret.map(|mark| mark.source.to_string())),
        word(label.integrity.word(), tainted.map(|mark| mark.source.to_string())),
    )
}

fn json(row: &Shown) -> serde_json::Value {
    let (secret, tainted) = match &row.flow {
        Some(flow) => flow.marks(),
        None => (None, None),
    };
    serde_json::json!({
        "key": row.key,
        "readable": row.flow.is_some(),
        "confidentiality": row.flow.as_ref().map(|flow| flow.label().confidentiality.word()),
        "integrity": row.flow.as_ref().map(|flow| flow.label().integrity.word()),
        "secret_from": secret.map(|mark| mark.source.to_string()),
        "tainted_from": tainted.map(|mark| mark.source.to_string()),
        "seen": row.flow.as_ref().and_then(Labels::seen).map(|seen| seen.to_string()),
    })
}
