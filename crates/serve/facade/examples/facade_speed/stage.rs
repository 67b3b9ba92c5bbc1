//! The façade with everything it stands on: store, log, the way out, and the emulator as Entra.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use doorward_audit::{AuditConfig, AuditLog};
use doorward_config::{Build, Config};
use doorward_emulator::{Clock, Emulator, Running, Seed};
use doorward_entra::{ClientCredential, EntraClient, EntraConfig, Fetch, Fetching, Keys, Stopwatch};
use doorward_facade::{Doorkeeper, Facade, Grants, Parts};
use doorward_issuer::client::{Client, ClientAuth, ClientOrigin, Grants as Kinds};
use doorward_issuer::dpop::Possession;
use doorward_issuer::redirect::{RedirectRules, RedirectUri};
use doorward_net::{Connector, ConnectorConfig, Origin};
use doorward_oauth::{
    Audience, Cloud, DoorExpectation, EntraTokens, Expectation, KeyRing, KeySet, Revocations, Revoked,
    Tenants,
};
use doorward_store::{KeyFile, Store, StoreConfig};
use doorward_types::{ClientId, Secret, TenantId, Timestamp};
use http::Request;
use tempfile::TempDir;

pub(crate) const TENANT: &str = "c0175050-0000-4000-8000-000000000001";
const DOOR: &str = "d0012000-0000-4000-8000-0000000000d1";
const SECRET: &str = "door-secret-for-the-lab";
/// Loopback: the emulator's registration of the door takes any port there. Nobody listens; requests are handed over.
pub(crate) const ISSUER: &str = "http://127.0.0.1:8790";
pub(crate) const RESOURCE: &str = "http://127.0.0.1:8790/library/mcp";
pub(crate) const SERVER: &str = "library";
pub(crate) const SCOPE: &str = "mcp.access";
pub(crate) const CLIENT: &str = "speed";
pub(crate) const REDIRECT: &str = "http://127.0.0.1/callback";

/// Starts Entra.
pub(crate) async fn emulator() -> Running {
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let options = doorward_emulator::Options {
        seed: Seed::contoso().unwrap(),
        listen,
        data_dir: None,
        clock: Clock::system(),
    };
    Emulator::start(options).await.unwrap()
}

/// Everything that is measured.
pub(crate) struct Stage {
    pub(crate) facade: Arc<Facade>,
    pub(crate) store: Store,
    pub(crate) connector: Connector,
    /// What Entra has taken so far, in nanoseconds.
    waited: Arc<AtomicU64>,
    keeper: Arc<Keeper>,
    entra_keys: Arc<Keys>,
    cloud: Cloud,
    folder: TempDir,
}

impl Stage {
    pub(crate) async fn open(emulator: &Running) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path(), emulator);
        let cloud = Cloud::lab(&emulator.authority, &emulator.graph);
        let connector = Connector::new(ConnectorConfig {
            extra_roots_pem: vec![emulator.ca_pem.clone().into_bytes()],
            lab_origins: vec![Origin::parse(&emulator.authority).unwrap()],
            ..ConnectorConfig::default()
        })
        .unwrap();
        let now = now();
        let audit_at = |name: &str| folder.path().join(name);
        let audit = AuditLog::open(
            AuditConfig::new(audit_at("audit"), audit_at("keys/audit.pem"), audit_at("checkpoints")),
            now,
        )
        .unwrap();
        let database = database(folder.path());
        let wrap = KeyFile::open_or_create(&folder.path().join("keys/vault.key"), &database).unwrap();
        let store =
            Store::open(StoreConfig::new(&database, audit.epoch()), Arc::new(wrap), now).await.unwrap();

        let waited = Arc::new(AtomicU64::new(0));
        let fetch: Arc<dyn Fetch> = Arc::new(Timed { inner: connector.clone(), waited: Arc::clone(&waited) });
        let door = ClientId::parse(DOOR).unwrap();
        let entra_config = EntraConfig {
            cloud: cloud.clone(),
            client_id: door.clone(),
            credential: ClientCredential::Secret(Secret::new(SECRET.to_owned())),
        };
        let entra = EntraClient::new(Arc::clone(&fetch), entra_config, Stopwatch::system());
        let entra_keys = Arc::new(Keys::new(fetch, &cloud, &tenants(), Stopwatch::system()));
        entra_keys.refresh_due().await;
        let keeper = Arc::new(Keeper::default());
        let parts = Parts {
            approvals: None,
            possession: Arc::new(Possession::new(&[7; 32])),
            store: store.clone(),
            connections: None,
            grants: Arc::new(Grants::new(store.clone(), entra.clone(), &door)),
            entra,
            entra_keys: Arc::clone(&entra_keys),
            audit,
            connector: connector.clone(),
            keeper: Arc::clone(&keeper) as Arc<dyn Doorkeeper>,
            clock: Arc::new(self::now),
        };
        let facade = Facade::open(&config, cloud.clone(), vec![client()], parts).await.unwrap();
        Self { facade, store, connector, waited, keeper, entra_keys, cloud, folder }
    }

    /// What Entra has taken so far.
    pub(crate) fn waited(&self) -> Duration {
        Duration::from_nanos(self.waited.load(Ordering::SeqCst))
    }

    /// The keys that tokens are verified with.
    pub(crate) fn ring(&self) -> KeyRing {
        let door = Arc::clone(&self.keeper.keys.lock().unwrap());
        KeyRing { door, entra: self.entra_keys.current() }
    }

    /// What the gateway would expect of a token for this server.
    pub(crate) fn expectation(&self) -> Expectation {
        let scope = vec![SCOPE.to_owned()];
        Expectation {
            cloud: self.cloud.clone(),
            tenants: tenants(),
            audience: Audience {
                client_id: ClientId::parse(DOOR).unwrap(),
                app_id_uris: vec![format!("api://{DOOR}")],
            },
            required_scope: scope.clone(),
            required_role: Vec::new(),
            allow_app_only: false,
            skew: Duration::from_secs(60),
            accept_v1: false,
            door: Some(DoorExpectation {
                issuer: ISSUER.to_owned(),
                audience: RESOURCE.to_owned(),
                required_scope: scope,
            }),
            entra: EntraTokens::All,
        }
    }

    pub(crate) fn store_megabytes(&self) -> u64 {
        let database = database(self.folder.path());
        let log = database.with_extension("db-wal");
        [database, log].iter().filter_map(|file| file.metadata().ok()).map(|about| about.len()).sum::<u64>()
            / 1_000_000
    }
}

