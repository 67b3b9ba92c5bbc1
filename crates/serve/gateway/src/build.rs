//! From a valid configuration to a door: files are read, keys opened, policies compiled. Nothing listens yet.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};
use std::time::{Duration, SystemTime};

use doorward_admin::{Admin, AdminError};
use doorward_approvals::Approvals;
use doorward_audit::{AuditConfig, AuditLog, PublicKey};
use doorward_config::{AdviseScope, Config, DataUse, Era, Server, ServerCredential, Target};
use doorward_config::{FlaggedDefinitions, FlaggedResults, Spotlight as Spotlit};
use doorward_engine::{
    AdviseRules, Budget, DataRules, Door, DoorLimits, ElicitationRules, EraRule, Flagged, FlowMode,
    FlowRules, Form, Injected, LookAlikes, PinRules, Ports as _, ResultRules, ServerRules, SessionRules,
    Snapshot, Spotlight, Urls,
};
use doorward_entra::{Groups, Keys, Stopwatch};
use doorward_facade::{Facade, FacadeError};
use doorward_inspect::Bundles;
use doorward_net::{Connector, ConnectorConfig, Origin, Reach};
use doorward_oauth::{Audience, Cloud, DoorExpectation, EntraTokens, Expectation, Tenants, TokenCache};
use doorward_pinboard::{Pinboard, Watch, of_command};
use doorward_pins::First;
use doorward_policy::{PolicyProblem, PolicyText};
use doorward_rulebook::{RulebookError, Shelf};
use doorward_sandbox::{Launcher, Packaged, Profile};
use doorward_store::Store;
use doorward_types::{ClientId, Secret};
use doorward_upstream::{HttpTarget, StdioLimits, StdioTarget, Upstreams, Walls};
use doorward_wire::Limits;

use crate::advice::{Advice, advice};
use crate::ports::GatewayPorts;
use crate::sign_in::LatePages;
use crate::{credentials, sign_in};

/// Tolerated difference between Entra's clock and ours.
const SKEW: Duration = Duration::from_secs(60);

