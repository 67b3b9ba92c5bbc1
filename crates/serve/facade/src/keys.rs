//! The door's own keys: for signing its tokens, for its refresh tokens, for what it keeps in browsers. They lie sealed
//! in the store, so that a restart ends no session, and every replica has the same.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use doorward_issuer::metadata::{PublicKeyParts, jwks};
use doorward_issuer::token::{Sign, SignFailed};
use doorward_oauth::KeySet;
use doorward_store::{Kind, Row, Scope, Store, StoreError};
use doorward_types::{Secret, Timestamp};
use zeroize::Zeroizing;

use crate::seal::Sealer;

/// A new key is published for so long before anything is signed with it: other replicas must know it by then.
const AHEAD: Duration = Duration::from_secs(60);
/// A key that signs no more verifies for so long: longer than the longest token.
const BEHIND: Duration = Duration::from_secs(20 * 60);

/// Why the keys are not at hand: the façade issues nothing then.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The store refuses.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A key cannot be made or read.
    #[error("the door's {0} key cannot be used; restore the store from a backup, or remove it to begin anew")]
    Unusable(&'static str),
}

/// One key that signs tokens, RS256: three times faster to verify than the next best, and it is verified on every request.
pub(crate) struct SigningKey {
    kid: String,
    pair: RsaKeyPair,
    born: Timestamp,
}

impl SigningKey {
    fn make(now: Timestamp) -> Result<(Self, Vec<u8>), KeysError> {
        const BAD: KeysError = KeysError::Unusable("signing");
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| BAD)?;
        let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).map_err(|_| BAD)?.as_ref().to_vec();
        Ok((Self::of(pair, now), der))
    }

    fn of(pair: RsaKeyPair, born: Timestamp) -> Self {
        let print = digest::digest(&digest::SHA256, pair.public_key().as_ref());
        let print = print.as_ref().get(..12).unwrap_or_default();
        Self { kid: format!("doorward-{}", URL_SAFE_NO_PAD.encode(print)), pair, born }
    }

    fn read(row: &Row) -> Result<Self, KeysError> {
        const BAD: KeysError = KeysError::Unusable("signing");
        let body = row.body.expose();
        let (born, der) = body.split_first_chunk::<8>().ok_or(BAD)?;
        let pair = RsaKeyPair::from_pkcs8(der).map_err(|_| BAD)?;
        Ok(Self::of(pair, Timestamp::from_micros(i64::from_be_bytes(*born))))
    }

    fn parts(&self) -> Result<PublicKeyParts, KeysError> {
        let (n, e) = numbers(self.pair.public_key().as_ref()).ok_or(KeysError::Unusable("signing"))?;
        Ok(PublicKeyParts { kid: self.kid.clone(), n, e })
    }
}

impl Sign for SigningKey {
    fn kid(&self) -> &str {
        &self.kid
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignFailed> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
            .map_err(|_| SignFailed)?;
        Ok(signature)
    }
}

/// The signing keys of one moment.
pub(crate) struct Signing {
    /// Newest first.
    keys: Vec<Arc<SigningKey>>,
    /// What is published of them.
    pub(crate) document: Bytes,
    /// The same, as the resource server reads it.
    pub(crate) set: Arc<KeySet>,
}

impl Signing {
    /// Returns the key to sign with: the newest that everybody knows by now.
    pub(crate) fn signer(&self, now: Timestamp) -> Option<&Arc<SigningKey>> {
        self.keys.iter().find(|key| now.since(key.born) >= AHEAD).or_else(|| self.keys.last())
    }
}

/// All keys of the façade.
pub(crate) struct DoorKeys {
    signing: RwLock<Arc<Signing>>,
    /// Makes and recognises refresh tokens.
    pub(crate) refresh: hmac::Key,
    /// Seals what browsers keep.
    pub(crate) sealer: Arc<Sealer>,
}

impl DoorKeys {
    /// Reads the keys from the store, and makes those that are missing.
    pub(crate) async fn open(store: &Store, life: Duration, now: Timestamp) -> Result<Self, KeysError> {
        let refresh = setting(store, "refresh", now).await?;
        let seal = setting(store, "seal", now).await?;
        let sealer = Sealer::new(&seal).map_err(|_| KeysError::Unusable("sealing"))?;
        let signing = rotated(store, life, now).await?;
        Ok(Self {
            signing: RwLock::new(Arc::new(signing)),
            refresh: hmac::Key::new(hmac::HMAC_SHA256, refresh.expose()),
            sealer: Arc::new(sealer),
        })
    }

