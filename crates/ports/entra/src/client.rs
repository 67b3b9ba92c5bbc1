//! Entra's token endpoint, asked as a confidential client: codes and refresh tokens redeemed, tokens exchanged on behalf
//! of people, tokens of the application's own.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use aws_lc_rs::rand;
use bytes::Bytes;
use doorward_oauth::{Assertion, Cloud};
use doorward_oidc::public::{self, DeviceAnswer, Poll, Scopes};
use doorward_oidc::{EntraRefusal, Form, TokenAnswer, read_refusal, read_tokens, request};
use doorward_types::{ClientId, Secret, Timestamp};
use http::{HeaderMap, Request, StatusCode};

use crate::credential::{ClientCredential, CredentialError};
use doorward_net::{Fetch, Flights, Stopwatch};

/// A token is not used in its last minutes: the request it goes out with takes time too.
const MARGIN: Duration = Duration::from_secs(300);
/// Tokens of the application's own that are kept, by tenant and scope.
const MAX_TOKENS: usize = 1_000;
/// The first pause after a throttled answer that names none, and the longest that is believed. It doubles with each.
const PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// What an [`EntraClient`] is made from.
pub struct EntraConfig {
    /// Where Entra is.
    pub cloud: Cloud,
    /// The door's application.
    pub client_id: ClientId,
    /// How the door proves that it is this application.
    pub credential: ClientCredential,
}

/// Asks Entra for tokens. Cheap to clone; clones share the cache and the pause.
#[derive(Clone)]
pub struct EntraClient {
    shared: Arc<Shared>,
}

struct Shared {
    fetch: Arc<dyn Fetch>,
    config: EntraConfig,
    clock: Stopwatch,
    app_tokens: Flights<(String, String), Arc<Secret<String>>, EntraError>,
    /// Entra asked for a pause, which all share.
    pause: Mutex<Pause>,
}

#[derive(Default)]
struct Pause {
    /// No request goes out before this reading of the stopwatch.
    until: Duration,
    /// Throttled answers without a `Retry-After` in a row.
    strikes: u32,
}

