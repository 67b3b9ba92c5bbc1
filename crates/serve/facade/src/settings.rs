//! What the configuration says, in the form the façade needs it.

use std::collections::BTreeMap;
use std::time::Duration;

use doorward_config::{Config, SignIn, Tenants as Allowed};
use doorward_issuer::authorize::Resource;
use doorward_issuer::family::FamilyRules;
use doorward_issuer::redirect::RedirectRules;
use doorward_oauth::{Audience, Cloud, EntraTokens, Expectation, IdTokenExpectation, Tenants};
use doorward_types::{ClientId, ServerName};

use crate::entra::own_scopes;

/// The scope of a server that names none.
pub const DEFAULT_SCOPE: &str = "mcp";

/// Tolerated difference between Entra's clock and ours.
const SKEW: Duration = Duration::from_secs(60);

/// Settings of one façade.
pub(crate) struct Settings {
    /// The issuer: the public URL as clients compare it, byte for byte.
    pub(crate) issuer: String,
    /// Host and port, for the foot of pages.
    pub(crate) host: String,
    pub(crate) secure: bool,
    pub(crate) resources: Vec<Resource>,
    pub(crate) words: BTreeMap<String, String>,
    pub(crate) sign_in: SignIn,
    pub(crate) redirects: RedirectRules,
    pub(crate) families: FamilyRules,
    pub(crate) cloud: Cloud,
    pub(crate) tenants: Tenants,
    /// The door's own application at Entra.
    pub(crate) client_id: ClientId,
    /// The part of Entra's addresses that names whom it signs in.
    pub(crate) authority_segment: String,
    /// What is asked of Entra: who it is, and a token for the door itself.
    pub(crate) entra_scopes: Vec<String>,
    pub(crate) callback: String,
    /// The servers that a configured client is for; a client that is not here may use all.
    clients: BTreeMap<String, Vec<ServerName>>,
    /// The app role of those who answer questions about others' calls.
    pub(crate) approver_role: Option<String>,
    /// The console's origin, and the app role of those who may use it.
    pub(crate) console: Option<(String, String)>,
    /// Whether any client acts for itself.
    pub(crate) machines: bool,
}

impl Settings {
    /// Takes what the façade needs; `None` where it is not configured.
    pub(crate) fn of(config: &Config, cloud: Cloud) -> Option<Self> {
        let sign_in = config.sign_in.clone()?;
        let client_id = config.entra.client_id.clone()?;
        let issuer = config.gateway.public_url.as_str().trim_end_matches('/').to_owned();
        let resource = |server: &doorward_config::Server| Resource {
            url: format!("{issuer}{}", server.path()),
            server: server.name.clone(),
            scopes: scopes(server),
        };
        let tenants = match &config.entra.tenants {
            Allowed::One(tenant) => Tenants::One(tenant.clone()),
            Allowed::Many(tenants) => Tenants::Many(tenants.iter().cloned().collect()),
        };
        let authority_segment = match &tenants {
            Tenants::One(tenant) => tenant.to_string(),
            Tenants::Many(_) => "organizations".to_owned(),
        };
        Some(Self {
            host: config.gateway.public_url.authority().to_owned(),
            secure: config.gateway.public_url.is_https(),
            resources: config.servers.iter().map(resource).collect(),
            words: sign_in.scopes.clone(),
            redirects: RedirectRules { schemes: sign_in.redirect_schemes.clone() },
            families: FamilyRules {
                idle: sign_in.refresh_idle,
                absolute: sign_in.refresh_absolute,
                recheck: sign_in.recheck,
                grace: Duration::from_secs(15 * 60),
                repeat: Duration::from_secs(30),
            },
            cloud,
            tenants,
            authority_segment,
            entra_scopes: own_scopes(&client_id),
            callback: format!("{issuer}/oauth/callback"),
            clients: config
                .clients
                .iter()
                .filter(|client| !client.servers.is_empty())
                .map(|client| (client.id.as_str().to_owned(), client.servers.clone()))
                .collect(),
            approver_role: config.flow.approver_role.clone(),
            console: config.admin.as_ref().map(|admin| {
                (admin.public_url.as_str().trim_end_matches('/').to_owned(), admin.role.clone())
            }),
            machines: config.clients.iter().any(|client| !client.roles.is_empty()),
            issuer,
            sign_in,
            client_id,
        })
    }

    /// Returns the resource of that address.
    pub(crate) fn resource(&self, url: &str) -> Option<&Resource> {
        self.resources.iter().find(|resource| resource.url == url)
    }

    /// Says whether a client may use a server: configured clients may be for some only.
    pub(crate) fn may_use(&self, client: &ClientId, server: &ServerName) -> bool {
        self.clients.get(client.as_str()).is_none_or(|servers| servers.contains(server))
    }

    /// Says what a scope lets its holder do.
    pub(crate) fn say(&self, scope: &str, server: &str) -> String {
        match self.words.get(scope) {
            Some(words) => words.clone(),
            None => {
                format!("See and use what {server} offers, as you and no further than your own rights reach")
            }
        }
    }

    /// What the access token must be that Entra gives for the door itself.
    pub(crate) fn own_token(&self) -> Expectation {
        Expectation {
            cloud: self.cloud.clone(),
            tenants: self.tenants.clone(),
            audience: Audience {
                client_id: self.client_id.clone(),
                app_id_uris: vec![format!("api://{}", self.client_id)],
            },
            required_scope: Vec::new(),
            required_role: Vec::new(),
            allow_app_only: false,
            skew: SKEW,
            accept_v1: true,
            door: None,
            entra: EntraTokens::All,
        }
    }

    /// What the ID token must be that answers a sign-in with this nonce.
    pub(crate) fn id_token<'a>(&'a self, nonce: &'a str) -> IdTokenExpectation<'a> {
        IdTokenExpectation {
            cloud: self.cloud.clone(),
            tenants: self.tenants.clone(),
            client_id: self.client_id.clone(),
            nonce: Some(nonce),
            skew: SKEW,
        }
    }
}

/// Returns the scopes of a server, the one that is asked for without being named first.
pub fn scopes(server: &doorward_config::Server) -> Vec<String> {
    match server.access.required_scope.as_slice() {
        [] => vec![DEFAULT_SCOPE.to_owned()],
        scopes => scopes.to_vec(),
    }
}
