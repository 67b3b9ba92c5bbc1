//! How a client proves who it is.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use doorward_wire::{Kind, Limits, Tree, Value};
use subtle::ConstantTimeEq;

use crate::jws::PublicKey;

/// The most keys a client may have: an assertion without a key id is tried against each.
const MAX_KEYS: usize = 8;

/// How a client proves who it is.
#[derive(Debug, Clone)]
pub enum ClientAuth {
    /// Not at all: everybody could be it, and PKCE alone ties a code to whoever asked for it.
    Public,
    /// By a secret that the operator gave it.
    Secret(SecretHash),
    /// By signing an assertion (`private_key_jwt`).
    Keys(Arc<ClientKeys>),
}

/// What is kept of a client's secret: enough to recognise it, not enough to be it.
#[derive(Clone)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// Takes a secret. It must be random, at least 128 bits of it: a digest does not protect a word.
    pub fn of(secret: &[u8]) -> Self {
        let mut hash = [0; 32];
        for (to, from) in hash.iter_mut().zip(digest(&SHA256, secret).as_ref()) {
            *to = *from;
        }
        Self(hash)
    }

    /// Takes a digest that was stored.
    pub fn from_bytes(hash: [u8; 32]) -> Self {
        Self(hash)
    }

    /// Returns the digest, to be stored.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns whether a presented secret is this one, in time that does not depend on either.
    pub fn matches(&self, presented: &[u8]) -> bool {
        self.0.ct_eq(&Self::of(presented).0).into()
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash")
    }
}

/// The public keys of a client.
pub struct ClientKeys {
    keys: Vec<PublicKey>,
    source: String,
}

/// Why a client's keys were not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeysError {
    /// Not an object with an array `keys`.
    #[error("the keys are not an object with an array `keys`")]
    NotASet,
    /// None, or more than 8.
    #[error("there must be 1 to 8 keys")]
    Count,
    /// A key is neither RSA of 2048 to 4096 bits nor P-256, is malformed, or has private members.
    #[error("a key is not a public RSA (2048 to 4096 bits) or P-256 signing key")]
    Unusable,
}

impl ClientKeys {
    /// Reads a JWKS document.
    ///
    /// # Errors
    /// A [`KeysError`] unless every key can be used: a document that mixes good keys and bad is a mistake of its owner.
    pub fn parse(document: Bytes) -> Result<Self, KeysError> {
        let limits = Limits { max_bytes: 64 * 1024, max_depth: 8, max_nodes: 1024 };
        Self::read(Tree::parse(document, &limits).map_err(|_| KeysError::NotASet)?.root())
    }

    pub(crate) fn read(set: Value<'_>) -> Result<Self, KeysError> {
        let listed = set.get("keys").filter(|keys| keys.kind() == Kind::Array).ok_or(KeysError::NotASet)?;
        if !(1..=MAX_KEYS).contains(&listed.len()) {
            return Err(KeysError::Count);
        }
        let keys: Option<Vec<_>> = listed.items().map(PublicKey::read).collect();
        Ok(Self { keys: keys.ok_or(KeysError::Unusable)?, source: set.raw().to_owned() })
    }

    /// Returns the keys that may have made a signature: those of the id, or all if it names none.
    pub(crate) fn named<'k>(&'k self, kid: Option<&'k str>) -> impl Iterator<Item = &'k PublicKey> {
        self.keys.iter().filter(move |key| kid.is_none() || key.kid.as_deref() == kid)
    }

    /// Returns the document the keys were read from, to be stored.
    pub(crate) fn source(&self) -> &str {
        &self.source
    }
}

impl fmt::Debug for ClientKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientKeys").field("keys", &self.keys.len()).finish()
    }
}
