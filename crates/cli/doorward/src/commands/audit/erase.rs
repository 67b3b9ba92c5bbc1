//! `doorward audit erase`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::SystemTime;

use clap::Args;
use doorward_audit::{AuditError, AuditKeys, AuditLog};
use doorward_config::Config;
use doorward_types::{ObjectId, TenantId};

use crate::commands::audit::place::Found;
use crate::commands::audit::{audit_config, failed};
use crate::commands::serve::{self, runtime};
use crate::failure::Failure;
use crate::out::{GOOD, Out, WARN, paint};

/// Erase a person: delete the key that their identifying fields are sealed with. This cannot be undone.
#[derive(Debug, Args)]
#[command(
    after_help = "The records stay, and the log still verifies; who the person was can no longer be read, in no copy of it.
Erase while no door runs: the erasure is then recorded too, and no door holds the key in memory."
)]
pub(crate) struct Erase {
    /// The person's tenant: Entra's `tid`.
    #[arg(long, value_name = "ID")]
    tenant: String,
    /// The person: Entra's `oid`.
    #[arg(long, value_name = "ID")]
    object: String,
    /// The configuration that says where log and keys are.
    #[arg(short, long, value_name = "FILE", default_value = "doorward.toml")]
    config: PathBuf,
}

/// How an erasure went.
struct Erased {
    /// Whether there was a key.
    found: bool,
    /// Whether the log says so; a running door keeps others from writing it.
    recorded: bool,
}

impl Erase {
    pub(crate) fn run(self, out: &Out) -> Result<ExitCode, Failure> {
        let wrong = |text: &str, error| Failure::usage(format!("`{}` is {error}", crate::table::clean(text)));
        let tenant = TenantId::parse(&self.tenant).map_err(|error| wrong(&self.tenant, error))?;
        let object = ObjectId::parse(&self.object).map_err(|error| wrong(&self.object, error))?;
        let config = serve::load(&self.config)?;
        // Opening a log for writing would begin one, with keys, where there is none.
        Found { dir: config.audit.dir.clone(), config: None }.begin()?;
        let erased = erase(&config, &tenant, &object)?;
        tell(out, &erased);
        Ok(ExitCode::from(u8::from(!erased.found)))
    }
}

fn erase(config: &Config, tenant: &TenantId, object: &ObjectId) -> Result<Erased, Failure> {
    let now = || SystemTime::now().into();
    match AuditLog::open(audit_config(config), now()) {
        Ok(log) => runtime(Some(1))?.block_on(async {
            let found = log.erase(tenant, object, now()).await.map_err(failed)?;
            log.close(now()).await.map_err(failed)?;
            Ok(Erased { found, recorded: true })
        }),
        Err(AuditError::Locked(_)) => {
            let failed = |error: doorward_audit::KeyError| Failure::new(error.to_string());
            let keys = AuditKeys::open(&config.audit.key_file).map_err(failed)?;
            Ok(Erased { found: keys.erase(tenant, object).map_err(failed)?, recorded: false })
        }
        Err(error) => Err(failed(error)),
    }
}

fn tell(out: &Out, erased: &Erased) {
    if out.json {
        out.line(serde_json::json!({ "erased": erased.found, "recorded": erased.recorded }));
        return;
    }
    if erased.found {
        out.line(format_args!(
            "{} the key is deleted: who this person was can no longer be read",
            paint(GOOD, "erased")
        ));
    } else {
        out.line(format_args!("{} there is no key of this person", paint(WARN, "nothing to erase:")));
    }
    if !erased.recorded {
        out.note(format_args!(
            "{} a door runs: it holds the key in memory until it is restarted, and the log does not record the erasure",
            paint(WARN, "note:")
        ));
    }
}
