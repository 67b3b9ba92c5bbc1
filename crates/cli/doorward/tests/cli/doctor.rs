//! `doorward doctor entra`, against the emulator: everything well, and what is not.

mod traps;

use std::net::{SocketAddr, TcpListener};
use std::sync::OnceLock;

use doorward_config::{Build, load};
use doorward_emulator::{Clock, Emulator, MintRequest, Options, Running, Seed};
use doorward_gateway::{Gateway, build};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::{Run, lab_keys, run_in, write};

/// A door, the emulator behind it, and the folder they live in.
struct House {
    emulator: Running,
    door: Option<doorward_gateway::Running>,
    folder: TempDir,
}

/// What is otherwise than it should be.
#[derive(Default)]
struct Odd {
    seed: Option<fn(&mut Seed)>,
    /// Replacements in the configuration.
    config: &'static [(&'static str, &'static str)],
    closed: bool,
}

const CONFIG: &str = r#"
[gateway]
listen = "{address}"
public_url = "http://{address}"

[entra]
tenant = "{tenant}"
client_id = "{client}"
required_scope = "mcp.access"
credential = { kind = "secret", secret_file = "keys/entra" }

[sign_in]
registration = "on"
entra_tokens = "all"

[vault]
path = "vault/doorward.db"
key_file = "keys/vault.key"

[policy]
dir = "policies"

[audit]
dir = "audit"
key_file = "keys/audit.key"
checkpoint_dir = "second"

[insecure_lab]
authority = "{authority}"
graph = "{graph}"
ca_file = "lab/ca.pem"

[[server]]
name = "crm"
url = "https://crm.contoso.com/mcp"
"#;

const PLAIN: (&str, &str) = (
    "[sign_in]\nregistration = \"on\"\nentra_tokens = \"all\"\n\n[vault]\npath = \"vault/doorward.db\"\nkey_file = \"keys/vault.key\"\n",
    "",
);

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
    })
}

impl House {
    fn open(odd: &Odd) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut seed = Seed::contoso().unwrap();
        if let Some(change) = odd.seed {
            change(&mut seed);
        }
        let tenant = seed.tenants.first().unwrap().id.clone();
        let client = seed.apps.iter().find(|app| app.name == "door").unwrap().id.clone();
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        let options = Options {
            seed,
            listen: loopback,
            data_dir: Some(folder.path().join("lab")),
            clock: Clock::system(),
        };
        let emulator = runtime().block_on(Emulator::start_sharing(&lab_keys(), options)).unwrap();
        let address = TcpListener::bind(loopback).unwrap().local_addr().unwrap();
        let mut config = CONFIG.to_owned();
        for (from, to) in odd.config {
            assert!(config.contains(from), "{from}");
            config = config.replace(from, to);
        }
        for (name, value) in [
            ("{address}", address.to_string()),
            ("{tenant}", tenant),
            ("{client}", client),
            ("{authority}", emulator.authority.clone()),
            ("{graph}", emulator.graph.clone()),
        ] {
            config = config.replace(name, &value);
        }
        let path = write(folder.path(), "doorward.toml", &config);
        write(folder.path(), "keys/entra", "door-secret-for-the-lab");
        write(folder.path(), "policies/p.cedar", "@id(\"all\") permit (principal, action, resource);");
        let door = (!odd.closed).then(|| {
            let config =
                load(path.to_str().unwrap(), &config, Build { lab: true }).unwrap().rebase(folder.path());
            runtime().block_on(async { Gateway::bind(build(config).await.unwrap()).await.unwrap().open() })
        });
        Self { emulator, door, folder }
    }

    fn doctor(&self, more: &[&str]) -> Run {
        run_in(self.folder.path(), &[&["doctor", "entra"], more].concat())
    }

    fn token(&self, request: &MintRequest) {
        let token = self.emulator.control().mint(request).unwrap();
        write(self.folder.path(), "token", &format!("Authorization: Bearer {token}\n"));
    }

    fn close(self) {
        runtime().block_on(async {
            if let Some(door) = self.door {
                door.stop().await;
            }
            self.emulator.stop().await;
        });
    }
}

/// The finding whose words hold `what`.
#[track_caller]
fn found<'a>(report: &'a Value, what: &str) -> &'a Value {
    let findings = report["findings"].as_array().unwrap();
    findings
        .iter()
        .find(|finding| finding["what"].as_str().unwrap().contains(what))
        .unwrap_or_else(|| panic!("{what:?} is not in {report:#}"))
}

