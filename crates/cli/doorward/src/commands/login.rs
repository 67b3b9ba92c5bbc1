//! `doorward login`: a person signs in on this machine.

use std::process::ExitCode;

use clap::Args;
use doorward_accounts::{AccountsError, Ask, Interactive, Source};

use crate::commands::accounts::{Place, Setup, failed, json, load, record};
use crate::commands::serve::runtime;
use crate::failure::Failure;
use crate::out::{GOOD, NAME, Out, paint};
use crate::table::clean;

/// Sign in on this machine, in a browser or on another device.
#[derive(Debug, Args)]
#[command(
    after_help = "Who is signed in already, and whose sign-in still holds, is not asked again: `--another` signs in somebody else besides.
Where no browser can be opened, a code is shown to be entered on another device.

Examples:
  doorward login
  doorward login --device
  doorward login --account alice@contoso.com"
)]
pub(crate) struct Login {
    #[command(flatten)]
    place: Place,
    /// Show a code to enter on another device, and open no browser.
    #[arg(long)]
    device: bool,
    /// Who is to sign in: an address or an object id. Anybody else is refused.
    #[arg(long, value_name = "WHO")]
    account: Option<String>,
    /// Sign in though somebody is signed in.
    #[arg(long)]
    another: bool,
}

impl Login {
    pub(crate) fn run(self, out: &Out) -> Result<ExitCode, Failure> {
        let config = load(&self.place.config)?;
        let Setup { accounts, scopes, .. } = Setup::make(&config, out)?;
        let interactive = if self.device { Interactive::Device } else { Interactive::Browser };
        let ask = Ask { account: self.account.as_deref(), scopes: &scopes, refused: None, interactive };
        let (account, fresh) = runtime(Some(1))?.block_on(async {
            let signing_in = async {
                if self.another {
                    return accounts.sign_in(&ask).await.map(|account| (account, true));
                }
                let token = accounts.token(&ask).await?;
                Ok::<_, AccountsError>((token.account, token.source == Source::Person))
            };
            let (account, fresh) = tokio::select! {
                done = signing_in => done.map_err(failed)?,
                // Dropped with all that it holds: the server on loopback, the lock, the request to Entra.
                _ = tokio::signal::ctrl_c() => {
                    return Err(Failure::new("the sign-in was broken off").help("`doorward login` begins again"));
                }
            };
            if fresh {
                record(&config, "signed-in", &account).await?;
            }
            Ok((account, fresh))
        })?;
        if out.json {
            out.line(serde_json::json!({ "account": json(&account), "asked": fresh }));
            return Ok(ExitCode::SUCCESS);
        }
        let how = if fresh { "signed in:" } else { "signed in already:" };
        let name = account.name.as_deref().unwrap_or_default();
        let who = paint(NAME, clean(&account.called()));
        out.line(format_args!("{} {who} {}", paint(GOOD, how), clean(name)));
        Ok(ExitCode::SUCCESS)
    }
}
