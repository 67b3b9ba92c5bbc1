//! What identifies a person, sealed in each record under that person's own key.

use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward_types::{ObjectId, Secret, TenantId};

use crate::keys::{KeyError, Keyring, Pseudonym, SubjectFacts};

/// The identifying fields of a record, unsealed.
#[derive(Clone, PartialEq, Eq)]
pub struct Who {
    /// Entra's `tid`.
    pub tenant: String,
    /// Entra's `oid`.
    pub object: String,
    /// The source address of the connection.
    pub source: Option<String>,
    /// The display name.
    pub name: Option<String>,
}

impl Who {
    /// Seals the facts: base64url of nonce and ciphertext, bound to the pseudonym so that it cannot be moved.
    pub(crate) fn seal(
        key: &Secret<[u8; 32]>,
        person: &Pseudonym,
        facts: &SubjectFacts<'_>,
    ) -> Result<String, KeyError> {
        let source = facts.source.map(|source| source.to_string()).unwrap_or_default();
        let name: String = facts.name.unwrap_or_default().chars().take(128).collect();
        let mut sealed =
            [facts.tenant.as_str(), facts.object.as_str(), &source, &name].join("\0").into_bytes();
        let key = aead(key)?;
        let nonce = key
            .seal_in_place_append_tag(Aad::from(person.text()), &mut sealed)
            .map_err(|_| KeyError::Crypto("seal"))?;
        Ok(URL_SAFE_NO_PAD.encode([nonce.as_ref().as_slice(), &sealed].concat()))
    }
}

/// Unseals; nothing if it was sealed for somebody else or under another key.
pub(crate) fn unseal(key: &Secret<[u8; 32]>, person: &Pseudonym, sealed: &str) -> Option<Who> {
    let sealed = URL_SAFE_NO_PAD.decode(sealed).ok()?;
    let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let mut sealed = sealed.to_vec();
    let open = aead(key).ok()?.open_in_place(nonce, Aad::from(person.text()), &mut sealed).ok()?.to_vec();
    let text = String::from_utf8(open).ok()?;
    let mut fields = text.splitn(4, '\0').map(str::to_owned);
    let kept = |field: Option<String>| field.filter(|text| !text.is_empty());
    Some(Who {
        tenant: fields.next()?,
        object: fields.next()?,
        source: kept(fields.next()),
        name: kept(fields.next()),
    })
}

fn aead(key: &Secret<[u8; 32]>) -> Result<RandomizedNonceKey, KeyError> {
    RandomizedNonceKey::new(&AES_256_GCM, key.expose()).map_err(|_| KeyError::Crypto("take a person's key"))
}

/// The keys of persons, for whoever may know them: `doorward audit show --who` and `doorward audit erase`.
pub struct AuditKeys(Keyring);

impl AuditKeys {
    /// Opens the keys that lie beside the signing key; the signing key itself is not read.
    ///
    /// # Errors
    /// [`KeyError`] if they are absent or cannot be read.
    pub fn open(key_file: &Path) -> Result<Self, KeyError> {
        Keyring::load(key_file, false).map(Self)
    }

    /// Returns the pseudonym under which a person's records are found.
    ///
    /// # Errors
    /// [`KeyError`] if the tenant's key cannot be derived.
    pub fn person(&self, tenant: &TenantId, object: &ObjectId) -> Result<Pseudonym, KeyError> {
        self.0.person(tenant, object)
    }

    /// Unseals a record's `who`; nothing if the person was erased or the seal is not theirs.
    pub fn unseal(&self, person: &str, who: &str) -> Option<Who> {
        self.0.unseal(&Pseudonym::parse(person.as_bytes())?, who)
    }

    /// Erases a person by deleting their key; true if there was one. A running door learns it at its next start; use
    /// [`AuditLog::erase`](crate::AuditLog::erase) where there is one.
    ///
    /// # Errors
    /// [`KeyError`] if the file cannot be written; the key is then still there.
    pub fn erase(&self, tenant: &TenantId, object: &ObjectId) -> Result<bool, KeyError> {
        self.0.erase(&self.person(tenant, object)?)
    }
}
