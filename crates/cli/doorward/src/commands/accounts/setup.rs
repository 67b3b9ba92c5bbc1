//! From a configuration to `Accounts`: for the commands about signing in, and for whatever runs on a person's machine.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use doorward_accounts::{
    Account, Accounts, AccountsConfig, Cache, InsecureKeyBeside, KeySource, LinuxBroker, SecretService,
    harden,
};
use doorward_audit::{AuditConfig, AuditError, AuditLog, Grant, SubjectFacts};
use doorward_config::{Build, Cloud as CloudName, Guard, GuardConfig, Lab, TokenCache};
use doorward_entra::{Sleeper, Stopwatch};
use doorward_net::{Connector, ConnectorConfig, Origin};
use doorward_oauth::Cloud;
use doorward_oidc::public::{Allow, Scopes};

use super::passphrase;
use super::screen::Terminal;
use crate::commands::vault::now;
use crate::failure::Failure;
use crate::out::{BAD, Out, WARN, paint};

/// All that is needed to sign in.
pub(crate) struct Setup {
    /// The accounts.
    pub(crate) accounts: Accounts,
    /// What a sign-in asks for unless somebody needs more: who it is, by Graph.
    pub(crate) scopes: Scopes,
    /// The way out.
    pub(crate) connector: Connector,
}

/// Reads a configuration for the guard; its relative paths are relative to its own folder.
pub(crate) fn load(path: &Path) -> Result<GuardConfig, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::usage(format!("cannot read {}: {error}", path.display())).help(
            "write one with `[guard]`, `tenant` and `client_id`; docs/accounts.md says where they come from",
        )
    })?;
    let build = Build { lab: cfg!(feature = "lab") };
    let config =
        doorward_config::load_guard(&path.display().to_string(), &text, build).map_err(|errors| {
            Failure::usage(format!("the configuration is not valid\n{errors}"))
                .help("docs/configuration.md lists every key of `[guard]`")
        })?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok(config.rebase(folder))
}

impl Setup {
    /// Hardens the process and opens the cache.
    pub(crate) fn make(config: &GuardConfig, out: &Out) -> Result<Self, Failure> {
        let hardened = harden();
        if !(hardened.no_attach && hardened.no_core) {
            out.note(format_args!(
                "{} this system does not let a process keep its memory to itself",
                paint(WARN, "note:")
            ));
        }
        if let Some(lab) = &config.lab {
            out.note(paint(BAD, "LAB: an emulator stands in for Entra. Nobody is signed in for real."));
            out.note(format_args!("     authority {}", paint(WARN, &lab.authority)));
        }
        let guard = &config.guard;
        let cloud = cloud(guard.cloud, config.lab.as_ref())?;
        let folder = match &guard.cache_dir {
            Some(folder) => folder.clone(),
            None => state_folder("`guard.cache_dir`")?.join("accounts"),
        };
        let cache = Cache::open(&folder, &guard.tenant, &guard.client_id, key_source(&guard.cache, out));
        let cache = cache.map_err(|error| super::failed(error.into()))?;
        let made = AccountsConfig {
            tenant: guard.tenant.clone(),
            client_id: guard.client_id.clone(),
            allow: allowed(guard),
            cache,
            broker: guard.broker.then(|| Arc::new(LinuxBroker::default()) as _),
            screen: Arc::new(Terminal),
            now: Arc::new(|| SystemTime::now().into()),
            sleeper: Sleeper::system(),
            cloud,
        };
        let scopes = Scopes::of([format!("{}/User.Read", made.cloud.graph)]);
        let connector = connector(config)?;
        let fetch = Arc::new(connector.clone());
        Ok(Self { accounts: Accounts::new(fetch, Stopwatch::system(), made), scopes, connector })
    }
}

/// Returns who of the tenant may use the servers of this machine.
pub(crate) fn allowed(guard: &Guard) -> Allow {
    Allow { people: guard.allowed_people.clone(), groups: guard.allowed_groups.clone() }
}

fn cloud(named: CloudName, lab: Option<&Lab>) -> Result<Cloud, Failure> {
    if let Some(lab) = lab {
        return Ok(Cloud::lab(lab.authority.as_str(), &lab.graph.to_string()));
    }
    let name = match named {
        CloudName::Public => "public",
        CloudName::UsGov => "usgov",
        CloudName::China => "china",
    };
    Cloud::named(name).ok_or_else(|| Failure::new(format!("this build knows no cloud `{name}`")))
}

fn connector(config: &GuardConfig) -> Result<Connector, Failure> {
    let mut made = ConnectorConfig::default();
    if let Some(lab) = &config.lab {
        let pem = std::fs::read(&lab.ca_file).map_err(|error| {
            Failure::usage(format!("cannot read {}: {error}", lab.ca_file.display()))
                .help("start the lab first: `doorward lab`")
        })?;
        made.extra_roots_pem.push(pem);
        let console = config.guard.console.iter().map(|console| &console.url);
        for origin in [&lab.authority, lab.graph.origin()].into_iter().chain(console) {
            let origin = Origin::parse(origin.as_str());
            made.lab_origins.push(origin.map_err(|error| Failure::new(error.to_string()))?);
        }
    }
    Connector::new(made).map_err(|error| Failure::new(error.to_string()))
}

fn key_source(cache: &TokenCache, out: &Out) -> Arc<dyn KeySource> {
    match cache {
        TokenCache::Keychain => Arc::new(SecretService::default()),
        TokenCache::Passphrase(file) => Arc::new(passphrase::source(file.clone())),
        TokenCache::InsecureFile => {
            out.note(format_args!(
                "{} `cache = \"insecure-file\"`: whoever reads the file has the tokens",
                paint(WARN, "note:")
            ));
            Arc::new(InsecureKeyBeside)
        }
    }
}

/// The folder for what outlives a run (XDG Base Directory Specification); `else_by` says how another is named.
pub(crate) fn state_folder(else_by: &str) -> Result<PathBuf, Failure> {
    let named = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = named("XDG_STATE_HOME").or_else(|| Some(named("HOME")?.join(".local/state")));
    state.map(|state| state.join("doorward")).ok_or_else(|| {
        Failure::usage("nobody knows where this person's files are: neither HOME nor XDG_STATE_HOME is set")
            .help(format!("name a folder with {else_by}"))
    })
}

/// Records who signed in or out, if there is a log; false where another process has it open.
pub(crate) async fn record(config: &GuardConfig, what: &'static str, of: &Account) -> Result<bool, Failure> {
    let audit = &config.audit;
    if !audit.dir.exists() {
        return Ok(false);
    }
    let unrecorded =
        |error: AuditError| Failure::new(format!("it is done, but the audit log does not say so: {error}"));
    let mut made = AuditConfig::new(&audit.dir, &audit.key_file, &audit.checkpoint_dir);
    made.segment_bytes = audit.segment_bytes;
    made.lab = config.lab.is_some();
    let log = match AuditLog::open(made, now()) {
        Ok(log) => log,
        Err(AuditError::Locked(_)) => return Ok(false),
        Err(error) => return Err(unrecorded(error)),
    };
    let facts = SubjectFacts {
        tenant: &of.person.tenant,
        object: &of.person.object,
        name: of.name.as_deref(),
        source: None,
        application: false,
    };
    let subject = log.subject(&facts).map_err(unrecorded)?;
    let client = Some(config.guard.client_id.as_str());
    let grant =
        Grant { what, subject: Some(&subject), client, server: None, grant: None, reason: Some("command") };
    log.grant(&grant, now()).await.map_err(unrecorded)?;
    log.close(now()).await.map_err(unrecorded)?;
    Ok(true)
}
