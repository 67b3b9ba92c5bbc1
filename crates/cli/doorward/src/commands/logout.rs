//! `doorward logout`: everything of a person is removed from this machine.

use std::process::ExitCode;

use clap::Args;

use crate::commands::accounts::{Place, Setup, failed, json, load, record};
use crate::commands::serve::runtime;
use crate::failure::Failure;
use crate::out::{DIM, GOOD, NAME, Out, paint};
use crate::table::clean;

/// Sign out on this machine.
#[derive(Debug, Args)]
#[command(
    after_help = "Every token of the person is removed, and the cache is sealed under a new key, so that copies of it are worth nothing.
What was copied out of it before stays good at Entra until it ends: if a machine is lost, have an administrator revoke the
person's sessions in the Entra admin center."
)]
pub(crate) struct Logout {
    #[command(flatten)]
    place: Place,
    /// Who: an address or an object id. Needed where several people are signed in.
    #[arg(long, value_name = "WHO")]
    account: Option<String>,
}

impl Logout {
    pub(crate) fn run(self, out: &Out) -> Result<ExitCode, Failure> {
        let config = load(&self.place.config)?;
        let Setup { accounts, .. } = Setup::make(&config, out)?;
        let (account, recorded) = runtime(Some(1))?.block_on(async {
            let account = accounts.sign_out(self.account.as_deref()).await.map_err(failed)?;
            let recorded = record(&config, "signed-out", &account).await?;
            Ok::<_, Failure>((account, recorded))
        })?;
        if out.json {
            out.line(serde_json::json!({ "account": json(&account), "recorded": recorded }));
            return Ok(ExitCode::SUCCESS);
        }
        let who = paint(NAME, clean(&account.called()));
        out.line(format_args!("{} {who}", paint(GOOD, "signed out:")));
        if !recorded {
            out.note(paint(DIM, "not recorded: there is no audit log here, or another process has it open"));
        }
        Ok(ExitCode::SUCCESS)
    }
}
