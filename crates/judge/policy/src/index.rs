//! Which policies could match: found by action, resource and principal of their scopes, not by looking at each (D-07).
//!
//! What is found is a superset of what matches; a property test compares it with the whole set.

use std::collections::BTreeMap;

use crate::names::{Action, TOOLS_CALL, Type, Uid};
use crate::rule::Head;

/// Numbers for the entities that scopes name.
pub(crate) type Atom = u32;

#[derive(Debug, Default)]
pub(crate) struct Index {
    atoms: BTreeMap<Uid, Atom>,
    /// By action and resource; nothing stands for any.
    buckets: BTreeMap<(Option<Atom>, Option<Atom>), Bucket>,
}

#[derive(Debug, Default)]
struct Bucket {
    anyone: Vec<usize>,
    by_principal: BTreeMap<Atom, Vec<usize>>,
}

impl Index {
    pub(crate) fn insert(&mut self, rule: usize, head: &Head) {
        let principal = head.principal.uid().map(|uid| self.intern(uid));
        let resource = head.resource.uid().map(|uid| self.intern(uid));
        let actions: Vec<Option<Atom>> = match &head.actions {
            None => vec![None],
            Some(actions) => actions.iter().map(|action| Some(self.intern(&uid_of(action)))).collect(),
        };
        for action in actions {
            let bucket = self.buckets.entry((action, resource)).or_default();
            let rules = match principal {
                None => &mut bucket.anyone,
                Some(principal) => bucket.by_principal.entry(principal).or_default(),
            };
            // An action list may name one action twice.
            if rules.last() != Some(&rule) {
                rules.push(rule);
            }
        }
    }

    /// The number of an entity, if some scope names it.
    pub(crate) fn atom(&self, uid: &Uid) -> Option<Atom> {
        self.atoms.get(uid).copied()
    }

    /// Returns the rules whose scopes could hold, in order. `principal` is sorted; nothing in `actions` or `resources`
    /// stands for scopes that name none.
    pub(crate) fn candidates(
        &self,
        actions: &[Option<Atom>],
        resources: &[Option<Atom>],
        principal: &[Atom],
    ) -> Vec<usize> {
        let mut found = Vec::new();
        for action in actions {
            for resource in resources {
                let Some(bucket) = self.buckets.get(&(*action, *resource)) else { continue };
                found.extend(&bucket.anyone);
                // Whichever is shorter is walked: a person in 200 groups, or a tool with 10,000 policies.
                if principal.len() <= bucket.by_principal.len() {
                    found.extend(principal.iter().filter_map(|atom| bucket.by_principal.get(atom)).flatten());
                } else {
                    let named =
                        bucket.by_principal.iter().filter(|(atom, _)| principal.binary_search(atom).is_ok());
                    found.extend(named.flat_map(|(_, rules)| rules));
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    fn intern(&mut self, uid: &Uid) -> Atom {
        if let Some(atom) = self.atoms.get(uid) {
            return *atom;
        }
        // INVARIANT: more than 2^32 names do not fit into memory; past them all share one number, which only makes
        // slices larger.
        let atom = Atom::try_from(self.atoms.len()).unwrap_or(Atom::MAX);
        self.atoms.insert(uid.clone(), atom);
        atom
    }
}

fn uid_of(action: &Action) -> Uid {
    match action {
        Action::Tool(id) => Uid::new(Type::Action, id.as_ref()),
        Action::AnyTool => Uid::new(Type::Action, TOOLS_CALL),
        Action::Verb(verb) => Uid::new(Type::Action, verb.id()),
    }
}
