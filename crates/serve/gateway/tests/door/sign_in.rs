//! A door that keeps no secret of its own: the machine's identity is its proof for Entra, and the key of its store lies
//! in a Key Vault. Machines sign in at it.

use std::net::SocketAddr;
use std::time::Duration;

use doorward_audit::AuditError;
use doorward_config::{Build, Config, load};
use doorward_emulator::{Clock, Emulator, Options, Seed};
use doorward_gateway::{BuildError, Gateway, Running, build};
use doorward_servers::{echo, protected};
use doorward_testkit::free_port;
use http::{Method, Request, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::{Client, Heard};
use crate::support::{lab_keys, within};

pub(crate) const SECRET: &str = r#"{ kind = "secret", secret_file = "keys/secret" }"#;
pub(crate) const IDENTITY: &str = r#"{ kind = "managed-identity", source = "imds", managed_identity = "d0011d00-0000-4000-8000-0000000000f0" }"#;
/// The API that servers behind the door take tokens for, and what of it the door may ask for.
pub(crate) const API: &str = "51b11000-0000-4000-8000-0000000000d2";
pub(crate) const MACHINE_SECRET: &str = "secret-of-the-night-job-0123456789abcdef";

/// Where doors are opened: an emulator and a folder, which outlive them.
pub(crate) struct Yard {
    pub(crate) emulator: doorward_emulator::Running,
    pub(crate) folder: TempDir,
    pub(crate) address: SocketAddr,
}

impl Yard {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = Options {
            seed: Seed::contoso().unwrap(),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            data_dir: Some(folder.path().join("lab")),
            clock: Clock::system(),
        };
        let emulator = Emulator::start_sharing(&lab_keys(), options).await.unwrap();
        for name in ["keys", "policies"] {
            std::fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        for (name, text) in [
            ("keys/secret", "door-secret-for-the-lab"),
            ("keys/machine", MACHINE_SECRET),
            ("keys/upstream", "secret-of-the-upstream"),
            ("policies/all.cedar", "@id(\"all\") permit (principal, action, resource);"),
        ] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let address = free_port();
        Self { emulator, folder, address }
    }

    /// The configuration of a door that proves itself with `credential` and stands before `servers`, each a name, a URL
    /// and further lines; `tables` come besides.
    pub(crate) fn config(&self, credential: &str, tables: &str, servers: &[(&str, String, &str)]) -> Config {
        let origins: Vec<_> =
            servers.iter().map(|(_, url, _)| format!("{:?}", url.strip_suffix("/mcp").unwrap())).collect();
        let servers: String = servers
            .iter()
            .map(|(name, url, lines)| format!("[[server]]\nname = \"{name}\"\nurl = \"{url}\"\n{lines}\n"))
            .collect();
        let (lab, address) = (&self.emulator, self.address);
        let text = format!(
            r#"
shared_audience = {}
[gateway]
listen = "{address}"
public_url = "http://{address}"
[entra]
tenant = "c0175050-0000-4000-8000-000000000001"
client_id = "d0012000-0000-4000-8000-0000000000d1"
required_scope = "mcp.access"
credential = {credential}
[policy]
dir = "policies"
[audit]
dir = "audit"
key_file = "keys/audit.pem"
checkpoint_dir = "checkpoints"
[insecure_lab]
authority = "{}"
graph = "{}"
identity = "{}"
key_vault = "{}"
ca_file = "lab/ca.pem"
origins = [{}]
{servers}
{tables}
"#,
            origins.len() > 1,
            lab.authority,
            lab.graph,
            lab.identity,
            lab.vault,
            origins.join(", ")
        );
        load("test.toml", &text, Build { lab: true })
            .unwrap_or_else(|errors| panic!("{errors}\n{text}"))
            .rebase(self.folder.path())
    }

    /// `[vault]` with its key in the emulated Key Vault.
    pub(crate) fn vault(&self) -> String {
        format!(
            "[vault]\npath = \"vault/doorward.db\"\nkey_vault_key = \"{}/keys/doorward\"\n",
            self.emulator.vault
        )
    }

    /// Opens a door, after the one before it in this process has let go of the log.
    pub(crate) async fn open(&self, config: Config) -> Result<Running, BuildError> {
        let free = async {
            let mut looks = tokio::time::interval(Duration::from_millis(5));
            loop {
                looks.tick().await;
                match build(config.clone()).await {
                    Err(BuildError::Audit(AuditError::Locked(_))) => {}
                    built => return built,
                }
            }
        };
        let built = within("the log to be free", free).await?;
        Ok(Gateway::bind(built).await.unwrap().open())
    }

    pub(crate) fn client(&self, server: &str, token: &str) -> Client {
        Client::new(self.address, Some(token.to_owned())).at(&format!("/{server}/mcp"))
    }

    pub(crate) fn log(&self) -> String {
        let files = std::fs::read_dir(self.folder.path().join("audit")).unwrap();
        let files = files.map(|file| file.unwrap().path());
        files.filter_map(|file| std::fs::read_to_string(file).ok()).collect()
    }

    /// The requests to a service of the emulator, each as its path and its body.
    pub(crate) fn asked(&self, service: &str) -> Vec<(String, String)> {
        let all = self.emulator.control().transcript();
        all.into_iter().filter(|it| it.service == service).map(|it| (it.path, it.body)).collect()
    }

    /// Asks for a token as the machine that is configured.
    async fn machine(&self, server: &str, secret: &str) -> Heard {
        let form = format!(
            "grant_type=client_credentials&client_id=night-job&client_secret={secret}&resource=http%3A%2F%2F{}%2F{server}%2Fmcp",
            self.address.to_string().replace(':', "%3A")
        );
        let request = Request::builder()
            .method(Method::POST)
            .uri("/token")
            .header("host", self.address.to_string())
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Full::from(form))
            .unwrap();
        Client::new(self.address, None).send(request).await
    }

    async fn machine_token(&self, server: &str) -> String {
        let heard = self.machine(server, MACHINE_SECRET).await;
        assert_eq!(heard.status, StatusCode::OK, "{:?}", heard.body);
        heard.json()["access_token"].as_str().unwrap().to_owned()
    }
}

