//! From a plan to a guard: policies compiled, the log opened, nothing started yet.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};
use std::time::{Duration, SystemTime};

use doorward_audit::{AuditConfig, AuditError, AuditLog, Journal};
use doorward_engine::{
    DataRules, Door, DoorLimits, ElicitationRules, EraRule, Flagged, FlowRules, LookAlikes, PinRules,
    ResultRules, ServerRules, SessionRules, Snapshot, UpstreamFault, Urls,
};
use doorward_inspect::Bundles;
use doorward_net::{Connector, ConnectorConfig};
use doorward_oauth::{AtHome, Audience, Cloud, EntraTokens, Expectation, Tenants, TokenCache, at_home};
use doorward_pinboard::{Pinboard, Watch, of_command};
use doorward_pins::First;
use doorward_policy::{PolicyProblem, PolicyText};
use doorward_sandbox::{Launcher, Learning, Profile};
use doorward_store::{KeyFile, Store, StoreConfig, StoreError};
use doorward_types::{ClientId, ServerName};
use doorward_upstream::{
    HttpTarget, PackageError, StdioLimits, StdioTarget, Target, Upstreams, Walls, fetched,
};
use doorward_wire::Limits;

use crate::asks::{Ask, Asks};
use crate::ports::GuardPorts;
use crate::tokens::{Desk, Tokens};

/// What a guard is to stand around, and for whom.
pub struct Plan {
    /// What the server is called in policies and records.
    pub name: ServerName,
    /// How it is reached.
    pub server: Behind,
    /// What it speaks.
    pub era: EraRule,
    /// The policies: name and text of each file.
    pub policies: Vec<(String, String)>,
    /// Hosts that it may ask the person to open.
    pub url_hosts: Vec<String>,
    /// Who sits at this machine.
    pub who: AtHome,
    /// Where records and their keys lie: a folder of the person's own.
    pub state: PathBuf,
    /// How long the server may be silent on a call.
    pub call_timeout: Duration,
    /// Who is asked before a destructive tool is called; none, and nobody is.
    pub asks: Option<Box<dyn Ask>>,
    /// What becomes of definitions that give orders to the model.
    pub flagged: Flagged,
    /// Lists are shown as they came, for who looks for what is wrong with them.
    pub unabridged: bool,
    /// What came from where, and what may leave: the same for all guards of a person.
    pub flow: Arc<FlowRules>,
    /// What is done about secrets and personal data; none, and nothing is looked for.
    pub data: Option<DataRules>,
    /// What is done about the content of answers.
    pub results: ResultRules,
    /// How its definitions are pinned; none, and they are not.
    pub pins: Option<First>,
    /// What becomes of a tool whose name passes for another server's.
    pub look_alikes: LookAlikes,
    /// Tokens that the server may ask for.
    pub tokens: Option<Tokens>,
    /// Rules beside those that are built in.
    pub bundles: Arc<Bundles>,
}

/// What stands behind a guard.
pub enum Behind {
    /// A program that the guard starts.
    Program(Program),
    /// A server that runs elsewhere.
    Address(HttpTarget),
}

/// A program that a guard starts, and what it gets.
pub struct Program {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Variables for it.
    pub env: Vec<(String, String)>,
    /// Its working directory; the guard's own if none.
    pub cwd: Option<PathBuf>,
    /// What it may do; none, and it may do what the person may.
    pub profile: Option<Profile>,
    /// Where it is written down what it tries and does not get, if that is to be learned.
    pub learning: Option<Learning>,
}