/// Why Entra gave no tokens.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntraError {
    /// Entra refused.
    #[error("Entra refuses: {} {}", .0.error.as_deref().unwrap_or("-"), .0.code().map_or_else(|| .0.status.to_string(), |code| format!("AADSTS{code}")))]
    Refused(EntraRefusal),
    /// Entra asks for a pause.
    #[error("Entra asks for a pause of {} s", .retry_in.as_secs())]
    Throttled {
        /// How long it still lasts.
        retry_in: Duration,
    },
    /// No answer.
    #[error("cannot reach Entra: {0}")]
    Unreachable(String),
    /// The answer cannot be used.
    #[error("an answer of Entra's cannot be used: {0}")]
    BadAnswer(&'static str),
    /// The door cannot prove who it is.
    #[error("the door's credential: {0}")]
    Credential(#[from] CredentialError),
    /// The request was ended by the program's end.
    #[error("the request was interrupted")]
    Interrupted,
}

impl EntraError {
    /// Returns the refusal, if Entra refused.
    pub fn refusal(&self) -> Option<&EntraRefusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// Returns the AADSTS number, if Entra named one.
    pub fn code(&self) -> Option<u32> {
        self.refusal().and_then(EntraRefusal::code)
    }
}

impl EntraClient {
    /// Makes a client; nothing is asked yet.
    pub fn new(fetch: Arc<dyn Fetch>, config: EntraConfig, clock: Stopwatch) -> Self {
        let app_tokens = Flights::new(MAX_TOKENS, clock.clone());
        let shared = Shared { fetch, config, app_tokens, clock, pause: Mutex::default() };
        Self { shared: Arc::new(shared) }
    }

    /// Redeems a code that Entra sent a browser back with.
    ///
    /// # Errors
    /// An [`EntraError`].
    pub async fn redeem(
        &self,
        tenant: &str,
        code: &str,
        verifier: &str,
        redirect_uri: &str,
        scopes: &[String],
    ) -> Result<TokenAnswer, EntraError> {
        let proof = self.shared.proof(tenant).await?;
        let form = request::redeem(self.client_id(), &proof, code, verifier, redirect_uri, scopes);
        self.shared.post(tenant, form.map_err(|_| BAD_CLAIMS)?).await
    }

    /// Refreshes a person's tokens. Entra answers with a new refresh token; the old one stays good for a while.
    ///
    /// # Errors
    /// An [`EntraError`]; `invalid_grant` means that Entra has ended the person's sign-in.
    pub async fn refresh(
        &self,
        tenant: &str,
        token: &Secret<String>,
        scopes: &[String],
        claims: Option<&str>,
    ) -> Result<TokenAnswer, EntraError> {
        let proof = self.shared.proof(tenant).await?;
        let form = request::refresh(self.client_id(), &proof, token, scopes, claims);
        self.shared.post(tenant, form.map_err(|_| BAD_CLAIMS)?).await
    }

    /// Exchanges a token that a caller brought, which was issued by this Entra for this door, for one for another API.
    ///
    /// # Errors
    /// An [`EntraError`]; a refusal with claims is a step that the person must take first.
    pub async fn on_behalf_of(
        &self,
        tenant: &str,
        assertion: &Assertion,
        scope: &str,
    ) -> Result<TokenAnswer, EntraError> {
        self.exchange(tenant, assertion.form_value(), scope).await
    }

    /// Exchanges the door's own token of a person who signed in here.
    ///
    /// # Errors
    /// As [`on_behalf_of`](Self::on_behalf_of).
    pub async fn on_behalf_of_grant(
        &self,
        tenant: &str,
        access: &Secret<String>,
        scope: &str,
    ) -> Result<TokenAnswer, EntraError> {
        self.exchange(tenant, access.expose(), scope).await
    }

    async fn exchange(&self, tenant: &str, assertion: &str, scope: &str) -> Result<TokenAnswer, EntraError> {
        let proof = self.shared.proof(tenant).await?;
        let form = request::on_behalf_of(self.client_id(), &proof, assertion, scope);
        self.shared.post(tenant, form.map_err(|_| BAD_CLAIMS)?).await
    }

    /// Begins a sign-in on another device.
    ///
    /// # Errors
    /// An [`EntraError`].
    pub async fn device_code(&self, tenant: &str, scopes: &Scopes) -> Result<DeviceAnswer, EntraError> {
        let form = public::device_code(self.client_id(), scopes);
        let body = self.shared.ask(tenant, "devicecode", form).await?;
        public::read_device(body).ok_or(EntraError::BadAnswer("it has no device code that can be shown"))
    }

    /// Asks whether the person has signed in on the other device.
    ///
    /// # Errors
    /// An [`EntraError`]; [`judge_poll`](public::judge_poll) tells which refusals mean that it goes on.
    pub async fn poll_device(
        &self,
        tenant: &str,
        device_code: &Secret<String>,
        claims: Option<&str>,
    ) -> Result<TokenAnswer, EntraError> {
        let form = public::poll(self.client_id(), device_code, claims);
        self.shared.post(tenant, form.map_err(|_| BAD_CLAIMS)?).await
    }

    /// Returns a token of the application's own, asked for once for all who need it and kept until its last minutes.
    ///
    /// # Errors
    /// An [`EntraError`].
    pub async fn app_token(&self, tenant: &str, scope: &str) -> Result<Arc<Secret<String>>, EntraError> {
        let shared = Arc::clone(&self.shared);
        let key = (tenant.to_owned(), scope.to_owned());
        let (tenant, scope) = key.clone();
        let ask = || async move {
            let proof = shared.proof(&tenant).await?;
            let form = request::client_credentials(&shared.config.client_id, &proof, &scope);
            let answer = shared.post(&tenant, form).await?;
            Ok((Arc::new(answer.access), answer.expires_in.saturating_sub(MARGIN)))
        };
        self.shared.app_tokens.get(key, ask, EntraError::Interrupted).await
    }

    /// Forgets a token that somebody refused.
    pub fn forget_app_token(&self, tenant: &str, scope: &str) {
        self.shared.app_tokens.forget(&(tenant.to_owned(), scope.to_owned()));
    }

    /// Returns the door's application.
    pub fn client_id(&self) -> &ClientId {
        &self.shared.config.client_id
    }

    /// Returns where Entra is.
    pub fn cloud(&self) -> &Cloud {
        &self.shared.config.cloud
    }
}

const BAD_CLAIMS: EntraError = EntraError::BadAnswer("the claims that a server asks for cannot be read");

impl Shared {
    async fn proof(&self, tenant: &str) -> Result<Vec<(&'static str, Secret<String>)>, EntraError> {
        let EntraConfig { cloud, client_id, credential } = &self.config;
        let now: Timestamp = SystemTime::now().into();
        Ok(credential.proof(cloud, tenant, client_id, now).await?)
    }

    async fn post(&self, tenant: &str, form: Form) -> Result<TokenAnswer, EntraError> {
        read_tokens(self.ask(tenant, "token", form).await?)
            .map_err(|_| EntraError::BadAnswer("it has no bearer token with a lifetime"))
    }

    /// Posts a form to an endpoint of a tenant's and returns the body of a success.
    async fn ask(&self, tenant: &str, endpoint: &str, form: Form) -> Result<Bytes, EntraError> {
        let retry_in = self.pause().until.saturating_sub(self.clock.read());
        if !retry_in.is_zero() {
            return Err(EntraError::Throttled { retry_in });
        }
        let request =
            Request::post(format!("{}/{tenant}/oauth2/v2.0/{endpoint}", self.config.cloud.authority))
                .header("content-type", "application/x-www-form-urlencoded")
                .header("accept", "application/json")
                // Comes back as `correlation_id`, by which Entra's sign-in log is searched.
                .header("client-request-id", request_id().unwrap_or_default())
                .body(Bytes::copy_from_slice(form.as_str().as_bytes()))
                .map_err(|error| EntraError::Unreachable(error.to_string()))?;
        let answer = self.fetch.fetch(request).await.map_err(|error| EntraError::Unreachable(error.0))?;
        let status = answer.status();
        if status.is_success() {
            self.pause().strikes = 0;
            return Ok(answer.into_body());
        }
        if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
            return Err(EntraError::Throttled { retry_in: self.begin_pause(answer.headers()) });
        }
        let refusal = read_refusal(status.as_u16(), answer.into_body());
        if public::judge_poll(&refusal) == Poll::Pending {
            return Err(EntraError::Refused(refusal));
        }
        // Entra's sign-in log is searched by these two.
        tracing::info!(code = refusal.code(), correlation = refusal.correlation, "Entra refuses a token");
        Err(EntraError::Refused(refusal))
    }

    /// Begins a pause that every caller keeps: knocking on goes against the quota of all.
    fn begin_pause(&self, headers: &HeaderMap) -> Duration {
        let asked = headers.get("retry-after").and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let mut pause = self.pause();
        let length = match asked {
            Some(secs) => Duration::from_secs(secs),
            None => {
                pause.strikes = pause.strikes.saturating_add(1);
                // A little longer for some than for others: doors that were refused together do not come back together.
                PAUSE.saturating_mul(1 << (pause.strikes - 1).min(16)).saturating_add(jitter())
            }
        };
        let length = length.clamp(Duration::from_secs(1), LONGEST_PAUSE);
        pause.until = pause.until.max(self.clock.read().saturating_add(length));
        tracing::warn!(seconds = length.as_secs(), "Entra asks for a pause");
        length
    }

    fn pause(&self) -> MutexGuard<'_, Pause> {
        self.pause.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes a random GUID (RFC 9562, version 4).
fn request_id() -> Option<String> {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).ok()?;
    let id = u128::from_be_bytes(bytes);
    let (version, variant) = (id >> 64 & 0x0FFF | 0x4000, id >> 48 & 0x3FFF | 0x8000);
    let (high, middle, low) = (id >> 96, id >> 80 & 0xFFFF, id & 0xFFFF_FFFF_FFFF);
    Some(format!("{high:08x}-{middle:04x}-{version:04x}-{variant:04x}-{low:012x}"))
}

/// Returns up to a quarter of the first pause.
fn jitter() -> Duration {
    let mut byte = [0];
    // Without randomness there is none: a pause that is not spread out is still a pause.
    let _ = rand::fill(&mut byte);
    PAUSE.saturating_mul(u32::from(u8::from_be_bytes(byte))) / 1024
}

#[cfg(test)]
mod tests;
