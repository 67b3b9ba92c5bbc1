//! Access tokens and ID tokens, with the claims Entra gives them.

use std::time::Duration;

use doorward_types::Timestamp;
use serde_json::{Value, json};

use crate::EmulatorError;
use crate::jwt::{self, Object};
use crate::lab::Lab;
use crate::random;
use crate::seed::{App, GRAPH_APP_ID, Tenant, User};
use crate::store::SignIn;

mod groups;

pub(crate) use groups::GroupClaim;

/// Entra dates tokens back, so that a resource whose clock is behind accepts them at once.
const BACKDATED: Duration = Duration::from_secs(300);

/// Whom a token speaks for.
#[derive(Clone, Copy)]
pub(crate) enum Subject<'a> {
    /// A person, with the scopes the client was granted.
    User { user: &'a User, scopes: &'a [String] },
    /// The client itself.
    App,
}

/// How the client proved itself: `azpacr` in v2.0 tokens, `appidacr` in v1.0 tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClientProof {
    Public,
    Secret,
    Certificate,
}

/// What an access token is made from.
pub(crate) struct AccessToken<'a> {
    pub(crate) subject: Subject<'a>,
    pub(crate) tenant: &'a Tenant,
    pub(crate) client: &'a App,
    pub(crate) proof: ClientProof,
    pub(crate) resource: &'a App,
    /// The name by which the resource was asked for; v1.0 tokens repeat it as `aud`.
    pub(crate) asked_as: &'a str,
    pub(crate) version: u8,
    pub(crate) roles: Vec<String>,
    pub(crate) groups: GroupClaim,
    /// The client said it understands claims challenges (`cp1`).
    pub(crate) capable: bool,
    /// Authentication contexts that were satisfied.
    pub(crate) acrs: Vec<String>,
    pub(crate) mfa: bool,
    pub(crate) auth_time: Timestamp,
    pub(crate) lifetime: Duration,
}

impl AccessToken<'_> {
    /// Returns the token's claims.
    pub(crate) fn claims(&self, lab: &Lab) -> Result<Object, EmulatorError> {
        let mut claims = times(lab.clock.now(), self.lifetime);
        let two = self.version == 2;
        put(&mut claims, "aud", json!(if two { &self.resource.id } else { self.asked_as }));
        put(&mut claims, "iss", json!(issuer(lab, self.tenant, self.version)));
        put(&mut claims, "aio", json!(random::opaque()?));
        let (client, proof) = if two { ("azp", "azpacr") } else { ("appid", "appidacr") };
        put(&mut claims, client, json!(self.client.id));
        put(&mut claims, proof, json!(self.proof.code()));
        put(&mut claims, "rh", json!(format!("1.{}.", random::opaque()?)));
        put(&mut claims, "tid", json!(self.tenant.id));
        put(&mut claims, "uti", json!(random::opaque()?.split_at(22).0));
        put(&mut claims, "ver", json!(if two { "2.0" } else { "1.0" }));
        if !self.roles.is_empty() {
            put(&mut claims, "roles", json!(self.roles));
        }
        if self.capable && self.lists("xms_cc") {
            put(&mut claims, "xms_cc", json!(["cp1"]));
        }
        if let Some(blueprint) = self.client.blueprint.as_deref().and_then(|name| lab.seed.app(name)) {
            self.agent(blueprint, &mut claims);
        }
        match self.subject {
            Subject::User { user, scopes } => self.person(lab, user, scopes, &mut claims),
            Subject::App => self.application(lab, &mut claims),
        }
        Ok(claims)
    }

    /// Signs the claims, with the header that the resource's tokens have.
    pub(crate) fn sign(&self, lab: &Lab, claims: &Object) -> Result<String, EmulatorError> {
        let key = lab.keys().current()?;
        let mut header = jwt::header(&key.kid, self.version == 1);
        if self.resource.id == GRAPH_APP_ID {
            put(&mut header, "nonce", json!(random::opaque()?));
        }
        jwt::sign(&header, claims, &key)
    }

    /// The facets: 11 is an agent identity, as the one who acts and, without a person, as the one acted for.
    fn agent(&self, blueprint: &App, claims: &mut Object) {
        put(claims, "xms_act_fct", json!("11"));
        put(claims, "xms_par_app_azp", json!(blueprint.id));
        match self.subject {
            Subject::App => {
                put(claims, "xms_sub_fct", json!("11"));
                put(claims, "xms_idrel", json!("7"));
            }
            Subject::User { user, .. } => {
                put(claims, "xms_idrel", json!(if user.home_tenant.is_some() { "5" } else { "1" }));
            }
        }
    }

    fn person(&self, lab: &Lab, user: &User, scopes: &[String], claims: &mut Object) {
        put(claims, "oid", json!(user.id));
        put(claims, "sub", json!(pairwise(user, self.resource)));
        put(claims, "name", json!(user.display_name));
        put(claims, "scp", json!(scopes.join(" ")));
        if self.version == 2 {
            put(claims, "preferred_username", json!(user.upn));
        } else {
            put(claims, "unique_name", json!(user.upn));
            put(claims, "upn", json!(user.upn));
            put(claims, "acr", json!("1"));
            put(claims, "amr", if self.mfa { json!(["pwd", "mfa"]) } else { json!(["pwd"]) });
        }
        if let Some(home) = user.home_tenant.as_deref().and_then(|home| lab.seed.tenant(home)) {
            put(claims, "idp", json!(issuer(lab, home, 1)));
        }
        if !self.acrs.is_empty() {
            put(claims, "acrs", json!(self.acrs));
        }
        self.optional(user, claims);
        self.groups.put(self.tenant, user, claims);
    }

    fn optional(&self, user: &User, claims: &mut Object) {
        let known = [
            ("acct", json!(u8::from(user.home_tenant.is_some()))),
            ("auth_time", json!(self.auth_time.as_secs())),
            ("email", json!(user.mail)),
            ("upn", json!(user.upn)),
        ];
        for (name, value) in known {
            if self.lists(name) && value != json!("") {
                put(claims, name, value);
            }
        }
    }

    fn application(&self, lab: &Lab, claims: &mut Object) {
        let principal = self.client.principal_in(self.tenant);
        put(claims, "idp", json!(issuer(lab, self.tenant, 1)));
        put(claims, "oid", json!(principal));
        put(claims, "sub", json!(principal));
        // Only a resource that lists the optional claim can tell an application from a person by it.
        if self.lists("idtyp") {
            put(claims, "idtyp", json!("app"));
        }
    }

    fn lists(&self, claim: &str) -> bool {
        self.resource.optional_claims.iter().any(|listed| listed == claim)
    }
}

