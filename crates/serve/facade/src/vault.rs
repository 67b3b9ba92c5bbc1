//! Rows of the store, as the things they are.

use aws_lc_rs::digest::{SHA256, digest};
use doorward_issuer::code::CodeRecord;
use doorward_issuer::consent::Consent;
use doorward_issuer::family::Family;
use doorward_oidc::TokenAnswer;
use doorward_store::{Kind, Row, Scope, Store, StoreError};
use doorward_types::{ClientId, GrantId, Person, Secret, TenantId, Timestamp};
use serde::{Deserialize, Serialize};

/// A row that opens but does not say what it should: an older program's, or a mistake of ours. Nothing is guessed.
fn unreadable(kind: Kind) -> StoreError {
    StoreError::Tampered { kind, what: "its content is not what this version writes" }
}

/// A thing with the row it was read from, to be replaced only if nobody was faster.
pub(crate) struct Held<T> {
    pub(crate) row: Row,
    pub(crate) thing: T,
}

/// Hashes what is looked up by its hash alone: codes and states, so that a copy of the store holds none that works.
pub(crate) fn hashed(text: &str) -> Vec<u8> {
    digest(&SHA256, text.as_bytes()).as_ref().to_vec()
}

/// Makes the row of a sign-in.
pub(crate) fn family_row(family: &Family, expires: Timestamp, version: u64) -> Row {
    Row {
        kind: Kind::Family,
        id: family.grant.0.to_vec(),
        scope: Scope::Tenant(family.person.tenant.clone()),
        person: Some(family.person.clone()),
        client: Some(family.client.clone()),
        grant: Some(family.grant),
        expires: Some(expires),
        version,
        body: Secret::new(family.to_record()),
    }
}

/// Reads a sign-in.
pub(crate) async fn family(
    store: &Store,
    grant: &GrantId,
    now: Timestamp,
) -> Result<Option<Held<Family>>, StoreError> {
    let Some(row) = store.get(Kind::Family, &grant.0, now).await? else { return Ok(None) };
    read_family(row).map(Some)
}

pub(crate) fn read_family(row: Row) -> Result<Held<Family>, StoreError> {
    let thing = Family::from_record(row.body.expose()).map_err(|_| unreadable(Kind::Family))?;
    Ok(Held { row, thing })
}

/// Makes the row of a code.
pub(crate) fn code_row(code: &str, record: &CodeRecord, kept_until: Timestamp, version: u64) -> Row {
    Row {
        kind: Kind::Code,
        id: hashed(code),
        scope: Scope::Tenant(record.person.tenant.clone()),
        person: Some(record.person.clone()),
        client: Some(record.client.clone()),
        grant: Some(record.grant),
        expires: Some(kept_until),
        version,
        body: Secret::new(record.to_record()),
    }
}

/// Reads a code.
pub(crate) async fn code(
    store: &Store,
    code: &str,
    now: Timestamp,
) -> Result<Option<Held<CodeRecord>>, StoreError> {
    let Some(row) = store.get(Kind::Code, &hashed(code), now).await? else { return Ok(None) };
    let thing = CodeRecord::from_record(row.body.expose()).map_err(|_| unreadable(Kind::Code))?;
    Ok(Some(Held { row, thing }))
}

/// A person's consents, newest first.
pub(crate) async fn consents(
    store: &Store,
    person: &Person,
    now: Timestamp,
) -> Result<Vec<Held<Consent>>, StoreError> {
    let mut found = Vec::new();
    for row in store.of_person(Kind::Consent, person, now).await? {
        let thing = Consent::from_record(row.body.expose()).map_err(|_| unreadable(Kind::Consent))?;
        found.push(Held { row, thing });
    }
    found.sort_by_key(|held| std::cmp::Reverse(held.thing.given));
    Ok(found)
}

/// Makes the row of a consent. One for each person, client, address and resource: consenting again replaces it.
pub(crate) fn consent_row(consent: &Consent) -> Row {
    let person = &consent.person;
    // Lengths in front, so that no two different consents write the same text.
    let mut text = String::new();
    let parts = [
        person.tenant.as_str(),
        person.object.as_str(),
        consent.client.as_str(),
        &consent.redirect,
        &consent.resource,
    ];
    for part in parts {
        text.push_str(&format!("{}:{part}", part.len()));
    }
    Row {
        kind: Kind::Consent,
        id: hashed(&text),
        scope: Scope::Tenant(person.tenant.clone()),
        person: Some(person.clone()),
        client: Some(consent.client.clone()),
        grant: None,
        expires: None,
        version: 1,
        body: Secret::new(consent.to_record()),
    }
}

/// Entra's tokens of one sign-in. They never leave the door but for Entra itself.
pub(crate) struct EntraVault {
    pub(crate) access: Secret<String>,
    pub(crate) access_until: Timestamp,
    pub(crate) refresh: Option<Secret<String>>,
}

