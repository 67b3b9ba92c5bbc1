//! What a valid file says, each value a type that cannot be anything else.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use doorward_types::{ClientId, ServerName, TenantId};

use crate::net::{HttpUrl, Network, Origin};

mod flow;
mod guard;
mod sign_in;

pub use flow::{Flow, FlowMode};
pub use guard::{Console, Guard, GuardConfig, TokenCache};
mod data;

pub use data::{Data, DataRule, DataUse};
mod advise;
pub use advise::{
    Advise, AdviseAct, AdviseAzure, AdviseByRisk, AdviseCredential, AdviseModel, AdviseScope, ContentSafety,
    Risk,
};
pub use sign_in::{
    EntraCredential, EntraTokens, IdentitySource, RegisteredClient, ServerCredential, SignIn, UserGrant,
    Vault, VaultKey,
};

/// A whole valid `doorward.toml`. Every cross-check has passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Where the door stands.
    pub gateway: Gateway,
    /// Bounds on what a caller may use.
    pub limits: Limits,
    /// The life of a session.
    pub sessions: Sessions,
    /// Whose tokens are accepted.
    pub entra: Entra,
    /// The upstream servers in the order of the file, at least one, names distinct.
    pub servers: Vec<Server>,
    /// Signing people in at the door; `None` where clients bring Entra's tokens.
    pub sign_in: Option<SignIn>,
    /// Clients that the operator vouches for.
    pub clients: Vec<RegisteredClient>,
    /// Where sign-ins are kept.
    pub vault: Option<Vault>,
    /// Whether the operator accepts that a token for one server opens another (D-12).
    pub shared_audience: bool,
    /// What came from where, and what may leave.
    pub flow: Flow,
    /// What is done about secrets and personal data.
    pub data: Data,
    /// Who is asked for second opinions.
    pub advise: Option<Advise>,
    /// Where the policies are.
    pub policy: Policy,
    /// Rules beside those that are built in.
    pub rules: Rules,
    /// Where the record is kept.
    pub audit: Audit,
    /// Messages for the operator.
    pub log: Log,
    /// The console, where people decide what others may use.
    pub admin: Option<Admin>,
    /// Signing in on a person's machine; a gateway has no use for it.
    pub guard: Option<Guard>,
    /// An emulator in Entra's place; `None` in every honest deployment (D-19).
    pub lab: Option<Lab>,
}

/// `[gateway]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gateway {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// The origin under which clients reach the door.
    pub public_url: Origin,
    /// The address for metrics, if they are served.
    pub metrics: Option<SocketAddr>,
    /// Browser origins besides `public_url` that may call.
    pub allowed_origins: Vec<Origin>,
    /// Peers whose forwarding headers are believed.
    pub trusted_proxies: Vec<Network>,
    /// How clients that are in no `[[client]]` are told that a text is a stranger's.
    pub spotlight: BTreeMap<ClientId, Spotlight>,
    /// The certificate, if the door ends TLS itself.
    pub tls: Option<Tls>,
}

/// `[gateway.tls]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// PEM file with the chain, leaf first.
    pub certificate: PathBuf,
    /// PEM file with the private key.
    pub key: PathBuf,
}

/// `[admin]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admin {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// The origin under which browsers and commands reach it.
    pub public_url: Origin,
    /// The certificate, if the console ends TLS itself.
    pub tls: Option<Tls>,
    /// The app role of those who may use it.
    pub role: String,
    /// The delegated scope that tokens for its API need besides.
    pub scope: String,
}

/// `[limits]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Largest request body in bytes.
    pub request_bytes: usize,
    /// Largest answer of an upstream that is no stream, in bytes.
    pub response_bytes: usize,
    /// Largest event of a stream in bytes.
    pub event_bytes: usize,
    /// Largest set of request headers in bytes.
    pub header_bytes: usize,
    /// How long an upstream may be silent on a call.
    pub call_timeout: Duration,
    /// How long a call may take in all.
    pub call_timeout_max: Duration,
    /// How long running calls may take to end after SIGTERM.
    pub drain: Duration,
    /// Calls in flight at once.
    pub concurrent_calls: usize,
    /// Open sessions.
    pub sessions: usize,
    /// Open sessions of one person.
    pub sessions_per_person: usize,
}

