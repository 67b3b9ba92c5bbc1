//! A whole door in this process: emulator, servers, gateway. The client that can say anything is in `client.rs`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use doorward_config::{Build, load};
use doorward_emulator::{Clock, Emulator, MintRequest, Options, Seed};
use doorward_gateway::{Gateway, Pace, Running, build};
use doorward_servers::echo;
use doorward_testkit::free_port;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::{Client, initialize};

pub(crate) const POLICIES: &str = r#"
@id("readers")
permit (principal in Role::"Reader", action in [Action::"echo/echo", Action::"echo/burst", Action::"echo/hold", Action::"echo/sleep", Action::"echo/ask"], resource)
unless { action == Action::"echo/echo" && context.arguments.n > 1000 };
@id("readers-ask")
permit (principal in Role::"Reader", action == Action::"elicitation/create", resource);
@id("readers-other")
permit (principal in Role::"Reader", action == Action::"other", resource) when { context.method == "vendor/known" };
@id("writers")
permit (principal in Role::"Writer", action == Action::"echo/big", resource);
@id("admins")
permit (principal in Group::"96000000-0000-4000-8000-0000000000a1", action, resource in Server::"echo");
"#;

/// A door, what is behind it, and the folder it lives in.
pub(crate) struct House {
    pub(crate) emulator: doorward_emulator::Running,
    pub(crate) echo: doorward_servers::Running,
    pub(crate) door: Running,
    pub(crate) folder: TempDir,
}

pub(crate) struct Plan<'a> {
    pub(crate) policies: &'a str,
    /// Further lines of `[gateway]`.
    pub(crate) gateway: &'a str,
    /// Further lines of `[entra]`.
    pub(crate) entra: &'a str,
    /// Further lines of the server `echo`.
    pub(crate) server: &'a str,
    /// Further tables of the configuration; `{echo}` stands for the echo server's URL.
    pub(crate) more: &'a str,
    /// Further servers by name and URL, each with the lines of `server`.
    pub(crate) upstreams: &'a [(&'a str, String)],
    /// Rows of labels, by the name of the further server that they are of.
    pub(crate) labels: &'a [(&'a str, &'a str)],
    /// Further origins of the lab.
    pub(crate) origins: &'a [&'a str],
    pub(crate) eras: doorward_servers::Eras,
    /// Another folder for the log than `audit`.
    pub(crate) audit: Option<&'a Path>,
    pub(crate) pace: Pace,
    /// Results say whose words they hold, as they do by default. Most tests compare results with what a server sent.
    pub(crate) annotated: bool,
}

impl Default for Plan<'_> {
    fn default() -> Self {
        Self {
            policies: POLICIES,
            gateway: "",
            entra: "",
            server: "",
            more: "",
            upstreams: &[],
            labels: &[],
            origins: &[],
            eras: doorward_servers::Eras::Both,
            audit: None,
            // A test does not wait for the door's next round.
            pace: Pace { round: Duration::from_millis(200), ..Pace::default() },
            annotated: false,
        }
    }
}

impl House {
    pub(crate) async fn new() -> Self {
        Self::with(Plan::default()).await
    }

    pub(crate) async fn with(plan: Plan<'_>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        let options = echo::Options { listen: loopback, eras: plan.eras, transcript: true };
        let echo = echo::start_with(options).await.unwrap();
        let options = Options {
            seed: Seed::contoso().unwrap(),
            listen: loopback,
            data_dir: Some(folder.path().join("lab")),
            clock: Clock::system(),
        };
        let emulator = Emulator::start_sharing(&lab_keys(), options).await.unwrap();
        let door = open(folder.path(), &emulator, &echo.url(), &plan).await;
        Self { emulator, echo, door, folder }
    }

    /// Closes the door, and opens it again on what it kept.
    pub(crate) async fn again(self, plan: &Plan<'_>) -> Self {
        let Self { emulator, echo, door, folder } = self;
        door.stop().await;
        let door = open(folder.path(), &emulator, &echo.url(), plan).await;
        Self { emulator, echo, door, folder }.acquainted().await
    }

    /// Waits until the door knows what its servers offer and forgets what they were asked for that: whatever they are
    /// asked from now on, somebody's request caused.
    pub(crate) async fn acquainted(self) -> Self {
        let door = self.door.door();
        eventually("the door knows its servers", || {
            let snapshot = door.snapshot();
            snapshot.servers().all(|server| snapshot.known().contains_key(&server.name))
        })
        .await;
        // The link over which it asked is ended after that.
        eventually("the door's own session is over", || self.echo.sessions().is_empty()).await;
        self.echo.clear_transcript();
        self
    }

    pub(crate) fn token(&self, user: &str) -> String {
        self.emulator.control().mint(&MintRequest::user(user)).unwrap()
    }

    pub(crate) fn mint(&self, request: &MintRequest) -> String {
        self.emulator.control().mint(request).unwrap()
    }

    pub(crate) fn client(&self, user: &str) -> Client {
        Client::new(self.door.address, Some(self.token(user)))
    }

    /// A client with a session, whose person can be asked to fill in a form.
    pub(crate) async fn able(&self, user: &str) -> Client {
        let mut client = self.client(user);
        let heard = client.post(&initialize(json!({"elicitation": {"form": {}}}))).await;
        assert_eq!(heard.status, http::StatusCode::OK, "{:?}", heard.body);
        client.session = Some(heard.headers["mcp-session-id"].to_str().unwrap().to_owned());
        client
    }

    /// How many tool calls reached the echo server.
    pub(crate) fn echo_calls(&self) -> usize {
        let calls = self.echo.transcript();
        calls.iter().filter(|request| request.method().as_deref() == Some("tools/call")).count()
    }