pub(crate) fn now() -> Timestamp {
    SystemTime::now().into()
}

fn database(folder: &Path) -> std::path::PathBuf {
    folder.join("vault/doorward.db")
}

fn tenants() -> Tenants {
    Tenants::One(TenantId::parse(TENANT).unwrap())
}

/// A program on somebody's machine, set up by the operator.
fn client() -> Client {
    Client {
        id: ClientId::registered(CLIENT).unwrap(),
        origin: ClientOrigin::Configured,
        name: Some("Speed".to_owned()),
        redirects: vec![RedirectUri::register(REDIRECT, &RedirectRules::default()).unwrap()],
        auth: ClientAuth::Public,
        grants: Kinds { code: true, refresh: true, client_credentials: false },
        roles: Vec::new(),
        proves_possession: false,
        expires: None,
    }
}

fn config(folder: &Path, emulator: &Running) -> Config {
    let secret = folder.join("keys/entra-secret");
    std::fs::create_dir_all(folder.join("keys")).unwrap();
    std::fs::write(&secret, SECRET).unwrap();
    let authority = &emulator.authority;
    // Entra is asked about a person again after `recheck`; no refresh here is to wait for that.
    let text = format!(
        r#"
[gateway]
listen = "127.0.0.1:8790"
public_url = "{ISSUER}"
[entra]
tenant = "{TENANT}"
client_id = "{DOOR}"
required_scope = "{SCOPE}"
credential = {{ kind = "secret", secret_file = "keys/entra-secret" }}
[sign_in]
recheck = "1h"
entra_tokens = "all"
[vault]
path = "vault/doorward.db"
key_file = "keys/vault.key"
[policy]
dir = "policies"
[audit]
dir = "audit"
key_file = "keys/audit.pem"
checkpoint_dir = "checkpoints"
[insecure_lab]
authority = "{authority}"
ca_file = "ca.pem"
[[client]]
id = "{CLIENT}"
name = "Speed"
redirect_uris = ["{REDIRECT}"]
[[server]]
name = "{SERVER}"
url = "https://library.example/mcp"
"#
    );
    match doorward_config::load("speed.toml", &text, Build { lab: true }) {
        Ok(config) => config.rebase(folder),
        Err(errors) => {
            eprintln!("{errors}");
            std::process::exit(1);
        }
    }
}

/// A door with nobody at it, which keeps the keys it is told of.
#[derive(Default)]
struct Keeper {
    keys: Mutex<Arc<KeySet>>,
}

impl Doorkeeper for Keeper {
    fn publish_keys(&self, keys: Arc<KeySet>) {
        *self.keys.lock().unwrap() = keys;
    }

    fn publish_revocations(&self, _: Arc<Revocations>, _: Option<&Revoked>) {}
}

/// The way to Entra, with a clock beside it.
struct Timed {
    inner: Connector,
    waited: Arc<AtomicU64>,
}

impl Fetch for Timed {
    fn fetch(&self, request: Request<Bytes>) -> Fetching {
        let (began, waited) = (Instant::now(), Arc::clone(&self.waited));
        let answer = Fetch::fetch(&self.inner, request);
        Box::pin(async move {
            let answer = answer.await;
            waited.fetch_add(u64::try_from(began.elapsed().as_nanos()).unwrap(), Ordering::SeqCst);
            answer
        })
    }
}
