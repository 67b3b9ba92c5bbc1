//! The door as a process of its own, as in a deployment.

use std::fs::Permissions;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tokio::net::TcpSocket;
use tokio::process::{Child, Command};

use crate::client::Client;
use crate::lab::Lab;
use crate::wait::{Appears, within};

/// What stands in the configuration of a door besides the lab.
#[derive(Debug, Clone, Default)]
pub struct DoorPlan {
    /// The one Cedar file.
    pub policies: String,
    /// The `[[server]]` tables.
    pub servers: String,
    /// Origins of upstreams that may be plain HTTP on loopback, `http://127.0.0.1:PORT`.
    pub origins: Vec<String>,
    /// Further lines at the top of the file.
    pub top: String,
    /// Further lines of `[gateway]`.
    pub gateway: String,
    /// Further lines of `[audit]`.
    pub audit: String,
    /// The tenants, as they stand in a list; by default the one of Contoso.
    pub tenants: Option<String>,
    /// Further tables, `[limits]` and `[sessions]` for example.
    pub tables: String,
    /// Further files in the folder, name and content, written for their owner only.
    pub files: Vec<(String, String)>,
    /// Threads that serve; by default one for each processor.
    pub workers: Option<usize>,
}

impl DoorPlan {
    /// A door before one remote server.
    ///
    /// # Panics
    /// If the URL does not end in `/mcp`.
    #[must_use]
    pub fn before(name: &str, url: &str, policies: &str) -> Self {
        let origin = url.strip_suffix("/mcp").expect("the URL of an MCP endpoint");
        Self {
            policies: policies.to_owned(),
            servers: format!("[[server]]\nname = \"{name}\"\nurl = \"{url}\"\n"),
            origins: vec![origin.to_owned()],
            ..Self::default()
        }
    }

    /// The same door as the authorization server of its clients; `sign_in` are further lines of `[sign_in]`. It may fetch
    /// the client-id documents that the lab's emulator serves.
    #[must_use]
    pub fn signing_in(mut self, lab: &Lab, sign_in: &str) -> Self {
        self.origins.push(lab.emulator.documents.clone());
        self.tables.push_str(&format!("{SIGN_IN}{sign_in}\n{VAULT}"));
        self
    }

    /// Adds a client that the operator vouches for, by the lines of its `[[client]]` table.
    #[must_use]
    pub fn with_client(mut self, lines: &str) -> Self {
        self.tables.push_str(&format!("[[client]]\n{lines}\n"));
        self
    }
}

const SIGN_IN: &str = r#"
[sign_in]
scopes = { "mcp.access" = "Search and read the library as you, and change what your role may change" }
"#;

const VAULT: &str = r#"
[vault]
path = "vault/doorward.db"
key_file = "keys/vault.key"
"#;

/// An open door. Dropping it kills it.
#[derive(Debug)]
pub struct DoorProcess {
    /// Where it listens.
    pub address: SocketAddr,
    child: Child,
    log: PathBuf,
}

impl DoorProcess {
    /// Opens a door in the lab's folder and waits until it is ready.
    ///
    /// # Panics
    /// If it does not open; the message holds what it printed.
    pub async fn open(lab: &Lab, plan: &DoorPlan) -> Self {
        Self::try_open(lab, plan).await.unwrap_or_else(|said| panic!("the door did not open:\n{said}"))
    }

    /// Opens a door that may refuse to open.
    ///
    /// # Errors
    /// What it printed when it ended without having opened.
    pub async fn try_open(lab: &Lab, plan: &DoorPlan) -> Result<Self, String> {
        let address = free_port();
        write_config(lab, plan, address);
        start(lab, plan, address).await
    }

    /// A client without a token for one of its servers.
    #[must_use]
    pub fn client(&self, server: &str) -> Client {
        Client::new(self.address, server)
    }

    /// The address under which clients reach a server.
    #[must_use]
    pub fn url(&self, server: &str) -> String {
        format!("http://{}/{server}/mcp", self.address)
    }

    /// The number of its process.
    ///
    /// # Panics
    /// If it has ended.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id().expect("the door runs")
    }

    /// All it has printed so far.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Tells it to close and waits until it has.
    ///
    /// # Panics
    /// If it does not end in time.
    pub async fn stop(mut self) -> ExitStatus {
        let pid = Pid::from_raw(self.pid().cast_signed()).expect("a process has a number");
        kill_process(pid, Signal::TERM).expect("the door may be told to close");
        within("the door to close", self.child.wait()).await.expect("the door is our child")
    }

    /// Kills it at once, as a power cut would end it, and waits until it is gone.
    ///
    /// # Panics
    /// If it cannot be killed.
    pub async fn kill(mut self) {
        within("the killed door to be gone", self.child.kill()).await.expect("the door may be killed");
    }
}

