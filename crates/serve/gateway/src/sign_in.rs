//! The façade in this door: opened with what the configuration says, told by nobody but itself, asked at its addresses.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use doorward_audit::AuditLog;
use doorward_config::{Config, RegisteredClient, ServerCredential, Target};
use doorward_engine::{Door, Owner, Pages, Visit};
use doorward_entra::{EntraClient, KeyVault, Keys};
use doorward_facade::{Connectable, Connections, Doorkeeper, Facade, Grants, Opener, Parts};
use doorward_issuer::client::{
    Client, ClientAuth, ClientKeys, ClientOrigin, Grants as Kinds, SecretHash, clean_name,
};
use doorward_issuer::redirect::{RedirectRules, RedirectUri};
use doorward_net::Connector;
use doorward_oauth::{Cloud, KeySet, Revocations, Revoked};
use doorward_store::{KeyFile, KeyWrap, KeyWrapError, Store, StoreConfig};
use doorward_types::{Person, Secret};
use futures_util::future::BoxFuture;
use tokio::sync::watch;

use crate::build::{BuildError, read, read_secret};
use crate::credentials::{entra_client, key_vault};
use crate::ports::GatewayPorts;

/// How often revocations of other processes are looked for (TOK-10).
const CATCH_UP: Duration = Duration::from_millis(500);
/// How often keys and expired rows are looked after.
const LOOK_AFTER: Duration = Duration::from_secs(60);

/// The façade's pages, for a door that is built before its façade. Until then there are none.
#[derive(Default)]
pub(crate) struct LatePages(OnceLock<Opener>);

impl Pages for LatePages {
    fn address(&self, visit: &Visit<'_>) -> Option<String> {
        let Owner { tenant, object, client: _ } = visit.owner;
        let person = Person { tenant: tenant.clone(), object: object.clone() };
        self.0.get()?.address(&person, visit.server, visit.url, visit.message)
    }
}

/// The door as the façade knows it.
struct Keeper(Arc<Door<GatewayPorts>>);

impl Doorkeeper for Keeper {
    fn publish_keys(&self, keys: Arc<KeySet>) {
        self.0.ports().set_door_keys(keys);
        self.0.raise_epoch();
    }

    fn publish_revocations(&self, revocations: Arc<Revocations>, newest: Option<&Revoked>) {
        self.0.ports().set_revocations(revocations);
        // First the list, then the epoch: whoever sees the new epoch sees the new list.
        self.0.raise_epoch();
        match newest {
            Some(Revoked::All) => {
                self.0.end_sessions(None);
            }
            Some(Revoked::Person(person)) => {
                let of = |owner: &Owner| owner.tenant == person.tenant && owner.object == person.object;
                self.0.end_sessions_where(of);
            }
            Some(Revoked::Client(client)) => {
                self.0.end_sessions_where(|owner| owner.client == *client);
            }
            // A legacy session may be shared by two grants of one client; its streams ask for themselves.
            Some(Revoked::Grant(_)) | None => {}
        }
    }
}

/// What is made before the door, because servers behind it are called with it.
pub(crate) struct Ready {
    pub(crate) entra: Option<EntraClient>,
    pub(crate) store: Option<Store>,
    pub(crate) grants: Option<Arc<Grants>>,
    pub(crate) connections: Option<Arc<Connections>>,
}

/// Opens the store and makes the client of Entra, where they are configured.
pub(crate) async fn prepare(
    config: &Config,
    cloud: &Cloud,
    connector: &Connector,
    audit: &AuditLog,
) -> Result<Ready, BuildError> {
    let entra = entra_client(config, cloud, connector)?;
    let store = match &config.vault {
        Some(vault) => {
            let wrap = key_wrap(config, vault, entra.as_ref(), connector)?;
            let opened = StoreConfig::new(vault.path.clone(), audit.epoch());
            Some(Store::open(opened, wrap, SystemTime::now().into()).await?)
        }
        None => None,
    };
    let grants = match (&store, &entra, &config.entra.client_id, &config.sign_in) {
        (Some(store), Some(entra), Some(door), Some(_)) => {
            Some(Arc::new(Grants::new(store.clone(), entra.clone(), door)))
        }
        _ => None,
    };
    let connections = match &store {
        Some(store) => connections(config, store, connector)?,
        None => None,
    };
    Ok(Ready { entra, store, grants, connections })
}

