//! The façade in this door: opened with what the configuration says, told by nobody but itself, asked at its addresses.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use doorward_audit::AuditLog;
use doorward_config::{Config, EntraCredential, RegisteredClient, Server, ServerCredential, Target};
use doorward_engine::Door;
use doorward_entra::{
    ARC_ENDPOINT, CertificateCredential, ClientCredential, ConfiguredFetch, EntraClient, EntraConfig, Fetch,
    IdentityConfig, IdentityLab, IdentitySource, KeyVault, Keys, ManagedIdentity, PlatformFetch, Sleeper,
    Stopwatch, WorkloadIdentity,
};
use doorward_facade::{Connectable, Connections, Doorkeeper, Facade, Grants, Parts};
use doorward_issuer::client::{
    Client, ClientAuth, ClientKeys, ClientOrigin, Grants as Kinds, SecretHash, clean_name,
};
use doorward_issuer::redirect::{RedirectRules, RedirectUri};
use doorward_net::{Connector, Origin};
use doorward_oauth::{Cloud, KeySet, Revocations, Revoked};
use doorward_store::{KeyFile, KeyWrap, KeyWrapError, Store, StoreConfig};
use doorward_types::{ClientId, Secret, TenantId, Timestamp};
use doorward_upstream::OutboundCredential;
use futures_util::future::BoxFuture;
use http::HeaderName;
use tokio::sync::watch;
use zeroize::Zeroizing;

use crate::build::{BuildError, read, read_secret};
use crate::downstream::{Fixed, OnBehalfOf, UserGrant, VaultSecret, Workload};
use crate::ports::GatewayPorts;