/// Why no door could be built. Each names the file or the setting to look at.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A file that the configuration names cannot be read.
    #[error("cannot read {path}: {cause}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why not.
        cause: io::Error,
    },
    /// The policies are not valid; nothing of them takes effect.
    #[error("the policies in {dir} are not valid:\n{}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Policies {
        /// The folder.
        dir: PathBuf,
        /// Every problem.
        problems: Vec<PolicyProblem>,
    },
    /// The audit log cannot be opened. Without it there is no door.
    #[error("the audit log cannot be opened: {0}")]
    Audit(#[from] doorward_audit::AuditError),
    /// The way out cannot be set up.
    #[error("outbound connections cannot be set up: {0}")]
    Connector(#[from] doorward_net::ConnectorError),
    /// A server's target cannot be used.
    #[error("{0}")]
    Target(String),
    /// The cloud is not one of the compiled list.
    #[error("`entra.cloud` is not one of the clouds this door knows")]
    Cloud,
    /// The rules beside those that are built in cannot be used. Without them the door would find less than it is thought to.
    #[error("`[rules]`: {0}")]
    Rules(#[from] RulebookError),
    /// The operating system gives no randomness.
    #[error("the operating system gives no randomness")]
    Random,
    /// The store cannot be opened.
    #[error("the vault cannot be opened: {0}")]
    Store(#[from] doorward_store::StoreError),
    /// The façade cannot be opened.
    #[error("nobody could sign in: {0}")]
    Facade(#[from] FacadeError),
    /// The console cannot be set up.
    #[error("the console cannot be set up: {0}")]
    Admin(#[from] AdminError),
    /// A configured client cannot be used.
    #[error("the client `{id}`: {what}")]
    Client {
        /// Which.
        id: ClientId,
        /// What is wrong with it.
        what: String,
    },
    /// The door's credential at Entra cannot be used.
    #[error("entra.credential: {0}")]
    Credential(String),
    /// There is no vault.
    #[error("`[vault]` is not configured: there is nothing to work on")]
    NoVault,
    /// Something needs a credential that is not configured.
    #[error("`{0}` needs `entra.credential`")]
    NoCredential(&'static str),
}

/// A door, and what it was built from.
pub struct Built {
    /// The configuration.
    pub config: Config,
    /// The door.
    pub door: Arc<Door<GatewayPorts>>,
    /// The authorization server that metadata names.
    pub authorization_server: String,
    /// The door's own authorization server, where one is configured.
    pub facade: Option<Arc<Facade>>,
    /// The console, where one is configured.
    pub admin: Option<Arc<Admin>>,
    /// Who is asked for second opinions, where it is configured.
    pub advice: Option<Arc<Advice>>,
}

/// Builds a door.
///
/// # Errors
/// [`BuildError`]; what was opened is closed again.
pub async fn build(config: Config) -> Result<Built, BuildError> {
    let cloud = cloud(&config)?;
    let text = Arc::new(read_policies(&config.policy.dir)?);
    let pages = Arc::default();
    let bundles = bundles(&config.rules)?;
    let snapshot = Snapshot::compile(1, rules(&config, &cloud, &pages, &bundles), text, BTreeMap::new())
        .map_err(|problems| BuildError::Policies { dir: config.policy.dir.clone(), problems })?;
    let connector = connector(&config)?;
    let audit = AuditLog::open(audit_config(&config), SystemTime::now().into())?;
    let ready = sign_in::prepare(&config, &cloud, &connector, &audit).await?;
    let targets = targets(&config, &ready, &connector)?;
    let upstreams = Upstreams::new(&connector, targets).map_err(BuildError::Target)?;
    let keys =
        Arc::new(Keys::new(Arc::new(connector.clone()), &cloud, &tenants(&config), Stopwatch::system()));
    let fetch = Arc::new(connector.clone());
    let groups = ready.entra.clone().map(|entra| Groups::new(fetch, entra, Stopwatch::system()));
    let pins = match &ready.store {
        Some(store) => {
            let pinned = config.servers.iter().filter(|server| server.pins != doorward_config::Pins::Off);
            let pinned = pinned.map(|server| server.name.clone()).collect();
            Some(Watch::open(Pinboard::new(store.clone()), pinned, SystemTime::now().into()).await)
        }
        None => None,
    };
    let approvals = ready.store.clone().map(|store| approvals(&config, store));
    let (store, upstreams) = (ready.store.clone(), Arc::new(upstreams));
    let advice = advice(&config, ready.entra.as_ref(), &connector).await?.map(Arc::new);
    let kept = (store, approvals, pins);
    let ports = GatewayPorts::new(audit, kept, upstreams, Arc::clone(&keys), groups, (pages, advice.clone()));
    ports.catch_up().await;
    let limits = DoorLimits {
        sessions: SessionRules {
            total: config.limits.sessions,
            per_owner: config.limits.sessions_per_person,
            idle: config.sessions.idle,
            absolute: config.sessions.absolute,
        },
        resume: config.sessions.resume,
    };
    let door = Arc::new(Door::new(ports, snapshot, limits).map_err(|_| BuildError::Random)?);
    let facade = sign_in::open(&config, cloud.clone(), &connector, ready, &keys, &door).await?;
    let authorization_server = match (&facade, tenants(&config)) {
        (Some(facade), _) => facade.issuer().to_owned(),
        (None, Tenants::One(tenant)) => cloud.issuer_v2(&tenant),
        (None, Tenants::Many(_)) => format!("{}/organizations/v2.0", cloud.authority),
    };
    let admin = match &config.admin {
        Some(_) => Some(Arc::new(console(&config, cloud, &keys, facade.clone(), &door)?)),
        None => None,
    };
    Ok(Built { config, door, authorization_server, facade, admin, advice })
}

fn console(
    config: &Config,
    cloud: Cloud,
    keys: &Arc<Keys>,
    facade: Option<Arc<Facade>>,
    door: &Arc<Door<GatewayPorts>>,
) -> Result<Admin, BuildError> {
    let of = Arc::clone(door);
    // The door's own board: of what this process writes itself, the database says nothing to the door.
    let pins = door.ports().pinned().ok_or(BuildError::NoVault)?.board().clone();
    let parts = doorward_admin::Parts {
        facade,
        pins,
        approvals: door.ports().approvals().cloned(),
        entra_keys: Arc::clone(keys),
        revocations: Arc::new(move || of.ports().revocations()),
        audit: door.ports().journal.log.clone(),
        clock: Arc::new(|| SystemTime::now().into()),
    };
    Ok(Admin::new(config, cloud, parts)?)
}

/// The questions about single calls that lie in the store of a configuration, for doors and for commands beside them.
pub fn approvals(config: &Config, store: Store) -> Approvals {
    let public = config.gateway.public_url.as_str().trim_end_matches('/');
    Approvals::new(store, config.flow.approval_time, format!("{public}/account/approvals"))
}

pub(crate) fn cloud(config: &Config) -> Result<Cloud, BuildError> {
    match (&config.lab, config.entra.cloud) {
        (Some(lab), _) => Ok(Cloud::lab(lab.authority.as_str(), lab.graph.to_string().trim_end_matches('/'))),
        (None, cloud) => Cloud::named(match cloud {
            doorward_config::Cloud::Public => "public",
            doorward_config::Cloud::UsGov => "usgov",
            doorward_config::Cloud::China => "china",
        })
        .ok_or(BuildError::Cloud),
    }
}

pub(crate) fn tenants(config: &Config) -> Tenants {
    match &config.entra.tenants {
        doorward_config::Tenants::One(tenant) => Tenants::One(tenant.clone()),
        doorward_config::Tenants::Many(tenants) => Tenants::Many(tenants.iter().cloned().collect()),
    }
}

/// Reads every `*.cedar` file of a folder, by name.
pub(crate) fn read_policies(dir: &Path) -> Result<PolicyText, BuildError> {
    let unreadable = |path: &Path| {
        let path = path.to_owned();
        move |cause| BuildError::Read { path, cause }
    };
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(dir).map_err(unreadable(dir))? {
        let path = entry.map_err(unreadable(dir))?.path();
        if path.extension().is_some_and(|extension| extension == "cedar") {
            let text = std::fs::read_to_string(&path).map_err(unreadable(&path))?;
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            files.insert(name, text);
        }
    }
    let files: Vec<_> = files.into_iter().collect();
    PolicyText::parse(&files).map_err(|problems| BuildError::Policies { dir: dir.to_owned(), problems })
}

/// Reads the rules beside those that are built in.
pub(crate) fn bundles(rules: &doorward_config::Rules) -> Result<Arc<Bundles>, BuildError> {
    let keys: Result<Vec<_>, _> = rules.keys.iter().map(|key| PublicKey::load(key)).collect();
    let shelf = Shelf::new(&rules.dir, keys.map_err(RulebookError::Key)?);
    let loaded = shelf.load()?;
    if !loaded.placed.is_empty() {
        tracing::info!(bundles = loaded.bundles.id(), "rules beside those that are built in");
    }
    Ok(Arc::new(loaded.bundles))
}

/// Makes the rules of every server, token caches empty.
pub(crate) fn rules(
    config: &Config,
    cloud: &Cloud,
    pages: &Arc<LatePages>,
    bundles: &Arc<Bundles>,
) -> Vec<ServerRules> {
    let public = config.gateway.public_url.as_str();
    let bound = |max_bytes: usize| Limits { max_bytes, ..Limits::default() };
    let flow = Arc::new(flow_rules(&config.flow));
    let clients = Arc::new(spotlights(config));
    let rule = |server: &Server| {
        let path = server.path();
        ServerRules {
            name: server.name.clone(),
            resource: format!("{public}{path}"),
            metadata_url: format!("{public}/.well-known/oauth-protected-resource{path}"),
            challenge_scope: scopes_told(config, server).join(" "),
            expectation: expectation(config, cloud, server),
            era: match server.era {
                Era::Auto => EraRule::Auto,
                Era::Legacy => EraRule::Legacy,
                Era::Modern => EraRule::Modern,
                Era::Both => EraRule::Both,
            },
            call_timeout: server.timeout,
            call_most: config.limits.call_timeout_max,
            request_limits: bound(config.limits.request_bytes),
            answer_limits: bound(config.limits.response_bytes),
            event_bytes: config.limits.event_bytes,
            // Where people come with Entra's own tokens, those are the proof that an exchange needs.
            keeps_assertion: matches!(server.credential, Some(ServerCredential::OnBehalfOf { .. })),
            per_person_credential: server.credential.as_ref().is_some_and(ServerCredential::is_per_person),
            acquaintance: Arc::default(),
            asks: false,
            flagged: match server.flagged_definitions {
                FlaggedDefinitions::Withhold => Flagged::Withhold,
                FlaggedDefinitions::Record => Flagged::Record,
                FlaggedDefinitions::Pass => Flagged::Pass,
            },
            flow: Arc::clone(&flow),
            data: data(config, server),
            results: results(server, &clients),
            pins: pin_rules(server),
            elicitation: elicitation(config, server, pages),
            arguments: match server.flagged_arguments {
                doorward_config::FlaggedArguments::Record => Flagged::Record,
                doorward_config::FlaggedArguments::Block => Flagged::Withhold,
                doorward_config::FlaggedArguments::Pass => Flagged::Pass,
            },
            unabridged: false,
            advise: AdviseRules {
                calls: server.advise == AdviseScope::Both,
                answers: server.advise != AdviseScope::Off,
            },
            bundles: Arc::clone(bundles),
            tokens: RwLock::new(TokenCache::new(16_384)),
        }
    };
    config.servers.iter().map(rule).collect()
}

/// Labels, and the rule about them, as the engine takes them.
pub fn flow_rules(flow: &doorward_config::Flow) -> FlowRules {
    FlowRules {
        mode: match flow.mode {
            doorward_config::FlowMode::Enforce => FlowMode::Enforce,
            doorward_config::FlowMode::Record => FlowMode::Record,
            doorward_config::FlowMode::Off => FlowMode::Off,
        },
        labels: flow.labels.clone(),
        rules: flow.rules.clone(),
        conversation: flow.conversation.as_deref().map(Into::into),
        definitions_trusted: flow.definitions_trusted.clone(),
    }
}

/// What is done about secrets and personal data at a server.
fn data(config: &Config, server: &Server) -> Option<Arc<DataRules>> {
    let rules = match server.data {
        DataUse::Off => return None,
        DataUse::Record => DataRules::recording(),
        DataUse::Rules => DataRules::of_rows(config.data.rows_for(&server.name)),
    };
    Some(Arc::new(DataRules {
        label: server.data_label.clone().unwrap_or_default(),
        most_bytes: config.data.read_bytes,
        refuses_unread: config.data.refuses_unread,
        ..rules
    }))
}

/// What is done about the content of a server's answers.
fn results(server: &Server, clients: &Arc<BTreeMap<ClientId, Spotlight>>) -> ResultRules {
    ResultRules {
        injected: match server.flagged_results {
            FlaggedResults::Block => Injected::Block,
            FlaggedResults::Mark => Injected::Mark,
            FlaggedResults::Record => Injected::Record,
            FlaggedResults::Pass => Injected::Pass,
        },
        spotlight: spotlight(server.spotlight),
        clients: Arc::clone(clients),
        budget: Budget { bytes: server.max_result_bytes, tokens: server.max_result_tokens },
    }
}

fn spotlight(word: Spotlit) -> Spotlight {
    match word {
        Spotlit::Off => Spotlight::Off,
        Spotlit::Annotate => Spotlight::Annotate,
        Spotlit::Transform => Spotlight::Transform(Form::Delimit),
        Spotlit::Datamark => Spotlight::Transform(Form::Datamark),
        Spotlit::Encode => Spotlight::Transform(Form::Encode),
    }
}

/// What single clients have instead of what their servers say.
fn spotlights(config: &Config) -> BTreeMap<ClientId, Spotlight> {
    let named = config.clients.iter().filter_map(|client| Some((client.id.clone(), client.spotlight?)));
    let others = config.gateway.spotlight.iter().map(|(id, word)| (id.clone(), *word));
    others.chain(named).map(|(id, word)| (id, spotlight(word))).collect()
}

/// How a server's definitions are pinned, and what it is known by: a server elsewhere under the same name is another one.
fn pin_rules(server: &Server) -> Option<PinRules> {
    let first = match server.pins {
        doorward_config::Pins::FirstUse => First::OnUse,
        doorward_config::Pins::Approval => First::ByApproval,
        doorward_config::Pins::Off => return None,
    };
    let address = match &server.target {
        Target::Http(remote) => {
            let url = remote.url.to_string();
            url.split(['?', '#']).next().unwrap_or_default().to_owned()
        }
        Target::Stdio(child) => {
            let words: Vec<_> = std::iter::once(&child.program).chain(&child.args).cloned().collect();
            of_command(&words)
        }
    };
    Some(PinRules {
        first,
        server: doorward_pins::Server { name: server.name.clone(), address },
        look_alikes: if server.look_alikes_blocked { LookAlikes::Block } else { LookAlikes::Record },
    })
}

fn elicitation(config: &Config, server: &Server, pages: &Arc<LatePages>) -> ElicitationRules {
    let asks = &server.elicitation;
    ElicitationRules {
        forms_guarded: asks.forms_guarded,
        url_hosts: asks.url_hosts.clone(),
        plain_loopback: config.lab.is_some(),
        urls: match &config.sign_in {
            _ if asks.urls_unproven => Urls::Unproven,
            Some(_) => Urls::Page(Arc::<LatePages>::clone(pages)),
            // Nobody signs in at this door, so nobody could be told from anybody else.
            None => Urls::Refused,
        },
    }
}

/// Returns the scopes that clients are told to ask for: the door's own, or Entra's.
pub(crate) fn scopes_told(config: &Config, server: &Server) -> Vec<String> {
    match config.sign_in {
        Some(_) => doorward_facade::scopes(server),
        None => server.access.scopes_supported(),
    }
}

fn expectation(config: &Config, cloud: &Cloud, server: &Server) -> Expectation {
    let access = &server.access;
    let own = config.sign_in.as_ref().map(|_| DoorExpectation {
        issuer: config.gateway.public_url.as_str().trim_end_matches('/').to_owned(),
        audience: format!("{}{}", config.gateway.public_url.as_str().trim_end_matches('/'), server.path()),
        required_scope: doorward_facade::scopes(server),
    });
    let (entra, apps) = match config.sign_in.as_ref().map(|sign_in| sign_in.entra_tokens) {
        None | Some(doorward_config::EntraTokens::All) => (EntraTokens::All, false),
        Some(doorward_config::EntraTokens::Apps) => (EntraTokens::Apps, true),
        Some(doorward_config::EntraTokens::None) => (EntraTokens::None, false),
    };
    let machines = config.sign_in.is_some() && config.clients.iter().any(|client| !client.roles.is_empty());
    Expectation {
        cloud: cloud.clone(),
        tenants: tenants(config),
        audience: Audience { client_id: access.client_id.clone(), app_id_uris: access.app_id_uris.clone() },
        required_scope: access.required_scope.clone(),
        required_role: access.required_role.clone(),
        allow_app_only: config.entra.allow_app_only || apps || machines,
        skew: SKEW,
        accept_v1: config.entra.accept_v1,
        door: own,
        entra,
    }
}

pub(crate) fn connector(config: &Config) -> Result<Connector, BuildError> {
    let mut made = ConnectorConfig::default();
    if let Some(lab) = &config.lab {
        made.extra_roots_pem.push(read(&lab.ca_file)?);
        let graph = lab.graph.origin();
        let places = [&lab.authority, graph].into_iter().chain(&lab.identity).chain(&lab.key_vault);
        for origin in lab.origins.iter().chain(places) {
            let origin = Origin::parse(origin.as_str())
                .map_err(|error| BuildError::Target(format!("{origin}: {error}")))?;
            made.lab_origins.push(origin);
        }
    }
    Ok(Connector::new(made)?)
}

pub(crate) fn read(path: &Path) -> Result<Vec<u8>, BuildError> {
    std::fs::read(path).map_err(|cause| BuildError::Read { path: path.to_owned(), cause })
}

/// Reads a secret from its file; the newline that editors end a file with is not part of it.
pub(crate) fn read_secret(path: &Path) -> Result<Secret<String>, BuildError> {
    let mut text =
        std::fs::read_to_string(path).map_err(|cause| BuildError::Read { path: path.to_owned(), cause })?;
    text.truncate(text.trim_end().len());
    Ok(Secret::new(text))
}

fn targets(
    config: &Config,
    ready: &sign_in::Ready,
    connector: &Connector,
) -> Result<Vec<(doorward_types::ServerName, doorward_upstream::Target)>, BuildError> {
    let target = |server: &Server| {
        let target = match &server.target {
            Target::Http(remote) => {
                let in_lab = |lab: &doorward_config::Lab| lab.origins.contains(remote.url.origin());
                doorward_upstream::Target::Http(HttpTarget {
                    url: remote.url.to_string(),
                    sse: remote.sse,
                    reach: if config.lab.as_ref().is_some_and(in_lab) {
                        Reach::Lab
                    } else {
                        Reach::Configured
                    },
                    headers: remote.headers.clone().into_iter().collect(),
                    credential: credentials::server_credential(config, server, ready, connector)?,
                    most: config.limits.call_timeout_max,
                })
            }
            Target::Stdio(child) => {
                let mut env: Vec<_> = child.env.clone().into_iter().collect();
                for (name, path) in &child.env_files {
                    env.push((name.clone(), read_secret(path)?.expose().clone()));
                }
                doorward_upstream::Target::Stdio(StdioTarget {
                    command: std::iter::once(&child.program).chain(&child.args).cloned().collect(),
                    env,
                    cwd: child.cwd.clone(),
                    walls: walls(server, child, connector)?,
                    shared: child.shared,
                    one_person: false,
                    limits: StdioLimits {
                        children: child.max_children,
                        idle: child.idle,
                        most: config.limits.call_timeout_max,
                    },
                })
            }
        };
        Ok((server.name.clone(), target))
    };
    config.servers.iter().map(target).collect()
}

/// What stands around a server's children.
fn walls(
    server: &Server,
    child: &doorward_config::Child,
    connector: &Connector,
) -> Result<Option<Arc<Walls>>, BuildError> {
    let Some(lines) = &child.sandbox else { return Ok(None) };
    let bad =
        |what: String| BuildError::Target(format!("the sandbox of the server `{}`: {what}", server.name));
    let profile = Profile::parse(&lines.join("\n")).map_err(|error| bad(error.to_string()))?;
    let command: Vec<_> = std::iter::once(&child.program).chain(&child.args).cloned().collect();
    if Packaged::of(&command).is_some() {
        // It would fetch for each person anew, and what it fetches may be another thing each time.
        return Err(bad(format!(
            "`{}` fetches and runs in one go; install the package, and name its program",
            child.program
        )));
    }
    Ok(Some(Arc::new(Walls {
        profile,
        launcher: Launcher::default(),
        connector: connector.clone(),
        inside: None,
        learning: None,
    })))
}

pub(crate) fn audit_config(config: &Config) -> AuditConfig {
    let audit = &config.audit;
    let mut made = AuditConfig::new(&audit.dir, &audit.key_file, &audit.checkpoint_dir);
    made.durability = match audit.durability {
        doorward_config::Durability::Batched => doorward_audit::Durability::Batched,
        doorward_config::Durability::Record => doorward_audit::Durability::Record,
    };
    made.segment_bytes = audit.segment_bytes;
    made.lab = config.lab.is_some();
    made
}

/// Returns the `Host` values that name this door: the public one, and on loopback the usual names of this machine.
pub(crate) fn public_hosts(config: &Config, address: SocketAddr) -> Vec<String> {
    let mut hosts = vec![config.gateway.public_url.authority().to_owned()];
    if address.ip().is_loopback() {
        let port = address.port();
        hosts.extend([format!("127.0.0.1:{port}"), format!("localhost:{port}"), format!("[::1]:{port}")]);
    }
    hosts
}