    /// Everything that the audit log holds, as text.
    pub(crate) fn record(&self) -> String {
        read_log(&self.folder.path().join("audit"))
    }

    /// The records of one kind so far, oldest first.
    pub(crate) fn records(&self, kind: &str) -> Vec<Value> {
        of_kind(&self.record(), kind)
    }

    /// The reasons of all refusals of known callers so far.
    pub(crate) fn refusals(&self) -> Vec<String> {
        self.records("refused").iter().map(|record| record["reason"].as_str().unwrap().to_owned()).collect()
    }

    /// Closes the door and returns what its log holds then, the count of refused strangers included.
    pub(crate) async fn close(self) -> String {
        let Self { emulator: _emulator, echo: _echo, door, folder } = self;
        door.stop().await;
        read_log(&folder.path().join("audit"))
    }

    /// Says whether the echo server was asked for this method.
    pub(crate) fn echo_heard(&self, method: &str) -> bool {
        self.echo.transcript().iter().any(|request| request.method().as_deref() == Some(method))
    }
}

/// Where the emulators of these tests keep their keys for one another.
pub(crate) fn lab_keys() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("lab-keys")
}

/// How often each reason stands in the log's count of refused strangers (D-11).
pub(crate) fn strangers(log: &str) -> std::collections::BTreeMap<String, u64> {
    let mut counts = std::collections::BTreeMap::new();
    for flood in of_kind(log, "flood") {
        for source in flood["sources"].as_array().into_iter().flatten() {
            *counts.entry(source["reason"].as_str().unwrap().to_owned()).or_default() +=
                source["count"].as_u64().unwrap();
        }
    }
    counts
}

pub(crate) fn of_kind(log: &str, kind: &str) -> Vec<Value> {
    let records = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    records.filter(|record| record["kind"] == kind).collect()
}

fn read_log(folder: &Path) -> String {
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    files.sort();
    files.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect()
}

/// Waits for something that happens in the background, but not for ever.
pub(crate) async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let waiting = async {
        let mut looks = tokio::time::interval(Duration::from_millis(5));
        while !holds() {
            looks.tick().await;
        }
    };
    within(what, waiting).await;
}

/// Waits for a future, but not for ever.
pub(crate) async fn within<F: Future>(what: &str, future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(20), future).await.unwrap_or_else(|_| panic!("in vain: {what}"))
}

async fn open(folder: &Path, emulator: &doorward_emulator::Running, echo: &str, plan: &Plan<'_>) -> Running {
    let keys = folder.join("keys");
    std::fs::create_dir_all(&keys).unwrap();
    std::fs::create_dir_all(folder.join("policies")).unwrap();
    std::fs::write(folder.join("policies/test.cedar"), plan.policies).unwrap();
    std::fs::write(keys.join("secret"), "door-secret-for-the-lab").unwrap();
    let port = free_port();
    let urls = std::iter::once(echo).chain(plan.upstreams.iter().map(|(_, url)| url.as_str()));
    let urls = urls.map(|url| url.strip_suffix("/mcp").unwrap());
    let origins: Vec<_> =
        urls.chain(plan.origins.iter().copied()).map(|origin| format!("{origin:?}")).collect();
    let origins = origins.join(", ");
    let unmarked = if plan.annotated { "" } else { "spotlight = \"off\"\n" };
    let server = format!("{unmarked}{}", plan.server);
    let further: String = plan
        .upstreams
        .iter()
        .map(|(name, url)| {
            let rows: String =
                plan.labels.iter().filter(|(of, _)| of == name).map(|(_, rows)| *rows).collect();
            format!("[[server]]\nname = \"{name}\"\nurl = \"{url}\"\n{server}\n{rows}\n")
        })
        .collect();
    // Servers of one registration accept one another's tokens, which the file must say (D-12).
    let shared =
        if plan.upstreams.is_empty() && !plan.more.contains("command =") && !plan.more.contains("http+sse") {
            ""
        } else {
            "shared_audience = true"
        };
    let scheme = if plan.gateway.contains("tls = ") { "https" } else { "http" };
    let more = plan.more.replace("{echo}", echo).replace("[[server]]\n", &format!("[[server]]\n{unmarked}"));
    let audit = plan.audit.map_or_else(|| "audit".to_owned(), |path| path.display().to_string());
    let text = format!(
        r#"
{shared}
[gateway]
listen = "{port}"
public_url = "{scheme}://{port}"
{}
[entra]
tenant = "c0175050-0000-4000-8000-000000000001"
client_id = "d0012000-0000-4000-8000-0000000000d1"
required_scope = "mcp.access"
credential = {{ kind = "secret", secret_file = "keys/secret" }}
{}
[policy]
dir = "policies"
[audit]
dir = "{audit}"
key_file = "keys/audit.pem"
checkpoint_dir = "checkpoints"
[insecure_lab]
authority = "{}"
graph = "{}"
ca_file = "lab/ca.pem"
origins = [{origins}]
[[server]]
name = "echo"
url = "{echo}"
{server}
{further}
{more}
"#,
        plan.gateway, plan.entra, emulator.authority, emulator.graph
    );
    std::fs::write(folder.join("test.toml"), &text).unwrap();
    let config = load("test.toml", &text, Build { lab: true })
        .unwrap_or_else(|errors| panic!("{errors}\n{text}"))
        .rebase(folder);
    let built = build(config).await.unwrap_or_else(|error| panic!("{error}"));
    Gateway::bind(built).await.unwrap().open_at(plan.pace)
}