/// `[sessions]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sessions {
    /// Unused for this long, a session ends.
    pub idle: Duration,
    /// This old, a session ends.
    pub absolute: Duration,
    /// A client that loses a stream may come back for it.
    pub resume: bool,
}

/// `[entra]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entra {
    /// The national cloud.
    pub cloud: Cloud,
    /// The tenants whose people may come in.
    pub tenants: Tenants,
    /// The app registration that servers use unless they name their own; also the one that asks Graph.
    pub client_id: Option<ClientId>,
    /// Whether v1 tokens are accepted.
    pub accept_v1: bool,
    /// Whether tokens of services that act for themselves are accepted.
    pub allow_app_only: bool,
    /// How the door proves itself to Entra: for sign-ins, for tokens on behalf of people, for groups in Graph.
    pub credential: Option<EntraCredential>,
}

/// A national cloud of Entra. The list is compiled in; no other authority is ever asked (D-19).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cloud {
    /// The worldwide one, `login.microsoftonline.com`.
    Public,
    /// US Government, `login.microsoftonline.us`.
    UsGov,
    /// China, operated by 21Vianet, `login.partner.microsoftonline.cn`.
    China,
}

impl Cloud {
    pub(crate) fn of(word: &str) -> Self {
        match word {
            "usgov" => Self::UsGov,
            "china" => Self::China,
            _ => Self::Public,
        }
    }
}

/// The tenants whose people may come in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tenants {
    /// One, `tenant = …`.
    One(TenantId),
    /// Several, `tenants = […]`, at least one and none twice.
    Many(Vec<TenantId>),
}

impl Tenants {
    /// Returns the tenants.
    pub fn as_slice(&self) -> &[TenantId] {
        match self {
            Self::One(tenant) => std::slice::from_ref(tenant),
            Self::Many(tenants) => tenants,
        }
    }
}

/// `flagged_definitions` of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlaggedDefinitions {
    /// Recorded, and left out where there is no doubt.
    Withhold,
    /// Recorded.
    Record,
    /// Not read.
    Pass,
}

/// `flagged_arguments` of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlaggedArguments {
    /// Recorded.
    Record,
    /// Refused.
    Block,
    /// Not read.
    Pass,
}

/// `flagged_results` of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlaggedResults {
    /// Recorded, marked, and where there is no doubt kept from the client.
    Block,
    /// Recorded and marked.
    Mark,
    /// Recorded.
    Record,
    /// Not read.
    Pass,
}

/// `spotlight` of a server or a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spotlight {
    /// What servers return is marked nowhere.
    Off,
    /// A note in `_meta`.
    Annotate,
    /// Text between lines that nobody can forge.
    Transform,
    /// The same, with a sign in the place of each blank.
    Datamark,
    /// The same, in base64.
    Encode,
}

impl Spotlight {
    pub(crate) const WORDS: &[&str] = &["off", "annotate", "transform", "datamark", "encode"];

    pub(crate) fn of(word: &str) -> Self {
        match word {
            "off" => Self::Off,
            "transform" => Self::Transform,
            "datamark" => Self::Datamark,
            "encode" => Self::Encode,
            _ => Self::Annotate,
        }
    }
}

/// `pins` of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pins {
    /// What is seen first is taken for good; what it becomes later waits for a person.
    FirstUse,
    /// Nothing goes on before a person has agreed to it.
    Approval,
    /// Definitions are not held against anything.
    Off,
}