#[test]
fn a_door_that_is_well() {
    let house = House::open(&Odd::default());
    let report = house.doctor(&[]).ends(0).out;
    assert!(report.contains("well: ") && !report.contains("BAD"), "{report}");
    for part in [
        "names itself as it should",
        "Entra takes the door's proof",
        "Entra answers to http://127.0.0.1",
        "crm sends strangers to http://127.0.0.1",
        "PKCE with S256",
        "Cursor: signs in, it registers itself",
        "Visual Studio Code: signs in by its document",
    ] {
        assert!(report.contains(part), "{part:?} is not in\n{report}");
    }
    assert!(!report.contains("door-secret-for-the-lab"));
    house.close();
}

#[test]
fn a_proof_that_entra_does_not_take() {
    let house = House::open(&Odd { closed: true, ..Odd::default() });
    for (secret, code) in [("wrong", "AADSTS7000215"), ("door-secret-that-expired", "AADSTS7000222")] {
        write(house.folder.path(), "keys/entra", secret);
        let report = house.doctor(&["--json"]).ends(1).json();
        let finding = found(&report, "does not take the door's proof");
        assert_eq!(finding["aadsts"], code, "{finding:#}");
        assert!(!report.to_string().contains(secret));
    }
    std::fs::remove_file(house.folder.path().join("keys/entra")).unwrap();
    assert!(house.doctor(&[]).ends(1).out.contains("keys/entra"));
    house.close();
}

#[test]
fn entra_or_the_door_that_does_not_answer() {
    let house = House::open(&Odd { closed: true, ..Odd::default() });
    let closed = house.doctor(&["--json"]).ends(0).json();
    assert!(found(&closed, "no door answers at")["fix"].as_str().unwrap().contains("doorward serve"));
    let folder = &house.folder;
    runtime().block_on(house.emulator.stop());
    let away = run_in(folder.path(), &["doctor", "entra", "--json"]).ends(1).json();
    assert!(found(&away, "cannot").to_string().contains("doorward lab"), "{away:#}");
    let offline = run_in(folder.path(), &["doctor", "entra", "--offline", "--json"]).ends(0).json();
    assert!(offline["findings"].as_array().unwrap().iter().all(|finding| finding["area"] == "configuration"));
}

#[test]
fn a_token_is_judged_as_the_door_judges_it() {
    let house = House::open(&Odd::default());
    house.token(&MintRequest::user("alice"));
    let report = house.doctor(&["--json", "--token", "token"]).ends(0).json();
    found(&report, "crm: comes in as a person");

    let token = house.emulator.control().mint(&MintRequest::user("alice")).unwrap();
    let (head, signature) = token.rsplit_once('.').unwrap();
    // One character in the middle of the signature.
    let (left, right) = signature.split_at(100);
    let (first, rest) = right.split_at(1);
    let forged = format!("{head}.{left}{}{rest}", if first == "A" { "B" } else { "A" });
    for (token, what, fix) in [
        (forged.as_str(), "crm: refused", "compare"),
        ("not a token", "no token that a door could read", "access token"),
        ("0.AXkA-refresh-token", "no token that a door could read", "not a refresh token"),
    ] {
        write(house.folder.path(), "token", token);
        let run = house.doctor(&["--json", "--token", "token"]);
        assert_eq!(run.code, 1, "{}", run.out);
        let report = run.json();
        let finding = found(&report, what);
        assert!(finding["fix"].as_str().unwrap().contains(fix), "{finding:#}");
        // What is pasted is a secret until it expires: nothing of it may end in a ticket.
        assert!(!report.to_string().contains(token) && !report.to_string().contains(signature));
    }
    house.doctor(&["--token", "no-such-file"]).ends(2).says("cannot read the token", "--token -");
    house.close();
}

#[test]
fn why_a_token_is_refused_and_what_to_do() {
    let house = House::open(&Odd { config: &[("entra_tokens = \"all\"\n", "")], ..Odd::default() });
    house.token(&MintRequest::user("alice"));
    let report = house.doctor(&["--json", "--token", "token"]).ends(1).json();
    let finding = found(&report, "callers sign in at this door");
    assert!(finding["fix"].as_str().unwrap().contains("entra_tokens"), "{finding:#}");
    let house2 = House::open(&Odd {
        config: &[
            ("entra_tokens = \"all\"", "entra_tokens = \"all\""),
            ("required_scope = \"mcp.access\"", "required_scope = \"other\""),
        ],
        ..Odd::default()
    });
    house2.token(&MintRequest::user("alice"));
    let report = house2.doctor(&["--json", "--token", "token"]).ends(1).json();
    assert!(found(&report, "none of the required scopes")["fix"].as_str().unwrap().contains("/other"));
    house.close();
    house2.close();
}
