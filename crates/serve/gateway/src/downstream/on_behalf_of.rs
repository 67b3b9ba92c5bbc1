//! On behalf of the caller: Entra exchanges the proof that they are signed in to this door for a token for one server,
//! theirs and no wider (TPT-06). The server sees who calls, and this door cannot reach further than its callers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use doorward_engine::{Caller, Need, UpstreamError, UpstreamFault};
use doorward_entra::EntraClient;
use doorward_facade::{GrantError, Grants, entra_refusal};
use doorward_oauth::CallerKind;
use doorward_types::{ClientId, GrantId, Person, Secret, Timestamp};
use doorward_upstream::{OutboundCredential, Retry};
use futures_util::future::BoxFuture;
use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue};

use super::{header, not_opened};

/// A token is not used in its last minutes.
const MARGIN: Duration = Duration::from_secs(300);
/// Tokens kept; beyond that those that have expired are dropped, and then all.
const MOST: usize = 8_192;

/// Whose token it is. Two clients of one person have two: each has a grant of its own, which ends by itself.
type Whose = (Person, ClientId, Option<GrantId>);

struct Kept {
    token: Arc<Secret<String>>,
    until: Timestamp,
}

type Gate = Arc<tokio::sync::Mutex<Option<Kept>>>;

/// Exchanges the callers' proofs for tokens of one scope.
pub(crate) struct OnBehalfOf {
    entra: EntraClient,
    /// Where the proofs of people lie who signed in here; without the façade they bring them along.
    grants: Option<Arc<Grants>>,
    scope: String,
    kept: Mutex<HashMap<Whose, Gate>>,
}

impl OnBehalfOf {
    pub(crate) fn new(entra: EntraClient, grants: Option<Arc<Grants>>, scope: String) -> Self {
        Self { entra, grants, scope, kept: Mutex::default() }
    }

    fn gate(&self, whose: &Whose) -> Gate {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST && !kept.contains_key(whose) {
            kept.clear();
        }
        Arc::clone(kept.entry(whose.clone()).or_default())
    }

    /// Returns a token for this server on behalf of the caller, exchanged at most once for all who ask at a time.
    async fn token(&self, caller: &Arc<Caller>) -> Result<Arc<Secret<String>>, UpstreamError> {
        let identity = caller.identity();
        if identity.kind() == CallerKind::App {
            // Entra would refuse it too (AADSTS7000114): an application is nobody whom one could act for (REM-14).
            return Err(UpstreamError::new(
                UpstreamFault::Refused,
                "an application calls, and this server is called on behalf of people only",
            ));
        }
        let whose = (identity.person(), identity.client().clone(), identity.grant());
        let gate = self.gate(&whose);
        let mut seat = gate.lock().await;
        let now: Timestamp = SystemTime::now().into();
        if let Some(kept) = seat.as_ref().filter(|kept| kept.until > now.plus(MARGIN)) {
            return Ok(Arc::clone(&kept.token));
        }
        let exchanged = match (identity.grant(), &self.grants) {
            (Some(grant), Some(grants)) => {
                let (person, client) = (&whose.0, &whose.1);
                match grants.assertion(&grant, person, client, now).await {
                    Ok(proof) => {
                        let tenant = person.tenant.as_str();
                        let exchanged = self.entra.on_behalf_of_grant(tenant, &proof, &self.scope).await;
                        exchanged.map_err(entra_refusal)
                    }
                    Err(error) => Err(error),
                }
            }
            _ => {
                let Some(proof) = caller.assertion() else {
                    return Err(UpstreamError::new(
                        UpstreamFault::Refused,
                        "the caller brought no proof that can be exchanged",
                    ));
                };
                let tenant = whose.0.tenant.as_str();
                self.entra.on_behalf_of(tenant, proof, &self.scope).await.map_err(entra_refusal)
            }
        };
        match exchanged {
            Ok(answer) => {
                let token = Arc::new(answer.access);
                *seat = Some(Kept { token: Arc::clone(&token), until: now.plus(answer.expires_in) });
                Ok(token)
            }
            Err(error) => Err(self.refused(error, &whose, now).await),
        }
    }

    /// What a refusal of Entra's means for the caller (D-16).
    async fn refused(&self, error: GrantError, whose: &Whose, now: Timestamp) -> UpstreamError {
        let detail = error.to_string();
        let need = match (error, whose.2, &self.grants) {
            (GrantError::Challenge(claims), Some(grant), Some(grants)) => {
                // The client cannot answer Entra's challenge, for it never talks to Entra: it is sent to sign in again,
                // and the façade asks for the step then.
                if let Err(error) = grants.challenge(&grant, &whose.0, &whose.1, &claims, now).await {
                    tracing::error!(%error, "a step that Entra asks for cannot be kept");
                }
                Some(Need::SignInAgain)
            }
            (GrantError::Challenge(claims), ..) => Some(Need::Claims(claims)),
            (GrantError::Gone | GrantError::Ended(_), ..) => Some(Need::SignInAgain),
            (GrantError::Away(_) | GrantError::Store(_), ..) => None,
        };
        UpstreamError { need, ..UpstreamError::new(UpstreamFault::Refused, detail) }
    }

    async fn forget(&self, caller: &Arc<Caller>) {
        let identity = caller.identity();
        let gate = self.gate(&(identity.person(), identity.client().clone(), identity.grant()));
        *gate.lock().await = None;
    }
}

impl OutboundCredential for OnBehalfOf {
    fn header<'a>(
        &'a self,
        caller: Option<&'a Arc<Caller>>,
    ) -> BoxFuture<'a, Result<(HeaderName, HeaderValue), UpstreamError>> {
        Box::pin(async move {
            let Some(caller) = caller else {
                return Err(UpstreamError::new(
                    UpstreamFault::Refused,
                    "this server is called on behalf of people only",
                ));
            };
            header(&AUTHORIZATION, "Bearer ", &*self.token(caller).await?)
        })
    }

    fn rejected<'a>(
        &'a self,
        caller: Option<&'a Arc<Caller>>,
        challenge: Option<String>,
    ) -> BoxFuture<'a, Retry> {
        Box::pin(async move {
            let Some(caller) = caller else { return Retry::No(not_opened("request")) };
            self.forget(caller).await;
            // A server that wants a further step says so with its 401 (claims challenge): the same token would be
            // refused again, so the caller is asked instead.
            let claims = challenge.as_deref().and_then(doorward_oidc::claims_of_challenge);
            match claims {
                Some(claims) => {
                    let identity = caller.identity();
                    let whose = (identity.person(), identity.client().clone(), identity.grant());
                    let now: Timestamp = SystemTime::now().into();
                    Retry::No(self.refused(GrantError::Challenge(claims), &whose, now).await)
                }
                None => Retry::Once,
            }
        })
    }
}