/// `[[server]]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Its name, and the first segment of its path.
    pub name: ServerName,
    /// What a token must say to be meant for it.
    pub access: Access,
    /// Where it is.
    pub target: Target,
    /// The revisions it speaks.
    pub era: Era,
    /// Clients of HTTP+SSE may call too.
    pub sse_clients: bool,
    /// What becomes of definitions that give orders to the model.
    pub flagged_definitions: FlaggedDefinitions,
    /// What is done about secrets and personal data here.
    pub data: DataUse,
    /// How delicate its data is, in a word.
    pub data_label: Option<String>,
    /// What becomes of answers that give orders to the model.
    pub flagged_results: FlaggedResults,
    /// What becomes of payloads in arguments.
    pub flagged_arguments: FlaggedArguments,
    /// How its words are told from others.
    pub spotlight: Spotlight,
    /// How large one answer may be.
    pub max_result_bytes: Option<usize>,
    /// How many tokens one answer may be, by a guess.
    pub max_result_tokens: Option<usize>,
    /// How its definitions are pinned: as the file says, or else at first use where there is a `[vault]` to keep pins in.
    pub pins: Pins,
    /// A tool whose name passes for another server's waits for a person.
    pub look_alikes_blocked: bool,
    /// What second opinions are asked for.
    pub advise: AdviseScope,
    /// What it can do at the worst.
    pub risk: Risk,
    /// With what the door calls it.
    pub credential: Option<ServerCredential>,
    /// What it may ask people for.
    pub elicitation: Elicitation,
    /// How long it may be silent on a call: its own `timeout` or `limits.call_timeout`.
    pub timeout: Duration,
}

impl Server {
    /// Returns the path it is served at, `/files/mcp`.
    pub fn path(&self) -> String {
        format!("/{}/mcp", self.name)
    }
}

/// `[server.elicitation]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elicitation {
    /// Forms are read, and those that ask for secrets refused.
    pub forms_guarded: bool,
    /// Hosts that the server may ask people to open, with their port unless it is 443.
    pub url_hosts: Vec<String>,
    /// Addresses are passed on as they are, whoever opens them.
    pub urls_unproven: bool,
}

/// What a token must say to be meant for a server, the defaults of `[entra]` filled in (D-12).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// The app registration: the `aud` of v2 tokens.
    pub client_id: ClientId,
    /// Its App ID URIs, at least one (`api://<client_id>` last): the `aud` of v1 tokens.
    pub app_id_uris: Vec<String>,
    /// A person's token needs one of these in `scp`, if there are any.
    pub required_scope: Vec<String>,
    /// A token needs one of these in `roles`, if there are any.
    pub required_role: Vec<String>,
}

impl Access {
    /// Returns the scopes to tell clients, each with its App ID URI in front: Entra takes a bare scope for one of
    /// Microsoft Graph's and refuses it (AADSTS650053).
    pub fn scopes_supported(&self) -> Vec<String> {
        let prefix = self.app_id_uris.first().map_or("", String::as_str);
        match self.required_scope.as_slice() {
            [] => vec![format!("{prefix}/.default")],
            scopes => scopes.iter().map(|scope| format!("{prefix}/{scope}")).collect(),
        }
    }
}

/// Where a server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Remote, over HTTP.
    Http(Remote),
    /// A child process, over standard input and output.
    Stdio(Child),
}

/// A remote server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// Its endpoint.
    pub url: HttpUrl,
    /// Fixed headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// It speaks HTTP+SSE of 2024-11-05.
    pub sse: bool,
}

/// A server that is started on demand, one child per person unless `shared` (D-23).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Child {
    /// The program; a bare name is looked up in `PATH`.
    pub program: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// Variables without secrets.
    pub env: BTreeMap<String, String>,
    /// Variables whose values are in files.
    pub env_files: BTreeMap<String, PathBuf>,
    /// Working directory.
    pub cwd: Option<PathBuf>,
    /// The lines of the profile of its sandbox; none without one.
    pub sandbox: Option<Vec<String>>,
    /// One child for all people.
    pub shared: bool,
    /// Children at once.
    pub max_children: usize,
    /// Unused for this long, a child is stopped.
    pub idle: Duration,
}

/// The revisions of the protocol that a server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Era {
    /// The door asks it.
    Auto,
    /// 2025-11-25 and older, with their `initialize`.
    Legacy,
    /// 2026-07-28.
    Modern,
    /// Either.
    Both,
}

/// `[policy]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Folder of `*.cedar` files.
    pub dir: PathBuf,
}

/// `[rules]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Folder of signed bundles.
    pub dir: PathBuf,
    /// Files with the public keys of those who may sign one.
    pub keys: Vec<PathBuf>,
}

impl Rules {
    fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        self.keys.iter_mut().chain([&mut self.dir])
    }
}

