//! Who asks for a token: nothing, a secret or a signed assertion, and never two of them.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use doorward_types::{ClientId, Secret, Timestamp};
use doorward_wire::{Kind, Value};

use super::TokenError;
use crate::client::{Client, ClientAuth, ClientKeys};
use crate::jws::Jws;
use crate::params::{Params, decode};

/// The only kind of assertion (RFC 7523 section 2.2).
const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How long an assertion may be good for: so long must its `jti` be remembered.
const LONGEST: Duration = Duration::from_secs(300);

/// How far a client's clock may be off.
const SKEW: Duration = Duration::from_secs(60);

/// What a client presents as itself.
pub enum Presented {
    /// Its id alone.
    None {
        /// The id.
        client_id: ClientId,
    },
    /// A secret, in the header or in the form.
    Secret {
        /// The id.
        client_id: ClientId,
        /// The secret.
        secret: Secret<String>,
    },
    /// A signed assertion.
    Assertion {
        /// The id, if the form names it.
        client_id: Option<ClientId>,
        /// The assertion.
        assertion: Secret<String>,
    },
}

impl Presented {
    /// Returns which client this would be. Nothing is proven until [`authenticate`] has answered.
    pub fn client_id(&self) -> Option<ClientId> {
        match self {
            Self::None { client_id } | Self::Secret { client_id, .. } => Some(client_id.clone()),
            Self::Assertion { client_id: Some(client_id), .. } => Some(client_id.clone()),
            Self::Assertion { client_id: None, assertion } => {
                let jws = Jws::parse(assertion.expose())?;
                ClientId::registered(&jws.unverified().get("sub")?.as_str()?).ok()
            }
        }
    }
}

/// What a client proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The id of its assertion: the caller refuses one that it has seen from this client before.
    pub jti: Option<String>,
    /// Until when the caller must remember it.
    pub expires: Option<Timestamp>,
}

/// Reads what a client presents. Two ways at once are refused: which of them counts would be anybody's guess (RFC 6749
/// section 2.3).
///
/// # Errors
/// A [`TokenError`].
pub fn presented(params: &Params, authorization_header: Option<&[u8]>) -> Result<Presented, TokenError> {
    let named = params.get("client_id").map(client_id).transpose()?;
    let assertion = params.get("client_assertion");
    let secret = params.get("client_secret");
    let twice = || TokenError::new("invalid_request", "the client authenticates in two ways at once");
    if let Some(header) = authorization_header {
        if assertion.is_some() || secret.is_some() || params.get("client_assertion_type").is_some() {
            return Err(twice());
        }
        let (id, password) = basic(header)?;
        let id = client_id(&id)?;
        if named.is_some_and(|named| named != id) {
            return Err(twice());
        }
        // A public client without a secret is a habit of some programs; with one, it is a mistake that shows.
        return Ok(if password.expose().is_empty() {
            Presented::None { client_id: id }
        } else {
            Presented::Secret { client_id: id, secret: password }
        });
    }
    match (assertion, secret, named) {
        (Some(_), Some(_), _) => Err(twice()),
        (Some(assertion), None, named) => {
            if params.get("client_assertion_type") != Some(ASSERTION) {
                let description = format!("client_assertion_type must be {ASSERTION}");
                return Err(TokenError::new("invalid_request", &description));
            }
            Ok(Presented::Assertion { client_id: named, assertion: Secret::new(assertion.to_owned()) })
        }
        (None, Some(secret), Some(client_id)) => {
            Ok(Presented::Secret { client_id, secret: Secret::new(secret.to_owned()) })
        }
        (None, None, Some(client_id)) => Ok(Presented::None { client_id }),
        (None, _, None) => Err(TokenError::client()),
    }
}

