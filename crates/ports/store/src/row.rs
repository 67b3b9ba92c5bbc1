//! Rows, as the rest of the door sees them.

use doorward_types::{ClientId, GrantId, Person, Secret, TenantId, Timestamp};

use crate::StoreError;

/// What a row is. The texts are in every seal and never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A client that registered itself, or whose document was read.
    Client,
    /// What a person agreed to.
    Consent,
    /// A one-time code.
    Code,
    /// A sign-in and its refresh tokens.
    Family,
    /// Entra's tokens of a sign-in.
    EntraTokens,
    /// Tokens of another authorization server, for one upstream.
    UpstreamTokens,
    /// A key the door signs with.
    SigningKey,
    /// That something was used up.
    Used,
    /// A step that Entra asked for.
    Challenge,
    /// Something the door keeps for itself.
    Setting,
    /// A definition that was agreed to, or that waits for it.
    Pin,
    /// What a person's sign-in has read, as labels.
    Flow,
    /// A question to a person about one call, and what they said.
    Approval,
    /// The key of the door or of a tenant. The store's own.
    Key,
    /// How often anything was revoked. The store's own.
    Epoch,
    /// What was revoked. The store's own.
    Revocation,
}

impl Kind {
    const ALL: [Self; 16] = [
        Self::Client,
        Self::Consent,
        Self::Code,
        Self::Family,
        Self::EntraTokens,
        Self::UpstreamTokens,
        Self::SigningKey,
        Self::Used,
        Self::Challenge,
        Self::Setting,
        Self::Pin,
        Self::Flow,
        Self::Approval,
        Self::Key,
        Self::Epoch,
        Self::Revocation,
    ];

    /// Returns the name of the kind, as it stands in the database.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Consent => "consent",
            Self::Code => "code",
            Self::Family => "family",
            Self::EntraTokens => "entra-tokens",
            Self::UpstreamTokens => "upstream-tokens",
            Self::SigningKey => "signing-key",
            Self::Used => "used",
            Self::Challenge => "challenge",
            Self::Setting => "setting",
            Self::Pin => "pin",
            Self::Flow => "flow",
            Self::Approval => "approval",
            Self::Key => "key",
            Self::Epoch => "epoch",
            Self::Revocation => "revocation",
        }
    }

    pub(crate) fn parse(text: &str) -> Result<Self, StoreError> {
        let known = Self::ALL.into_iter().find(|kind| kind.text() == text);
        known.ok_or_else(|| StoreError::Foreign { what: format!("a row of kind `{}`", text.escape_debug()) })
    }

    /// Returns whether only the store itself writes such rows.
    pub(crate) fn is_own(self) -> bool {
        matches!(self, Self::Key | Self::Epoch | Self::Revocation)
    }
}

/// Under whose key a row lies: a tenant that leaves takes its key along.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// The door's own.
    Door,
    /// One tenant's.
    Tenant(TenantId),
}

impl Scope {
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Door => "door",
            Self::Tenant(tenant) => tenant.as_str(),
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text == "door" { Some(Self::Door) } else { TenantId::parse(text).ok().map(Self::Tenant) }
    }
}

/// One thing that is kept. All members but the body stand in the database in the clear; all are authenticated.
pub struct Row {
    /// What it is.
    pub kind: Kind,
    /// Which one: unique within its kind.
    pub id: Vec<u8>,
    /// Under whose key it lies.
    pub scope: Scope,
    /// Whose it is.
    pub person: Option<Person>,
    /// Which client it is for.
    pub client: Option<ClientId>,
    /// Which sign-in it belongs to, and ends with.
    pub grant: Option<GrantId>,
    /// From when on it does not exist.
    pub expires: Option<Timestamp>,
    /// How often it was written: 1 when it is new. A row is replaced only at the version that was read.
    pub version: u64,
    /// What it says.
    pub body: Secret<Vec<u8>>,
}

/// One of several writes that happen together or not at all.
pub enum Change<'a> {
    /// Writes a new row; loses if the id exists.
    Insert(&'a Row),
    /// Writes a row that was read; loses if it has another version by now, or is gone.
    Replace(&'a Row),
    /// Writes a row, whether or not the id exists.
    Put(&'a Row),
    /// Removes a row; does not mind if it is gone.
    Delete(Kind, &'a [u8]),
    /// Removes every row of a sign-in.
    DeleteGrant(GrantId),
}

/// What was revoked.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Revoked {
    /// Everything.
    All,
    /// Everything of a person.
    Person(Person),
    /// Everything of a client.
    Client(ClientId),
    /// One sign-in.
    Grant(GrantId),
}

pub(crate) fn person_text(person: &Person) -> String {
    format!("{}/{}", person.tenant, person.object)
}

pub(crate) fn parse_person(text: &str) -> Option<Person> {
    let (tenant, object) = text.split_once('/')?;
    Some(Person {
        tenant: TenantId::parse(tenant).ok()?,
        object: doorward_types::ObjectId::parse(object).ok()?,
    })
}

pub(crate) fn parse_client(text: &str) -> Option<ClientId> {
    ClientId::parse(text).or_else(|_| ClientId::registered(text)).ok()
}