/// How often revocations of other processes are looked for (TOK-10).
const CATCH_UP: Duration = Duration::from_millis(500);
/// How often keys and expired rows are looked after.
const LOOK_AFTER: Duration = Duration::from_secs(60);

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
                let of = |owner: &doorward_engine::Owner| {
                    owner.tenant == person.tenant && owner.object == person.object
                };
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
        store,
        entra,
        grants,
        connections: ready.connections,
        entra_keys: Arc::clone(keys),
        audit: door.ports().audit.clone(),
        connector: connector.clone(),
        keeper: Arc::new(Keeper(Arc::clone(door))),
        clock: Arc::new(|| SystemTime::now().into()),
    };
    Ok(Some(Facade::open(config, cloud, clients, parts).await?))
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
fn issuer(config: &Config) -> String {
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

/// Makes a client of Key Vaults, with the door's own identity.
fn key_vault(config: &Config, entra: &EntraClient, connector: &Connector) -> KeyVault {
    let (entra, tenant) = (entra.clone(), own_tenant(config).map(ToString::to_string).unwrap_or_default());
    let token = move |scope: &str| -> BoxFuture<'static, Result<Arc<Secret<String>>, String>> {
        let (entra, tenant, scope) = (entra.clone(), tenant.clone(), scope.to_owned());
        Box::pin(async move { entra.app_token(&tenant, &scope).await.map_err(|error| error.to_string()) })
    };
    // Vaults have private endpoints: the operator wrote the address.
    let vault = KeyVault::new(Arc::new(ConfiguredFetch(connector.clone())), Arc::new(token));
    let lab = config.lab.as_ref().and_then(|lab| lab.key_vault.as_ref());
    match lab.and_then(|origin| Origin::parse(origin.as_str()).ok()) {
        Some(origin) => vault.in_lab(origin),
        None => vault,
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

/// Makes the client of Entra, where a credential is configured.
pub(crate) fn entra_client(
    config: &Config,
    cloud: &Cloud,
    connector: &Connector,
) -> Result<Option<EntraClient>, BuildError> {
    let (Some(configured), Some(client_id)) = (&config.entra.credential, &config.entra.client_id) else {
        return Ok(None);
    };
    let credential = credential(config, configured, connector)?;
    let config = EntraConfig { cloud: cloud.clone(), client_id: client_id.clone(), credential };
    Ok(Some(EntraClient::new(Arc::new(connector.clone()), config, Stopwatch::system())))
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

/// Makes the door's credential at Entra.
fn credential(
    config: &Config,
    configured: &EntraCredential,
    connector: &Connector,
) -> Result<ClientCredential, BuildError> {
    match configured {
        EntraCredential::Secret { file, expires } => {
            remind(*expires, SystemTime::now().into());
            tracing::warn!(
                "the door proves itself to Entra with a secret, which can be copied; a managed identity or a certificate cannot"
            );
            if !is_private(file) {
                tracing::warn!(file = %file.display(), "others on this machine can read the secret: chmod 600 it");
            }
            Ok(ClientCredential::Secret(read_secret(file)?))
        }
        EntraCredential::Certificate { certificate, key } => {
            if !is_private(key) {
                tracing::warn!(file = %key.display(), "others on this machine can read the key: chmod 600 it");
            }
            let key = Zeroizing::new(read(key)?);
            let loaded = CertificateCredential::load(&read(certificate)?, &key);
            loaded
                .map(ClientCredential::Certificate)
                .map_err(|error| BuildError::Credential(error.to_string()))
        }
        EntraCredential::WorkloadIdentity { token_file } => {
            Ok(ClientCredential::WorkloadIdentity(WorkloadIdentity::new(token_file)))
        }
        EntraCredential::ManagedIdentity { identity, source } => {
            managed_identity(config, identity.clone(), *source, connector)
        }
    }
}

/// Makes the identity of the machine. The platform says in the environment of the process where it is asked for; nothing
/// else of the door reads the environment.
fn managed_identity(
    config: &Config,
    client_id: Option<ClientId>,
    source: doorward_config::IdentitySource,
    connector: &Connector,
) -> Result<ClientCredential, BuildError> {
    use doorward_config::IdentitySource as From;
    let bad = |what: String| BuildError::Credential(what);
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let endpoint = variable("IDENTITY_ENDPOINT");
    let arc = variable("IMDS_ENDPOINT").is_some();
    let source = match (source, variable("IDENTITY_HEADER")) {
        (From::Imds, _) => IdentitySource::Imds,
        (From::Arc, _) => {
            IdentitySource::Arc { endpoint: endpoint.unwrap_or_else(|| ARC_ENDPOINT.to_owned()) }
        }
        (From::AppService | From::Auto, Some(header)) if endpoint.is_some() => {
            IdentitySource::AppService { endpoint: endpoint.unwrap_or_default(), header: Secret::new(header) }
        }
        (From::AppService, _) => {
            let what = "`source = \"app-service\"`, and the platform has set neither IDENTITY_ENDPOINT nor IDENTITY_HEADER: assign an identity to the app, or write another source";
            return Err(bad(what.to_owned()));
        }
        (From::Auto, _) if arc && endpoint.is_some() => {
            IdentitySource::Arc { endpoint: endpoint.unwrap_or_default() }
        }
        (From::Auto, _) => IdentitySource::Imds,
    };
    let connector = match &source {
        IdentitySource::AppService { endpoint, .. } | IdentitySource::Arc { endpoint } => {
            connector.with_identity_endpoint(endpoint).map_err(|error| bad(error.to_string()))?
        }
        _ => connector.clone(),
    };
    let lab = config.lab.as_ref().and_then(|lab| {
        let imds = lab.identity.as_ref()?.to_string();
        Some(IdentityLab { imds, arc_keys: config.audit.dir.join("none") })
    });
    let made =
        IdentityConfig { source, client_id, lab, clock: Stopwatch::system(), sleeper: Sleeper::system() };
    let fetch: Arc<dyn Fetch> = Arc::new(PlatformFetch(connector));
    Ok(ClientCredential::ManagedIdentity(ManagedIdentity::new(fetch, made)))
}

/// Reminds of a secret that is about to expire: nobody could sign in from that day on (AADSTS7000222).
fn remind(expires: Option<i64>, now: Timestamp) {
    const AHEAD: i64 = 30 * 86_400;
    let Some(left) = expires.map(|expires| expires - now.as_secs()) else { return };
    if left <= 0 {
        tracing::error!("the client secret has expired by its date: nobody can sign in until it is replaced");
    } else if left <= AHEAD {
        tracing::warn!(
            days = left / 86_400,
            "the client secret expires soon: make a new one, or better none"
        );
    }
}

/// Says whether nobody but the owner can read a file.
fn is_private(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|about| about.permissions().mode() & 0o077 == 0)
}

/// Makes what the door calls a server with.
pub(crate) fn server_credential(
    config: &Config,
    server: &Server,
    ready: &Ready,
    connector: &Connector,
) -> Result<Option<Arc<dyn OutboundCredential>>, BuildError> {
    let Some(configured) = &server.credential else { return Ok(None) };
    let entra = || ready.entra.clone().ok_or(BuildError::NoCredential("server.credential"));
    let name = |header: &str| {
        HeaderName::from_bytes(header.as_bytes())
            .map_err(|_| BuildError::Target(format!("`{header}` is no header name")))
    };
    Ok(Some(match configured {
        ServerCredential::OnBehalfOf { scope } => {
            Arc::new(OnBehalfOf::new(entra()?, ready.grants.clone(), scope.clone()))
        }
        ServerCredential::Workload { scope } => {
            let tenant = own_tenant(config).ok_or(BuildError::NoCredential("server.credential"))?;
            Arc::new(Workload::new(entra()?, tenant.clone(), scope.clone()))
        }
        ServerCredential::SecretFile { file, header, prefix } => {
            Arc::new(Fixed { name: name(header)?, prefix: prefix.clone(), secret: read_secret(file)? })
        }
        ServerCredential::KeyVaultSecret { url, header, prefix } => {
            let vault = key_vault(config, &entra()?, connector);
            Arc::new(VaultSecret::new(name(header)?, prefix.clone(), vault, url.to_string()))
        }
        ServerCredential::UserGrant(_) => {
            let connections = ready.connections.clone().ok_or(BuildError::NoVault)?;
            Arc::new(UserGrant::new(connections, server.name.clone(), &issuer(config)))
        }
    }))
}

/// The tenant that the door itself lives in: its own, or the first of several.
fn own_tenant(config: &Config) -> Option<&TenantId> {
    match &config.entra.tenants {
        doorward_config::Tenants::One(tenant) => Some(tenant),
        doorward_config::Tenants::Many(tenants) => tenants.first(),
    }
}
