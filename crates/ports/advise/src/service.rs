//! One service: its address, its breaker and its pause, and the way one piece of text goes to it and back.

use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_lc_rs::rand;
use bytes::Bytes;
use doorward_net::{Fetch, Origin, Sleeper, Stopwatch};
use futures_util::future::{Either, select};
use http::{HeaderMap, Request, Response, StatusCode, Uri};
use tokio::sync::Semaphore;

use crate::answer::{Malformed, error_code};
use crate::breaker::{Breaker, Change};
use crate::credential::AdviserCredential;
use crate::opinion::{NoOpinion, Service};
use crate::pause::{asked, backoff};

/// The version both services are asked in.
const API_VERSION: &str = "2024-09-01";
/// How often one piece is asked about at the most.
const ATTEMPTS: u32 = 4;

/// What both services share.
pub(crate) struct Way {
    pub(crate) fetch: Arc<dyn Fetch>,
    pub(crate) credential: AdviserCredential,
    pub(crate) time: Time,
    /// Requests at once: each has a connection of its own.
    pub(crate) gate: Semaphore,
}

/// The stopwatch that everybody here goes by.
#[derive(Clone)]
pub(crate) struct Time {
    pub(crate) clock: Stopwatch,
    pub(crate) sleeper: Sleeper,
}

impl Time {
    pub(crate) fn now(&self) -> Duration {
        self.clock.read()
    }

    /// Returns what the future gives, unless `until` comes first.
    pub(crate) async fn before<F: Future>(&self, until: Duration, future: F) -> Option<F::Output> {
        let left = until.saturating_sub(self.now());
        if left.is_zero() {
            return None;
        }
        match select(pin!(future), pin!(self.sleeper.sleep(left))).await {
            Either::Left((output, _)) => Some(output),
            Either::Right(_) => None,
        }
    }
}

/// One service of the endpoint.
pub(crate) struct Line {
    service: Service,
    uri: Uri,
    way: Arc<Way>,
    breaker: Mutex<Breaker>,
    /// No request goes out before this reading of the stopwatch: the service asked for it, and knocking on goes against
    /// the quota of all.
    pause: Mutex<Duration>,
}

/// What became of one attempt.
enum Attempt<T> {
    Answer(T),
    /// Worth another try, after a pause that the service may have named.
    Again(NoOpinion, Option<Duration>),
    /// The token was refused.
    Unwelcome,
    Never(NoOpinion),
}

impl Line {
    /// `path` is what the service is called in addresses.
    pub(crate) fn new(
        (service, path): (Service, &str),
        endpoint: &Origin,
        way: Arc<Way>,
    ) -> Result<Self, http::Error> {
        let uri = format!("{endpoint}/contentsafety/{path}?api-version={API_VERSION}");
        let uri = Uri::try_from(uri)?;
        Ok(Self { service, uri, way, breaker: Mutex::default(), pause: Mutex::default() })
    }

    /// Asks about one piece until there is an answer or it is `until`.
    pub(crate) async fn ask<T>(
        &self,
        body: Bytes,
        until: Duration,
        read: impl Fn(Bytes) -> Result<T, Malformed>,
    ) -> Result<T, NoOpinion> {
        let seat = self.way.time.before(until, self.way.gate.acquire()).await;
        let _seat = seat.ok_or(NoOpinion::Deadline)?.map_err(|_| NoOpinion::Interrupted)?;
        let (mut attempt, mut renewed) = (0, false);
        loop {
            self.wait_out_the_pause(until).await?;
            if !self.breaker().admits(self.now()) {
                return Err(NoOpinion::BreakerOpen);
            }
            let (why, pause) = match self.attempt(&body, until, &read).await {
                Attempt::Answer(answer) => return Ok(answer),
                Attempt::Never(why) => return Err(why),
                Attempt::Unwelcome if !renewed && self.way.credential.refused() => {
                    renewed = true;
                    continue;
                }
                Attempt::Unwelcome => return Err(NoOpinion::Credential),
                Attempt::Again(why, pause) => (why, pause),
            };
            attempt += 1;
            if attempt >= ATTEMPTS {
                return Err(why);
            }
            let pause = pause.unwrap_or_else(|| backoff(attempt, random()));
            if self.now().saturating_add(pause) >= until {
                return Err(why);
            }
            self.way.time.sleeper.sleep(pause).await;
        }
    }

