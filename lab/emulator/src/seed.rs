//! Who and what exists: tenants, groups, people and applications, read from a TOML file.
//!
//! The file is written by the operator of the lab. Everything in it, passwords too, is for the lab only.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::EmulatorError;
use crate::random::guid_for;

mod check;
mod find;

/// The application id of Microsoft Graph, the same in every tenant of every cloud.
pub const GRAPH_APP_ID: &str = "00000003-0000-0000-c000-000000000000";

/// The application id of the API that federated credentials are tokens for.
pub(crate) const TOKEN_EXCHANGE_APP_ID: &str = "fb60f99c-7a34-4190-8149-302f77469936";

/// The seed that is compiled in; `docs/lab.md` lists it.
const DEFAULT: &str = include_str!("../seed/default.toml");

/// All that exists when the emulator starts.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seed {
    /// The directories.
    #[serde(rename = "tenant")]
    pub tenants: Vec<Tenant>,
    /// Security groups.
    #[serde(rename = "group", default)]
    pub groups: Vec<Group>,
    /// People.
    #[serde(rename = "user", default)]
    pub users: Vec<User>,
    /// Applications: APIs, clients and daemons.
    #[serde(rename = "app", default)]
    pub apps: Vec<App>,
    /// What the vault holds.
    #[serde(default)]
    pub key_vault: KeyVault,
    /// Who may use Content Safety.
    #[serde(default)]
    pub content_safety: ContentSafety,
}

/// The one resource of Content Safety, and who may use it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContentSafety {
    /// Short names of the applications and managed identities that may ask.
    #[serde(default)]
    pub admits: Vec<String>,
    /// Its keys, for the lab only.
    #[serde(default)]
    pub keys: Vec<String>,
    /// Requests in ten seconds of each who asks.
    #[serde(default = "thousand")]
    pub rate: u32,
}

impl Default for ContentSafety {
    fn default() -> Self {
        Self { admits: Vec::new(), keys: Vec::new(), rate: thousand() }
    }
}

/// The contents of the one vault, and who may use it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyVault {
    /// Short names of the applications and managed identities that may read secrets and use keys.
    #[serde(default)]
    pub admits: Vec<String>,
    /// Names of RSA keys; each is made at the start and has one version.
    #[serde(default)]
    pub keys: Vec<String>,
    /// Secrets.
    #[serde(rename = "secret", default)]
    pub secrets: Vec<VaultSecret>,
}

/// A secret in the vault, for the lab only.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VaultSecret {
    /// Its name.
    pub name: String,
    /// Its text.
    pub value: String,
    /// Refused as disabled.
    #[serde(default)]
    pub disabled: bool,
    /// `attributes.exp` lies in the past. The vault hands it out all the same, as the real one does.
    #[serde(default)]
    pub expired: bool,
}

/// What makes an application a managed identity: it has no credential, and the machine's endpoint speaks for it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManagedIdentity {
    /// The `oid` of its tokens.
    pub object_id: String,
    /// The Azure resource id.
    pub resource_id: String,
    /// It is the machine's own (system-assigned): the one that is meant when a request selects none.
    #[serde(default)]
    pub system: bool,
}

/// A directory.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tenant {
    /// Short name used in the seed and by the control interface.
    pub name: String,
    /// The `tid`.
    pub id: String,
    /// The verified domain, which may stand for the id in an authority's path.
    pub domain: String,
}

/// A security group.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Short name.
    pub name: String,
    /// Object id.
    pub id: String,
}

/// A person in one tenant.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// Short name, unique in the seed.
    pub name: String,
    /// The tenant's short name.
    pub tenant: String,
    /// Object id, the `oid`.
    pub id: String,
    /// Full name.
    pub display_name: String,
    /// User principal name; what is typed on the sign-in page.
    pub upn: String,
    /// Mail address; also accepted on the sign-in page. Empty for somebody who has none: Graph says `null` then.
    #[serde(default)]
    pub mail: String,
    /// Password, for the lab only.
    pub password: String,
    /// Sign-in is blocked (AADSTS50057).
    #[serde(default)]
    pub disabled: bool,
    /// The tenant a guest comes from; absent for members.
    #[serde(default)]
    pub home_tenant: Option<String>,
    /// Short names of the groups the person is in.
    #[serde(default)]
    pub groups: Vec<String>,
    /// So many further groups, with ids derived from the name: more than 200 cause the overage claim.
    #[serde(default)]
    pub generated_groups: u32,
    /// App roles by the application's short name.
    #[serde(default)]
    pub roles: BTreeMap<String, Vec<String>>,
}

