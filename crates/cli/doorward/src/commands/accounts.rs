//! `doorward accounts`, and what all commands about signing in on this machine share.

mod passphrase;
mod screen;
mod setup;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use doorward_accounts::{Account, AccountsError};

use crate::commands::serve::runtime;
use crate::failure::Failure;
use crate::out::{DIM, NAME, Out};
use crate::table::{Cell, Table, cell};

pub(crate) use setup::{Setup, allowed, load, record, state_folder};

/// The configuration, of each of these commands.
#[derive(Debug, Args)]
pub(crate) struct Place {
    /// The configuration: a file with `[guard]`.
    #[arg(short, long, value_name = "FILE", default_value = "doorward.toml")]
    pub(crate) config: PathBuf,
}

/// List who is signed in on this machine.
#[derive(Debug, Args)]
#[command(
    after_help = "Nobody is asked: the list is read from the cache. `doorward whoami` tells whether a sign-in still holds."
)]
pub(crate) struct Accounts {
    #[command(flatten)]
    place: Place,
}

impl Accounts {
    pub(crate) fn run(self, out: &Out) -> Result<ExitCode, Failure> {
        let config = load(&self.place.config)?;
        let Setup { accounts, .. } = Setup::make(&config, out)?;
        let people = runtime(Some(1))?.block_on(accounts.accounts()).map_err(failed)?;
        if out.json {
            out.line(serde_json::Value::from(people.iter().map(json).collect::<Vec<_>>()));
            return Ok(ExitCode::SUCCESS);
        }
        if people.is_empty() {
            out.note("nobody is signed in; `doorward login` signs in");
            return Ok(ExitCode::SUCCESS);
        }
        let mut table = Table::indented(0);
        for account in &people {
            table.row([
                Cell::new(NAME, account.called()),
                cell(account.name.as_deref().unwrap_or_default()),
                Cell::new(DIM, &account.person.object),
            ]);
        }
        out.line(table);
        Ok(ExitCode::SUCCESS)
    }
}

/// An account for machines.
pub(crate) fn json(account: &Account) -> serde_json::Value {
    serde_json::json!({
        "tenant": account.person.tenant.as_str(),
        "object": account.person.object.as_str(),
        "address": account.address,
        "name": account.name,
    })
}

/// Tells an error with its way out: the part behind the last semicolon.
pub(crate) fn failed(error: AccountsError) -> Failure {
    let text = error.to_string();
    match text.rsplit_once("; ") {
        Some((what, help)) => Failure::new(what).help(help),
        None => Failure::new(text).help("docs/accounts.md says what signing in needs"),
    }
}
