//! What is in the cache: people, a refresh token for each, and access tokens by their scopes. The file's name says for
//! which tenant and client.

use std::collections::BTreeSet;
use std::sync::Arc;

use doorward_oauth::Groups;
use doorward_oidc::public::{Lifetime, Scopes};
use doorward_types::{ObjectId, Person, Secret, TenantId, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use crate::accounts::Account;

/// Access tokens of one person that are kept; the oldest give way.
const MOST_TOKENS: usize = 32;

/// The whole cache.
#[derive(Default)]
pub(crate) struct Model {
    pub(crate) entries: Vec<Entry>,
}

/// One person who signed in.
pub(crate) struct Entry {
    pub(crate) account: Account,
    pub(crate) refresh: Option<Hidden>,
    pub(crate) tokens: Vec<Kept>,
}

/// An access token.
#[derive(Clone)]
pub(crate) struct Kept {
    pub(crate) scopes: String,
    pub(crate) access: Hidden,
    pub(crate) life: Lifetime,
}

/// A token, wiped when the last holder lets go. It is written into the text that is sealed, and nowhere else.
#[derive(Clone)]
pub(crate) struct Hidden(pub(crate) Arc<Secret<String>>);

impl Model {
    pub(crate) fn entry(&self, person: &Person) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.account.person == *person)
    }

    pub(crate) fn entry_mut(&mut self, person: &Person) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| entry.account.person == *person)
    }

    /// Takes in what somebody has just got, beside or in place of what there is.
    pub(crate) fn take_in(&mut self, account: Account, refresh: Option<Hidden>, kept: Kept) {
        let entry = match self.entries.iter().position(|entry| entry.account.person == account.person) {
            Some(at) => self.entries.get_mut(at),
            None => {
                self.entries.push(Entry { account: account.clone(), refresh: None, tokens: Vec::new() });
                self.entries.last_mut()
            }
        };
        let Some(entry) = entry else { return };
        entry.account = account;
        // Entra gives a new refresh token with each answer, and wants the old one forgotten.
        entry.refresh = refresh.or(entry.refresh.take());
        entry.tokens.retain(|old| old.scopes != kept.scopes && old.life.expires > kept.life.obtained);
        entry.tokens.push(kept);
        let over = entry.tokens.len().saturating_sub(MOST_TOKENS);
        entry.tokens.drain(..over);
    }

    /// Reads the text that was sealed; `None` if it is not one of this program's.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let text: Text = serde_json::from_slice(text).ok()?;
        (text.version == VERSION).then_some(())?;
        Some(Self { entries: text.accounts.into_iter().map(EntryText::read).collect::<Option<_>>()? })
    }

    /// Writes the text that is sealed.
    pub(super) fn text(&self) -> Option<Zeroizing<Vec<u8>>> {
        let accounts: Vec<EntryText> = self.entries.iter().map(EntryText::of).collect();
        let secrets = |entry: &EntryText| {
            let tokens = entry.tokens.iter().map(|kept| kept.access.len() + kept.scopes.len() + 128);
            tokens.sum::<usize>() + entry.refresh.as_ref().map_or(0, Hidden::len)
        };
        let groups = accounts.iter().map(|entry| entry.groups.as_ref().map_or(0, |list| list.len() * 64));
        let room = accounts.iter().map(secrets).sum::<usize>() + groups.sum::<usize>();
        // Enough from the start: a buffer that grows leaves its text behind, unwiped.
        let mut text = Zeroizing::new(Vec::with_capacity(2 * room + 4096 * (accounts.len() + 1)));
        serde_json::to_writer(&mut *text, &Text { version: VERSION, accounts }).ok()?;
        Some(text)
    }
}

impl Entry {
    pub(crate) fn token(&self, scopes: &Scopes) -> Option<&Kept> {
        self.tokens.iter().find(|kept| kept.scopes == scopes.as_str())
    }
}

impl Hidden {
    fn len(&self) -> usize {
        self.0.expose().len()
    }
}

impl From<Secret<String>> for Hidden {
    fn from(secret: Secret<String>) -> Self {
        Self(Arc::new(secret))
    }
}

/// A file of a later version is not guessed at.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    version: u32,
    accounts: Vec<EntryText>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryText {
    tenant: String,
    object: String,
    name: Option<String>,
    address: Option<String>,
    login_hint: Option<String>,
    /// Absent: the token told none.
    groups: Option<Vec<String>>,
    /// There are more than the token told.
    overage: bool,
    refresh: Option<Hidden>,
    tokens: Vec<KeptText>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeptText {
    scopes: String,
    access: Hidden,
    obtained: i64,
    refresh: Option<i64>,
    expires: i64,
}

impl EntryText {
    fn of(entry: &Entry) -> Self {
        let Account { person, name, address, login_hint, groups } = &entry.account;
        Self {
            tenant: person.tenant.to_string(),
            object: person.object.to_string(),
            name: name.clone(),
            address: address.clone(),
            login_hint: login_hint.clone(),
            groups: match groups {
                Groups::Listed(ids) => Some(ids.iter().map(ToString::to_string).collect()),
                Groups::Overage | Groups::Absent => None,
            },
            overage: *groups == Groups::Overage,
            refresh: entry.refresh.clone(),
            tokens: entry.tokens.iter().map(KeptText::of).collect(),
        }
    }

    fn read(self) -> Option<Entry> {
        let groups = match (self.groups, self.overage) {
            (Some(ids), false) => {
                let ids: Option<BTreeSet<ObjectId>> = ids.iter().map(|id| ObjectId::parse(id).ok()).collect();
                Groups::Listed(ids?)
            }
            (None, true) => Groups::Overage,
            (None, false) => Groups::Absent,
            (Some(_), true) => return None,
        };
        let tenant = TenantId::parse(&self.tenant).ok()?;
        let person = Person { tenant, object: ObjectId::parse(&self.object).ok()? };
        let account =
            Account { person, name: self.name, address: self.address, login_hint: self.login_hint, groups };
        let tokens = self.tokens.into_iter().map(KeptText::read).collect();
        Some(Entry { account, refresh: self.refresh, tokens })
    }
}

impl KeptText {
    fn of(kept: &Kept) -> Self {
        let Lifetime { obtained, refresh, expires } = kept.life;
        Self {
            scopes: kept.scopes.clone(),
            access: kept.access.clone(),
            obtained: obtained.as_secs(),
            refresh: refresh.map(Timestamp::as_secs),
            expires: expires.as_secs(),
        }
    }

    fn read(self) -> Kept {
        let at = Timestamp::from_secs;
        let life = Lifetime {
            obtained: at(self.obtained),
            refresh: self.refresh.map(at),
            expires: at(self.expires),
        };
        Kept { scopes: self.scopes, access: self.access, life }
    }
}

impl Serialize for Hidden {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.0.expose())
    }
}

impl<'de> Deserialize<'de> for Hidden {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(|text| Secret::new(text).into())
    }
}