/// Opens the façade before a door, where one is configured.
pub(crate) async fn open(
    config: &Config,
    cloud: Cloud,
    connector: &Connector,
    ready: Ready,
    keys: &Arc<Keys>,
    door: &Arc<Door<GatewayPorts>>,
) -> Result<Option<Arc<Facade>>, BuildError> {
    let (Some(sign_in), Some(store), Some(entra), Some(grants)) =
        (&config.sign_in, ready.store, ready.entra, ready.grants)
    else {
        return Ok(None);
    };
    let rules = RedirectRules { schemes: sign_in.redirect_schemes.clone() };
    let clients = config.clients.iter().map(|client| registered(client, &rules));
    let clients = clients.collect::<Result<Vec<_>, _>>()?;
    let parts = Parts {
        possession: Arc::clone(door.possession()),
        approvals: door.ports().approvals().cloned(),
        store,
        entra,
        grants,
        connections: ready.connections,
        entra_keys: Arc::clone(keys),
        audit: door.ports().journal.log.clone(),
        connector: connector.clone(),
        keeper: Arc::new(Keeper(Arc::clone(door))),
        clock: Arc::new(|| SystemTime::now().into()),
    };
    let facade = Facade::open(config, cloud, clients, parts).await?;
    // Set once: there is one façade to a door.
    let _set = door.ports().pages.0.set(facade.opener());
    Ok(Some(facade))
}

/// Takes up what other processes write to the store until the door closes, and sweeps it where no façade does.
pub(crate) fn catch_up(door: Arc<Door<GatewayPorts>>, sweeps: bool, mut drain: watch::Receiver<bool>) {
    if door.ports().store().is_none() {
        return;
    }
    tokio::spawn(async move {
        let mut often = tokio::time::interval(CATCH_UP);
        let mut rounds = 0_u32;
        loop {
            tokio::select! {
                _ = often.tick() => {}
                changed = drain.changed() => if changed.is_err() || *drain.borrow() {
                    return;
                },
            }
            door.ports().catch_up().await;
            rounds = rounds.wrapping_add(1);
            if sweeps
                && rounds.is_multiple_of(60)
                && let Some(store) = door.ports().store()
                && let Err(error) = store.sweep(SystemTime::now().into()).await
            {
                tracing::error!(%error, "what has expired cannot be swept from the store");
            }
        }
    });
}

/// Looks after the façade until the door closes.
pub(crate) fn look_after(facade: Arc<Facade>, mut drain: watch::Receiver<bool>) {
    tokio::spawn(async move {
        let mut often = tokio::time::interval(CATCH_UP);
        let mut seldom = tokio::time::interval(LOOK_AFTER);
        loop {
            tokio::select! {
                _ = often.tick() => facade.catch_up().await,
                _ = seldom.tick() => facade.look_after().await,
                changed = drain.changed() => if changed.is_err() || *drain.borrow() {
                    return;
                },
            }
        }
    });
}

/// Makes the keeper of people's own accounts elsewhere, if any server asks for them.
fn connections(
    config: &Config,
    store: &Store,
    connector: &Connector,
) -> Result<Option<Arc<Connections>>, BuildError> {
    let mut servers = BTreeMap::new();
    for server in &config.servers {
        let (Some(ServerCredential::UserGrant(grant)), Target::Http(remote)) =
            (&server.credential, &server.target)
        else {
            continue;
        };
        let secret = grant.client_secret_file.as_deref().map(read_secret).transpose()?;
        let connectable = Connectable {
            url: remote.url.to_string(),
            // As it was written, but for the slash that a bare origin gets: issuers are compared byte for byte.
            issuer: grant.issuer.as_ref().map(|issuer| match issuer.path_and_query() {
                "/" => issuer.origin().to_string(),
                _ => issuer.to_string(),
            }),
            client: grant.client_id.clone().map(|id| (id, secret)),
            document: grant.client_document.as_ref().map(ToString::to_string),
            scopes: grant.scopes.clone(),
        };
        servers.insert(server.name.clone(), connectable);
    }
    if servers.is_empty() {
        return Ok(None);
    }
    let lab = config.lab.is_some();
    let made = Connections::new(store.clone(), connector.clone(), &issuer(config), lab, servers);
    Ok(Some(Arc::new(made)))
}

/// The door as an issuer: its public address, without a slash at the end.
pub(crate) fn issuer(config: &Config) -> String {
    config.gateway.public_url.as_str().trim_end_matches('/').to_owned()
}

