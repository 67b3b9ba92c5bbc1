//! The signing keys at hand: refreshed hourly, on an unknown key at most every five minutes, and kept while Entra is
//! away (TOK-03).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use doorward_oauth::{Cloud, KeySet, KeySetError, Tenants};

use crate::discovery::Authority;
use doorward_net::{Fetch, Stopwatch};

/// How old keys may get before a refresh is due in the background.
const REFRESH: Duration = Duration::from_secs(3600);

/// From this age on keys count as stale: they still verify, and the door raises an alarm.
const STALE: Duration = Duration::from_secs(24 * 3600);

/// The least time between two refreshes that tokens with an unknown key cause, whatever callers send (S37).
const UNKNOWN_KID: Duration = Duration::from_secs(300);

/// The least time between two attempts while there is no key at all: nobody can sign in, so ask more often.
const FIRST_KEYS: Duration = Duration::from_secs(10);

/// The least time between two attempts in the background after a failure.
const RETRY: Duration = Duration::from_secs(60);

/// The current signing keys of the allowed tenants. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Keys {
    shared: Arc<Shared>,
}

struct Shared {
    fetch: Arc<dyn Fetch>,
    authority: Authority,
    clock: Stopwatch,
    current: RwLock<Arc<KeySet>>,
    /// One refresh at a time; whoever waits for it looks again before asking for another.
    gate: Arc<tokio::sync::Mutex<()>>,
    times: Mutex<Times>,
}

#[derive(Default)]
struct Times {
    fetched: Option<Duration>,
    attempted: Option<Duration>,
    unknown_kid: Option<Duration>,
    problem: Option<KeysError>,
}

/// How a refresh ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refreshed {
    /// It was not time yet.
    NotDue,
    /// The same keys are published.
    Unchanged,
    /// Other keys are published. Judged tokens of the removed ones must be forgotten.
    Changed,
    /// The keys at hand stay.
    Failed(KeysError),
}

/// How the keys are, for readiness and metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// How many keys are at hand; with none, no token is accepted.
    pub keys: usize,
    /// Time since they were fetched; `None` if they never were.
    pub age: Option<Duration>,
    /// Whether they are older than 24 hours: Entra has been away for a day.
    pub stale: bool,
    /// Why the last refresh failed, if it did.
    pub problem: Option<KeysError>,
}

/// Why the keys could not be refreshed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeysError {
    /// No answer, or one that is no success.
    #[error("cannot fetch {url}: {cause}")]
    Unreachable {
        /// What was asked for.
        url: String,
        /// What went wrong.
        cause: String,
    },
    /// The discovery document cannot be used.
    #[error("the discovery document {url} cannot be used: {what}")]
    BadDiscovery {
        /// Which document.
        url: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The discovery document is another issuer's.
    #[error("the discovery document is of the issuer `{found}`, expected `{expected}`; check the tenant")]
    WrongIssuer {
        /// Ours.
        expected: String,
        /// Its.
        found: String,
    },
    /// The keys would come from another origin than the authority.
    #[error("the discovery document points at keys of another origin: {0}")]
    ForeignKeys(String),
    /// The key document cannot be used.
    #[error("the key document {url} cannot be used: {cause}")]
    BadKeys {
        /// Which document.
        url: String,
        /// What is wrong with it.
        cause: KeySetError,
    },
    /// The refresh was ended by the program's end.
    #[error("the refresh was interrupted")]
    Interrupted,
}

impl Keys {
    /// Makes an empty set of keys; nothing is fetched before the first refresh.
    pub fn new(fetch: Arc<dyn Fetch>, cloud: &Cloud, tenants: &Tenants, clock: Stopwatch) -> Self {
        let shared = Shared {
            fetch,
            authority: Authority::of(cloud, tenants),
            clock,
            current: RwLock::default(),
            gate: Arc::default(),
            times: Mutex::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Returns the keys at hand; none before the first refresh.
    pub fn current(&self) -> Arc<KeySet> {
        self.shared.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Refreshes if it is time to: hourly, and sooner while there are no keys or Entra is away. To be called every few
    /// seconds by whoever keeps the time.
    pub async fn refresh_due(&self) -> Refreshed {
        self.refresh(Cause::Due).await
    }

    /// Refreshes because a token names a key that is not at hand, at most once in five minutes. Returns whether the
    /// key is there now.
    pub async fn refresh_for(&self, kid: &str) -> bool {
        if !self.current().has(kid) {
            self.refresh(Cause::UnknownKid(kid.into())).await;
        }
        self.current().has(kid)
    }

    /// Returns how the keys are.
    pub fn health(&self) -> Health {
        let keys = self.current().len();
        let times = self.shared.times();
        let age = times.fetched.map(|fetched| self.shared.clock.read().saturating_sub(fetched));
        Health { keys, age, stale: age.is_some_and(|age| age >= STALE), problem: times.problem.clone() }
    }

    /// Runs in a task of its own: a caller who names an unknown key and hangs up must not use up the one refresh of
    /// the next five minutes without a result.
    async fn refresh(&self, cause: Cause) -> Refreshed {
        let shared = Arc::clone(&self.shared);
        let task = tokio::spawn(async move {
            let _one_at_a_time = shared.gate.clone().lock_owned().await;
            if shared.permits(&cause) { shared.replace().await } else { Refreshed::NotDue }
        });
        task.await.unwrap_or(Refreshed::Failed(KeysError::Interrupted))
    }
}

enum Cause {
    Due,
    UnknownKid(Box<str>),
}

impl Shared {
    /// Says whether a refresh may start now and, if so, notes that it does.
    fn permits(&self, cause: &Cause) -> bool {
        let (now, current) = (self.clock.read(), self.current());
        let mut times = self.times();
        let since = |past: Option<Duration>, least: Duration| past.is_none_or(|past| now >= past + least);
        let permitted = match cause {
            Cause::Due if current.is_empty() => since(times.attempted, FIRST_KEYS),
            Cause::Due => since(times.fetched, REFRESH) && since(times.attempted, RETRY),
            // The refresh that this caller waited for may have brought the key.
            Cause::UnknownKid(kid) if current.has(kid) => false,
            Cause::UnknownKid(_) if current.is_empty() => since(times.attempted, FIRST_KEYS),
            Cause::UnknownKid(_) => since(times.unknown_kid, UNKNOWN_KID),
        };
        if permitted {
            times.attempted = Some(now);
            if matches!(cause, Cause::UnknownKid(_)) && !current.is_empty() {
                times.unknown_kid = Some(now);
            }
        }
        permitted
    }

    /// Fetches the keys and takes them over whole, or keeps the old ones whole.
    async fn replace(&self) -> Refreshed {
        let fetched = match self.authority.keys(&*self.fetch).await {
            Ok(keys) => Arc::new(keys),
            Err(problem) => {
                tracing::warn!(%problem, "the signing keys were not refreshed; those at hand stay");
                self.times().problem = Some(problem.clone());
                return Refreshed::Failed(problem);
            }
        };
        let before = {
            let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *current, Arc::clone(&fetched))
        };
        let mut times = self.times();
        times.fetched = Some(self.clock.read());
        times.problem = None;
        if before.kids().eq(fetched.kids()) {
            return Refreshed::Unchanged;
        }
        tracing::info!(keys = fetched.len(), skipped = fetched.skipped(), "other signing keys are published");
        Refreshed::Changed
    }

    fn current(&self) -> Arc<KeySet> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn times(&self) -> MutexGuard<'_, Times> {
        self.times.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("health", &self.health()).finish()
    }
}

#[cfg(test)]
mod tests;
