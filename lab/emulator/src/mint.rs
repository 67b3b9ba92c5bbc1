//! Tokens made to order, fit and unfit, for tests and for `doorward lab token`.

use std::time::Duration;

use serde::Deserialize;
use serde_json::json;

use crate::EmulatorError;
use crate::jwt::{self, Object};
use crate::lab::Lab;
use crate::seed::{App, GRAPH_APP_ID, Tenant, User};
use crate::tokens::{self, AccessToken, ClientProof, GroupClaim, Subject};

/// What a minted token is to be. Names are short names or ids of the seed; whatever is left out is as Entra would
/// have it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MintRequest {
    /// Whom it speaks for.
    pub subject: MintSubject,
    /// The tenant; by default the subject's.
    #[serde(default)]
    pub tenant: Option<String>,
    /// The client that got it; for an application it is the application itself.
    #[serde(default = "vscode")]
    pub client: String,
    /// The API it is for.
    #[serde(default = "door")]
    pub resource: String,
    /// Access or ID token.
    #[serde(default)]
    pub kind: TokenKind,
    /// 1 or 2; by default what the API's registration asks for.
    #[serde(default)]
    pub version: Option<u8>,
    /// Scopes; by default all that the API exposes.
    #[serde(default)]
    pub scopes: Option<Vec<String>>,
    /// App roles; by default those assigned in the seed.
    #[serde(default)]
    pub roles: Option<Vec<String>>,
    /// Groups.
    #[serde(default)]
    pub groups: GroupChoice,
    /// Seconds until it expires.
    #[serde(default)]
    pub lifetime: Option<u64>,
    /// The client announced `cp1`.
    #[serde(default)]
    pub capable: bool,
    /// Claims put over the others, whatever they are; `null` removes one.
    #[serde(default)]
    pub claims: Object,
    /// Header members put over the others; `null` removes one.
    #[serde(default)]
    pub header: Object,
    /// The key to sign with, or, if it is none of the ring's, just what the header says.
    #[serde(default)]
    pub kid: Option<String>,
}

/// Whom a minted token speaks for.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MintSubject {
    /// A person.
    User(String),
    /// An application.
    App(String),
}

/// What kind of token to mint.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenKind {
    /// An access token for the API.
    #[default]
    Access,
    /// An ID token for the client.
    Id,
}

/// Which groups a minted token shows.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GroupChoice {
    /// Those of the seed, in the form Entra would choose.
    #[default]
    Seed,
    /// None.
    Absent,
    /// These.
    Listed(Vec<String>),
    /// The overage claim.
    Overage,
    /// The short overage claim of the implicit flow.
    HasGroups,
}

impl MintRequest {
    /// Asks for an access token of a person for the door, got by VS Code.
    pub fn user(name: &str) -> Self {
        Self::of(MintSubject::User(name.to_owned()), vscode())
    }

    /// Asks for an access token of an application for the door.
    pub fn app(name: &str) -> Self {
        Self::of(MintSubject::App(name.to_owned()), name.to_owned())
    }

    /// Takes another API.
    #[must_use]
    pub fn resource(mut self, name: &str) -> Self {
        self.resource = name.to_owned();
        self
    }

    /// Puts a claim over what Entra would say; `null` removes it.
    #[must_use]
    pub fn claim(mut self, name: &str, value: serde_json::Value) -> Self {
        self.claims.insert(name.to_owned(), value);
        self
    }

    fn of(subject: MintSubject, client: String) -> Self {
        Self {
            subject,
            tenant: None,
            client,
            resource: door(),
            kind: TokenKind::Access,
            version: None,
            scopes: None,
            roles: None,
            groups: GroupChoice::Seed,
            lifetime: None,
            capable: false,
            claims: Object::new(),
            header: Object::new(),
            kid: None,
        }
    }
}

/// Mints a token.
pub(crate) fn mint(lab: &Lab, request: &MintRequest) -> Result<String, EmulatorError> {
    let resource = app(lab, &request.resource)?;
    let lifetime =
        request.lifetime.map_or_else(|| tokens::lifetime(lab), |secs| Ok(Duration::from_secs(secs)))?;
    let version = request.version.unwrap_or(resource.token_version);
    let mut claims = match &request.subject {
        MintSubject::User(name) => {
            let user = lab.seed.user(name).ok_or_else(|| EmulatorError::unknown("user", name))?;
            let tenant = tenant(lab, request, &user.tenant)?;
            let client = app(lab, &request.client)?;
            if request.kind == TokenKind::Id {
                tokens::id_token_claims(lab, user, tenant, client, None, None, lifetime)?
            } else {
                // What the client has been granted; all of it, where nobody was asked.
                let granted = resource.preauthorized.get(&client.name).unwrap_or(&resource.scopes);
                let scopes = request.scopes.as_ref().unwrap_or(granted);
                let subject = Subject::User { user, scopes };
                let mut token = access(lab, request, subject, tenant, client, resource, version, lifetime);
                token.groups = groups(lab, request, user, resource);
                token.claims(lab)?
            }
        }
        MintSubject::App(name) => {
            let client = app(lab, name)?;
            let tenant = tenant(lab, request, &client.tenant)?;
            access(lab, request, Subject::App, tenant, client, resource, version, lifetime).claims(lab)?
        }
    };
    overlay(&mut claims, &request.claims);
    sign(lab, request, &claims, version, resource)
}