/// Makes a client of what is configured for it.
fn registered(client: &RegisteredClient, rules: &RedirectRules) -> Result<Client, BuildError> {
    let bad = |what: String| BuildError::Client { id: client.id.clone(), what };
    let redirect = |text: &String| {
        RedirectUri::register(text, rules).map_err(|error| bad(format!("redirect_uris: `{text}`: {error}")))
    };
    let auth = match (&client.secret_file, &client.jwks_file) {
        (Some(path), _) => ClientAuth::Secret(SecretHash::of(read_secret(path)?.expose().as_bytes())),
        (None, Some(path)) => {
            let keys = ClientKeys::parse(Bytes::from(read(path)?))
                .map_err(|error| bad(format!("jwks_file: {error}")))?;
            ClientAuth::Keys(Arc::new(keys))
        }
        (None, None) => ClientAuth::Public,
    };
    let code = !client.redirect_uris.is_empty();
    Ok(Client {
        id: client.id.clone(),
        origin: ClientOrigin::Configured,
        name: clean_name(&client.name),
        redirects: client.redirect_uris.iter().map(redirect).collect::<Result<_, _>>()?,
        auth,
        grants: Kinds { code, refresh: code, client_credentials: !client.roles.is_empty() },
        roles: client.roles.clone(),
        proves_possession: client.require_dpop,
        expires: None,
    })
}

/// How the root key of the store is kept.
fn key_wrap(
    config: &Config,
    vault: &doorward_config::Vault,
    entra: Option<&EntraClient>,
    connector: &Connector,
) -> Result<Arc<dyn KeyWrap>, BuildError> {
    match (&vault.key, entra) {
        (doorward_config::VaultKey::File(path), _) => {
            Ok(Arc::new(KeyFile::open_or_create(path, &vault.path)?))
        }
        (doorward_config::VaultKey::KeyVault(url), Some(entra)) => {
            let vault = key_vault(config, entra, connector);
            Ok(Arc::new(Wrapped { vault, url: url.to_string() }))
        }
        (doorward_config::VaultKey::KeyVault(_), None) => {
            Err(BuildError::NoCredential("vault.key_vault_key"))
        }
    }
}

/// Opens the store of a configuration, for commands that work on it beside a running door.
///
/// # Errors
/// [`BuildError`].
pub async fn open_store(
    config: &Config,
    anchored_epoch: u64,
    accept_rollback: bool,
) -> Result<Store, BuildError> {
    let cloud = crate::build::cloud(config)?;
    let connector = crate::build::connector(config)?;
    let vault = config.vault.as_ref().ok_or(BuildError::NoVault)?;
    let entra = entra_client(config, &cloud, &connector)?;
    let wrap = key_wrap(config, vault, entra.as_ref(), &connector)?;
    let mut opened = StoreConfig::new(vault.path.clone(), anchored_epoch);
    opened.accept_rollback = accept_rollback;
    Ok(Store::open(opened, wrap, SystemTime::now().into()).await?)
}

/// Makes what wraps the root key of the store that a configuration names, for a store that changes its key.
///
/// # Errors
/// [`BuildError`].
pub fn store_key(config: &Config) -> Result<Arc<dyn KeyWrap>, BuildError> {
    let cloud = crate::build::cloud(config)?;
    let connector = crate::build::connector(config)?;
    let vault = config.vault.as_ref().ok_or(BuildError::NoVault)?;
    let entra = entra_client(config, &cloud, &connector)?;
    key_wrap(config, vault, entra.as_ref(), &connector)
}

/// A key of a Key Vault, which never leaves it: the root key is sent there to be wrapped and unwrapped.
struct Wrapped {
    vault: KeyVault,
    url: String,
}

impl KeyWrap for Wrapped {
    fn id(&self) -> String {
        self.url.clone()
    }

    fn wrap(&self, key: &Secret<[u8; 32]>) -> BoxFuture<'_, Result<Vec<u8>, KeyWrapError>> {
        let key = Secret::new(*key.expose());
        Box::pin(async move {
            let wrapped = self.vault.wrap(&self.url, key.expose()).await;
            wrapped.map_err(|error| KeyWrapError::Away(error.to_string()))
        })
    }

    fn unwrap(&self, wrapped: Vec<u8>) -> BoxFuture<'_, Result<Secret<[u8; 32]>, KeyWrapError>> {
        Box::pin(async move {
            let key = self.vault.unwrap(&self.url, &wrapped).await;
            let key = key.map_err(|error| KeyWrapError::Away(error.to_string()))?;
            let key: [u8; 32] = key
                .expose()
                .as_slice()
                .try_into()
                .map_err(|_| KeyWrapError::Refused("the key is not 256 bits long".to_owned()))?;
            Ok(Secret::new(key))
        })
    }
}