/// The program under test: `DOORWARD_BIN`, which `cargo xtask test` sets.
///
/// # Panics
/// If it is not set.
#[must_use]
pub fn program() -> PathBuf {
    std::env::var_os("DOORWARD_BIN")
        .map(PathBuf::from)
        .expect("DOORWARD_BIN names no program; the suites are run by `cargo xtask test NAME`")
}

/// A port of loopback that nobody listens on. It stays bound, without being listened on, for as long as this process
/// runs: the system gives it to no other program's connection or listener, and a program that is told of it may still
/// listen there.
///
/// # Panics
/// If loopback has no free port.
#[must_use]
pub fn free_port() -> SocketAddr {
    let socket = TcpSocket::new_v4().expect("there are sockets");
    socket.set_reuseaddr(true).expect("a port may be shared with one who listens");
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("loopback has free ports");
    Box::leak(Box::new(socket)).local_addr().expect("a bound socket has an address")
}

async fn start(lab: &Lab, plan: &DoorPlan, address: SocketAddr) -> Result<DoorProcess, String> {
    let (ready, log) = (lab.folder().join("ready/door.json"), lab.folder().join("door.log"));
    // Left by a door before this one.
    let _none = std::fs::remove_file(&ready);
    std::fs::create_dir_all(lab.folder().join("ready")).expect("the folder is ours");
    let appears = Appears::watch(&ready);
    let mut child = command(lab.folder(), plan, &ready, &log).spawn().expect("DOORWARD_BIN can be started");
    tokio::select! {
        _ended = child.wait() => return Err(std::fs::read_to_string(&log).unwrap_or_default()),
        _ready = within("the door to open", appears.text()) => {}
    }
    Ok(DoorProcess { address, child, log })
}

fn command(folder: &Path, plan: &DoorPlan, ready: &Path, log: &Path) -> Command {
    let log = std::fs::File::create(log).expect("the folder is ours");
    let mut command = Command::new(program());
    command.arg("serve").arg("--config").arg(folder.join("doorward.toml")).arg("--ready-file").arg(ready);
    if let Some(workers) = plan.workers {
        command.arg("--workers").arg(workers.to_string());
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).kill_on_drop(true);
    command
}

fn write_config(lab: &Lab, plan: &DoorPlan, address: SocketAddr) {
    let folder = lab.folder();
    for name in ["keys", "policies"] {
        std::fs::create_dir_all(folder.join(name)).expect("the folder is ours");
    }
    let own = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    let files = [
        own("keys/secret", "door-secret-for-the-lab"),
        own("policies/suite.cedar", &plan.policies),
        own("doorward.toml", &config_text(lab, plan, address)),
    ];
    for (name, text) in files.iter().chain(&plan.files) {
        let path = folder.join(name);
        std::fs::write(&path, text).expect("the folder is ours");
        // A door takes no secret that others could read.
        std::fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("it is ours");
    }
}

fn config_text(lab: &Lab, plan: &DoorPlan, address: SocketAddr) -> String {
    let DoorPlan { servers, top, gateway, audit, tables, .. } = plan;
    let (authority, graph) = (&lab.emulator.authority, &lab.emulator.graph);
    let origins: Vec<String> = plan.origins.iter().map(|origin| format!("\"{origin}\"")).collect();
    let origins = origins.join(", ");
    let tenants = match &plan.tenants {
        Some(list) => format!("tenants = [{list}]"),
        None => "tenant = \"c0175050-0000-4000-8000-000000000001\"".to_owned(),
    };
    format!(
        r#"{top}
[gateway]
listen = "{address}"
public_url = "http://{address}"
{gateway}
[entra]
{tenants}
client_id = "d0012000-0000-4000-8000-0000000000d1"
required_scope = "mcp.access"
credential = {{ kind = "secret", secret_file = "keys/secret" }}
[policy]
dir = "policies"
[audit]
dir = "audit"
key_file = "keys/audit.pem"
checkpoint_dir = "checkpoints"
{audit}
[insecure_lab]
authority = "{authority}"
graph = "{graph}"
ca_file = "lab/ca.pem"
origins = [{origins}]
{tables}
{servers}"#
    )
}
