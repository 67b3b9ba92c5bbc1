//! Who is calling. An [`Identity`] is the proof that a token was judged; [`verify`] is the only way to one.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use doorward_types::{ClientId, ObjectId, TenantId, Timestamp};

use crate::claims::Claims;
use crate::error::TokenError;
use crate::expect::{Expectation, MAX_SKEW, Tenants};
use crate::jws::Unverified;
use crate::keys::{Key, KeyLookup};

/// The longest life of a token: Entra's longest is 28 hours, for clients that hear of revocations at once.
const MAX_LIFETIME: Duration = Duration::from_secs(28 * 3600);

/// Microsoft Graph's application id: `aud` of its tokens.
const GRAPH_APP: &str = "00000003-0000-0000-c000-000000000000";

/// A caller whose token was judged for one server at one moment. It is neither `Clone` nor built anywhere else, and it
/// does not hold the token: an inbound credential cannot become an outbound one.
///
/// ```compile_fail
/// fn copy(identity: &doorward_oauth::Identity) -> doorward_oauth::Identity { identity.clone() }
/// ```
///
/// ```compile_fail
/// let identity = doorward_oauth::Identity { tenant: todo!(), ..todo!() };
/// ```
pub struct Identity {
    tenant: TenantId,
    object: ObjectId,
    client: ClientId,
    kind: CallerKind,
    scopes: Box<[Arc<str>]>,
    roles: Box<[Arc<str>]>,
    groups: Groups,
    issued: Timestamp,
    expires: Timestamp,
    answers_challenges: bool,
    kid: Arc<str>,
    token_id: Option<Box<str>>,
}

/// Whether a person or an application calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CallerKind {
    /// A person, through an application that has their consent.
    User,
    /// An application on its own behalf.
    App,
}

/// The groups a token tells of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Groups {
    /// All of them.
    Listed(BTreeSet<ObjectId>),
    /// Too many for the token: Graph must be asked, and no answer means no access.
    Overage,
    /// The token says nothing of groups.
    Absent,
}

/// Judges a token. The order matters: length and shape, header, key, signature, and only then what the claims say;
/// so no reason but the signature's is ever given for a claim that somebody made up.
///
/// # Errors
/// The one [`TokenError`] that came first.
pub fn verify(
    token: &str,
    keys: &dyn KeyLookup,
    expected: &Expectation,
    now: Timestamp,
) -> Result<Identity, TokenError> {
    let unverified = Unverified::parse(token)?;
    let Some(key) = keys.key(&unverified.kid) else {
        return Err(TokenError::UnknownKid { kid: unverified.kid });
    };
    let tree = unverified.verify_with(key)?;
    let claims = Claims::of(&tree);

    let (tenant, version) = judge_issuer(claims, key, expected)?;
    judge_audience(claims, version, expected)?;
    let (issued, expires) = judge_times(claims, expected.skew.min(MAX_SKEW), now)?;
    judge_purpose(claims)?;
    let client = claims.client(version.client_claim())?;
    let object = claims.object()?;
    let caller = judge_caller(claims, expected)?;

    Ok(Identity {
        tenant,
        object,
        client,
        kind: caller.kind,
        scopes: caller.scopes.into(),
        roles: caller.roles.into(),
        groups: claims.groups()?,
        issued,
        expires,
        answers_challenges: claims.answers_challenges()?,
        kid: key.kid().clone(),
        token_id: claims.text("uti")?.map(|uti| uti.into()),
    })
}

impl Identity {
    /// Returns the directory.
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// Returns the person's or the service principal's id in its directory.
    pub fn object(&self) -> &ObjectId {
        &self.object
    }

    /// Returns the application that the token was given to.
    pub fn client(&self) -> &ClientId {
        &self.client
    }

    /// Returns whether a person or an application calls.
    pub fn kind(&self) -> CallerKind {
        self.kind
    }

    /// Returns the delegated permissions; none for an application.
    pub fn scopes(&self) -> &[Arc<str>] {
        &self.scopes
    }

    /// Returns the app roles.
    pub fn roles(&self) -> &[Arc<str>] {
        &self.roles
    }

    /// Returns what the token tells of groups.
    pub fn groups(&self) -> &Groups {
        &self.groups
    }

    /// Returns when the token was issued.
    pub fn issued_at(&self) -> Timestamp {
        self.issued
    }

    /// Returns the token's expiry as it stands there; no skew is added.
    pub fn expires(&self) -> Timestamp {
        self.expires
    }

    /// Returns whether the client can answer a claims challenge (`xms_cc` = `cp1`); if not, a 403 is the answer (D-16).
    pub fn capable_of_claims_challenge(&self) -> bool {
        self.answers_challenges
    }

    /// Returns the id of the key that signed.
    pub fn kid(&self) -> &Arc<str> {
        &self.kid
    }

    /// Returns Entra's id of the token (`uti`), for correlation with its sign-in log.
    pub fn token_id(&self) -> Option<&str> {
        self.token_id.as_deref()
    }
}

/// Shows nothing of the person: a stray debug line must not.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("kind", &self.kind).finish_non_exhaustive()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    V1,
    V2,
}

impl Version {
    fn client_claim(self) -> &'static str {
        match self {
            Self::V1 => "appid",
            Self::V2 => "azp",
        }
    }
}

