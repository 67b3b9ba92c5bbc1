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
        if !people.of.contains_key(&person) {
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
    format!("{}/{}/{}", tenant.as_str(), object.as_str(), client.as_str())
}
