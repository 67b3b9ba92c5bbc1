//! Pseudonyms and digests: HMACs under keys of the tenant, derived from one root (D-10). An unkeyed hash of a short
//! argument or of an object id could be undone by trying them all.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use aws_lc_rs::{hkdf, hmac};
use doorward_types::{ObjectId, Secret, TenantId};
use zeroize::Zeroizing;

use crate::encode::base64;
use crate::keys::person::{self, Who};
use crate::keys::subjects::{self, SubjectKeys};
use crate::keys::{KeyError, files};
use crate::log::lock;

/// A keyed name for a person, a tenant or a session: 128 bits of an HMAC-SHA-256, 22 characters of base64url.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pseudonym([u8; 22]);

impl Pseudonym {
    /// Returns the pseudonym as records hold it.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    pub(crate) fn text(&self) -> &[u8; 22] {
        &self.0
    }

    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let plain = text.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        text.try_into().ok().filter(|_| plain).map(Self)
    }
}

impl fmt::Debug for Pseudonym {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A keyed digest of content that is not kept: HMAC-SHA-256, 43 characters of base64url.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest([u8; 43]);

impl Digest {
    /// Returns the digest as records hold it.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    pub(crate) fn text(&self) -> &[u8; 43] {
        &self.0
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a digest is of: the same bytes in another part have another digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// A call's arguments.
    Arguments,
    /// What was released, or a hash over it.
    Answer,
    /// A resource's URI.
    Resource,
    /// A name no list holds.
    Name,
}

impl Part {
    fn domain(self) -> &'static [u8] {
        match self {
            Self::Arguments => b"arguments\0",
            Self::Answer => b"answer\0",
            Self::Resource => b"resource\0",
            Self::Name => b"name\0",
        }
    }
}

/// What is known of a caller. The log keeps pseudonyms of it, and the rest sealed.
#[derive(Clone, Copy)]
pub struct SubjectFacts<'a> {
    /// Entra's `tid`.
    pub tenant: &'a TenantId,
    /// Entra's `oid`.
    pub object: &'a ObjectId,
    /// A display name, if the token told one.
    pub name: Option<&'a str>,
    /// Where the connection came from.
    pub source: Option<IpAddr>,
    /// True for an application acting for itself.
    pub application: bool,
}

/// A caller as records name them. Made once for an identity, kept as long as it: a clone costs a count.
#[derive(Clone)]
pub struct Subject(Arc<SubjectInner>);

struct SubjectInner {
    person: Pseudonym,
    members: Vec<u8>,
    tenant: Arc<TenantKeys>,
}

impl Subject {
    /// Returns the person's pseudonym.
    pub fn person(&self) -> &Pseudonym {
        &self.0.person
    }

    /// Returns the digest of bytes that are lent and not kept, under the key of the caller's tenant.
    pub fn digest(&self, part: Part, bytes: &[u8]) -> Digest {
        digest(&self.0.tenant.content, part, bytes)
    }

    /// Returns the pseudonym of a session id: who reads the log cannot take the session over.
    pub fn session(&self, id: &str) -> Pseudonym {
        pseudonym(&self.0.tenant.names, &[b"session\0", id.as_bytes()])
    }

    /// Returns the members that name the caller, encoded once.
    pub(crate) fn members(&self) -> &[u8] {
        &self.0.members
    }
}

/// The keys that pseudonyms, digests and sealed fields are made with.
pub(crate) struct Keyring {
    root: hkdf::Prk,
    tenant_names: hmac::Key,
    unattributed: hmac::Key,
    tenants: Mutex<HashMap<TenantId, Arc<TenantKeys>>>,
    subjects: Mutex<SubjectKeys>,
}

struct TenantKeys {
    pseudonym: Pseudonym,
    names: hmac::Key,
    content: hmac::Key,
}

impl Keyring {
    /// Loads the root and the keys of persons that lie beside the signing key; makes a root where there may be none.
    pub(crate) fn load(key_file: &Path, may_make: bool) -> Result<Self, KeyError> {
        let root = load_root(key_file, may_make)?;
        let root = hkdf::Salt::new(hkdf::HKDF_SHA256, b"doorward audit 1").extract(root.expose());
        Ok(Self {
            tenant_names: derive(&root, &[b"tenant names"])?,
            unattributed: derive(&root, &[b"unattributed"])?,
            root,
            tenants: Mutex::default(),
            subjects: Mutex::new(SubjectKeys::load(subjects::path(key_file))?),
        })
    }

