//! From a valid configuration to a door: files are read, keys opened, policies compiled. Nothing listens yet.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};
use std::time::{Duration, SystemTime};

use doorward_audit::{AuditConfig, AuditLog};
use doorward_config::{Access, Config, Era, Server, Target};
use doorward_engine::{Door, DoorLimits, EraRule, ServerRules, SessionRules, Snapshot};
use doorward_entra::{Credential, Groups, GroupsConfig, Keys, Stopwatch};
use doorward_net::{Connector, ConnectorConfig, Origin, Reach};
use doorward_oauth::{Audience, Cloud, EntraTokens, Expectation, Tenants, TokenCache};
use doorward_policy::{PolicyProblem, PolicyText};
use doorward_types::Secret;
use doorward_upstream::{HttpTarget, StdioLimits, StdioTarget, Upstreams};
use doorward_wire::Limits;

use crate::ports::GatewayPorts;

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
    /// The operating system gives no randomness.
    #[error("the operating system gives no randomness")]
    Random,
}

/// A door, and what it was built from.
pub struct Built {
    /// The configuration.
    pub config: Config,
    /// The door.
    pub door: Arc<Door<GatewayPorts>>,
    /// The authorization server that metadata names.
    pub authorization_server: String,
}

/// Builds a door.
///
/// # Errors
/// [`BuildError`]; what was opened is closed again.
pub async fn build(config: Config) -> Result<Built, BuildError> {
    let cloud = cloud(&config)?;
    let text = Arc::new(read_policies(&config.policy.dir)?);
    let snapshot = Snapshot::compile(1, rules(&config, &cloud), text, BTreeMap::new())
        .map_err(|problems| BuildError::Policies { dir: config.policy.dir.clone(), problems })?;
    let connector = connector(&config)?;
    let upstreams = Upstreams::new(&connector, targets(&config)?).map_err(BuildError::Target)?;
    let keys = Keys::new(Arc::new(connector.clone()), &cloud, &tenants(&config), Stopwatch::system());
    let groups = groups(&config, &connector, &cloud)?;
    let audit = AuditLog::open(audit_config(&config), SystemTime::now().into())?;
    let ports = GatewayPorts::new(audit, Arc::new(upstreams), Arc::new(keys), groups);
    let limits = DoorLimits {
        sessions: SessionRules {
            total: config.limits.sessions,
            per_owner: config.limits.sessions_per_person,
            idle: config.sessions.idle,
            absolute: config.sessions.absolute,
        },
    };
    let door = Arc::new(Door::new(ports, snapshot, limits).map_err(|_| BuildError::Random)?);
    let authorization_server = match tenants(&config) {
        Tenants::One(tenant) => cloud.issuer_v2(&tenant),
        Tenants::Many(_) => format!("{}/organizations/v2.0", cloud.authority),
    };
    Ok(Built { config, door, authorization_server })
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

/// Makes the rules of every server, token caches empty.
pub(crate) fn rules(config: &Config, cloud: &Cloud) -> Vec<ServerRules> {
    let public = config.gateway.public_url.as_str();
    let bound = |max_bytes: usize| Limits { max_bytes, ..Limits::default() };
    let rule = |server: &Server| {
        let path = server.path();
        ServerRules {
            name: server.name.clone(),
            resource: format!("{public}{path}"),
            metadata_url: format!("{public}/.well-known/oauth-protected-resource{path}"),
            challenge_scope: server.access.scopes_supported().join(" "),
            expectation: expectation(config, cloud, &server.access),
            era: match &server.target {
                Target::Http(_) => EraRule::Both,
                Target::Stdio(child) if child.era == Era::Modern => EraRule::Modern,
                Target::Stdio(_) => EraRule::Legacy,
            },
            call_timeout: server.timeout,
            request_limits: bound(config.limits.request_bytes),
            answer_limits: bound(config.limits.response_bytes),
            event_bytes: config.limits.event_bytes,
            keeps_assertion: false,
            per_person_credential: false,
            acquainting: Arc::default(),
            tokens: RwLock::new(TokenCache::new(16_384)),
        }
    };
    config.servers.iter().map(rule).collect()
}

fn expectation(config: &Config, cloud: &Cloud, access: &Access) -> Expectation {
    Expectation {
        cloud: cloud.clone(),
        tenants: tenants(config),
        audience: Audience { client_id: access.client_id.clone(), app_id_uris: access.app_id_uris.clone() },
        required_scope: access.required_scope.clone(),
        required_role: access.required_role.clone(),
        allow_app_only: config.entra.allow_app_only,
        skew: SKEW,
        accept_v1: config.entra.accept_v1,
        door: None,
        entra: EntraTokens::All,
    }
}

fn connector(config: &Config) -> Result<Connector, BuildError> {
    let mut made = ConnectorConfig::default();
    if let Some(lab) = &config.lab {
        made.extra_roots_pem.push(read(&lab.ca_file)?);
        let graph = lab.graph.origin();
        for origin in lab.origins.iter().chain([&lab.authority, graph]) {
            let origin = Origin::parse(origin.as_str())
                .map_err(|error| BuildError::Target(format!("{origin}: {error}")))?;
            made.lab_origins.push(origin);
        }
    }
    Ok(Connector::new(made)?)
}

fn read(path: &Path) -> Result<Vec<u8>, BuildError> {
    std::fs::read(path).map_err(|cause| BuildError::Read { path: path.to_owned(), cause })
}

/// Reads a secret from its file; the newline that editors end a file with is not part of it.
fn read_secret(path: &Path) -> Result<Secret<String>, BuildError> {
    let mut text =
        std::fs::read_to_string(path).map_err(|cause| BuildError::Read { path: path.to_owned(), cause })?;
    text.truncate(text.trim_end().len());
    Ok(Secret::new(text))
}

fn targets(
    config: &Config,
) -> Result<Vec<(doorward_types::ServerName, doorward_upstream::Target)>, BuildError> {
    let target = |server: &Server| {
        let target = match &server.target {
            Target::Http(remote) => {
                let in_lab = |lab: &doorward_config::Lab| lab.origins.contains(remote.url.origin());
                doorward_upstream::Target::Http(HttpTarget {
                    url: remote.url.to_string(),
                    reach: if config.lab.as_ref().is_some_and(in_lab) {
                        Reach::Lab
                    } else {
                        Reach::Configured
                    },
                    headers: remote.headers.clone().into_iter().collect(),
                    credential: None,
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
                    shared: child.shared,
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

fn groups(config: &Config, connector: &Connector, cloud: &Cloud) -> Result<Option<Groups>, BuildError> {
    let (Some(path), Some(client)) = (&config.entra.graph_secret_file, &config.entra.client_id) else {
        return Ok(None);
    };
    let credential = Credential::Secret(read_secret(path)?);
    let config = GroupsConfig { cloud: cloud.clone(), client_id: client.clone(), credential };
    Ok(Some(Groups::new(Arc::new(connector.clone()), config, Stopwatch::system())))
}

fn audit_config(config: &Config) -> AuditConfig {
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
