//! `doorward vault` and `doorward revoke`, on a store with sign-ins of two people.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use doorward_audit::{AuditConfig, AuditLog, Timer};
use doorward_store::{KeyFile, Kind, Row, Scope, Store, StoreConfig};
use doorward_types::{ClientId, GrantId, ObjectId, Person, Secret, TenantId, Timestamp};
use tempfile::TempDir;

use crate::{Run, run_in, text, write};

const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
const ALICE: &str = "0b1ec7ed-0000-4000-8000-000000000001";
const BOB: &str = "0b1ec7ed-0000-4000-8000-000000000002";
const EDITOR: &str = "https://editor.example/client.json";
const NOW: Timestamp = Timestamp::from_secs(1_795_132_800);

const CONFIG: &str = r#"
[gateway]
listen = "127.0.0.1:8443"
public_url = "http://127.0.0.1:8443"

[entra]
tenant = "72f988bf-86f1-41af-91ab-2d7cd011db47"
client_id = "11111111-2222-3333-4444-555555555555"
credential = { kind = "secret", secret_file = "keys/entra" }

[sign_in]

[vault]
path = "vault/doorward.db"
key_file = "keys/vault.key"

[[server]]
name = "crm"
url = "https://crm.contoso.com/mcp"

[audit]
dir = "log"
key_file = "keys/audit.key"
checkpoint_dir = "second"
"#;

struct Place(TempDir);

impl Place {
    fn empty() -> Self {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), "doorward.toml", CONFIG);
        write(root.path(), "keys/entra", "not a secret");
        Self(root)
    }

    /// Alice with two clients, Bob with one; each sign-in has a family and Entra's tokens.
    fn with_sign_ins() -> Self {
        let place = Self::empty();
        let store = place.store(0);
        wait(async {
            for (number, object, client) in [(1, ALICE, EDITOR), (2, ALICE, "inspector"), (3, BOB, EDITOR)] {
                for kind in [Kind::Family, Kind::EntraTokens, Kind::Consent] {
                    store.put(&row(kind, number, object, client)).await.unwrap();
                }
            }
            store.close().await;
        });
        place
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn store(&self, anchored: u64) -> Store {
        let database = self.at("vault/doorward.db");
        let key = KeyFile::open_or_create(&self.at("keys/vault.key"), &database).unwrap();
        wait(Store::open(StoreConfig::new(database, anchored), Arc::new(key), NOW)).unwrap()
    }

    fn log(&self) -> AuditLog {
        let mut config = AuditConfig::new(self.at("log"), self.at("keys/audit.key"), self.at("second"));
        config.timer = Timer::Handed;
        AuditLog::open(config, NOW).unwrap()
    }

    fn count(&self, kind: Kind) -> u64 {
        let store = self.store(0);
        wait(async {
            let count = store.count(kind).await.unwrap();
            store.close().await;
            count
        })
    }

    fn run(&self, args: &[&str]) -> Run {
        run_in(self.0.path(), args)
    }
}

