//! `doorward whoami`: who is signed in, proven by a token that holds now.

use std::process::ExitCode;

use clap::Args;
use doorward_accounts::{Ask, Interactive, Source};
use doorward_oauth::Groups;

use crate::commands::accounts::{Place, Setup, failed, json, load};
use crate::commands::serve::runtime;
use crate::failure::Failure;
use crate::out::{DIM, NAME, Out};
use crate::table::{Cell, Table, cell, count};

/// Say who is signed in, and whether the sign-in still holds.
#[derive(Debug, Args)]
#[command(
    after_help = "Nobody is asked: a token is taken from the cache, or refreshed. The token itself is never printed.
Exit code: 0 the sign-in holds, 1 it does not or the person may not use this machine's servers."
)]
pub(crate) struct Whoami {
    #[command(flatten)]
    place: Place,
    /// Who: an address or an object id. Needed where several people are signed in.
    #[arg(long, value_name = "WHO")]
    account: Option<String>,
}

impl Whoami {
    pub(crate) fn run(self, out: &Out) -> Result<ExitCode, Failure> {
        let config = load(&self.place.config)?;
        let Setup { accounts, scopes, .. } = Setup::make(&config, out)?;
        let account = self.account.as_deref();
        let ask = Ask { account, scopes: &scopes, refused: None, interactive: Interactive::Never };
        let token = runtime(Some(1))?.block_on(accounts.token(&ask)).map_err(failed)?;
        let from = match token.source {
            Source::Cache => "cache",
            Source::Refresh => "refresh",
            Source::Broker => "broker",
            Source::Person => "sign-in",
        };
        if out.json {
            out.line(serde_json::json!({
                "account": json(&token.account),
                "expires": token.expires.to_string(),
                "from": from,
            }));
            return Ok(ExitCode::SUCCESS);
        }
        let account = &token.account;
        let groups = match &account.groups {
            Groups::Listed(ids) => count(ids.len(), "group"),
            Groups::Overage => "more groups than a token lists".into(),
            Groups::Absent => "groups are not told".into(),
        };
        let mut table = Table::indented(0);
        let mut fact = |name: &str, value: Cell| table.row([Cell::new(DIM, name), value]);
        fact("who", Cell::new(NAME, account.called()));
        fact("name", cell(account.name.as_deref().unwrap_or("-")));
        fact("object", cell(&account.person.object));
        fact("tenant", cell(&account.person.tenant));
        fact("groups", cell(groups));
        fact("token", cell(format_args!("from {from}, good until {}", token.expires)));
        out.line(table);
        Ok(ExitCode::SUCCESS)
    }
}
