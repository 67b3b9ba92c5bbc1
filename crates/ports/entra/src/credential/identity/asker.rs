//! One question to an identity endpoint, with the tries that Azure asks for.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use doorward_oidc::percent;
use doorward_types::{ClientId, Timestamp};
use http::{HeaderValue, Request, Response, StatusCode};

use super::{IdentityConfig, IdentitySource, Token, answer, arc};
use crate::credential::CredentialError;
use doorward_net::{Fetch, Sleeper, Stopwatch};

/// Pauses before the second to the fifth try.
const PAUSES: [u64; 4] = [2, 6, 14, 30];
/// 410 says that the service is being updated, which takes 70 seconds at most.
const UPDATE: (usize, u64) = (7, 10);
/// The longest pause that is believed: people wait at the other end.
const LONGEST_PAUSE: u64 = 60;

pub(super) struct Asker {
    fetch: Arc<dyn Fetch>,
    source: IdentitySource,
    client_id: Option<ClientId>,
    imds: String,
    arc_keys: PathBuf,
    clock: Stopwatch,
    sleeper: Sleeper,
}

impl Asker {
    pub(super) fn new(fetch: Arc<dyn Fetch>, config: IdentityConfig) -> Self {
        let IdentityConfig { source, client_id, lab, clock, sleeper } = config;
        let (imds, arc_keys) = match lab {
            Some(lab) => (lab.imds.trim_end_matches('/').to_owned(), lab.arc_keys),
            None => ("http://169.254.169.254".to_owned(), PathBuf::from(arc::FOLDER)),
        };
        Self { fetch, source, client_id, imds, arc_keys, clock, sleeper }
    }

    /// Returns a token and for how long it may be used.
    pub(super) async fn ask(
        &self,
        audience: &str,
        now: Timestamp,
    ) -> Result<(Token, Duration), CredentialError> {
        let started = self.clock.read();
        let mut tries = Tries::default();
        let answer = loop {
            let answer = self.once(audience).await?;
            let Some(pause) = tries.pause_after(&answer) else { break answer };
            tracing::info!(
                status = answer.status().as_u16(),
                seconds = pause.as_secs(),
                "the identity endpoint is asked again"
            );
            self.sleeper.sleep(pause).await;
        };
        let now = now.plus(self.clock.read().saturating_sub(started));
        answer::read(self.endpoint(), answer, now)
    }

    fn endpoint(&self) -> &str {
        match &self.source {
            IdentitySource::Imds => &self.imds,
            IdentitySource::AppService { endpoint, .. } | IdentitySource::Arc { endpoint } => endpoint,
        }
    }

    async fn once(&self, audience: &str) -> Result<Response<Bytes>, CredentialError> {
        match &self.source {
            IdentitySource::Imds => {
                let path = "/metadata/identity/oauth2/token?api-version=2018-02-01";
                let url = self.url(&format!("{}{path}", self.imds), audience);
                self.get(&url, &[("metadata", "true")]).await
            }
            IdentitySource::AppService { endpoint, header } => {
                let url = self.url(&format!("{endpoint}?api-version=2019-08-01"), audience);
                self.get(&url, &[("x-identity-header", header.expose())]).await
            }
            IdentitySource::Arc { endpoint } => {
                let url = self.url(&format!("{endpoint}?api-version=2021-02-01"), audience);
                let first = self.get(&url, &[("metadata", "true")]).await?;
                if first.status() != StatusCode::UNAUTHORIZED {
                    return Ok(first);
                }
                let key = arc::answer_to(first.headers(), &self.arc_keys).await?;
                self.get(&url, &[("metadata", "true"), ("authorization", &key)]).await
            }
        }
    }

    fn url(&self, start: &str, audience: &str) -> String {
        let identity = self.client_id.as_ref().map(|id| format!("&client_id={id}")).unwrap_or_default();
        format!("{start}&resource={}{identity}", percent(audience))
    }

    async fn get(
        &self,
        url: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Response<Bytes>, CredentialError> {
        let unreachable =
            |cause: String| CredentialError::Unreachable { endpoint: self.endpoint().to_owned(), cause };
        let mut request = Request::get(url).header("accept", "application/json");
        for (name, value) in headers {
            let mut value = HeaderValue::try_from(*value).map_err(|_| {
                unreachable(format!("what is to be sent as {name} does not fit into a header"))
            })?;
            value.set_sensitive(true);
            request = request.header(*name, value);
        }
        let request = request.body(Bytes::new()).map_err(|error| unreachable(error.to_string()))?;
        self.fetch.fetch(request).await.map_err(|error| unreachable(error.0))
    }
}

/// What was tried so far.
#[derive(Default)]
struct Tries {
    failures: usize,
    updates: usize,
}

impl Tries {
    /// Returns how long to wait before the next try; `None` if this answer is the last.
    fn pause_after(&mut self, answer: &Response<Bytes>) -> Option<Duration> {
        let pause = match answer.status() {
            StatusCode::GONE if self.updates < UPDATE.0 => {
                self.updates += 1;
                UPDATE.1
            }
            StatusCode::NOT_FOUND | StatusCode::TOO_MANY_REQUESTS => self.next()?,
            status if status.is_server_error() => self.next()?,
            _ => return None,
        };
        let asked =
            answer.headers().get("retry-after").and_then(|value| value.to_str().ok()?.trim().parse().ok());
        Some(Duration::from_secs(pause.max(asked.unwrap_or(0).min(LONGEST_PAUSE))))
    }

    fn next(&mut self) -> Option<u64> {
        let pause = PAUSES.get(self.failures).copied()?;
        self.failures += 1;
        Some(pause)
    }
}