impl ClientProof {
    fn code(self) -> &'static str {
        match self {
            Self::Public => "0",
            Self::Secret => "1",
            Self::Certificate => "2",
        }
    }
}

/// Returns the claims of an ID token for `client`.
pub(crate) fn id_token_claims(
    lab: &Lab,
    user: &User,
    tenant: &Tenant,
    client: &App,
    nonce: Option<&str>,
    sign_in: Option<&SignIn>,
    lifetime: Duration,
) -> Result<Object, EmulatorError> {
    let mut claims = times(lab.clock.now(), lifetime);
    put(&mut claims, "aud", json!(client.id));
    put(&mut claims, "iss", json!(issuer(lab, tenant, 2)));
    put(&mut claims, "name", json!(user.display_name));
    put(&mut claims, "oid", json!(user.id));
    put(&mut claims, "preferred_username", json!(user.upn));
    put(&mut claims, "rh", json!(format!("1.{}.", random::opaque()?)));
    put(&mut claims, "sub", json!(pairwise(user, client)));
    put(&mut claims, "tid", json!(tenant.id));
    put(&mut claims, "uti", json!(random::opaque()?.split_at(22).0));
    put(&mut claims, "ver", json!("2.0"));
    if let Some(nonce) = nonce {
        put(&mut claims, "nonce", json!(nonce));
    }
    let at = sign_in.map_or_else(|| lab.clock.now(), |sign_in| sign_in.at);
    let optional = [
        ("acct", json!(u8::from(user.home_tenant.is_some()))),
        ("auth_time", json!(at.as_secs())),
        ("email", json!(user.mail)),
        ("login_hint", json!(format!("O.{}", random::digest_text(&["login-hint", &user.id])))),
        ("sid", json!(random::guid_for(&["session", &user.id, &at.to_string()]))),
    ];
    for (name, value) in optional {
        if client.id_token_claims.iter().any(|listed| listed == name) && value != json!("") {
            put(&mut claims, name, value);
        }
    }
    if client.id_token_claims.iter().any(|listed| listed == "groups") {
        GroupClaim::of(user.group_ids(&lab.seed)).put(tenant, user, &mut claims);
    }
    if let Some(roles) = user.roles.get(&client.name).filter(|roles| !roles.is_empty()) {
        put(&mut claims, "roles", json!(roles));
    }
    Ok(claims)
}

/// Returns the issuer that tokens of a version carry.
pub(crate) fn issuer(lab: &Lab, tenant: &Tenant, version: u8) -> String {
    if version == 2 {
        format!("{}/{}/v2.0", lab.authority, tenant.id)
    } else {
        format!("{}/sts/{}/", lab.authority, tenant.id)
    }
}

/// Entra draws 60 to 90 minutes; a test that holds the clock gets the mean.
pub(crate) fn lifetime(lab: &Lab) -> Result<Duration, EmulatorError> {
    if let Some(set) = lab.token_lifetime() {
        return Ok(set);
    }
    if lab.clock.is_manual() {
        return Ok(Duration::from_secs(75 * 60));
    }
    let draw = u64::from(u16::from_be_bytes(random::bytes::<2>()?)) % (30 * 60 + 1);
    Ok(Duration::from_secs(60 * 60 + draw))
}

fn times(now: Timestamp, lifetime: Duration) -> Object {
    let issued = now.as_secs().saturating_sub(i64::try_from(BACKDATED.as_secs()).unwrap_or(0));
    Object::from_iter([
        (String::from("iat"), json!(issued)),
        (String::from("nbf"), json!(issued)),
        (String::from("exp"), json!(now.plus(lifetime).as_secs())),
    ])
}

/// Returns the second in which a token with this `iat` was really made.
pub(crate) fn made_at(iat: i64) -> i64 {
    iat.saturating_add(i64::try_from(BACKDATED.as_secs()).unwrap_or(0))
}

/// The `sub` differs from application to application, so that it cannot be used to follow a person.
fn pairwise(user: &User, app: &App) -> String {
    random::digest_text(&["pairwise", &user.id, &app.id])
}

pub(crate) fn put(claims: &mut Object, name: &str, value: Value) {
    claims.insert(String::from(name), value);
}
