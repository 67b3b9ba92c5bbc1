//! `doorward revoke`: ends sign-ins, for every process that shares the store, within a second.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{ArgGroup, Args};
use doorward_store::{Kind, Revoked, Store, StoreError};
use doorward_types::{ClientId, GrantId, ObjectId, Person, TenantId};

use crate::commands::serve::{self, runtime};
use crate::commands::vault::{failed, now, open, record};
use crate::failure::Failure;
use crate::out::{GOOD, Out, WARN, paint};
use crate::table::{clean, count};

/// Longer than any token lives: Entra's own live 28 hours at most, the door's ten minutes.
const KEPT: Duration = Duration::from_secs(30 * 3600);
/// What a sign-in consists of. Consents stay: they let nobody in who does not sign in again.
const SIGN_IN: [Kind; 3] = [Kind::Code, Kind::Family, Kind::EntraTokens];

/// End sign-ins: of a person, of a client, one, or all. The next request with their tokens is refused.
#[derive(Debug, Args)]
#[command(
    group(ArgGroup::new("whose").required(true).args(["user", "client", "session", "all"])),
    after_help = "A door that runs takes it up within a second; open streams end. What people have allowed stays allowed: they sign in
again. To keep somebody out, disable the account at Entra, or write a policy that forbids them.

Examples:
  doorward revoke --user TENANT/OBJECT
  doorward revoke --client https://vscode.dev/oauth/client-metadata.json
  doorward revoke --all"
)]
pub(crate) struct Revoke {
    /// Every sign-in of this person: tenant id and object id.
    #[arg(long, value_name = "TENANT/OBJECT")]
    user: Option<String>,
    /// Every sign-in with this client.
    #[arg(long, value_name = "ID")]
    client: Option<String>,
    /// One sign-in: `sid` of its tokens.
    #[arg(long, value_name = "GRANT")]
    session: Option<String>,
    /// Every sign-in there is.
    #[arg(long)]
    all: bool,
    /// The configuration that the door runs with.
    #[arg(short, long, value_name = "FILE", default_value = "doorward.toml")]
    config: PathBuf,
}

impl Revoke {
    pub(crate) fn run(self, out: &Out) -> Result<ExitCode, Failure> {
        let what = self.what()?;
        let config = serve::load(&self.config)?;
        let (ended, epoch, recorded) = runtime(Some(1))?.block_on(async {
            let store = open(&config).await?;
            // Out of the store first: if this process dies here nothing can be refreshed, and access tokens end by
            // themselves. Once more afterwards: what was made in between would live on.
            let mut ended = end(&store, &what).await.map_err(failed)?;
            let epoch = store.revoke(&what, now(), KEPT).await.map_err(failed)?;
            ended += end(&store, &what).await.map_err(failed)?;
            store.close().await;
            Ok::<_, Failure>((ended, epoch, record(&config, "revoked", epoch).await?))
        })?;
        if out.json {
            out.line(serde_json::json!({ "revoked": named(&what), "sign_ins": ended, "epoch": epoch, "recorded": recorded }));
            return Ok(ExitCode::SUCCESS);
        }
        out.line(format_args!(
            "{} {}; {} could have been refreshed",
            paint(GOOD, "revoked:"),
            clean(&named(&what)),
            count(ended, "sign-in")
        ));
        if !recorded {
            out.note(format_args!("{} a door runs: it takes this up within a second", paint(WARN, "note:")));
        }
        Ok(ExitCode::SUCCESS)
    }

    fn what(&self) -> Result<Revoked, Failure> {
        let wrong = |text: &str, help: &str| {
            Failure::usage(format!("`{}` names nobody", clean(text))).help(help.to_owned())
        };
        if let Some(text) = &self.user {
            let person = || {
                let (tenant, object) = text.split_once('/')?;
                Some(Person { tenant: TenantId::parse(tenant).ok()?, object: ObjectId::parse(object).ok()? })
            };
            let help =
                "write both ids of the person, as the Entra admin center shows them: --user TENANT/OBJECT";
            return person().map(Revoked::Person).ok_or_else(|| wrong(text, help));
        }
        if let Some(text) = &self.client {
            let client = ClientId::registered(text).or_else(|_| ClientId::parse(text));
            return client
                .map(Revoked::Client)
                .map_err(|_| wrong(text, "write the client's id as the log has it"));
        }
        match &self.session {
            Some(text) => GrantId::parse(text)
                .map(Revoked::Grant)
                .map_err(|_| wrong(text, "write the `sid` of the token: 32 hexadecimal digits")),
            None => Ok(Revoked::All),
        }
    }
}

/// Takes sign-ins out of the store; returns how many could have been refreshed.
async fn end(store: &Store, what: &Revoked) -> Result<usize, StoreError> {
    let now = now();
    let mut families = 0;
    for kind in SIGN_IN {
        let rows = match what {
            Revoked::All => store.all(kind, now).await?,
            Revoked::Person(person) => store.of_person(kind, person, now).await?,
            Revoked::Client(client) => store.of_client(kind, client, now).await?,
            Revoked::Grant(grant) => store.of_grant(kind, grant, now).await?,
        };
        for row in rows {
            let gone = store.delete(kind, &row.id).await?;
            families += usize::from(gone && kind == Kind::Family);
        }
    }
    Ok(families)
}

fn named(what: &Revoked) -> String {
    match what {
        Revoked::All => "every sign-in".to_owned(),
        Revoked::Person(person) => format!("every sign-in of {}/{}", person.tenant, person.object),
        Revoked::Client(client) => format!("every sign-in with {client}"),
        Revoked::Grant(grant) => format!("the sign-in {grant}"),
    }
}