/// Judges whether the client is who it says. A client with a credential has to use it; one without has none to use.
///
/// # Errors
/// `invalid_client`, always in the same words.
pub fn authenticate(
    client: &Client,
    presented: &Presented,
    token_endpoint: &str,
    issuer: &str,
    now: Timestamp,
) -> Result<Proof, TokenError> {
    let nothing = Proof { jti: None, expires: None };
    if client.expires.is_some_and(|expires| now >= expires)
        || presented.client_id().as_ref() != Some(&client.id)
    {
        return Err(TokenError::client());
    }
    match (&client.auth, presented) {
        (ClientAuth::Public, Presented::None { .. }) => Ok(nothing),
        (ClientAuth::Secret(hash), Presented::Secret { secret, .. })
            if hash.matches(secret.expose().as_bytes()) =>
        {
            Ok(nothing)
        }
        (ClientAuth::Keys(keys), Presented::Assertion { assertion, .. }) => {
            judge_assertion(keys, &client.id, assertion.expose(), &[token_endpoint, issuer], now)
                .ok_or_else(TokenError::client)
        }
        _ => Err(TokenError::client()),
    }
}

fn judge_assertion(
    keys: &ClientKeys,
    client: &ClientId,
    assertion: &str,
    audiences: &[&str],
    now: Timestamp,
) -> Option<Proof> {
    let jws = Jws::parse(assertion)?;
    let header = jws.header.root();
    // A DPoP proof or an access token is signed as well, and is no assertion.
    if header.get("typ").is_some_and(|typ| !typ.is_str("JWT") && !typ.is_str("client-authentication+jwt")) {
        return None;
    }
    let kid = match header.get("kid") {
        None => None,
        Some(kid) => Some(kid.as_str()?),
    };
    let claims = keys.named(kid.as_deref()).find_map(|key| jws.verified_with(key))?;
    if !["iss", "sub"].iter().all(|name| claims.get(name).is_some_and(|value| value.is_str(client.as_str())))
    {
        return None;
    }
    if !is_for(claims.get("aud")?, audiences) {
        return None;
    }
    let time = |name: &str| match claims.get(name) {
        None => Some(None),
        Some(value) => value.as_i64().map(|secs| Some(Timestamp::from_secs(secs))),
    };
    let (expires, issued, begins) = (time("exp")??, time("iat")?, time("nbf")?);
    let latest = now.plus(SKEW);
    if now >= expires.plus(SKEW)
        || expires > latest.plus(LONGEST)
        || issued.is_some_and(|issued| issued > latest)
        || begins.is_some_and(|begins| begins > latest)
    {
        return None;
    }
    let jti = claims.get("jti")?.as_str()?.into_owned();
    if jti.is_empty() || jti.len() > 256 {
        return None;
    }
    Some(Proof { jti: Some(jti), expires: Some(expires.plus(SKEW)) })
}

/// Says whether an assertion is for us alone. One that is for somebody else as well could be replayed by them.
fn is_for(audience: Value<'_>, ours: &[&str]) -> bool {
    let one = |value: Value<'_>| ours.iter().any(|ours| value.is_str(ours));
    match audience.kind() {
        Kind::Array => !audience.is_empty() && audience.items().all(one),
        _ => one(audience),
    }
}

fn client_id(text: &str) -> Result<ClientId, TokenError> {
    ClientId::registered(text).map_err(|_| TokenError::client())
}

/// Reads `Basic` with both halves form-encoded (RFC 6749 section 2.3.1).
fn basic(header: &[u8]) -> Result<(String, Secret<String>), TokenError> {
    let read = || {
        let text = std::str::from_utf8(header).ok()?;
        let (scheme, rest) = text.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let pair = Secret::new(STANDARD.decode(rest.trim_start_matches(' ')).ok()?);
        let mut halves = pair.expose().splitn(2, |byte| *byte == b':');
        let id = decode(halves.next()?).ok()?;
        Some((id, Secret::new(decode(halves.next()?).ok()?)))
    };
    read().ok_or_else(TokenError::client)
}