/// Signs a token of the workload issuer, good for five minutes.
pub(crate) fn workload_token(lab: &Lab, subject: &str, over: &Object) -> Result<String, EmulatorError> {
    let now = lab.clock.now().as_secs();
    let mut claims = Object::from_iter([
        (String::from("iss"), json!(lab.workload_issuer())),
        (String::from("sub"), json!(subject)),
        (String::from("aud"), json!("api://AzureADTokenExchange")),
        (String::from("iat"), json!(now)),
        (String::from("nbf"), json!(now)),
        (String::from("exp"), json!(now.saturating_add(300))),
    ]);
    overlay(&mut claims, over);
    let key = lab.keys().current()?;
    jwt::sign(&jwt::header(&key.kid, false), &claims, &key)
}

#[expect(clippy::too_many_arguments, reason = "each is a field of the token")]
fn access<'a>(
    lab: &Lab,
    request: &MintRequest,
    subject: Subject<'a>,
    tenant: &'a Tenant,
    client: &'a App,
    resource: &'a App,
    version: u8,
    lifetime: Duration,
) -> AccessToken<'a> {
    let seeded = match subject {
        Subject::User { user, .. } => user.roles.get(&resource.name),
        Subject::App => resource.app_grants.get(&client.name),
    };
    AccessToken {
        subject,
        tenant,
        client,
        proof: if client.public { ClientProof::Public } else { ClientProof::Secret },
        resource,
        asked_as: &resource.id,
        version,
        roles: request.roles.clone().or_else(|| seeded.cloned()).unwrap_or_default(),
        groups: GroupClaim::Absent,
        capable: request.capable,
        acrs: Vec::new(),
        mfa: false,
        auth_time: lab.clock.now(),
        lifetime,
    }
}

fn groups(lab: &Lab, request: &MintRequest, user: &User, resource: &App) -> GroupClaim {
    match &request.groups {
        GroupChoice::Seed if resource.group_claims => GroupClaim::of(user.group_ids(&lab.seed)),
        GroupChoice::Seed | GroupChoice::Absent => GroupClaim::Absent,
        GroupChoice::Listed(ids) => GroupClaim::Listed(ids.clone()),
        GroupChoice::Overage => GroupClaim::Overage,
        GroupChoice::HasGroups => GroupClaim::HasGroups,
    }
}

fn sign(
    lab: &Lab,
    request: &MintRequest,
    claims: &Object,
    version: u8,
    resource: &App,
) -> Result<String, EmulatorError> {
    let ring = lab.keys();
    let named = request.kid.as_deref().and_then(|kid| ring.find(kid));
    let key = named.map_or_else(|| ring.current(), Ok)?;
    let mut header = jwt::header(
        request.kid.as_deref().unwrap_or(&key.kid),
        version == 1 && request.kind == TokenKind::Access,
    );
    if resource.id == GRAPH_APP_ID && request.kind == TokenKind::Access {
        header.insert(String::from("nonce"), json!(crate::random::opaque()?));
    }
    overlay(&mut header, &request.header);
    jwt::sign(&header, claims, &key)
}

fn overlay(object: &mut Object, over: &Object) {
    for (name, value) in over {
        if value.is_null() {
            object.remove(name);
        } else {
            object.insert(name.clone(), value.clone());
        }
    }
}

fn tenant<'a>(lab: &'a Lab, request: &MintRequest, default: &str) -> Result<&'a Tenant, EmulatorError> {
    let name = request.tenant.as_deref().unwrap_or(default);
    lab.seed.tenant(name).ok_or_else(|| EmulatorError::unknown("tenant", name))
}

fn app<'a>(lab: &'a Lab, name: &str) -> Result<&'a App, EmulatorError> {
    lab.seed.app(name).ok_or_else(|| EmulatorError::unknown("app", name))
}

fn vscode() -> String {
    String::from("vscode")
}

fn door() -> String {
    String::from("door")
}
