//! With what the door proves who it is: to Entra, to Key Vaults, to the servers behind it.

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use doorward_config::{Config, EntraCredential, Server, ServerCredential};
use doorward_entra::{
    ARC_ENDPOINT, CertificateCredential, ClientCredential, ConfiguredFetch, EntraClient, EntraConfig, Fetch,
    IdentityConfig, IdentityLab, IdentitySource, KeyVault, ManagedIdentity, PlatformFetch, Sleeper,
    Stopwatch, WorkloadIdentity,
};
use doorward_net::{Connector, Origin};
use doorward_oauth::Cloud;
use doorward_types::{ClientId, Secret, TenantId, Timestamp};
use doorward_upstream::OutboundCredential;
use futures_util::future::BoxFuture;
use http::HeaderName;
use zeroize::Zeroizing;

use crate::build::{BuildError, read, read_secret};
use crate::downstream::{Fixed, OnBehalfOf, UserGrant, VaultSecret, Workload};
use crate::sign_in::{Ready, issuer};

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
pub(crate) fn is_private(path: &Path) -> bool {
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
pub(crate) fn own_tenant(config: &Config) -> Option<&TenantId> {
    match &config.entra.tenants {
        doorward_config::Tenants::One(tenant) => Some(tenant),
        doorward_config::Tenants::Many(tenants) => tenants.first(),
    }
}

/// Makes a client of Key Vaults, with the door's own identity.
pub(crate) fn key_vault(config: &Config, entra: &EntraClient, connector: &Connector) -> KeyVault {
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