    pub(crate) fn subject(&self, facts: &SubjectFacts<'_>) -> Result<Subject, KeyError> {
        let tenant = self.tenant(facts.tenant)?;
        let person = tenant.person(facts.object);
        let who = Who::seal(lock(&self.subjects).find_or_make(&person)?, &person, facts)?;
        let mut members = Vec::with_capacity(96 + who.len());
        for (name, value) in [
            ("tenant", tenant.pseudonym.text().as_slice()),
            (if facts.application { "application" } else { "person" }, person.text()),
            ("who", who.as_bytes()),
        ] {
            members.extend_from_slice(b",\"");
            members.extend_from_slice(name.as_bytes());
            members.extend_from_slice(b"\":\"");
            members.extend_from_slice(value);
            members.push(b'"');
        }
        Ok(Subject(Arc::new(SubjectInner { person, members, tenant })))
    }

    pub(crate) fn person(&self, tenant: &TenantId, object: &ObjectId) -> Result<Pseudonym, KeyError> {
        Ok(self.tenant(tenant)?.person(object))
    }

    pub(crate) fn unattributed(&self, part: Part, bytes: &[u8]) -> Digest {
        digest(&self.unattributed, part, bytes)
    }

    pub(crate) fn erase(&self, person: &Pseudonym) -> Result<bool, KeyError> {
        lock(&self.subjects).erase(person)
    }

    pub(crate) fn unseal(&self, person: &Pseudonym, sealed: &str) -> Option<Who> {
        person::unseal(lock(&self.subjects).find(person)?, person, sealed)
    }

    fn tenant(&self, tenant: &TenantId) -> Result<Arc<TenantKeys>, KeyError> {
        let mut tenants = lock(&self.tenants);
        if let Some(keys) = tenants.get(tenant) {
            return Ok(Arc::clone(keys));
        }
        let id = tenant.as_str().as_bytes();
        let keys = Arc::new(TenantKeys {
            pseudonym: pseudonym(&self.tenant_names, &[id]),
            names: derive(&self.root, &[b"names\0", id])?,
            content: derive(&self.root, &[b"content\0", id])?,
        });
        tenants.insert(tenant.clone(), Arc::clone(&keys));
        Ok(keys)
    }
}

impl TenantKeys {
    fn person(&self, object: &ObjectId) -> Pseudonym {
        pseudonym(&self.names, &[b"person\0", object.as_str().as_bytes()])
    }
}

fn load_root(key_file: &Path, may_make: bool) -> Result<Secret<[u8; 32]>, KeyError> {
    let path = key_file.with_extension("root");
    match files::read(&path)? {
        Some(content) => {
            let content = Zeroizing::new(content);
            let root = <[u8; 32]>::try_from(content.as_slice());
            root.map(Secret::new).map_err(|_| KeyError::Malformed { path, what: "32 bytes of key" })
        }
        None if !may_make => Err(KeyError::Gone(path)),
        None => {
            let mut root = [0; 32];
            aws_lc_rs::rand::fill(&mut root).map_err(|_| KeyError::Crypto("draw randomness"))?;
            let root = Secret::new(root);
            files::replace(&path, root.expose())?;
            Ok(root)
        }
    }
}

fn derive(root: &hkdf::Prk, info: &[&[u8]]) -> Result<hmac::Key, KeyError> {
    let mut key = Zeroizing::new([0; 32]);
    root.expand(info, hkdf::HKDF_SHA256)
        .and_then(|made| made.fill(key.as_mut()))
        .map_err(|_| KeyError::Crypto("derive a key"))?;
    Ok(hmac::Key::new(hmac::HMAC_SHA256, key.as_ref()))
}

fn digest(key: &hmac::Key, part: Part, bytes: &[u8]) -> Digest {
    Digest(base64(tag(key, &[part.domain(), bytes]).as_ref()))
}

fn pseudonym(key: &hmac::Key, parts: &[&[u8]]) -> Pseudonym {
    Pseudonym(base64(tag(key, parts).as_ref().get(..16).unwrap_or_default()))
}

fn tag(key: &hmac::Key, parts: &[&[u8]]) -> hmac::Tag {
    let mut context = hmac::Context::with_key(key);
    for part in parts {
        context.update(part);
    }
    context.sign()
}