/// Why no guard stands.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The policies are not valid.
    #[error("the policies are not valid:\n{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Policies(Vec<PolicyProblem>),
    /// The log cannot be opened. Without it nothing is let through.
    #[error("the audit log cannot be opened: {0}")]
    Audit(#[from] AuditError),
    /// What is remembered of servers cannot be opened: pins, labels.
    #[error("the store cannot be opened: {0}")]
    Store(#[from] StoreError),
    /// As many guards of this name run as may.
    #[error("{MOST_GUARDS} guards of the name `{0}` run already, each with a log of its own in {1}")]
    Full(ServerName, PathBuf),
    /// The target cannot be used.
    #[error("{0}")]
    Target(String),
    /// The package that the command names is not there.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// The operating system gives no randomness.
    #[error("the operating system gives no randomness")]
    Random,
}

/// The longest a call may take, progress included.
const MOST: Duration = Duration::from_secs(60 * 60);
/// A message of either side, and one event.
pub(crate) const MOST_REQUEST: usize = 4 << 20;
const MOST_ANSWER: usize = 64 << 20;
/// Guards of one name at once: clients start one for each of their windows.
const MOST_GUARDS: usize = 64;
const AGE: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// A guard, about to begin.
pub struct Guard {
    pub(crate) door: Arc<Door<GuardPorts>>,
    pub(crate) name: ServerName,
    /// Where its records lie.
    pub log: PathBuf,
}

impl Guard {
    /// Prepares a guard.
    ///
    /// # Errors
    /// [`OpenError`]; what was opened is closed again.
    pub async fn open(mut plan: Plan) -> Result<Self, OpenError> {
        let text = Arc::new(PolicyText::parse(&plan.policies).map_err(OpenError::Policies)?);
        let snapshot =
            Snapshot::compile(1, vec![rules(&plan)?], text, BTreeMap::new()).map_err(OpenError::Policies)?;
        let bad = |error: String| OpenError::Target(error);
        let connector = Connector::new(ConnectorConfig::default()).map_err(|error| bad(error.to_string()))?;
        let mut walls = None;
        if let Behind::Program(program) = &mut plan.server
            && let Some(profile) = program.profile.take()
        {
            let (launcher, learning) = (Launcher::default(), program.learning.take());
            let built = Walls { profile, launcher, connector: connector.clone(), inside: None, learning };
            let built = walls.insert(built);
            fetched(&mut program.command, built, &plan.state.join("packages"), &plan.name).await?;
        }
        let (audit, log) = open_log(&plan.state, &plan.name)?;
        let store = open_store(&plan.state).await?;
        let pinned = plan.pins.iter().map(|_| plan.name.clone()).collect();
        let pins = Watch::open(Pinboard::new(store.clone()), pinned, SystemTime::now().into()).await;
        let who = Arc::new(RwLock::new(Some(Arc::new(at_home(plan.who, SystemTime::now().into())))));
        if let (Behind::Program(program), Some(tokens)) = (&mut plan.server, plan.tokens.take()) {
            let desk = Desk::new(tokens, plan.name.clone(), audit.clone(), Arc::clone(&who))?;
            program.env.extend(desk.open(walls.as_mut()).map_err(|error| bad(error.to_string()))?);
        }
        let target = match plan.server {
            Behind::Program(program) => Target::Stdio(StdioTarget {
                command: program.command,
                env: program.env,
                cwd: program.cwd,
                walls: walls.map(Arc::new),
                shared: false,
                one_person: true,
                limits: StdioLimits { children: 4, idle: AGE, most: MOST },
            }),
            Behind::Address(target) => Target::Http(target),
        };
        let targets = [(plan.name.clone(), target)];
        let upstreams = Upstreams::new(&connector, targets).map_err(bad)?;
        let user = local_user(&plan.state)?;
        let (journal, asks) = (Journal::new(audit), plan.asks.map(Asks::new));
        let ports = GuardPorts::new(journal, (store, pins), Arc::new(upstreams), who, asks, user);
        let limits = DoorLimits {
            sessions: SessionRules { total: 16, per_owner: 16, idle: AGE, absolute: AGE },
            // A conversation that breaks is over.
            resume: false,
        };
        let door = Arc::new(Door::new(ports, snapshot, limits).map_err(|_| OpenError::Random)?);
        Ok(Self { door, name: plan.name, log })
    }

    /// Returns what will hold, from then on, why the server last did not do what it was asked.
    pub fn trouble(&self) -> Trouble {
        Trouble(Arc::clone(&self.door))
    }

    /// Returns what to tell who sits here.
    pub fn seat(&self) -> Seat {
        Seat(Arc::clone(&self.door))
    }
}

/// Says what is wrong with the server, while a guard works. Its client is not told this much: it is for who put the guard up.
#[derive(Clone)]
pub struct Trouble(Arc<Door<GuardPorts>>);

impl Trouble {
    /// Returns what last went wrong, and in which words; none if nothing did.
    pub fn last(&self) -> Option<(UpstreamFault, String)> {
        self.0.ports().trouble()
    }
}

/// Says who sits at the machine, while a guard works.
#[derive(Clone)]
pub struct Seat(Arc<Door<GuardPorts>>);

impl Seat {
    /// Takes over who sits here now: nobody, once they have signed out.
    pub fn take(&self, who: Option<AtHome>) {
        self.0.ports().set_who(who.map(|who| at_home(who, SystemTime::now().into())));
        self.0.raise_epoch();
    }
}

/// Names the user whose guards share their labels: whoever the folder belongs to.
///
/// # Errors
/// When nothing can be said of the folder.
pub fn local_user(state: &Path) -> Result<String, OpenError> {
    use std::os::unix::fs::MetadataExt as _;
    let failed = |error| OpenError::Target(format!("nothing is known of {}: {error}", state.display()));
    Ok(std::fs::metadata(state).map_err(failed)?.uid().to_string())
}

/// Opens the first log of this name that no other guard holds: two writers would break its chain.
///
/// # Errors
/// [`OpenError::Audit`] and [`OpenError::Full`].
pub fn open_log(state: &Path, name: &ServerName) -> Result<(AuditLog, PathBuf), OpenError> {
    for slot in 0..MOST_GUARDS {
        let folder = |kind: &str| state.join(kind).join(name.as_str()).join(slot.to_string());
        let dir = folder("audit");
        // What signs lies elsewhere than what is signed, and its second copy too.
        let config = AuditConfig::new(&dir, folder("keys").join("audit.pem"), folder("checkpoints"));
        match AuditLog::open(config, SystemTime::now().into()) {
            Ok(log) => return Ok((log, dir)),
            Err(AuditError::Locked(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(OpenError::Full(name.clone(), state.to_owned()))
}

/// Opens what all guards of this person share: what was agreed to, and what their grant has read.
///
/// # Errors
/// [`StoreError`]; what was remembered is not forgotten because it cannot be read.
pub async fn open_store(state: &Path) -> Result<Store, StoreError> {
    let database = state.join("store").join("guard.db");
    let key = KeyFile::open_or_create(&state.join("keys").join("store.key"), &database)?;
    // Nothing is revoked here, so there is no epoch that a log would anchor.
    Store::open(StoreConfig::new(database, 0), Arc::new(key), SystemTime::now().into()).await
}

impl Behind {
    /// Says by what the server is known.
    fn address(&self) -> String {
        match self {
            Self::Program(program) => of_command(&program.command),
            Self::Address(target) => target.url.clone(),
        }
    }
}

fn rules(plan: &Plan) -> Result<ServerRules, OpenError> {
    let bound = |max_bytes: usize| Limits { max_bytes, ..Limits::default() };
    let cloud = Cloud::named("public").ok_or_else(|| OpenError::Target("no cloud is known".to_owned()))?;
    let nobody = ClientId::parse("00000000-0000-0000-0000-000000000000")
        .map_err(|error| OpenError::Target(error.to_string()))?;
    Ok(ServerRules {
        name: plan.name.clone(),
        resource: format!("stdio:{}", plan.name),
        metadata_url: String::new(),
        challenge_scope: String::new(),
        // No token opens it: nobody comes over a network.
        expectation: Expectation {
            cloud,
            tenants: Tenants::Many(BTreeSet::new()),
            audience: Audience { client_id: nobody, app_id_uris: Vec::new() },
            required_scope: Vec::new(),
            required_role: Vec::new(),
            allow_app_only: false,
            skew: Duration::ZERO,
            accept_v1: false,
            door: None,
            entra: EntraTokens::None,
        },
        era: plan.era,
        call_timeout: plan.call_timeout,
        call_most: MOST,
        request_limits: bound(MOST_REQUEST),
        answer_limits: bound(MOST_ANSWER),
        event_bytes: MOST_ANSWER,
        keeps_assertion: false,
        per_person_credential: false,
        acquaintance: Arc::default(),
        asks: plan.asks.is_some(),
        flagged: plan.flagged,
        bundles: Arc::clone(&plan.bundles),
        flow: Arc::clone(&plan.flow),
        data: plan.data.clone().map(Arc::new),
        results: plan.results.clone(),
        pins: plan.pins.map(|first| PinRules {
            first,
            server: doorward_pins::Server { name: plan.name.clone(), address: plan.server.address() },
            look_alikes: plan.look_alikes,
        }),
        elicitation: ElicitationRules {
            forms_guarded: true,
            url_hosts: plan.url_hosts.clone(),
            plain_loopback: false,
            // Whoever opens it sits here too.
            urls: Urls::Unproven,
        },
        advise: doorward_engine::AdviseRules::default(),
        unabridged: plan.unabridged,
        arguments: Flagged::Record,
        tokens: RwLock::new(TokenCache::new(1)),
    })
}