/// `[audit]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audit {
    /// Folder of the log.
    pub dir: PathBuf,
    /// The signing key; outside `dir` (D-10).
    pub key_file: PathBuf,
    /// Second place for checkpoints; outside `dir`.
    pub checkpoint_dir: PathBuf,
    /// When a record counts as written.
    pub durability: Durability,
    /// Size in bytes at which a log file is closed.
    pub segment_bytes: u64,
}

/// When a record counts as written (D-09).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// When the kernel has it; the disk follows within 10 ms.
    Batched,
    /// When the disk has it.
    Record,
}

/// `[log]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// How a message looks.
    pub format: LogFormat,
    /// The least important level written.
    pub level: LogLevel,
}

/// How a message looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Human,
    /// One JSON object a line.
    Json,
}

/// How important a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Something failed.
    Error,
    /// Something needs a look.
    Warn,
    /// Something changed.
    Info,
    /// Every request.
    Debug,
    /// Every step.
    Trace,
}

impl LogLevel {
    /// Returns the word of the file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// `[insecure_lab]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lab {
    /// The emulator, on loopback.
    pub authority: Origin,
    /// Its Microsoft Graph, on loopback.
    pub graph: HttpUrl,
    /// PEM file of its certificate authority.
    pub ca_file: PathBuf,
    /// Upstream origins that may be plain or private.
    pub origins: Vec<Origin>,
    /// An emulated metadata service.
    pub identity: Option<Origin>,
    /// An emulated Key Vault.
    pub key_vault: Option<Origin>,
}

impl Config {
    /// Makes every relative path relative to `base`, the folder of the file.
    #[must_use]
    pub fn rebase(mut self, base: &Path) -> Self {
        for path in self.paths() {
            *path = base.join(&*path);
        }
        self
    }

    fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let console = self.admin.iter_mut().filter_map(|admin| admin.tls.as_mut());
        let tls = self.gateway.tls.iter_mut().chain(console);
        let tls = tls.flat_map(|tls| [&mut tls.certificate, &mut tls.key]);
        let children = self.servers.iter_mut().map(|server| {
            let mut paths: Vec<&mut PathBuf> = match &mut server.target {
                Target::Stdio(child) => child.cwd.iter_mut().chain(child.env_files.values_mut()).collect(),
                Target::Http(_) => Vec::new(),
            };
            match &mut server.credential {
                Some(ServerCredential::SecretFile { file, .. }) => paths.push(file),
                Some(ServerCredential::UserGrant(grant)) => paths.extend(grant.client_secret_file.iter_mut()),
                _ => {}
            }
            paths
        });
        let credential: Vec<&mut PathBuf> = match &mut self.entra.credential {
            Some(EntraCredential::WorkloadIdentity { token_file }) => vec![token_file],
            Some(EntraCredential::Certificate { certificate, key }) => vec![certificate, key],
            Some(EntraCredential::Secret { file, .. }) => vec![file],
            Some(EntraCredential::ManagedIdentity { .. }) | None => Vec::new(),
        };
        let clients = self
            .clients
            .iter_mut()
            .flat_map(|client| client.secret_file.iter_mut().chain(client.jwks_file.iter_mut()));
        let vault: Vec<&mut PathBuf> = match &mut self.vault {
            Some(Vault { path, key: VaultKey::File(key) }) => vec![path, key],
            Some(Vault { path, .. }) => vec![path],
            None => Vec::new(),
        };
        let advise = self.advise.iter_mut().flat_map(Advise::paths);
        tls.chain(credential)
            .chain(advise)
            .chain(clients)
            .chain(vault)
            .chain(children.flatten())
            .chain([
                &mut self.policy.dir,
                &mut self.audit.dir,
                &mut self.audit.key_file,
                &mut self.audit.checkpoint_dir,
            ])
            .chain(self.rules.paths())
            .chain(self.guard.iter_mut().flat_map(Guard::paths))
            .chain(self.lab.iter_mut().map(|lab| &mut lab.ca_file))
    }

    /// Returns the server of this name.
    pub fn server(&self, name: &str) -> Option<&Server> {
        self.servers.iter().find(|server| server.name.as_str() == name)
    }
}