    /// Returns the signing keys of now.
    pub(crate) fn signing(&self) -> Arc<Signing> {
        Arc::clone(&self.signing.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks whether a key is due to follow or to go; true if anything changed. Another replica may have been faster.
    pub(crate) async fn rotate(
        &self,
        store: &Store,
        life: Duration,
        now: Timestamp,
    ) -> Result<bool, KeysError> {
        let next = rotated(store, life, now).await?;
        if next.document == self.signing().document {
            return Ok(false);
        }
        *self.signing.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
        Ok(true)
    }
}

/// Reads the signing keys, makes the next where the newest is old enough, and drops those that can verify nothing.
async fn rotated(store: &Store, life: Duration, now: Timestamp) -> Result<Signing, KeysError> {
    let mut keys = Vec::new();
    for row in store.all(Kind::SigningKey, now).await? {
        keys.push(Arc::new(SigningKey::read(&row)?));
    }
    keys.sort_by_key(|key| std::cmp::Reverse(key.born));
    if keys.first().is_none_or(|newest| now.since(newest.born) >= life) {
        // Making a key takes as long as a hundred calls; the runtime's threads have other work.
        let made = tokio::task::spawn_blocking(move || SigningKey::make(now)).await;
        let (key, der) = made.map_err(|_| KeysError::Unusable("signing"))??;
        let der = Zeroizing::new(der);
        let body = [&now.as_micros().to_be_bytes()[..], &der].concat();
        store.insert(&row(Kind::SigningKey, key.kid.as_bytes(), body)).await?;
        keys.insert(0, Arc::new(key));
    }
    // A key verifies for as long as a token can live that was signed with it last.
    let mut followed = None;
    let mut kept = Vec::new();
    for key in keys {
        match followed {
            Some(next) if now.since(next) >= AHEAD + BEHIND => {
                store.delete(Kind::SigningKey, key.kid.as_bytes()).await?;
            }
            _ => kept.push(Arc::clone(&key)),
        }
        followed = Some(key.born);
    }
    let parts = kept.iter().map(|key| key.parts()).collect::<Result<Vec<_>, _>>()?;
    let document = Bytes::from(jwks(&parts));
    let set = KeySet::of_door(document.clone()).map_err(|_| KeysError::Unusable("signing"))?;
    Ok(Signing { keys: kept, document, set: Arc::new(set) })
}

/// Reads modulus and exponent out of a public key of our own, as RFC 8017 appendix A.1.1 writes it in DER.
fn numbers(der: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    fn take(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
        let (&[found, first], rest) = der.split_first_chunk()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            0x81 => (usize::from(*rest.first()?), rest.get(1..)?),
            0x82 => {
                let (length, rest) = rest.split_first_chunk::<2>()?;
                (usize::from(u16::from_be_bytes(*length)), rest)
            }
            _ => return None,
        };
        (found == tag).then(|| rest.split_at_checked(length)).flatten()
    }
    let (sequence, _) = take(der, 0x30)?;
    let (n, rest) = take(sequence, 0x02)?;
    let (e, _) = take(rest, 0x02)?;
    let plain = |number: &[u8]| number.iter().skip_while(|byte| **byte == 0).copied().collect();
    Some((plain(n), plain(e)))
}

/// Reads a secret of 256 bits, or makes it. Of two replicas that start at once one is first; both then read the same.
async fn setting(store: &Store, name: &'static str, now: Timestamp) -> Result<Secret<Vec<u8>>, KeysError> {
    for _ in 0..2 {
        if let Some(row) = store.get(Kind::Setting, name.as_bytes(), now).await? {
            return Ok(row.body);
        }
        let mut bytes = vec![0; 32];
        SystemRandom::new().fill(&mut bytes).map_err(|_| KeysError::Unusable(name))?;
        store.insert(&row(Kind::Setting, name.as_bytes(), bytes)).await?;
    }
    Err(KeysError::Unusable(name))
}

fn row(kind: Kind, id: &[u8], body: Vec<u8>) -> Row {
    Row {
        kind,
        id: id.to_vec(),
        scope: Scope::Door,
        person: None,
        client: None,
        grant: None,
        expires: None,
        version: 1,
        body: Secret::new(body),
    }
}