    async fn wait_out_the_pause(&self, until: Duration) -> Result<(), NoOpinion> {
        loop {
            let ends = *self.pause();
            let left = ends.saturating_sub(self.now());
            if left.is_zero() {
                return Ok(());
            }
            if ends >= until {
                return Err(NoOpinion::Throttled(left));
            }
            self.way.time.sleeper.sleep(left).await;
        }
    }

    async fn attempt<T>(
        &self,
        body: &Bytes,
        until: Duration,
        read: impl Fn(Bytes) -> Result<T, Malformed>,
    ) -> Attempt<T> {
        let Some(outcome) = self.way.time.before(until, self.send(body.clone())).await else {
            return Attempt::Never(self.failed(NoOpinion::Deadline));
        };
        let answer = match outcome {
            Ok(answer) => answer,
            Err(why @ NoOpinion::Unreachable) => return Attempt::Again(self.failed(why), None),
            Err(why) => return Attempt::Never(self.failed(why)),
        };
        match answer.status() {
            StatusCode::OK => match read(answer.into_body()) {
                Ok(answer) => {
                    self.well();
                    Attempt::Answer(answer)
                }
                Err(Malformed(why)) => Attempt::Never(self.failed(NoOpinion::Malformed(why))),
            },
            StatusCode::TOO_MANY_REQUESTS => {
                // It lives, and is asked too often: the pause is the remedy, not the breaker.
                self.well();
                let pause = self.begin_pause(answer.headers());
                Attempt::Again(NoOpinion::Throttled(pause), Some(pause))
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                self.failed(NoOpinion::Credential);
                Attempt::Unwelcome
            }
            status if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT => {
                let why = self.failed(NoOpinion::Failing(status.as_u16()));
                let named = asked(answer.headers()).is_some();
                Attempt::Again(why, named.then(|| self.begin_pause(answer.headers())))
            }
            status => {
                self.well();
                let code = error_code(answer.into_body());
                tracing::warn!(
                    service = self.service.as_str(),
                    status = status.as_u16(),
                    code,
                    "the adviser refuses a request"
                );
                Attempt::Never(NoOpinion::Refused { status: status.as_u16(), code })
            }
        }
    }

    async fn send(&self, body: Bytes) -> Result<Response<Bytes>, NoOpinion> {
        let mut request = Request::new(body);
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = self.uri.clone();
        let json = http::HeaderValue::from_static("application/json");
        request.headers_mut().insert(http::header::CONTENT_TYPE, json.clone());
        request.headers_mut().insert(http::header::ACCEPT, json);
        self.way.credential.sign(&mut request).await?;
        self.way.fetch.fetch(request).await.map_err(|why| {
            tracing::warn!(service = self.service.as_str(), %why, "no answer of the adviser");
            NoOpinion::Unreachable
        })
    }

    fn begin_pause(&self, headers: &HeaderMap) -> Duration {
        let length = asked(headers).unwrap_or_else(|| backoff(1, random()));
        let mut pause = self.pause();
        *pause = (*pause).max(self.now().saturating_add(length));
        tracing::warn!(
            service = self.service.as_str(),
            milliseconds = length.as_millis(),
            "the adviser asks for a pause"
        );
        length
    }

    fn well(&self) {
        if self.breaker().settle(self.now(), true) == Change::Closed {
            tracing::info!(service = self.service.as_str(), "the adviser is asked again");
        }
    }

    /// Counts a failure and gives it back.
    fn failed(&self, why: NoOpinion) -> NoOpinion {
        if let Change::Opened(length) = self.breaker().settle(self.now(), false) {
            tracing::warn!(
                service = self.service.as_str(),
                seconds = length.as_secs(),
                %why,
                "the adviser fails and is left alone for a while"
            );
        }
        why
    }

    fn now(&self) -> Duration {
        self.way.time.now()
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pause(&self) -> MutexGuard<'_, Duration> {
        self.pause.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").field("service", &self.service).finish_non_exhaustive()
    }
}

/// Without randomness pauses are not spread, and still pauses.
fn random() -> u8 {
    let mut byte = [0];
    let _ = rand::fill(&mut byte);
    u8::from_be_bytes(byte)
}
