//! Taking back: by a client (RFC 7009), by the person, by the operator. What is taken back opens nothing from the next
//! request on, and what is open under it ends.

use doorward_issuer::family::read_refresh_token;
use doorward_issuer::token::TokenError;
use doorward_oauth::{DoorExpectation, Identity, KeyRing, Revocations, Revoked, verify};
use doorward_store::StoreError;
use doorward_types::{GrantId, Timestamp};
use http::StatusCode;

use crate::respond::{Answer, json};
use crate::tell::Told;
use crate::token::{invalid_request, is_confidential};
use crate::{Asked, Facade, REVOCATIONS_KEPT, vault};

impl Facade {
    /// `POST /revoke` (RFC 7009). Whatever becomes of the token, the answer to a proven client is 200: it says nothing
    /// about tokens that are not the client's.
    pub(crate) async fn revoke_token(&self, asked: &Asked<'_>) -> Answer {
        let (client, params) = match self.heard(asked, false).await {
            Ok((client, _, params)) => (client, params),
            Err(answer) => return *answer,
        };
        let Some(token) = params.get("token") else {
            return self.oauth_error(&invalid_request("token is missing"));
        };
        let grant = match read_refresh_token(&self.keys.refresh, token, &client.id) {
            Ok((grant, _)) => Some(grant),
            Err(_) => self
                .own(token, asked.now)
                .and_then(|identity| (*identity.client() == client.id).then(|| identity.grant()).flatten()),
        };
        if let Some(grant) = grant {
            match vault::family(&self.parts.store, &grant, asked.now).await {
                Ok(Some(held)) if held.thing.client == client.id => {
                    let told = self.told(&held.thing, Some("by-client"));
                    if let Err(answer) = self.end_grant(&grant, told, asked.now).await {
                        return *answer;
                    }
                }
                Ok(_) => {}
                Err(error) => return self.token_store_failed(&error),
            }
        }
        json(StatusCode::OK, "")
    }

    /// `POST /introspect` (RFC 7662), for confidential clients: a public one could be anybody who found a token.
    pub(crate) async fn introspect(&self, asked: &Asked<'_>) -> Answer {
        let (client, params) = match self.heard(asked, false).await {
            Ok((client, _, params)) => (client, params),
            Err(answer) => return *answer,
        };
        if !is_confidential(&client) {
            return self.oauth_error(&TokenError::client());
        }
        let active = params.get("token").and_then(|token| self.own(token, asked.now));
        let Some(identity) = active.filter(|identity| self.still_admitted(identity)) else {
            return json(StatusCode::OK, r#"{"active":false}"#);
        };
        json(StatusCode::OK, described(&identity))
    }

    /// Judges one of the door's own tokens, for whichever of its servers it is.
    fn own(&self, token: &str, now: Timestamp) -> Option<Identity> {
        let ring =
            KeyRing { door: std::sync::Arc::clone(&self.keys.signing().set), entra: Default::default() };
        self.settings.resources.iter().find_map(|resource| {
            let mut expected = self.settings.own_token();
            expected.allow_app_only = true;
            expected.door = Some(DoorExpectation {
                issuer: self.settings.issuer.clone(),
                audience: resource.url.clone(),
                required_scope: Vec::new(),
            });
            verify(token, &ring, &expected, now).ok()
        })
    }

    fn still_admitted(&self, identity: &Identity) -> bool {
        self.revocations.read().unwrap_or_else(std::sync::PoisonError::into_inner).admits(identity)
    }

    /// Ends one sign-in: its refresh tokens, its access tokens, its streams, and Entra's tokens with it.
    pub(crate) async fn end_grant(
        &self,
        grant: &GrantId,
        told: Told<'_>,
        now: Timestamp,
    ) -> Result<(), Box<Answer>> {
        // Out of the store first: if the process dies here, nothing can be refreshed, and access tokens end by themselves.
        let store = &self.parts.store;
        store.delete_grant(grant).await.map_err(|error| Box::new(self.token_store_failed(&error)))?;
        self.revoke(&Revoked::Grant(*grant), now)
            .await
            .map_err(|error| Box::new(self.token_store_failed(&error)))?;
        self.tell("revoked", told, now).await.map_err(|error| Box::new(self.token_log_failed(&error)))
    }

    /// Revokes, for every process that shares the store, and here at once.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing was revoked.
    pub async fn revoke(&self, what: &Revoked, now: Timestamp) -> Result<u64, StoreError> {
        let epoch = self.parts.store.revoke(&stored(what), now, REVOCATIONS_KEPT).await?;
        self.publish_revocations(Some(what)).await?;
        if let Err(error) = self.parts.audit.anchor_epoch(epoch, now).await {
            // It holds in the store; only an older copy of the store would not be found out.
            tracing::error!(%error, "a revocation is not anchored in the audit log");
        }
        Ok(epoch)
    }

    /// Hands the door the revocations of now.
    pub(crate) async fn publish_revocations(&self, newest: Option<&Revoked>) -> Result<(), StoreError> {
        let listed = self.parts.store.revocations().await?;
        let listed = listed.into_iter().map(|(what, epoch, at)| (read(what), epoch, at));
        let revocations = std::sync::Arc::new(Revocations::new(listed));
        *self.revocations.write().unwrap_or_else(std::sync::PoisonError::into_inner) =
            std::sync::Arc::clone(&revocations);
        self.parts.keeper.publish_revocations(revocations, newest);
        Ok(())
    }
}

fn stored(what: &Revoked) -> doorward_store::Revoked {
    match what {
        Revoked::All => doorward_store::Revoked::All,
        Revoked::Person(person) => doorward_store::Revoked::Person(person.clone()),
        Revoked::Client(client) => doorward_store::Revoked::Client(client.clone()),
        Revoked::Grant(grant) => doorward_store::Revoked::Grant(*grant),
    }
}

fn read(what: doorward_store::Revoked) -> Revoked {
    match what {
        doorward_store::Revoked::All => Revoked::All,
        doorward_store::Revoked::Person(person) => Revoked::Person(person),
        doorward_store::Revoked::Client(client) => Revoked::Client(client),
        doorward_store::Revoked::Grant(grant) => Revoked::Grant(grant),
    }
}

fn described(identity: &Identity) -> String {
    use doorward_wire::quote;
    let scope: Vec<&str> = identity.scopes().iter().map(|scope| &**scope).collect();
    let person = identity.person();
    // Whoever asks must see that the token is nothing without its key (RFC 9449 section 6.2).
    let kind = match identity.bound_to() {
        None => r#""token_type":"Bearer""#.to_owned(),
        Some(jkt) => format!(r#""token_type":"DPoP","cnf":{{"jkt":{}}}"#, quote(jkt)),
    };
    format!(
        r#"{{"active":true,"client_id":{},"sub":{},"scope":{},"exp":{},"iat":{},{kind}}}"#,
        quote(identity.client().as_str()),
        quote(&format!("{}.{}", person.tenant, person.object)),
        quote(&scope.join(" ")),
        identity.expires().as_secs(),
        identity.issued_at().as_secs(),
    )
}
