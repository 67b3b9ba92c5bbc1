//! Who asks: built once per identity and snapshot, with what was already found out for them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use cedar_policy::{EntityUid, RestrictedExpression};
use doorward_types::{ClientId, ObjectId, TenantId};

use crate::compile::Policies;
use crate::index::Atom;
use crate::names::{Type, Uid};
use crate::slice::Slice;

/// Most slices kept of tools, prompts and servers; there are no more than the catalogue has items.
const MOST_KNOWN: usize = 1_024;
/// Most slices kept of resources, whose URIs the caller chooses.
const MOST_URIS: usize = 256;
/// Longest URI whose slice is kept, in bytes.
const LONGEST_URI: usize = 512;

/// A person or a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrincipalKind {
    /// A person who signed in.
    User,
    /// An application on its own behalf.
    App,
}

/// What a verified token says of its caller.
#[derive(Debug, Clone, Copy)]
pub struct PrincipalFacts<'a> {
    /// Entra's `tid`.
    pub tenant: &'a TenantId,
    /// Entra's `oid`.
    pub object: &'a ObjectId,
    /// The client application (`azp`).
    pub client: &'a ClientId,
    /// Person or service.
    pub kind: PrincipalKind,
    /// Delegated scopes (`scp`).
    pub scopes: &'a [Arc<str>],
    /// App roles (`roles`).
    pub roles: &'a [Arc<str>],
    /// Groups, resolved if the token only hinted at them.
    pub groups: &'a BTreeSet<ObjectId>,
}

/// A caller as one policy set knows them. It answers no question of another set.
pub struct Principal {
    pub(crate) mark: Arc<()>,
    pub(crate) uid: Uid,
    pub(crate) cedar: Option<EntityUid>,
    pub(crate) attributes: Vec<(&'static str, RestrictedExpression)>,
    /// Groups, roles and tenant, as far as some policy names them: the others cannot change an answer.
    pub(crate) ancestors: BTreeSet<Uid>,
    /// The numbers of the caller and of the ancestors in the index, sorted.
    pub(crate) atoms: Vec<Atom>,
    cache: Mutex<Cache>,
}

impl Policies {
    /// Builds a caller for this set.
    pub fn principal(&self, facts: &PrincipalFacts<'_>) -> Principal {
        let kind = match facts.kind {
            PrincipalKind::User => Type::User,
            PrincipalKind::App => Type::App,
        };
        let uid = Uid::new(kind, format!("{}/{}", facts.tenant, facts.object));
        let groups = facts.groups.iter().filter_map(|group| self.names(Type::Group, group.as_str()));
        let roles = facts.roles.iter().filter_map(|role| self.names(Type::Role, role));
        let tenant = self.names(Type::Tenant, facts.tenant.as_str());
        let ancestors: BTreeSet<Uid> = groups.chain(roles).chain(tenant).collect();
        let mut atoms: Vec<Atom> =
            ancestors.iter().chain([&uid]).filter_map(|uid| self.index.atom(uid)).collect();
        atoms.sort_unstable();
        let text = |value: &str| RestrictedExpression::new_string(value.to_owned());
        let texts =
            |values: &[Arc<str>]| RestrictedExpression::new_set(values.iter().map(|value| text(value)));
        Principal {
            mark: Arc::clone(&self.mark),
            cedar: self.vocabulary.uid(kind, &uid.id),
            attributes: vec![
                ("oid", text(facts.object.as_str())),
                ("tid", text(facts.tenant.as_str())),
                ("client", text(facts.client.as_str())),
                ("scopes", texts(facts.scopes)),
                ("roles", texts(facts.roles)),
            ],
            uid,
            ancestors,
            atoms,
            cache: Mutex::default(),
        }
    }
}

impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Principal").field("uid", &self.uid).finish_non_exhaustive()
    }
}

/// What a slice is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slot<'a> {
    /// Question, server, item.
    Known(u8, u32, u32),
    /// Question, server, URI.
    Uri(u8, u32, &'a str),
}

#[derive(Default)]
struct Cache {
    known: BTreeMap<(u8, u32, u32), Arc<Slice>>,
    uris: BTreeMap<(u8, u32), BTreeMap<Box<str>, Arc<Slice>>>,
    uri_count: usize,
    /// What is seen of a server's tools or prompts, by their number: a list of a thousand tools takes a thousand bytes.
    seen: BTreeMap<(u8, u32), Vec<Option<bool>>>,
}

impl Principal {
    pub(crate) fn recall(&self, slot: Slot<'_>) -> Option<Arc<Slice>> {
        let cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        match slot {
            Slot::Known(question, server, item) => cache.known.get(&(question, server, item)).cloned(),
            Slot::Uri(question, server, uri) => cache.uris.get(&(question, server))?.get(uri).cloned(),
        }
    }

    pub(crate) fn keep(&self, slot: Slot<'_>, slice: &Arc<Slice>) {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        match slot {
            Slot::Known(question, server, item) => {
                if cache.known.len() >= MOST_KNOWN {
                    cache.known.clear();
                }
                cache.known.insert((question, server, item), Arc::clone(slice));
            }
            Slot::Uri(_, _, uri) if uri.len() > LONGEST_URI => {}
            // A caller who asks for ever new URIs empties their own cache and nobody else's.
            Slot::Uri(question, server, uri) => {
                if cache.uri_count >= MOST_URIS {
                    cache.uris.clear();
                    cache.uri_count = 0;
                }
                cache.uris.entry((question, server)).or_default().insert(uri.into(), Arc::clone(slice));
                cache.uri_count += 1;
            }
        }
    }

    pub(crate) fn recall_seen(&self, question: u8, server: u32, item: u32) -> Option<bool> {
        let cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        cache.seen.get(&(question, server))?.get(usize::try_from(item).ok()?).copied()?
    }

    pub(crate) fn keep_seen(&self, question: u8, server: u32, item: u32, sees: bool) {
        let Ok(item) = usize::try_from(item) else { return };
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = cache.seen.entry((question, server)).or_default();
        if seen.len() <= item {
            seen.resize(item + 1, None);
        }
        if let Some(slot) = seen.get_mut(item) {
            *slot = Some(sees);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_and_callers_are_shared_between_threads() {
        fn shared<T: Send + Sync>() {}
        shared::<Policies>();
        shared::<Principal>();
        shared::<crate::Permit>();
        shared::<crate::Denial>();
    }
}
