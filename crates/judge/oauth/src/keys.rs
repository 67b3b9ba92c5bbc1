//! Signing keys as Entra publishes them, and the door itself (JWKS, RFC 7517), reduced to those that may sign a token.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use doorward_types::TenantId;
use doorward_wire::{Limits, Tree, Value};

/// The most keys a set may hold. Entra publishes fewer than twenty.
pub const MAX_KEYS: usize = 100;

/// The largest document that is read, in bytes.
const MAX_DOCUMENT: usize = 512 * 1024;

/// Where Entra puts the tenant in the issuer of a key that signs for many.
const TENANT_PLACEHOLDER: &str = "{tenantid}";

/// The exponent of every key Entra publishes. An exponent of 1 would make every message its own signature.
const EXPONENT: [u8; 3] = [1, 0, 1];

/// Finds a signing key by its id. Nothing else of a token may influence which key is used.
pub trait KeyLookup {
    /// Returns the key of that id, if it is published now.
    fn key(&self, kid: &str) -> Option<&Key>;
}

/// Whose a key is, and with it by which rules the tokens it signs are judged. It is known from where the key came,
/// never from what a token or a key document says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Signer {
    /// Entra.
    Entra,
    /// This door, as its own authorization server.
    Door,
}

/// An RSA public key that may sign tokens.
pub struct Key {
    public: ParsedPublicKey,
    kid: Arc<str>,
    issuer: Option<Box<str>>,
    signer: Signer,
}

impl Key {
    /// Returns the key's id.
    pub fn kid(&self) -> &Arc<str> {
        &self.kid
    }

    /// Returns whose key it is.
    pub fn signer(&self) -> Signer {
        self.signer
    }

    /// Checks an RSASSA-PKCS1-v1_5 signature with SHA-256 (RS256, RFC 7518 section 3.3).
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.public.verify_sig(message, signature).is_ok()
    }

    /// Returns the issuer this key signs for in `tenant`; `None` if the document does not say.
    pub(crate) fn issuer_for(&self, tenant: &TenantId) -> Option<String> {
        self.issuer.as_deref().map(|issuer| issuer.replace(TENANT_PLACEHOLDER, tenant.as_str()))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("kid", &self.kid).field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// A published set of keys. The default holds none: until Entra was asked, no token verifies.
#[derive(Debug, Default)]
pub struct KeySet {
    keys: BTreeMap<Arc<str>, Key>,
    skipped: usize,
}

/// Why a document is not a usable set of keys. The caller keeps the set it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeySetError {
    /// Not strict JSON, or larger than 512 KiB.
    #[error("the key document is not valid JSON")]
    NotJson,
    /// No `keys` array of objects.
    #[error("the key document has no array `keys` of objects")]
    NoKeys,
    /// More than [`MAX_KEYS`].
    #[error("the key document has more than {MAX_KEYS} keys")]
    TooMany,
    /// Two keys of one id: which of them verifies would be chance.
    #[error("the key document has two keys of one `kid`")]
    DuplicateKid,
    /// Not one RSA signing key of at least 2048 bits.
    #[error("the key document has no usable RSA signing key")]
    NoneUsable,
}

impl KeySet {
    /// Reads Entra's JWKS document. Keys of other kinds, for other uses, too small or malformed are left out and counted.
    ///
    /// # Errors
    /// A [`KeySetError`] if the document as a whole cannot be used.
    pub fn parse(document: Bytes) -> Result<Self, KeySetError> {
        Self::read(document, Signer::Entra)
    }

    /// Reads the JWKS document that the door made of its own keys.
    ///
    /// # Errors
    /// A [`KeySetError`] if the document as a whole cannot be used.
    pub fn of_door(document: Bytes) -> Result<Self, KeySetError> {
        Self::read(document, Signer::Door)
    }

    fn read(document: Bytes, signer: Signer) -> Result<Self, KeySetError> {
        let limits = Limits { max_bytes: MAX_DOCUMENT, max_depth: 16, max_nodes: 65_536 };
        let tree = Tree::parse(document, &limits).map_err(|_| KeySetError::NotJson)?;
        let listed = tree.root().get("keys").ok_or(KeySetError::NoKeys)?;
        if listed.kind() != doorward_wire::Kind::Array {
            return Err(KeySetError::NoKeys);
        }
        if listed.len() > MAX_KEYS {
            return Err(KeySetError::TooMany);
        }
        let mut set = Self { keys: BTreeMap::new(), skipped: 0 };
        for entry in listed.items() {
            match signing_key(entry, signer) {
                None => set.skipped += 1,
                Some(key) => {
                    if set.keys.insert(key.kid.clone(), key).is_some() {
                        return Err(KeySetError::DuplicateKid);
                    }
                }
            }
        }
        if set.keys.is_empty() { Err(KeySetError::NoneUsable) } else { Ok(set) }
    }

    /// Returns how many usable keys there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Returns whether there is none, which is so for the default alone.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Returns how many entries were left out as unusable.
    pub fn skipped(&self) -> usize {
        self.skipped
    }

    /// Returns the ids of the usable keys, in order.
    pub fn kids(&self) -> impl Iterator<Item = &str> {
        self.keys.keys().map(|kid| &**kid)
    }

    /// Returns whether a key of that id is published.
    pub fn has(&self, kid: &str) -> bool {
        self.keys.contains_key(kid)
    }
}

impl KeyLookup for KeySet {
    fn key(&self, kid: &str) -> Option<&Key> {
        self.keys.get(kid)
    }
}

/// The keys of both who may sign: this door and Entra. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct KeyRing {
    /// The door's own keys; none where it is no authorization server.
    pub door: Arc<KeySet>,
    /// Entra's.
    pub entra: Arc<KeySet>,
}

impl KeyRing {
    /// Returns whether a key of that id is at hand.
    pub fn has(&self, kid: &str) -> bool {
        self.door.has(kid) || self.entra.has(kid)
    }
}

/// The door's own keys come first: Entra cannot be made to publish a key that stands in for one of them.
impl KeyLookup for KeyRing {
    fn key(&self, kid: &str) -> Option<&Key> {
        self.door.key(kid).or_else(|| self.entra.key(kid))
    }
}

/// Reads one entry; `None` if it may not sign tokens.
fn signing_key(entry: Value<'_>, signer: Signer) -> Option<Key> {
    let text = |name: &str| entry.get(name).and_then(|value| value.as_str());
    if text("kty")? != "RSA" || text("use")? != "sig" {
        return None;
    }
    if entry.get("alg").is_some() && text("alg")? != "RS256" {
        return None;
    }
    // An issuer that is there but is no string must not read as "no issuer", which is weaker.
    let issuer = match entry.get("issuer") {
        None => None,
        Some(issuer) => Some(issuer.as_str()?.into()),
    };
    let modulus = URL_SAFE_NO_PAD.decode(text("n")?.as_bytes()).ok()?;
    let exponent = URL_SAFE_NO_PAD.decode(text("e")?.as_bytes()).ok()?;
    if exponent != EXPONENT || !(2048..=8192).contains(&bits(&modulus)) {
        return None;
    }
    let public = PublicKeyComponents { n: modulus, e: exponent }
        .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
        .ok()?;
    Some(Key { public, kid: text("kid")?.into(), issuer, signer })
}

/// Returns the length of a big-endian number in bits; 0 if it has leading zero bytes, which RFC 7518 forbids.
fn bits(number: &[u8]) -> usize {
    match number.first() {
        None | Some(0) => 0,
        Some(first) => (number.len() * 8).saturating_sub(first.leading_zeros() as usize),
    }
}
