//! The seal of a row: AES-256-GCM under a key of the row's own, with every column bound into it.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Prk};
use doorward_types::{GrantId, Secret, Timestamp};
use zeroize::Zeroizing;

use crate::row::{parse_client, parse_person, person_text};
use crate::{Kind, Row, Scope, StoreError};

const TAG_LEN: usize = 16;

/// A key of this crate: of the root, the door, a tenant or a row.
pub(crate) type Key = Secret<[u8; 32]>;

/// A row as it lies in the database.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Sealed {
    pub(crate) kind: Kind,
    pub(crate) id: Vec<u8>,
    pub(crate) scope: String,
    pub(crate) person: Option<String>,
    pub(crate) client: Option<String>,
    pub(crate) grant: Option<Vec<u8>>,
    pub(crate) expires: Option<i64>,
    /// Under which root key it lies.
    pub(crate) generation: i64,
    pub(crate) version: i64,
    pub(crate) body: Vec<u8>,
}

impl Sealed {
    /// Seals a row as the given version of it.
    pub(crate) fn seal(row: &Row, version: i64, generation: i64, key: &Key) -> Result<Self, StoreError> {
        let mut sealed = Self {
            kind: row.kind,
            id: row.id.clone(),
            scope: row.scope.text().to_owned(),
            person: row.person.as_ref().map(person_text),
            client: row.client.as_ref().map(|client| client.as_str().to_owned()),
            grant: row.grant.map(|grant| grant.0.to_vec()),
            expires: row.expires.map(Timestamp::as_micros),
            generation,
            version,
            body: Vec::new(),
        };
        sealed.body = seal(&sealed.key(key)?, &sealed.columns(), row.body.expose())?;
        Ok(sealed)
    }

    /// Opens a row. Every reader comes through here: what does not fit is an error and never an absent row.
    pub(crate) fn open(mut self, key: &Key) -> Result<Row, StoreError> {
        let kind = self.kind;
        let wrong = |what| StoreError::Tampered { kind, what };
        let body = std::mem::take(&mut self.body);
        let body = open(&self.key(key)?, &self.columns(), body)
            .ok_or(wrong("its columns, its place or its content do not fit its seal"))?;
        // What a seal fits, this program wrote; a column that cannot be read is a mistake of ours, and no reason to guess.
        const UNREADABLE: &str = "a column cannot be read";
        Ok(Row {
            kind,
            id: self.id,
            scope: Scope::parse(&self.scope).ok_or(wrong(UNREADABLE))?,
            person: match &self.person {
                Some(text) => Some(parse_person(text).ok_or(wrong(UNREADABLE))?),
                None => None,
            },
            client: match &self.client {
                Some(text) => Some(parse_client(text).ok_or(wrong(UNREADABLE))?),
                None => None,
            },
            grant: match self.grant {
                Some(bytes) => Some(GrantId(bytes.try_into().map_err(|_| wrong(UNREADABLE))?)),
                None => None,
            },
            expires: self.expires.map(Timestamp::from_micros),
            version: u64::try_from(self.version).map_err(|_| wrong(UNREADABLE))?,
            body,
        })
    }

    /// A key for this row alone, so that two rows never share a key with the chance of sharing a nonce.
    fn key(&self, key: &Key) -> Result<Key, StoreError> {
        derive(key, &[b"doorward row", self.kind.text().as_bytes(), &self.id])
    }

    /// Every column but the body. Each is written with its length, so that no two different rows write the same.
    fn columns(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        field(&mut out, Some(b"doorward row 1"));
        field(&mut out, Some(self.kind.text().as_bytes()));
        field(&mut out, Some(&self.id));
        field(&mut out, Some(self.scope.as_bytes()));
        field(&mut out, self.person.as_deref().map(str::as_bytes));
        field(&mut out, self.client.as_deref().map(str::as_bytes));
        field(&mut out, self.grant.as_deref());
        field(&mut out, self.expires.map(i64::to_be_bytes).as_ref().map(<[u8; 8]>::as_slice));
        field(&mut out, Some(&self.generation.to_be_bytes()));
        field(&mut out, Some(&self.version.to_be_bytes()));
        out
    }
}

/// Appends a field with its length; an absent one has a mark of its own.
fn field(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
    match bytes {
        None => out.push(0),
        Some(bytes) => {
            out.push(1);
            out.extend_from_slice(&u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
            out.extend_from_slice(bytes);
        }
    }
}

/// Draws a key.
pub(crate) fn random_key() -> Result<Key, StoreError> {
    let mut bytes = Zeroizing::new([0; 32]);
    aws_lc_rs::rand::fill(&mut *bytes).map_err(|_| StoreError::Crypto("draw randomness"))?;
    Ok(Secret::new(*bytes))
}

/// Derives a key, or a keyed digest, from a key and what it is for.
pub(crate) fn derive(key: &Key, purpose: &[&[u8]]) -> Result<Key, StoreError> {
    const FAILED: StoreError = StoreError::Crypto("derive a key");
    let mut info = Zeroizing::new(Vec::with_capacity(96));
    for part in purpose {
        field(&mut info, Some(part));
    }
    let mut bytes = Zeroizing::new([0; 32]);
    // The keys are uniform already: of HKDF only the second half is needed.
    let prk = Prk::new_less_safe(HKDF_SHA256, key.expose());
    let parts = [info.as_slice()];
    prk.expand(&parts, HKDF_SHA256).and_then(|okm| okm.fill(&mut *bytes)).map_err(|_| FAILED)?;
    Ok(Secret::new(*bytes))
}

/// Seals bytes: ciphertext, tag, nonce.
pub(crate) fn seal(key: &Key, bound: &[u8], plain: &[u8]) -> Result<Vec<u8>, StoreError> {
    const FAILED: StoreError = StoreError::Crypto("seal a row");
    // Room for all of it: a vector that grows would leave a copy of the plaintext behind.
    let mut sealed = Vec::with_capacity(plain.len() + TAG_LEN + NONCE_LEN);
    sealed.extend_from_slice(plain);
    let nonce = RandomizedNonceKey::new(&AES_256_GCM, key.expose())
        .and_then(|key| key.seal_in_place_append_tag(Aad::from(bound), &mut sealed))
        .map_err(|_| FAILED)?;
    sealed.extend_from_slice(nonce.as_ref());
    Ok(sealed)
}

/// Opens what [`seal`] made, or nothing else.
pub(crate) fn open(key: &Key, bound: &[u8], mut sealed: Vec<u8>) -> Option<Secret<Vec<u8>>> {
    let nonce = sealed.split_off(sealed.len().checked_sub(NONCE_LEN)?);
    let nonce = Nonce::try_assume_unique_for_key(&nonce).ok()?;
    let key = RandomizedNonceKey::new(&AES_256_GCM, key.expose()).ok()?;
    let length = key.open_in_place(nonce, Aad::from(bound), &mut sealed).ok()?.len();
    sealed.truncate(length);
    Some(Secret::new(sealed))
}