/// An application registration together with its service principals.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct App {
    /// Short name, unique in the seed.
    pub name: String,
    /// Application (client) id.
    pub id: String,
    /// The home tenant's short name.
    pub tenant: String,
    /// May be used from every tenant of the seed (else AADSTS700016 or 50194).
    #[serde(default)]
    pub multi_tenant: bool,
    /// App ID URIs. `{authority}` stands for the emulator's origin.
    #[serde(default)]
    pub identifier_uris: Vec<String>,
    /// `api.requestedAccessTokenVersion`: 1 or 2.
    #[serde(default = "version_two")]
    pub token_version: u8,
    /// Delegated scopes that the API exposes.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// App roles that the API defines.
    #[serde(default)]
    pub roles: Vec<String>,
    /// Optional claims in access tokens for this API; `xms_cc`, `idtyp`, `acct`, `email`, `upn` and `auth_time` are known.
    #[serde(default)]
    pub optional_claims: Vec<String>,
    /// `groupMembershipClaims` is `SecurityGroup`: tokens for this API carry groups.
    #[serde(default)]
    pub group_claims: bool,
    /// Only people with an app role may get a token (AADSTS50105).
    #[serde(default)]
    pub assignment_required: bool,
    /// Client short name → delegated scopes it may use without asking (pre-authorised or consented by an administrator).
    #[serde(default)]
    pub preauthorized: BTreeMap<String, Vec<String>>,
    /// Client short name → app roles granted to it for client credentials.
    #[serde(default)]
    pub app_grants: BTreeMap<String, Vec<String>>,
    /// A public client: it has no credential and may use the device code.
    #[serde(default)]
    pub public: bool,
    /// The registration is disabled (AADSTS7000112).
    #[serde(default)]
    pub disabled: bool,
    /// Redirect URIs of the platforms web and native.
    #[serde(default)]
    pub redirect_uris: Vec<String>,
    /// Redirect URIs of single-page applications.
    #[serde(default)]
    pub spa_redirect_uris: Vec<String>,
    /// Client secrets.
    #[serde(default)]
    pub secrets: Vec<ClientSecret>,
    /// Has a certificate, whose key the emulator makes and hands out.
    #[serde(default)]
    pub certificate: bool,
    /// Federated identity credentials.
    #[serde(default)]
    pub federated: Vec<Federated>,
    /// Optional claims in ID tokens for this client; `groups`, `sid`, `login_hint`, `auth_time`, `email` and `acct` are known.
    #[serde(default)]
    pub id_token_claims: Vec<String>,
    /// It is a managed identity.
    #[serde(default)]
    pub managed_identity: Option<ManagedIdentity>,
    /// It is an agent identity: the short name of its blueprint, which alone can speak for it.
    #[serde(default)]
    pub blueprint: Option<String>,
}

/// A client secret.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientSecret {
    /// Its text, for the lab only.
    pub value: String,
    /// Refused as expired (AADSTS7000222).
    #[serde(default)]
    pub expired: bool,
}

/// A federated identity credential: a foreign token with exactly these claims stands for the client's own credential.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Federated {
    /// `iss`; `{authority}` stands for the emulator's origin.
    pub issuer: String,
    /// `sub`.
    pub subject: String,
    /// `aud`.
    #[serde(default = "token_exchange")]
    pub audience: String,
}

impl Seed {
    /// Reads a seed.
    ///
    /// # Errors
    /// [`EmulatorError::Seed`] says what is wrong: the syntax, a doubled or unknown name, an id that is no GUID.
    pub fn parse(text: &str) -> Result<Self, EmulatorError> {
        let seed: Self = toml::from_str(text).map_err(|error| EmulatorError::Seed(error.to_string()))?;
        check::check(&seed).map_err(EmulatorError::Seed)?;
        Ok(seed)
    }

    /// Returns the seed that is compiled in: the tenants contoso and fabrikam.
    ///
    /// # Errors
    /// None in a build whose tests pass; the signature is that of [`Self::parse`].
    pub fn contoso() -> Result<Self, EmulatorError> {
        Self::parse(DEFAULT)
    }
}

impl User {
    /// Returns the object ids of the groups the person is in.
    pub(crate) fn group_ids(&self, seed: &Seed) -> Vec<String> {
        let named = seed
            .groups
            .iter()
            .filter(|group| self.groups.contains(&group.name))
            .map(|group| group.id.clone());
        let generated = (0..self.generated_groups).map(|n| guid_for(&["group", &self.id, &n.to_string()]));
        named.chain(generated).collect()
    }
}

impl App {
    /// Returns the object id of the service principal in a tenant: the `oid` of app-only tokens.
    pub(crate) fn principal_in(&self, tenant: &Tenant) -> String {
        if let Some(identity) = &self.managed_identity {
            return identity.object_id.clone();
        }
        guid_for(&["service-principal", &tenant.id, &self.id])
    }
}

fn version_two() -> u8 {
    2
}

fn thousand() -> u32 {
    1_000
}

fn token_exchange() -> String {
    String::from("api://AzureADTokenExchange")
}

#[cfg(test)]
mod tests;