pub(crate) async fn echo_server() -> doorward_servers::Running {
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let options = echo::Options { listen, eras: doorward_servers::Eras::Both, transcript: true };
    echo::start_with(options).await.unwrap()
}

pub(crate) async fn echo(client: &Client) -> Heard {
    client.modern("tools/call", json!({"name": "echo", "arguments": {"text": "hello", "n": 1}})).await
}

pub(crate) async fn documents(client: &Client) -> Heard {
    client.modern("tools/call", json!({"name": "list_documents", "arguments": {}})).await
}

const MACHINES: &str = r#"
[sign_in]
entra_tokens = "none"
[[client]]
id = "night-job"
name = "Night job"
secret_file = "keys/machine"
roles = ["Service"]
"#;

// control: REM-02: a door without any secret of its own opens, with the identity of its machine and a key that never leaves its vault, and opens what it sealed again
#[tokio::test]
async fn a_door_without_a_secret_opens_and_opens_again() {
    let (yard, server) = (Yard::new().await, echo_server().await);
    let tables = format!("{MACHINES}{}", yard.vault());
    let config = || yard.config(IDENTITY, &tables, &[("echo", server.url(), "")]);
    let door = yard.open(config()).await.unwrap_or_else(|error| panic!("{error}"));
    let token = yard.machine_token("echo").await;
    assert_eq!(echo(&yard.client("echo", &token)).await.status, StatusCode::OK);
    let operations = || -> Vec<String> {
        let asked = yard.asked("vault").into_iter().filter(|(_, body)| !body.is_empty());
        asked.map(|(path, _)| path.rsplit('/').next().unwrap().to_owned()).collect()
    };
    assert_eq!(operations(), ["wrapkey", "sign", "verify", "unwrapkey"], "made, and tried at once");
    assert!(!yard.asked("identity").is_empty());
    let proofs = yard.asked("entra").into_iter().filter(|(path, _)| path.ends_with("/token"));
    let proofs: Vec<_> = proofs.map(|(_, body)| body).collect();
    assert!(!proofs.is_empty());
    for body in proofs {
        assert!(body.contains("client_assertion=") && !body.contains("client_secret"), "{body}");
    }
    door.stop().await;
    yard.emulator.control().clear_transcript();
    let door = yard.open(config()).await.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(operations(), ["verify", "unwrapkey"]);
    let heard = echo(&yard.client("echo", &token)).await;
    assert_eq!(
        heard.status,
        StatusCode::OK,
        "the key that signed it was sealed, and is opened: {:?}",
        heard.body
    );
    door.stop().await;
}

// control: REM-14, TPT-05: a machine calls where the operator lets machines in, with a token for that one server; servers that are called on behalf of people refuse it
#[tokio::test]
async fn a_machine_calls_one_server_and_acts_for_nobody() {
    let (yard, server) = (Yard::new().await, echo_server().await);
    let people = protected::start(protected::Options::default()).await.unwrap();
    let credential = format!("credential = {{ on_behalf_of = \"api://{API}/items.read\" }}");
    let servers = [("echo", server.url(), ""), ("people", people.server.url(), credential.as_str())];
    let tables = format!("{MACHINES}{}", yard.vault());
    let _door =
        yard.open(yard.config(IDENTITY, &tables, &servers)).await.unwrap_or_else(|error| panic!("{error}"));
    let wrong = yard.machine("echo", "not-the-secret-of-the-night-job-at-all").await;
    assert_eq!(
        (wrong.status, wrong.json()["error"].clone()),
        (StatusCode::UNAUTHORIZED, json!("invalid_client"))
    );
    let (for_echo, for_people) = (yard.machine_token("echo").await, yard.machine_token("people").await);
    let called = echo(&yard.client("echo", &for_echo)).await;
    assert_eq!(called.status, StatusCode::OK);
    assert!(called.response()["result"].to_string().contains("hello"), "{:?}", called.body);
    // Swapped: each token at the other server.
    for (server, token) in [("people", &for_echo), ("echo", &for_people)] {
        assert_eq!(echo(&yard.client(server, token)).await.status, StatusCode::UNAUTHORIZED, "{server}");
    }
    let refused = documents(&yard.client("people", &for_people)).await.response();
    assert!(refused["error"].is_object() && refused["result"] == Value::Null, "{refused}");
    assert!(people.bearers().is_empty());
    assert!(yard.asked("entra").iter().all(|(_, body)| !body.contains("on_behalf_of")));
    let server_saw = server.transcript();
    assert!(server_saw.iter().all(|request| request.header("authorization").is_none()));
}