#[derive(Serialize, Deserialize)]
struct EntraText {
    access: String,
    until: i64,
    refresh: Option<String>,
}

impl Drop for EntraText {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.access);
        zeroize::Zeroize::zeroize(&mut self.refresh);
    }
}

/// Makes the row of Entra's tokens.
pub(crate) fn entra_row(
    grant: &GrantId,
    person: &Person,
    client: &ClientId,
    tokens: &TokenAnswer,
    older: Option<&Secret<String>>,
    now: Timestamp,
) -> Row {
    let refresh = tokens.refresh.as_ref().or(older).map(|token| token.expose().clone());
    let text = EntraText {
        access: tokens.access.expose().clone(),
        until: now.plus(tokens.expires_in).as_micros(),
        refresh,
    };
    Row {
        kind: Kind::EntraTokens,
        id: grant.0.to_vec(),
        scope: Scope::Tenant(person.tenant.clone()),
        person: Some(person.clone()),
        client: Some(client.clone()),
        grant: Some(*grant),
        expires: None,
        version: 1,
        body: Secret::new(serde_json::to_vec(&text).unwrap_or_default()),
    }
}

/// Reads Entra's tokens of one sign-in.
pub(crate) async fn entra(
    store: &Store,
    grant: &GrantId,
    now: Timestamp,
) -> Result<Option<EntraVault>, StoreError> {
    let Some(row) = store.get(Kind::EntraTokens, &grant.0, now).await? else { return Ok(None) };
    let mut text: EntraText =
        serde_json::from_slice(row.body.expose()).map_err(|_| unreadable(Kind::EntraTokens))?;
    Ok(Some(EntraVault {
        access: Secret::new(std::mem::take(&mut text.access)),
        access_until: Timestamp::from_micros(text.until),
        refresh: text.refresh.take().map(Secret::new),
    }))
}

/// A step that Entra asked for and that the person has not taken yet (D-16).
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
pub(crate) struct Challenge {
    /// The claims to ask Entra for, as Entra named them.
    pub(crate) claims: String,
    /// How often the person was sent to Entra with them.
    pub(crate) rounds: u8,
}

fn challenge_id(person: &Person, client: &ClientId, resource: &str) -> Vec<u8> {
    hashed(&format!(
        "{}|{}|{}|{}|{resource}",
        person.tenant,
        person.object,
        client.as_str().len(),
        client.as_str()
    ))
}

/// Makes the row of a challenge.
pub(crate) fn challenge_row(
    person: &Person,
    client: &ClientId,
    resource: &str,
    challenge: &Challenge,
    until: Timestamp,
) -> Row {
    Row {
        kind: Kind::Challenge,
        id: challenge_id(person, client, resource),
        scope: Scope::Tenant(person.tenant.clone()),
        person: Some(person.clone()),
        client: Some(client.clone()),
        grant: None,
        expires: Some(until),
        version: 1,
        body: Secret::new(serde_json::to_vec(challenge).unwrap_or_default()),
    }
}

/// Reads the challenge that is open for a person, a client and a resource.
pub(crate) async fn challenge(
    store: &Store,
    person: &Person,
    client: &ClientId,
    resource: &str,
    now: Timestamp,
) -> Result<Option<Challenge>, StoreError> {
    let id = challenge_id(person, client, resource);
    let Some(row) = store.get(Kind::Challenge, &id, now).await? else { return Ok(None) };
    serde_json::from_slice(row.body.expose()).map(Some).map_err(|_| unreadable(Kind::Challenge))
}

/// Closes the challenge of a person, a client and a resource.
pub(crate) async fn close_challenge(
    store: &Store,
    person: &Person,
    client: &ClientId,
    resource: &str,
) -> Result<(), StoreError> {
    store.delete(Kind::Challenge, &challenge_id(person, client, resource)).await.map(|_| ())
}

/// Notes that something was used up; false if it was before. Kept until it would be refused for its age in any case.
pub(crate) async fn use_up(
    store: &Store,
    what: &str,
    tenant: Option<&TenantId>,
    until: Timestamp,
) -> Result<bool, StoreError> {
    store.insert(&used_row(what, tenant, until)).await
}

/// Makes the row that says that something was used up; inserting it fails if it was before.
pub(crate) fn used_row(what: &str, tenant: Option<&TenantId>, until: Timestamp) -> Row {
    Row {
        kind: Kind::Used,
        id: hashed(what),
        scope: tenant.map_or(Scope::Door, |tenant| Scope::Tenant(tenant.clone())),
        person: None,
        client: None,
        grant: None,
        expires: Some(until),
        version: 1,
        body: Secret::new(Vec::new()),
    }
}

/// Returns until when Entra's tokens of a sign-in are kept.
pub(crate) async fn expires_of(
    store: &Store,
    grant: &GrantId,
    now: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    Ok(store.get(Kind::EntraTokens, &grant.0, now).await?.and_then(|row| row.expires))
}