fn row(kind: Kind, number: u8, object: &str, client: &str) -> Row {
    Row {
        kind,
        id: vec![number; 16],
        scope: Scope::Tenant(TenantId::parse(TENANT).unwrap()),
        person: Some(Person {
            tenant: TenantId::parse(TENANT).unwrap(),
            object: ObjectId::parse(object).unwrap(),
        }),
        client: Some(ClientId::registered(client).unwrap()),
        grant: (kind != Kind::Consent).then_some(GrantId([number; 16])),
        expires: None,
        version: 1,
        body: Secret::new(b"sealed".to_vec()),
    }
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for file in std::fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

// control: TOK-10: The operator ends the sign-ins of a person, of a client, one or all; other people's stay.
#[test]
fn sign_ins_end_for_whom_the_operator_says() {
    let alice = format!("{TENANT}/{ALICE}");
    let one = GrantId([3; 16]).to_string();
    let whose: [(&[&str], u64); 5] = [
        (&["--user", &alice], 1),
        (&["--client", EDITOR], 1),
        (&["--client", "inspector"], 2),
        (&["--session", &one], 2),
        (&["--all"], 0),
    ];
    for (whose, left) in whose {
        let place = Place::with_sign_ins();
        let revoked = place.run(&[&["revoke", "--json"], whose].concat()).ends(0).json();
        assert_eq!(revoked["sign_ins"], 3 - left, "{whose:?}");
        assert_eq!((place.count(Kind::Family), place.count(Kind::EntraTokens)), (left, left), "{whose:?}");
        assert_eq!(place.count(Kind::Consent), 3, "consents stay");
        let store = place.store(0);
        let (epoch, revocations) =
            wait(async { (store.epoch().await.unwrap(), store.revocations().await.unwrap()) });
        assert_eq!((revoked["epoch"].as_u64(), revocations.len()), (Some(epoch), 1), "{whose:?}");
    }
}

#[test]
fn who_is_meant_must_be_said_and_must_be_somebody() {
    let place = Place::with_sign_ins();
    place.run(&["revoke"]).ends(2);
    place.run(&["revoke", "--all", "--client", "inspector"]).ends(2);
    place.run(&["revoke", "--user", "alice@contoso.com"]).ends(2).says("names nobody", "TENANT/OBJECT");
    place.run(&["revoke", "--session", "17"]).ends(2).says("names nobody", "32 hexadecimal");
    place.run(&["revoke", "--client", "a b"]).ends(2).says("names nobody", "client's id");
    assert_eq!(place.count(Kind::Family), 3);
}

// control: D-18: What the operator revokes is recorded, and its epoch anchored: an older store does not start again.
#[test]
fn a_revocation_is_recorded_and_anchored() {
    let place = Place::with_sign_ins();
    wait(place.log().close(NOW)).unwrap();
    copy(&place.at("vault"), &place.at("backup"));
    let revoked = place.run(&["revoke", "--all", "--json"]).ends(0).json();
    assert_eq!(revoked["recorded"], true);
    let tail = place.run(&["audit", "tail", "--json", "--kind", "grant"]).ends(0).out;
    assert!(tail.contains("revoked") && tail.contains("operator"), "{tail}");

    std::fs::remove_dir_all(place.at("vault")).unwrap();
    copy(&place.at("backup"), &place.at("vault"));
    for command in [&["vault", "check"][..], &["revoke", "--all"], &["vault", "rekey"]] {
        let refused = place.run(command).ends(1);
        assert!(refused.err.contains("doorward vault accept-rollback"), "{}", refused.err);
    }
    let accepted = place.run(&["vault", "accept-rollback", "--json"]).ends(0).json();
    assert_eq!(
        (&accepted["accepted"], accepted["epoch"].as_u64() > accepted["anchored"].as_u64()),
        (&true.into(), true)
    );
    assert_eq!(
        (place.count(Kind::Family), place.count(Kind::EntraTokens)),
        (0, 0),
        "everybody signs in again"
    );
    assert!(place.run(&["audit", "tail", "--json"]).ends(0).out.contains("rollback-accepted"));
    place.run(&["vault", "check"]).ends(0);
    let again = place.run(&["vault", "accept-rollback"]).ends(0).out;
    assert!(again.contains("nothing to accept"), "{again}");
}

#[test]
fn beside_a_door_that_runs() {
    let place = Place::with_sign_ins();
    let log = place.log();
    let revoked = place.run(&["revoke", "--all"]).ends(0);
    assert!(revoked.err.contains("within a second"), "{}", revoked.err);
    place.run(&["vault", "accept-rollback"]).ends(1).says("a door runs with this audit log", "stop it first");
    place.run(&["vault", "rekey"]).ends(0);
    wait(log.close(NOW)).unwrap();
}

#[test]
fn every_row_is_looked_at_and_sealed_anew() {
    let place = Place::with_sign_ins();
    let whole = place.run(&["vault", "check", "--json"]).ends(0).json();
    assert_eq!(whole["whole"], true);
    let before = std::fs::read(place.at("vault/doorward.db")).unwrap();
    let rekeyed = place.run(&["vault", "rekey", "--json"]).ends(0).json();
    assert!(rekeyed["rows"].as_u64() >= Some(9), "{rekeyed}");
    assert_ne!(before, std::fs::read(place.at("vault/doorward.db")).unwrap());
    assert_eq!(place.run(&["vault", "check", "--json"]).ends(0).json()["rows"], whole["rows"]);
}

#[test]
fn a_store_moves_to_another_key() {
    let place = Place::with_sign_ins();
    let new = CONFIG.replace("keys/vault.key", "other/vault.key");
    write(&place.at(""), "new.toml", &new);
    let moved = place.run(&["vault", "rekey", "--to", "new.toml"]).ends(0);
    assert!(moved.err.contains("new.toml"), "{}", moved.err);
    place.run(&["vault", "check"]).ends(1);
    place.run(&["vault", "check", "-c", "new.toml"]).ends(0);
    write(&place.at(""), "elsewhere.toml", &new.replace("vault/doorward.db", "vault2/doorward.db"));
    place
        .run(&["vault", "rekey", "-c", "new.toml", "--to", "elsewhere.toml"])
        .ends(2)
        .says("different stores", "vault.path");
}

#[test]
fn where_there_is_no_store_none_is_made() {
    let place = Place::empty();
    for command in
        [&["vault", "check"][..], &["vault", "rekey"], &["vault", "accept-rollback"], &["revoke", "--all"]]
    {
        place.run(command).ends(2).says("there is no store", "first start");
    }
    assert!(!place.at("vault").exists() && !place.at("log").exists());
    let plain = CONFIG.split("[sign_in]").next().unwrap().to_owned()
        + "[[server]]\nname = \"crm\"\nurl = \"https://crm.contoso.com/mcp\"\n";
    let path = write(&place.at(""), "plain.toml", &plain);
    place.run(&["vault", "check", "-c", text(&path)]).ends(2).says("no `[vault]`", "--config");
}
