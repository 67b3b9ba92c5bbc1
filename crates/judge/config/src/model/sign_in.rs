//! What a valid file says of signing in.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use doorward_types::{ClientId, ServerName};

use super::Spotlight;
use crate::net::HttpUrl;

/// `[entra.credential]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntraCredential {
    /// The identity of the machine.
    ManagedIdentity {
        /// Client id of a user-assigned one.
        identity: Option<ClientId>,
        /// Who gives its tokens.
        source: IdentitySource,
    },
    /// A token file that the platform keeps fresh.
    WorkloadIdentity {
        /// The file.
        token_file: PathBuf,
    },
    /// A certificate with its key.
    Certificate {
        /// PEM file of the certificate.
        certificate: PathBuf,
        /// PEM file of the key.
        key: PathBuf,
    },
    /// A secret.
    Secret {
        /// The file.
        file: PathBuf,
        /// The day it expires, in seconds since the epoch.
        expires: Option<i64>,
    },
}

/// Who gives a managed identity's tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdentitySource {
    /// Whatever the platform has set for the process.
    Auto,
    /// The metadata service of a virtual machine.
    Imds,
    /// App Service, Functions, Container Apps.
    AppService,
    /// Azure Arc.
    Arc,
}

/// `[sign_in]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignIn {
    /// The life of an access token.
    pub access_token: Duration,
    /// Unused for this long, a sign-in ends.
    pub refresh_idle: Duration,
    /// This old, a sign-in ends.
    pub refresh_absolute: Duration,
    /// After this long Entra is asked again.
    pub recheck: Duration,
    /// How long a browser stays signed in to the door's own pages.
    pub session: Duration,
    /// Whether clients may register themselves.
    pub registration: bool,
    /// Registered clients at once.
    pub registration_limit: u64,
    /// Unused for this long, a registration ends.
    pub registration_expires: Duration,
    /// Whether clients may be described by documents.
    pub client_documents: bool,
    /// Hosts whose documents are taken; empty for all.
    pub client_document_hosts: Vec<String>,
    /// Schemes of native applications that may be redirected to.
    pub redirect_schemes: Vec<String>,
    /// Whose tokens of Entra's own open servers too.
    pub entra_tokens: EntraTokens,
    /// Scopes in words.
    pub scopes: BTreeMap<String, String>,
    /// After this long a new signing key follows.
    pub signing_key_life: Duration,
}

/// Whose tokens of Entra's own open servers beside the door's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntraTokens {
    /// Nobody's.
    None,
    /// Those of applications.
    Apps,
    /// Everybody's.
    All,
}

/// `[[client]]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisteredClient {
    /// Its id.
    pub id: ClientId,
    /// Its name.
    pub name: String,
    /// Where it may be answered.
    pub redirect_uris: Vec<String>,
    /// File with its secret.
    pub secret_file: Option<PathBuf>,
    /// File with its public keys.
    pub jwks_file: Option<PathBuf>,
    /// Roles of a machine.
    pub roles: Vec<String>,
    /// The servers it is for; empty for all.
    pub servers: Vec<ServerName>,
    /// Whether it gets tokens only bound to a key that it proves to hold.
    pub require_dpop: bool,
    /// How it is told that a text is a stranger's; as the server has it if it says nothing.
    pub spotlight: Option<Spotlight>,
}

/// `[vault]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vault {
    /// The database.
    pub path: PathBuf,
    /// Where its key comes from.
    pub key: VaultKey,
}

/// Where the key of the vault comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VaultKey {
    /// A file.
    File(PathBuf),
    /// A key of Azure Key Vault.
    KeyVault(HttpUrl),
}

/// `server.credential`
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerCredential {
    /// A token for the calling person.
    OnBehalfOf {
        /// What for.
        scope: String,
    },
    /// An application token of the door's own.
    Workload {
        /// What for.
        scope: String,
    },
    /// A secret of a file.
    SecretFile {
        /// The file.
        file: PathBuf,
        /// The header, in lower case.
        header: String,
        /// What stands before it.
        prefix: String,
    },
    /// A secret of Azure Key Vault.
    KeyVaultSecret {
        /// Its address.
        url: HttpUrl,
        /// The header, in lower case.
        header: String,
        /// What stands before it.
        prefix: String,
    },
    /// The person's own account elsewhere.
    UserGrant(UserGrant),
}

/// The person's own account at a server's authorization server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserGrant {
    /// The authorization server; without it the one that the server names.
    pub issuer: Option<HttpUrl>,
    /// The door's client id there; without it the door registers itself.
    pub client_id: Option<String>,
    /// File with the door's secret there.
    pub client_secret_file: Option<PathBuf>,
    /// Where the door's client metadata document stands.
    pub client_document: Option<HttpUrl>,
    /// What to ask for.
    pub scopes: Vec<String>,
}

impl ServerCredential {
    /// Says whether the server is called as the person who calls: without one it cannot be called.
    pub fn is_per_person(&self) -> bool {
        matches!(self, Self::OnBehalfOf { .. } | Self::UserGrant(_))
    }
}
