//! Who is calling. An [`Identity`] is the proof that a token was judged; [`verify`] is the only way to one.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use doorward_types::{ClientId, GrantId, ObjectId, Person, TenantId, Timestamp};

use crate::assertion::Assertion;
use crate::claims::Claims;
use crate::error::TokenError;
use crate::expect::Expectation;
use crate::jws::Unverified;
use crate::keys::{KeyLookup, Signer};
use crate::{entra, own};

/// A caller whose token was judged for one server at one moment. It is neither `Clone` nor built anywhere else, and it
/// does not hold the token: an inbound credential cannot become an outbound one.
///
/// ```compile_fail
/// fn copy(identity: &doorward_oauth::Identity) -> doorward_oauth::Identity { identity.clone() }
/// ```
///
/// ```compile_fail
/// fn forge(of: doorward_oauth::Identity) -> doorward_oauth::Identity { doorward_oauth::Identity { ..of } }
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
    own: Option<Own>,
    bound_to: Option<Box<str>>,
}

/// What a token of the door's own says besides.
#[derive(Clone, Copy)]
pub(crate) struct Own {
    /// The sign-in it came of; an application on its own behalf has none.
    pub(crate) grant: Option<GrantId>,
    /// The revocation epoch it was issued in.
    pub(crate) epoch: u64,
}

/// What the rules of the one who signed made of the claims.
pub(crate) struct Judged {
    pub(crate) person: Person,
    pub(crate) client: ClientId,
    pub(crate) caller: crate::rules::Caller,
    pub(crate) groups: Groups,
    pub(crate) times: crate::rules::Times,
    pub(crate) answers_challenges: bool,
    pub(crate) token_id: Option<Box<str>>,
    pub(crate) own: Option<Own>,
    pub(crate) bound_to: Option<Box<str>>,
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
    let typ = unverified.typ;
    let tree = unverified.verify_with(key)?;
    let claims = Claims::of(&tree);
    // The key decides by whose rules: what a token says of its issuer is compared, never believed.
    let judged = match key.signer() {
        Signer::Entra => entra::judge(claims, key, expected, now)?,
        Signer::Door => own::judge(claims, typ, expected, now)?,
    };
    Ok(Identity::of(judged, key.kid().clone()))
}

/// Somebody at their own machine, where no token comes in: who may start a process there is the operating system's to say,
/// and who they are besides is said by a sign-in that was verified, if there was one.
#[derive(Debug, Clone)]
pub struct AtHome {
    /// Who.
    pub person: Person,
    /// The program that speaks for them.
    pub client: ClientId,
    /// Their app roles, as the sign-in has them.
    pub roles: Vec<Arc<str>>,
    /// Their groups, as the sign-in has them.
    pub groups: Groups,
    /// Until when it counts.
    pub expires: Timestamp,
}

/// Takes somebody for who they are at their own machine. For the guard alone: whoever comes over a network is known by a
/// token ([`verify`]).
pub fn at_home(who: AtHome, now: Timestamp) -> Identity {
    let AtHome { person, client, roles, groups, expires } = who;
    let judged = Judged {
        person,
        client,
        caller: crate::rules::Caller { kind: CallerKind::User, scopes: Vec::new(), roles },
        groups,
        times: crate::rules::Times { issued: now, expires },
        answers_challenges: false,
        token_id: None,
        own: None,
        bound_to: None,
    };
    Identity::of(judged, "at-home".into())
}

/// Judges a token as [`verify`] does, and keeps it where it can be exchanged at Entra on its owner's behalf: where it
/// is a person's, and Entra's own. This is the only way to an [`Assertion`], so each is of a token that was judged.
///
/// # Errors
/// As [`verify`].
pub fn verify_keeping(
    token: &str,
    keys: &dyn KeyLookup,
    expected: &Expectation,
    now: Timestamp,
) -> Result<(Identity, Option<Assertion>), TokenError> {
    let identity = verify(token, keys, expected, now)?;
    let kept = identity.own.is_none() && identity.kind == CallerKind::User;
    Ok((identity, kept.then(|| Assertion::of(token))))
}

impl Identity {
    fn of(judged: Judged, kid: Arc<str>) -> Self {
        let Judged { person, client, caller, groups, times, answers_challenges, token_id, own, bound_to } =
            judged;
        Self {
            tenant: person.tenant,
            object: person.object,
            client,
            kind: caller.kind,
            scopes: caller.scopes.into(),
            roles: caller.roles.into(),
            groups,
            issued: times.issued,
            expires: times.expires,
            answers_challenges,
            kid,
            token_id,
            own,
            bound_to,
        }
    }

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

    /// Returns the token's id: Entra's (`uti`), for correlation with its sign-in log, or the door's own (`jti`).
    pub fn token_id(&self) -> Option<&str> {
        self.token_id.as_deref()
    }

    /// Returns who it is: directory and object.
    pub fn person(&self) -> Person {
        Person { tenant: self.tenant.clone(), object: self.object.clone() }
    }

    /// Returns whether the door itself issued the token.
    pub fn from_door(&self) -> bool {
        self.own.is_some()
    }

    /// Returns the sign-in at this door that the token came of; none for tokens of Entra's, and for applications.
    pub fn grant(&self) -> Option<GrantId> {
        self.own.and_then(|own| own.grant)
    }

    /// Returns the thumbprint of the key that whoever presents the token has to prove (RFC 9449 section 6.1). Judging the
    /// token proves nothing of it: that is the caller's to ask, on every request.
    pub fn bound_to(&self) -> Option<&str> {
        self.bound_to.as_deref()
    }

    /// Returns the revocation epoch that the door issued the token in; none for tokens of Entra's.
    pub fn epoch(&self) -> Option<u64> {
        self.own.map(|own| own.epoch)
    }
}

/// Shows nothing of the person: a stray debug line must not.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("kind", &self.kind).finish_non_exhaustive()
    }
}
