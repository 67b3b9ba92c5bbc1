//! Proofs that a caller holds the key its token is bound to (RFC 9449, D-17).

mod possession;

use std::time::Duration;

use doorward_types::Timestamp;
use subtle::ConstantTimeEq;

use crate::jws::{Jws, PublicKey, sha256};

pub use crate::jws::ALGORITHMS;

pub use possession::{Asked, Possession};

/// How far its maker's clock may be from ours. That a proof is fresh is shown by its nonce (RFC 9449 section 11.1).
const WINDOW: Duration = Duration::from_secs(300);

/// What a proof proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The thumbprint of the key (RFC 7638): what a token's `cnf.jkt` must be.
    pub jkt: String,
    /// The proof's id: good once.
    pub jti: String,
    /// When it was made.
    pub iat: Timestamp,
}

/// Why a proof proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DpopError {
    /// Not a signed JWT of type `dpop+jwt` with RS256, PS256 or ES256.
    #[error("the proof is not a signed JWT of type dpop+jwt")]
    Malformed,
    /// The key in its header is missing, too weak, of another kind, or a private one.
    #[error("the proof's header has no public RSA or P-256 key")]
    Key,
    /// The key did not make the signature.
    #[error("the proof's signature does not verify")]
    Signature,
    /// A claim is missing or malformed.
    #[error("the proof's `{0}` is missing or malformed")]
    Claim(&'static str),
    /// It was made for another method.
    #[error("the proof is for another method")]
    Method,
    /// It was made for another address.
    #[error("the proof is for another address")]
    Address,
    /// It is older than five minutes, or as far in the future.
    #[error("the proof's `iat` is more than five minutes from the door's clock")]
    Time,
    /// The nonce is missing, or not one of ours that is current: the caller answers `use_dpop_nonce` with one.
    #[error("the proof needs a current nonce of this server")]
    Nonce,
    /// It was made for another access token.
    #[error("the proof is for another access token")]
    Token,
    /// The access token is bound to another key.
    #[error("the proof is of another key than the access token's")]
    OtherKey,
    /// It was used before.
    #[error("the proof was used before")]
    Replayed,
    /// More proofs are used at once than the door remembers.
    #[error("more proofs are used than can be remembered")]
    Full,
    /// A request brings one proof: two readers could each believe another.
    #[error("there is more than one proof")]
    Several,
    /// There is none where there must be one.
    #[error("there is no proof")]
    Missing,
}

impl DpopError {
    /// Returns the error code (RFC 9449 sections 5 and 8).
    pub fn code(self) -> &'static str {
        if self == Self::Nonce { "use_dpop_nonce" } else { "invalid_dpop_proof" }
    }

    /// Returns the stable name under which logs and metrics know this error.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Nonce => "proof-nonce",
            Self::OtherKey => "proof-other-key",
            Self::Replayed => "proof-replayed",
            Self::Missing => "proof-missing",
            Self::Full => "proofs-full",
            _ => "proof-invalid",
        }
    }
}

/// Judges the one proof of a request. `htu` is the address of the endpoint as the door publishes it; `access_token` is the
/// token presented along with the proof, `None` at the token endpoint. `nonce` says whether a nonce is good; it is asked
/// about the empty text if the proof has none.
///
/// # Errors
/// The one [`DpopError`] that came first.
pub fn judge_proof(
    proof: &str,
    method: &str,
    htu: &str,
    access_token: Option<&str>,
    nonce: &mut dyn FnMut(&str) -> bool,
    now: Timestamp,
) -> Result<Proof, DpopError> {
    let jws = Jws::parse(proof).ok_or(DpopError::Malformed)?;
    let header = jws.header.root();
    // An assertion or an access token that the same key signed is no proof.
    if !header.get("typ").is_some_and(|typ| typ.is_str("dpop+jwt")) {
        return Err(DpopError::Malformed);
    }
    let key = header.get("jwk").and_then(PublicKey::read).ok_or(DpopError::Key)?;
    let claims = jws.verified_with(&key).ok_or(DpopError::Signature)?;
    let text =
        |name: &'static str| claims.get(name).and_then(|value| value.as_str()).ok_or(DpopError::Claim(name));

    let jti = text("jti")?.into_owned();
    if jti.is_empty() || jti.len() > 256 {
        return Err(DpopError::Claim("jti"));
    }
    if text("htm")? != method {
        return Err(DpopError::Method);
    }
    let address = text("htu")?;
    if address.split(['?', '#']).next() != Some(htu) {
        return Err(DpopError::Address);
    }
    let iat = claims.get("iat").and_then(|value| value.as_i64()).ok_or(DpopError::Claim("iat"))?;
    let iat = Timestamp::from_secs(iat);
    if now.since(iat) > WINDOW || iat.since(now) > WINDOW {
        return Err(DpopError::Time);
    }
    let given = if claims.get("nonce").is_some() { text("nonce")? } else { "".into() };
    if !nonce(&given) {
        return Err(DpopError::Nonce);
    }
    if let Some(token) = access_token {
        let digest = text("ath")?;
        if !bool::from(digest.as_bytes().ct_eq(sha256(token).as_bytes())) {
            return Err(DpopError::Token);
        }
    }
    Ok(Proof { jkt: key.thumbprint, jti, iat })
}

#[cfg(test)]
mod tests;
