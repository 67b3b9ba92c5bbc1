//! Entra's tokens of the people who are signed in: kept sealed, refreshed once for all who ask, given to nobody but Entra.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use doorward_entra::{EntraClient, EntraError};
use doorward_oidc::TokenAnswer;
use doorward_store::{Store, StoreError};
use doorward_types::{ClientId, GrantId, Person, Secret, Timestamp};

use crate::vault::{self, Challenge};

/// An access token is not used in its last minutes: what it is sent with takes time too.
const MARGIN: Duration = Duration::from_secs(300);
/// Grants with a gate of their own at once; beyond that idle gates are dropped.
const GATES: usize = 4_096;
/// How long a step that Entra asked for stays open.
const CHALLENGE: Duration = Duration::from_secs(24 * 3600);

/// Why there is no token of Entra's for a sign-in.
#[derive(Debug, thiserror::Error)]
pub enum GrantError {
    /// There is no such sign-in any more.
    #[error("the sign-in has ended")]
    Gone,
    /// Entra ended it: the account is disabled, the password changed, access was taken back.
    #[error("Entra has ended the sign-in: {}", .0.map_or_else(|| "no code".to_owned(), |code| format!("AADSTS{code}")))]
    Ended(Option<u32>),
    /// Entra asks the person for a further step; these are the claims to ask it for.
    #[error("Entra asks the person for a further step")]
    Challenge(String),
    /// Entra does not answer.
    #[error("Entra cannot be asked: {0}")]
    Away(String),
    /// The store refuses.
    #[error(transparent)]
    Store(#[from] StoreError),
}

type Gate = Arc<tokio::sync::Mutex<()>>;

/// Entra's tokens by sign-in.
pub struct Grants {
    store: Store,
    entra: EntraClient,
    scopes: Vec<String>,
    gates: Mutex<HashMap<GrantId, Gate>>,
}

impl Grants {
    /// Makes the keeper of Entra's tokens for the door's own application.
    pub fn new(store: Store, entra: EntraClient, door: &ClientId) -> Self {
        Self { store, entra, scopes: own_scopes(door), gates: Mutex::default() }
    }

    /// Returns Entra's access token for the door itself, as the proof that an on-behalf-of request needs. It goes to
    /// Entra and nowhere else.
    ///
    /// # Errors
    /// A [`GrantError`]; whoever asked must refuse.
    pub async fn assertion(
        &self,
        grant: &GrantId,
        person: &Person,
        client: &ClientId,
        now: Timestamp,
    ) -> Result<Secret<String>, GrantError> {
        let fresh = |vault: &vault::EntraVault| vault.access_until > now.plus(MARGIN);
        let known = vault::entra(&self.store, grant, now).await?.ok_or(GrantError::Gone)?;
        if fresh(&known) {
            return Ok(known.access);
        }
        let gate = self.gate(grant);
        let _one_at_a_time = gate.lock().await;
        let known = vault::entra(&self.store, grant, now).await?.ok_or(GrantError::Gone)?;
        if fresh(&known) {
            return Ok(known.access);
        }
        Ok(self.ask(grant, person, client, known, now).await?.access)
    }

    /// Asks Entra for new tokens, and with that whether the person may still come in.
    pub(crate) async fn renew(
        &self,
        grant: &GrantId,
        person: &Person,
        client: &ClientId,
        now: Timestamp,
    ) -> Result<TokenAnswer, GrantError> {
        let gate = self.gate(grant);
        let _one_at_a_time = gate.lock().await;
        let known = vault::entra(&self.store, grant, now).await?.ok_or(GrantError::Gone)?;
        self.ask(grant, person, client, known, now).await
    }

    async fn ask(
        &self,
        grant: &GrantId,
        person: &Person,
        client: &ClientId,
        known: vault::EntraVault,
        now: Timestamp,
    ) -> Result<TokenAnswer, GrantError> {
        let refresh = known.refresh.as_ref().ok_or(GrantError::Ended(None))?;
        let answer =
            self.entra.refresh(person.tenant.as_str(), refresh, &self.scopes, None).await.map_err(refused)?;
        let mut row = vault::entra_row(grant, person, client, &answer, Some(refresh), now);
        // The row's own time stays: it is the sign-in's.
        row.expires = vault::expires_of(&self.store, grant, now).await?;
        self.store.put(&row).await?;
        Ok(answer)
    }

    /// Notes that a server needs a step of a person that only Entra can ask them for: their next refresh fails, so that
    /// the client sends them to sign in, where the step is asked for (D-16).
    ///
    /// # Errors
    /// [`StoreError`]; the call that needed the step is refused in any case.
    pub async fn challenge(
        &self,
        grant: &GrantId,
        person: &Person,
        client: &ClientId,
        claims: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        for _ in 0..3 {
            let Some(mut held) = vault::family(&self.store, grant, now).await? else { return Ok(()) };
            let resource = held.thing.resource.clone();
            let open = vault::challenge(&self.store, person, client, &resource, now).await?;
            let rounds = open.as_ref().filter(|open| open.claims == claims).map_or(0, |open| open.rounds);
            let challenge = Challenge { claims: claims.to_owned(), rounds };
            let row = vault::challenge_row(person, client, &resource, &challenge, now.plus(CHALLENGE));
            self.store.put(&row).await?;
            held.thing.challenge = Some(claims.to_owned());
            let expires = held.row.expires.unwrap_or(now);
            if self.store.replace(&vault::family_row(&held.thing, expires, held.row.version)).await? {
                return Ok(());
            }
        }
        Ok(())
    }

    fn gate(&self, grant: &GrantId) -> Gate {
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        if gates.len() >= GATES {
            gates.retain(|_, gate| Arc::strong_count(gate) > 1);
        }
        Arc::clone(gates.entry(*grant).or_default())
    }
}

/// What is asked of Entra at a sign-in and at every refresh: a token for the door itself, who it is, and to go on. The
/// GUID form: with an App ID URI Entra refuses an application that asks for itself (AADSTS90009), and a scope without
/// a resource in front is taken for one of Graph's (AADSTS650053).
pub(crate) fn own_scopes(door: &ClientId) -> Vec<String> {
    let mut scopes = vec![format!("{door}/.default")];
    scopes.extend(["openid", "profile", "offline_access"].map(str::to_owned));
    scopes
}

/// Sorts Entra's refusals by what follows from them.
pub fn refused(error: EntraError) -> GrantError {
    match error.refusal() {
        Some(refusal) if refusal.claims.is_some() => {
            GrantError::Challenge(refusal.claims.clone().unwrap_or_default())
        }
        Some(refusal) if refusal.is_invalid_grant() || refusal.is_interaction_required() => {
            GrantError::Ended(error.code())
        }
        _ => GrantError::Away(error.to_string()),
    }
}
