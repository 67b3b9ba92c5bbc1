//! One-time codes: what they are bound to and what redeeming one takes (D-14).

use doorward_types::{ClientId, GrantId, Person, Timestamp};
use subtle::ConstantTimeEq;

use crate::jws::sha256;
use crate::record::{Reader, RecordError, Writer, parse};

const KIND: &str = "code/1";

/// A code that was issued, as the store keeps it: under a digest of the code, which it does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeRecord {
    /// The sign-in it opens.
    pub grant: GrantId,
    /// Whose it is.
    pub client: ClientId,
    /// Where it was sent.
    pub redirect: String,
    /// What the verifier must digest to.
    pub challenge: String,
    /// What its token will be for.
    pub resource: String,
    /// How much of it.
    pub scopes: Vec<String>,
    /// Who signed in.
    pub person: Person,
    /// From when on it is worth nothing.
    pub expires: Timestamp,
    /// The key it is bound to, if any.
    pub dpop_jkt: Option<String>,
    /// Whether it was redeemed. It is kept until it expires, so that a second time shows.
    pub redeemed: bool,
}

/// What somebody presents to redeem a code.
#[derive(Clone, Copy)]
pub struct CodeRequest<'r> {
    /// The client, authenticated as far as it can be.
    pub client: &'r ClientId,
    /// Where it says the code came to.
    pub redirect_uri: Option<&'r str>,
    /// The verifier.
    pub verifier: Option<&'r str>,
    /// What it wants a token for.
    pub resource: Option<&'r str>,
    /// The key it proved to hold.
    pub jkt: Option<&'r str>,
}

/// Why a code is not redeemed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// It was redeemed before. One of the two is a thief: the caller revokes the grant (D-14).
    #[error("the code was redeemed before")]
    Replayed,
    /// Its time is over.
    #[error("the code has expired")]
    Expired,
    /// It is another client's.
    #[error("the code was issued to another client")]
    OtherClient,
    /// It was sent elsewhere, or nothing is said of where.
    #[error("redirect_uri is not the one the code was sent to")]
    OtherRedirect,
    /// No verifier: whoever holds a stolen code has none.
    #[error("code_verifier is missing")]
    NoVerifier,
    /// Not 43 to 128 unreserved characters, or not the one that was challenged.
    #[error("code_verifier does not fit the code")]
    Verifier,
    /// The token would be for something else.
    #[error("resource is not the one the code was issued for")]
    OtherResource,
    /// It is bound to a key that was not proven.
    #[error("the code is bound to another key")]
    OtherKey,
}

impl CodeError {
    /// Returns the error code for the client (RFC 6749 section 5.2, RFC 8707 section 2).
    pub fn code(self) -> &'static str {
        match self {
            Self::OtherResource => "invalid_target",
            Self::NoVerifier => "invalid_request",
            _ => "invalid_grant",
        }
    }
}

/// Judges whether a code may be redeemed. The caller marks it as redeemed before it answers.
///
/// # Errors
/// The one [`CodeError`] that came first; [`CodeError::Replayed`] before all others, whoever presents it.
pub fn redeem(record: &CodeRecord, asked: &CodeRequest<'_>, now: Timestamp) -> Result<(), CodeError> {
    if record.redeemed {
        return Err(CodeError::Replayed);
    }
    if now >= record.expires {
        return Err(CodeError::Expired);
    }
    if *asked.client != record.client {
        return Err(CodeError::OtherClient);
    }
    if asked.redirect_uri != Some(record.redirect.as_str()) {
        return Err(CodeError::OtherRedirect);
    }
    let verifier = asked.verifier.ok_or(CodeError::NoVerifier)?;
    if !is_verifier(verifier) || !bool::from(sha256(verifier).as_bytes().ct_eq(record.challenge.as_bytes())) {
        return Err(CodeError::Verifier);
    }
    if asked.resource.is_some_and(|resource| resource != record.resource) {
        return Err(CodeError::OtherResource);
    }
    if record.dpop_jkt.is_some() && asked.jkt != record.dpop_jkt.as_deref() {
        return Err(CodeError::OtherKey);
    }
    Ok(())
}

/// Says whether a text can be a verifier (RFC 7636 section 4.1).
fn is_verifier(text: &str) -> bool {
    (43..=128).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
}

impl CodeRecord {
    /// Returns the code as the store keeps it.
    pub fn to_record(&self) -> Vec<u8> {
        Writer::new(KIND)
            .text("grant", &self.grant.to_string())
            .text("client", self.client.as_str())
            .text("redirect", &self.redirect)
            .text("challenge", &self.challenge)
            .text("resource", &self.resource)
            .list("scopes", self.scopes.iter().map(String::as_str))
            .person(&self.person)
            .time("expires", self.expires)
            .optional("jkt", self.dpop_jkt.as_deref())
            .flag("redeemed", self.redeemed)
            .finish()
    }

    /// Reads a code that the store kept.
    ///
    /// # Errors
    /// A [`RecordError`] if it is not one that [`CodeRecord::to_record`] wrote.
    pub fn from_record(record: &[u8]) -> Result<Self, RecordError> {
        let tree = parse(record)?;
        let row = Reader::of(&tree, KIND)?;
        Ok(Self {
            grant: row.grant()?,
            client: row.client("client")?,
            redirect: row.text("redirect")?,
            challenge: row.text("challenge")?,
            resource: row.text("resource")?,
            scopes: row.list("scopes")?,
            person: row.person()?,
            expires: row.time("expires")?,
            dpop_jkt: row.optional("jkt")?,
            redeemed: row.flag("redeemed")?,
        })
    }
}

#[cfg(test)]
mod tests;
