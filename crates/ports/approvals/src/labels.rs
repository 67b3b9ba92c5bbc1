//! What each key has read, as rows.

use doorward_engine::{KeptLabels, LabelsError};
use doorward_flow::{Fallen, Flow, Key};
use doorward_store::{Kind, Row, Scope, Store, StoreError};
use doorward_types::{Secret, ServerName, Timestamp};

/// Stands for the version of a row that cannot be opened: it is written over, whatever its version is.
const SPOILT: u64 = u64::MAX;

/// A row is read however old it is, until it is swept: that labels have fallen is for the rule to say, and for the record.
const EVER: Timestamp = Timestamp::from_micros(i64::MIN);

/// One key's row, for a person to look at.
pub struct Shown {
    /// The key, in its text form.
    pub key: String,
    /// What is remembered; nothing where it cannot be read, and then the worst is assumed.
    pub flow: Option<Flow>,
}

/// Reads what is written down of what a key has read.
///
/// # Errors
/// [`LabelsError`]: a row that does not open is not one that is not there.
pub async fn read(store: &Store, key: &Key) -> Result<Option<KeptLabels>, LabelsError> {
    let row = store.get(Kind::Flow, key.to_string().as_bytes(), EVER).await.map_err(|error| wrong(&error))?;
    let Some(row) = row else { return Ok(None) };
    let (given_up, text) = split(row.body.expose()).ok_or(LabelsError::Spoilt(row.version))?;
    Ok(Some(KeptLabels { given_up, version: row.version, text: text.to_vec() }))
}

/// Writes it down at the version that was read; returns the next version, nothing if somebody was faster.
///
/// # Errors
/// [`LabelsError::Unavailable`].
pub async fn write(
    store: &Store,
    key: &Key,
    kept: &KeptLabels,
    until: Timestamp,
) -> Result<Option<u64>, LabelsError> {
    let mut body = kept.given_up.to_be_bytes().to_vec();
    body.extend(&kept.text);
    let (scope, person, client, grant) = match key {
        Key::Grant(person, grant) => {
            (Scope::Tenant(person.tenant.clone()), Some(person.clone()), None, Some(*grant))
        }
        Key::Client(person, client) => {
            (Scope::Tenant(person.tenant.clone()), Some(person.clone()), Some(client.clone()), None)
        }
        Key::App(tenant, client) => (Scope::Tenant(tenant.clone()), None, Some(client.clone()), None),
        Key::LocalUser(_) => (Scope::Door, None, None, None),
    };
    let row = Row {
        kind: Kind::Flow,
        id: key.to_string().into_bytes(),
        scope,
        person,
        client,
        grant,
        expires: Some(until),
        version: kept.version,
        body: Secret::new(body),
    };
    let written = match kept.version {
        0 => store.insert(&row).await,
        SPOILT => store.put(&row).await.map(|()| true),
        _ => store.replace(&row).await,
    };
    match written {
        Ok(true) if kept.version == SPOILT => {
            let row = store.get(Kind::Flow, &row.id, EVER).await;
            Ok(row.map_err(|error| wrong(&error))?.map(|row| row.version))
        }
        Ok(true) => Ok(Some(kept.version.saturating_add(1))),
        Ok(false) => Ok(None),
        Err(error) => {
            tracing::error!(%error, "what was read cannot be written down");
            Err(LabelsError::Unavailable)
        }
    }
}

/// Returns what every key has read, for a person to look at.
///
/// # Errors
/// When the store cannot be read.
pub async fn all(store: &Store, now: Timestamp) -> Result<Vec<Shown>, StoreError> {
    let mut shown = Vec::new();
    for row in store.all(Kind::Flow, now).await? {
        let flow = split(row.body.expose()).and_then(|(_, text)| Flow::read(text).ok());
        shown.push(Shown { key: String::from_utf8_lossy(&row.id).into_owned(), flow });
    }
    shown.sort_by(|one, two| one.key.cmp(&two.key));
    Ok(shown)
}

/// Gives up what a key has read, because somebody said so; every door that shares the store takes it up with its next call.
/// Nothing where nothing is remembered of the key.
///
/// # Errors
/// When the store cannot be read or written.
pub async fn reset(
    store: &Store,
    key: &str,
    (who, why): (&str, &str),
    now: Timestamp,
) -> Result<Option<Fallen>, StoreError> {
    loop {
        let Some(mut row) = store.get(Kind::Flow, key.as_bytes(), EVER).await? else { return Ok(None) };
        let read = split(row.body.expose());
        let given_up = read.map_or(0, |(given_up, _)| given_up);
        let mut flow = match read.and_then(|(_, text)| Flow::read(text).ok()) {
            Some(flow) => flow,
            None => Flow::lost(&unreadable()?, now),
        };
        let fallen = flow.reset(who, why, now);
        let mut body = given_up.saturating_add(1).to_be_bytes().to_vec();
        body.extend(flow.to_json().into_bytes());
        row.body = Secret::new(body);
        if store.replace(&row).await? {
            return Ok(Some(fallen));
        }
    }
}

/// Whose a lost row is in words; it stands for no server.
fn unreadable() -> Result<ServerName, StoreError> {
    ServerName::parse("doorward").map_err(|_| StoreError::Foreign { what: "a name".to_owned() })
}

fn split(body: &[u8]) -> Option<(u64, &[u8])> {
    let (given_up, text) = body.split_at_checked(8)?;
    Some((u64::from_be_bytes(given_up.try_into().ok()?), text))
}

fn wrong(error: &StoreError) -> LabelsError {
    tracing::error!(%error, "what was read before cannot be looked up");
    match error {
        StoreError::Tampered { .. } => LabelsError::Spoilt(SPOILT),
        _ => LabelsError::Unavailable,
    }
}
