//! ID tokens: Entra tells this door who has just signed in, in answer to one question of it.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use doorward_types::{ClientId, Person, Timestamp};

use crate::claims::Claims;
use crate::cloud::Cloud;
use crate::entra::{MAX_LIFETIME, judge_issuer};
use crate::error::TokenError;
use crate::expect::{MAX_SKEW, Tenants};
use crate::identity::Groups;
use crate::jws::{Typ, Unverified};
use crate::keys::{KeyLookup, Signer};
use crate::rules::judge_times;

/// What an ID token must be to end one sign-in.
#[derive(Debug, Clone)]
pub struct IdTokenExpectation<'a> {
    /// Who issues.
    pub cloud: Cloud,
    /// Whose people may come.
    pub tenants: Tenants,
    /// The door's own application.
    pub client_id: ClientId,
    /// The nonce of this very sign-in. An empty one is never right. `None` only where the token came from Entra's token
    /// endpoint itself, in answer to a request that has no nonce: a device code, a refresh.
    pub nonce: Option<&'a str>,
    /// Tolerated difference of clocks, at most [`MAX_SKEW`].
    pub skew: Duration,
}

/// Who signed in.
pub struct IdToken {
    /// Who: what everything is bound to.
    pub person: Person,
    /// What to call them. For display only: names change hands, and people choose them.
    pub name: Option<String>,
    /// What they type to sign in (`preferred_username`). For display, and to choose among people already known.
    pub address: Option<String>,
    /// What Entra may be told to sign the same person in without asking who they are.
    pub login_hint: Option<String>,
    /// The app roles.
    pub roles: Vec<Arc<str>>,
    /// What the token tells of groups.
    pub groups: Groups,
    /// When the person proved who they are.
    pub auth_time: Option<Timestamp>,
    /// The authentication contexts that were met (`acrs`).
    pub acrs: Vec<Arc<str>>,
}

/// Judges an ID token. Only Entra's keys count: the door signs none of its own.
///
/// # Errors
/// The one [`TokenError`] that came first.
pub fn verify_id_token(
    token: &str,
    keys: &dyn KeyLookup,
    expected: &IdTokenExpectation<'_>,
    now: Timestamp,
) -> Result<IdToken, TokenError> {
    let unverified = Unverified::parse(token)?;
    let Some(key) = keys.key(&unverified.kid) else {
        return Err(TokenError::UnknownKid { kid: unverified.kid });
    };
    let typ = unverified.typ;
    let tree = unverified.verify_with(key)?;
    let claims = Claims::of(&tree);
    // An access token says what its holder may do, not who sat at the browser; a stolen one must not sign a thief in.
    if typ == Typ::Access || key.signer() != Signer::Entra {
        return Err(TokenError::NotAnIdToken);
    }
    let (tenant, _) = judge_issuer(claims, key, (&expected.cloud, &expected.tenants, false))?;
    if *claims.audience()? != *expected.client_id.as_str() {
        return Err(TokenError::WrongAudience);
    }
    judge_times(claims, expected.skew.min(MAX_SKEW), MAX_LIFETIME, now)?;
    if ["scp", "idtyp", "appid", "cnf"].iter().any(|name| claims.has(name))
        || claims.text("azp")?.is_some_and(|azp| *azp != *expected.client_id.as_str())
    {
        return Err(TokenError::NotAnIdToken);
    }
    // The answer to this question, not to another of somebody else's (code and token injection).
    if let Some(ours) = expected.nonce {
        let nonce = claims.required("nonce")?;
        let same = verify_slices_are_equal(nonce.as_bytes(), ours.as_bytes()).is_ok();
        if !same || ours.is_empty() {
            return Err(TokenError::WrongNonce);
        }
    }
    let shown = |name| claims.text(name).map(|text| text.map(std::borrow::Cow::into_owned));
    let (name, address) = (shown("name")?, shown("preferred_username")?);
    Ok(IdToken {
        person: Person { tenant, object: claims.object()? },
        name: name.or_else(|| address.clone()),
        login_hint: shown("login_hint")?.or_else(|| address.clone()),
        address,
        roles: claims.roles()?,
        groups: claims.groups()?,
        auth_time: if claims.has("auth_time") { Some(claims.time("auth_time")?) } else { None },
        acrs: claims.texts("acrs")?,
    })
}

/// Shows nothing of the person.
impl std::fmt::Debug for IdToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IdToken").finish_non_exhaustive()
    }
}
