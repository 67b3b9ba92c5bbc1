//! `doorward doctor entra`.

use std::io::Read as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use doorward_entra::{Apps, AppsError, ConfiguredFetch, Fetch};
use doorward_gateway::outside;

use super::finding::{Finding, tell};
use super::{chain, habits, registration, service, token};
use crate::commands::entra::Spoken;
use crate::commands::serve::{self, runtime};
use crate::commands::vault::now;
use crate::failure::Failure;
use crate::out::Out;

/// No token of Entra's is longer.
const MOST_TOKEN: u64 = 64 * 1024;

/// Look at everything between a client and Entra: configuration, service, registration, a token, the door's answers.
#[derive(Debug, Args)]
#[command(
    after_help = "Each finding names the error of Entra's that it causes and the step that mends it. What needs a permission that the
door lacks (Application.Read.All) is left out and said. Exit code: 0 nothing is bad, 1 something is, 2 the configuration is.

Examples:
  doorward doctor entra
  doorward doctor entra --token token.txt
  pbpaste | doorward doctor entra --token -"
)]
pub(crate) struct Entra {
    /// The configuration.
    #[arg(short, long, value_name = "FILE", default_value = "doorward.toml")]
    config: PathBuf,
    /// An access token that the door refuses, in a file, or `-` for standard input. Never on the command line: every
    /// program on the machine can read those.
    #[arg(long, value_name = "FILE")]
    token: Option<PathBuf>,
    /// Ask nobody: look at the configuration and the token's claims alone.
    #[arg(long)]
    offline: bool,
}

impl Entra {
    pub(crate) fn run(self, out: &Out) -> Result<ExitCode, Failure> {
        let config = serve::load(&self.config)?;
        let pasted = self.pasted()?;
        let outside = outside(&config).map_err(|error| Failure::new(error.to_string()))?;
        let mut findings = habits::look(&config, now());
        let well = runtime(Some(1))?.block_on(async {
            let keys =
                if self.offline { None } else { Some(service::keys(&config, &outside, &mut findings).await) };
            let entra = match &outside.entra {
                Ok(Some(entra)) if !self.offline => {
                    let proven = service::credential(&config, entra, &mut findings).await;
                    proven.then_some(entra)
                }
                Ok(_) => None,
                Err(error) => {
                    findings.push(
                        Finding::bad("credential", error.to_string())
                            .fix("see `[entra.credential]` in docs/configuration.md"),
                    );
                    None
                }
            };
            if let (Some(entra), Some(tenant), Some(app)) =
                (entra, config.entra.tenants.as_slice().first(), &config.entra.client_id)
            {
                let apps = Apps::new(Arc::new(outside.connector.clone()), entra.clone());
                match look_up(&apps, tenant.as_str(), app).await {
                    Ok(seen) => {
                        findings.extend(registration::look(&config, &seen, Spoken::of(&config).groups, now()))
                    }
                    Err(error) => findings.push(
                        Finding::warn("registration", "it could not be looked at")
                            .cause(error.to_string())
                            .fix("compare it with what `doorward entra manifest` prints"),
                    ),
                }
                service::downstream(&config, entra, &mut findings).await;
            }
            let fetch: Arc<dyn Fetch> = Arc::new(ConfiguredFetch(outside.connector.clone()));
            if !self.offline {
                chain::look(&config, fetch.as_ref(), &outside.connector, &mut findings).await;
            }
            if let Some(pasted) = &pasted {
                let own = if self.offline { None } else { chain::own_keys(&config, fetch.as_ref()).await };
                token::look(&config, &outside, keys, own, pasted, entra, &mut findings).await;
            }
            tell(out, &findings)
        });
        Ok(ExitCode::from(u8::from(!well)))
    }

    fn pasted(&self) -> Result<Option<String>, Failure> {
        let Some(path) = &self.token else { return Ok(None) };
        let mut text = String::new();
        let read = if path.as_os_str() == "-" {
            std::io::stdin().take(MOST_TOKEN).read_to_string(&mut text)
        } else {
            std::fs::File::open(path).and_then(|file| file.take(MOST_TOKEN).read_to_string(&mut text))
        };
        read.map_err(|error| {
            Failure::usage(format!("cannot read the token from {}: {error}", path.display()))
                .help("name a file that holds the token and nothing else, or write --token - and paste it")
        })?;
        // People copy the whole header.
        let text = text.trim();
        let text = text.strip_prefix("Authorization:").unwrap_or(text).trim_start();
        let bare = text
            .split_once(' ')
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map_or(text, |(_, token)| token);
        Ok(Some(bare.trim().to_owned()))
    }
}

async fn look_up(
    apps: &Apps,
    tenant: &str,
    app: &doorward_types::ClientId,
) -> Result<registration::Seen, AppsError> {
    let registration = apps.registration(tenant, app).await?;
    let federated = match &registration {
        Some(registration) => apps.federated(tenant, registration).await?,
        None => Vec::new(),
    };
    Ok(registration::Seen { registration, federated, principal: apps.principal(tenant, app).await? })
}
