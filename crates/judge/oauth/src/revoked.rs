//! What was taken back, and which tokens that ends.

use std::collections::HashMap;

use doorward_types::{ClientId, GrantId, Person, Timestamp};

use crate::identity::Identity;

/// Whose tokens are taken back.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Revoked {
    /// Everybody's.
    All,
    /// Those of one person, or of one application on its own behalf.
    Person(Person),
    /// Those that one client holds.
    Client(ClientId),
    /// Those of one sign-in.
    Grant(GrantId),
}

/// The last revocation of something: tokens from before it are ended, later ones are not.
#[derive(Debug, Clone, Copy)]
struct Mark {
    epoch: u64,
    at: Timestamp,
}

impl Mark {
    /// Says whether a token was issued after this. Tokens of the door's own name the epoch they were issued in; Entra's
    /// tell only the time, in whole seconds, and the second of the revocation counts as before it.
    fn spares(&self, identity: &Identity) -> bool {
        match identity.epoch() {
            Some(issued_in) => issued_in >= self.epoch,
            None => identity.issued_at() > self.at,
        }
    }

    fn later(self, other: Self) -> Self {
        Self { epoch: self.epoch.max(other.epoch), at: self.at.max(other.at) }
    }
}

/// All revocations that tokens now alive could fall under. A value that is swapped whole; asking it costs the same
/// however many there are.
#[derive(Debug, Default)]
pub struct Revocations {
    all: Option<Mark>,
    people: HashMap<Person, Mark>,
    clients: HashMap<ClientId, Mark>,
    grants: HashMap<GrantId, Mark>,
}

impl Revocations {
    /// Takes revocations, each with the epoch that began with it and the time of it.
    pub fn new(listed: impl IntoIterator<Item = (Revoked, u64, Timestamp)>) -> Self {
        let mut made = Self::default();
        for (what, epoch, at) in listed {
            let mark = Mark { epoch, at };
            match what {
                Revoked::All => made.all = Some(made.all.map_or(mark, |known| known.later(mark))),
                Revoked::Person(person) => note(&mut made.people, person, mark),
                Revoked::Client(client) => note(&mut made.clients, client, mark),
                Revoked::Grant(grant) => note(&mut made.grants, grant, mark),
            }
        }
        made
    }

    /// Says whether a token that was judged is still good: no revocation that it falls under came after it.
    pub fn admits(&self, identity: &Identity) -> bool {
        let marks = [
            self.all.as_ref(),
            if self.people.is_empty() { None } else { self.people.get(&identity.person()) },
            self.clients.get(identity.client()),
            identity.grant().and_then(|grant| self.grants.get(&grant)),
        ];
        marks.into_iter().flatten().all(|mark| mark.spares(identity))
    }
}

impl Revocations {
    /// Says whether somebody who signed in then, without a token, is still admitted.
    pub fn admits_person(&self, person: &Person, since: Timestamp) -> bool {
        let marks = [self.all.as_ref(), self.people.get(person)];
        marks.into_iter().flatten().all(|mark| since > mark.at)
    }
}

fn note<K: Eq + std::hash::Hash>(marks: &mut HashMap<K, Mark>, key: K, mark: Mark) {
    marks.entry(key).and_modify(|known| *known = known.later(mark)).or_insert(mark);
}