/// Judges version, tenant, issuer and whose the key is. In a multi-tenant application anybody's directory issues
/// genuinely signed tokens, so each of these has to agree with each other.
fn judge_issuer(
    claims: Claims<'_>,
    key: &Key,
    expected: &Expectation,
) -> Result<(TenantId, Version), TokenError> {
    let version = match &*claims.required("ver")? {
        "1.0" if !expected.accept_v1 => return Err(TokenError::V1NotAccepted),
        "1.0" => Version::V1,
        "2.0" => Version::V2,
        _ => return Err(TokenError::UnknownVersion),
    };
    let tenant = claims.tenant()?;
    let (v1, v2) = (expected.cloud.issuer_v1(&tenant), expected.cloud.issuer_v2(&tenant));
    let issuer = if version == Version::V1 { v1 } else { v2.clone() };
    if *claims.required("iss")? != *issuer {
        return Err(TokenError::WrongIssuer);
    }
    if !expected.tenants.allow(&tenant) {
        return Err(TokenError::TenantNotAllowed(tenant));
    }
    match key.issuer_for(&tenant) {
        // Keys name v2 issuers even where they sign v1 tokens.
        Some(owner) if owner == issuer || owner == v2 => {}
        Some(_) => return Err(TokenError::KeyIssuerMismatch),
        None if matches!(expected.tenants, Tenants::Many(_)) => return Err(TokenError::KeyWithoutIssuer),
        None => {}
    }
    Ok((tenant, version))
}

/// Judges whom the token is for. An array is refused even if it holds us: the token would be good elsewhere too.
fn judge_audience(claims: Claims<'_>, version: Version, expected: &Expectation) -> Result<(), TokenError> {
    let audience = claims.value("aud").ok_or(TokenError::MissingClaim("aud"))?;
    let audience = audience.as_str().ok_or(TokenError::AudienceNotAString)?;
    let ours = &expected.audience;
    if *audience == *ours.client_id.as_str()
        || (version == Version::V1 && ours.app_id_uris.iter().any(|uri| *uri == *audience))
    {
        return Ok(());
    }
    let origin = audience.strip_suffix('/').unwrap_or(&audience);
    let graph = *audience == *GRAPH_APP || *origin == *expected.cloud.graph;
    Err(if graph { TokenError::GraphToken } else { TokenError::WrongAudience })
}

fn judge_times(
    claims: Claims<'_>,
    skew: Duration,
    now: Timestamp,
) -> Result<(Timestamp, Timestamp), TokenError> {
    let (expires, begins, issued) = (claims.time("exp")?, claims.time("nbf")?, claims.time("iat")?);
    if expires <= begins || expires <= issued {
        return Err(TokenError::EndsBeforeItBegins);
    }
    if expires.plus(skew) <= now {
        return Err(TokenError::Expired);
    }
    if begins > now.plus(skew) {
        return Err(TokenError::NotYetValid);
    }
    if issued > now.plus(skew) {
        return Err(TokenError::IssuedInFuture);
    }
    if expires.since(issued.min(begins)) > MAX_LIFETIME + skew {
        return Err(TokenError::LifetimeTooLong);
    }
    Ok((issued, expires))
}

/// Refuses tokens made for another purpose. An ID token for our own application has our audience and a good signature.
fn judge_purpose(claims: Claims<'_>) -> Result<(), TokenError> {
    if ["nonce", "at_hash", "c_hash"].iter().any(|name| claims.has(name)) {
        return Err(TokenError::IdToken);
    }
    if !claims.has("azp") && !claims.has("appid") && !claims.has("scp") && !claims.has("idtyp") {
        return Err(TokenError::IdToken);
    }
    if claims.has("cnf") {
        return Err(TokenError::BoundToken);
    }
    Ok(())
}

struct Caller {
    kind: CallerKind,
    scopes: Vec<Arc<str>>,
    roles: Vec<Arc<str>>,
}

/// Tells people from applications and asks of each what opens this server. Tenant and object alone would let any
/// service principal of the tenant in.
fn judge_caller(claims: Claims<'_>, expected: &Expectation) -> Result<Caller, TokenError> {
    let (scopes, roles) = (claims.scopes()?, claims.roles()?);
    let role_opens = opens(&expected.required_role, &roles);
    match (claims.text("idtyp")?.as_deref(), scopes) {
        (Some("app"), Some(_)) => Err(TokenError::AppWithScope),
        (Some("app"), None) => {
            if roles.is_empty() {
                return Err(TokenError::AppWithoutRole);
            }
            if !expected.allow_app_only {
                return Err(TokenError::AppOnlyNotAllowed);
            }
            // A server told from its siblings by a scope alone has nothing that an application could show.
            let told_by_scope_alone =
                expected.required_role.is_empty() && !expected.required_scope.is_empty();
            if told_by_scope_alone || !role_opens {
                return Err(TokenError::MissingRole);
            }
            Ok(Caller { kind: CallerKind::App, scopes: Vec::new(), roles })
        }
        (None | Some("user"), Some(scopes)) => {
            if !opens(&expected.required_scope, &scopes) {
                return Err(TokenError::MissingScope);
            }
            if !role_opens {
                return Err(TokenError::MissingRole);
            }
            Ok(Caller { kind: CallerKind::User, scopes, roles })
        }
        (None | Some("user"), None) => Err(TokenError::NeitherUserNorApp),
        (Some(_), _) => Err(TokenError::MalformedClaim("idtyp")),
    }
}

fn opens(required: &[String], granted: &[Arc<str>]) -> bool {
    required.is_empty() || granted.iter().any(|have| required.iter().any(|want| **want == **have))
}
