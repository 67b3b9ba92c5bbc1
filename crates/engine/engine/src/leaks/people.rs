//! What placeholders stand for: a vault for each person, so that nobody drives out what another's stand for, and nobody
//! gets back what another's hold.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use doorward_dlp::Vault;
use doorward_types::{ObjectId, Secret, TenantId};

use crate::sessions::Owner;

/// Texts, and bytes of texts, kept for one person.
const TEXTS: usize = 1_024;
const BYTES: usize = 1 << 20;
/// People of whom something is kept, and bytes kept for all of them.
const PEOPLE: usize = 4_096;
const ALL_BYTES: usize = 64 << 20;
/// After so many looks it is seen whether all together keep more than that.
const LOOKS: u64 = 64;

type Person = (TenantId, ObjectId);

/// What placeholders of one door stand for, in memory and bounded.
pub(crate) struct Leaks {
    key: Secret<[u8; 32]>,
    people: Mutex<People>,
}

#[derive(Default)]
struct People {
    of: HashMap<Person, Kept>,
    /// Counts the looks: whoever was looked for longest ago goes first.
    looks: u64,
}

struct Kept {
    vault: Arc<Vault>,
    looked: u64,
}

/// One person's placeholders.
pub(crate) struct Of {
    pub(super) vault: Arc<Vault>,
    /// The person, with this client of theirs: what one client's model was shown, another's does not hand back.
    pub(super) owner: String,
}

impl Leaks {
    /// Begins with nothing. The key is drawn when the door is hung, and known to nobody else.
    pub(crate) fn new(key: [u8; 32]) -> Self {
        Self { key: Secret::new(key), people: Mutex::default() }
    }

    /// Returns what is kept for a person.
    pub(crate) fn of(&self, owner: &Owner) -> Of {
        let person = (owner.tenant.clone(), owner.object.clone());
        let mut guard = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        let people = &mut *guard;
        people.looks += 1;
        let looked = people.looks;
        // Those who are here already may have grown.
        if looked.is_multiple_of(LOOKS) || !people.of.contains_key(&person) {
            people.make_room();
        }
        let vault = || Arc::new(Vault::new(&self.key, TEXTS).of_bytes(BYTES));
        let kept = people.of.entry(person).or_insert_with(|| Kept { vault: vault(), looked });
        kept.looked = looked;
        Of { vault: Arc::clone(&kept.vault), owner: told_apart(owner) }
    }
}

impl People {
    /// Forgets those of whom nothing is kept, and then whoever was looked for longest ago, until there is room for one more.
    fn make_room(&mut self) {
        let bytes = |of: &HashMap<Person, Kept>| of.values().map(|kept| kept.vault.bytes()).sum::<usize>();
        if self.of.len() < PEOPLE && (self.of.len() < ALL_BYTES / BYTES || bytes(&self.of) < ALL_BYTES) {
            return;
        }
        self.of.retain(|_, kept| !kept.vault.is_empty());
        // A quarter at once, so that the next newcomers find room without a look at all.
        let mut looks: Vec<_> = self.of.values().map(|kept| kept.looked).collect();
        looks.sort_unstable();
        let from = looks.get(looks.len() / 4).copied().unwrap_or_default();
        if self.of.len() >= PEOPLE || bytes(&self.of) >= ALL_BYTES {
            self.of.retain(|_, kept| kept.looked > from);
        }
    }
}

/// Writes down for whom something is kept.
fn told_apart(owner: &Owner) -> String {
    let Owner { tenant, object, client } = owner;
    [tenant.as_str(), object.as_str(), client.as_str()].join("/")
}

#[cfg(test)]
mod tests {
    use doorward_types::ClientId;

    use super::*;

    fn owner(person: usize) -> Owner {
        let guid = |of: usize| format!("10000000-0000-4000-8000-{of:012x}");
        Owner {
            tenant: TenantId::parse(&guid(0)).unwrap(),
            object: ObjectId::parse(&guid(person)).unwrap(),
            client: ClientId::parse(&guid(1)).unwrap(),
        }
    }

    // control: RAT-04, DAT-03: What is kept for people who come and go is bounded, and whoever is looked for stays.
    #[test]
    fn people_without_end_are_not_kept() {
        let leaks = Leaks::new([3; 32]);
        let alice = leaks.of(&owner(1));
        for person in 2..PEOPLE * 3 {
            leaks.of(&owner(person));
            if person % 100 == 0 {
                leaks.of(&owner(1));
            }
            let people = leaks.people.lock().unwrap();
            assert!(people.of.len() <= PEOPLE, "{}", people.of.len());
        }
        assert_eq!(alice.owner, leaks.of(&owner(1)).owner);
        assert_ne!(alice.owner, leaks.of(&owner(2)).owner);
    }
}
