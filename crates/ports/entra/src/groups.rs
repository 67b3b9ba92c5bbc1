//! The groups of a caller whose token could not hold them all. No answer is an error, never an empty list: a policy
//! that forbids a group must not be passed by a network that is down.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use doorward_oauth::CallerKind;
use doorward_types::{ObjectId, Secret, TenantId};
use doorward_wire::{Limits, Tree};
use http::{HeaderValue, Request, Response, StatusCode};

use crate::client::{EntraClient, EntraError};
use doorward_net::{Fetch, Flights, Stopwatch};

/// How long a list of groups is kept.
const KEPT: Duration = Duration::from_secs(300);

/// How many callers' lists are kept.
const MAX_LISTS: usize = 2_000;

/// The first pause after a throttled answer that names none; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_secs(5);

/// The longest pause that is believed.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// Asks Graph for groups. The door's application needs the application permission `GroupMember.Read.All`, consented to by
/// an administrator of each tenant. Cheap to clone; clones share the cache, the flights and the pause.
#[derive(Clone)]
pub struct Groups {
    shared: Arc<Shared>,
}

type Members = Arc<BTreeSet<ObjectId>>;

struct Shared {
    fetch: Arc<dyn Fetch>,
    entra: EntraClient,
    clock: Stopwatch,
    members: Flights<(TenantId, ObjectId, CallerKind), Members, GroupsError>,
    pause: Mutex<Pause>,
}

#[derive(Default)]
struct Pause {
    until: Duration,
    /// Throttled answers without a `Retry-After` in a row.
    strikes: u32,
}

/// Why a caller's groups are not known. The request that needs them is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GroupsError {
    /// Graph or Entra asked for a pause, which all callers share.
    #[error("Graph asks for a pause of {} s", .retry_in.as_secs())]
    Throttled {
        /// How long it still lasts.
        retry_in: Duration,
    },
    /// No answer.
    #[error("cannot reach Entra or Graph: {0}")]
    Unreachable(String),
    /// Entra gives the door no token.
    #[error("Entra gives no token for Graph: {status} {} {}; check the application's secret", .error.as_deref().unwrap_or("-"), .code.map_or_else(|| "-".to_owned(), |code| format!("AADSTS{code}")))]
    TokenRefused {
        /// HTTP status.
        status: u16,
        /// `error` of the answer.
        error: Option<String>,
        /// First of its `error_codes`.
        code: Option<u32>,
    },
    /// Graph refuses the door.
    #[error("Graph refuses: {status} {}; the application needs GroupMember.Read.All with an administrator's consent", .code.as_deref().unwrap_or("-"))]
    Refused {
        /// HTTP status.
        status: u16,
        /// `error.code` of the answer.
        code: Option<String>,
    },
    /// Graph does not know the caller (any more).
    #[error("Graph does not know the caller")]
    UnknownCaller,
    /// The answer is not what the API promises.
    #[error("an answer cannot be used: {0}")]
    BadAnswer(&'static str),
    /// The request was ended by the program's end.
    #[error("the request was interrupted")]
    Interrupted,
}

impl Groups {
    /// Makes an asker; nothing is fetched yet.
    pub fn new(fetch: Arc<dyn Fetch>, entra: EntraClient, clock: Stopwatch) -> Self {
        let shared = Shared {
            fetch,
            entra,
            members: Flights::new(MAX_LISTS, clock.clone()),
            clock,
            pause: Mutex::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Returns all security groups of a caller, through others too, at most five minutes old. Callers who ask for the
    /// same at the same time share one request. Tenant and object come from a verified token.
    ///
    /// # Errors
    /// A [`GroupsError`]; whoever asked must refuse.
    pub async fn of(
        &self,
        tenant: &TenantId,
        object: &ObjectId,
        kind: CallerKind,
    ) -> Result<Arc<BTreeSet<ObjectId>>, GroupsError> {
        let shared = Arc::clone(&self.shared);
        let (t, o) = (tenant.clone(), object.clone());
        let ask = || async move { Ok((shared.ask(&t, &o, kind).await?, KEPT)) };
        self.shared.members.get((tenant.clone(), object.clone(), kind), ask, GroupsError::Interrupted).await
    }
}

impl Shared {
    async fn ask(
        &self,
        tenant: &TenantId,
        object: &ObjectId,
        kind: CallerKind,
    ) -> Result<Members, GroupsError> {
        let answer = self.post(tenant, object, kind).await?;
        // A token may end before its time, by a revocation: once more with a fresh one.
        let answer = if answer.status() == StatusCode::UNAUTHORIZED {
            self.entra.forget_app_token(tenant.as_str(), &self.scope());
            self.post(tenant, object, kind).await?
        } else {
            answer
        };
        let refused = |answer: Response<Bytes>| GroupsError::Refused {
            status: answer.status().as_u16(),
            code: error_code(answer.into_body()),
        };
        match answer.status() {
            StatusCode::OK => {
                self.pause().strikes = 0;
                members(answer.into_body())
            }
            StatusCode::NOT_FOUND => Err(GroupsError::UnknownCaller),
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Err(GroupsError::Throttled {
                retry_in: self.begin_pause(answer.headers().get("retry-after")),
            }),
            _ => Err(refused(answer)),
        }
    }

    async fn post(
        &self,
        tenant: &TenantId,
        object: &ObjectId,
        kind: CallerKind,
    ) -> Result<Response<Bytes>, GroupsError> {
        self.obey_pause()?;
        let token = self.token(tenant).await?;
        let collection = match kind {
            CallerKind::User => "users",
            CallerKind::App => "servicePrincipals",
        };
        let mut bearer = HeaderValue::try_from(format!("Bearer {}", token.expose()))
            .map_err(|_| GroupsError::BadAnswer("the token does not fit into a header"))?;
        bearer.set_sensitive(true);
        let request = Request::post(format!(
            "{}/v1.0/{collection}/{object}/getMemberObjects",
            self.entra.cloud().graph
        ))
        .header("authorization", bearer)
        .header("content-type", "application/json")
        .header("accept", "application/json")
        .body(Bytes::from_static(br#"{"securityEnabledOnly":true}"#))
        .map_err(|error| GroupsError::Unreachable(error.to_string()))?;
        self.fetch.fetch(request).await.map_err(|error| GroupsError::Unreachable(error.0))
    }

    async fn token(&self, tenant: &TenantId) -> Result<Arc<Secret<String>>, GroupsError> {
        self.entra.app_token(tenant.as_str(), &self.scope()).await.map_err(|error| match error {
            EntraError::Refused(refusal) => GroupsError::TokenRefused {
                status: refusal.status,
                code: refusal.code(),
                error: refusal.error,
            },
            EntraError::Throttled { retry_in } => GroupsError::Throttled { retry_in },
            EntraError::BadAnswer(_) => {
                GroupsError::BadAnswer("the token answer has no bearer token with a lifetime")
            }
            EntraError::Interrupted => GroupsError::Interrupted,
            EntraError::Unreachable(why) => GroupsError::Unreachable(why),
            EntraError::Credential(why) => GroupsError::Unreachable(why.to_string()),
        })
    }

    fn scope(&self) -> String {
        format!("{}/.default", self.entra.cloud().graph)
    }

    fn obey_pause(&self) -> Result<(), GroupsError> {
        let retry_in = self.pause().until.saturating_sub(self.clock.read());
        if retry_in.is_zero() { Ok(()) } else { Err(GroupsError::Throttled { retry_in }) }
    }

    /// Begins a pause for every caller; without a `Retry-After` in seconds each is twice as long as the one before.
    fn begin_pause(&self, header: Option<&HeaderValue>) -> Duration {
        let asked = header.and_then(|value| value.to_str().ok()).and_then(|text| text.trim().parse().ok());
        let mut pause = self.pause();
        let length = match asked {
            Some(secs) => Duration::from_secs(secs),
            None => {
                pause.strikes = pause.strikes.saturating_add(1);
                FIRST_PAUSE.saturating_mul(1 << (pause.strikes - 1).min(16))
            }
        };
        let length = length.clamp(Duration::from_secs(1), LONGEST_PAUSE);
        pause.until = pause.until.max(self.clock.read().saturating_add(length));
        tracing::warn!(seconds = length.as_secs(), "Graph asks for a pause");
        length
    }

    fn pause(&self) -> MutexGuard<'_, Pause> {
        self.pause.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads `{"value":["GUID", …]}`. A list that goes on elsewhere is refused: half of the groups is a wrong answer.
fn members(body: Bytes) -> Result<Members, GroupsError> {
    let tree = Tree::parse(body, &Limits { max_bytes: 1024 * 1024, max_depth: 16, max_nodes: 65_536 })
        .map_err(|_| GroupsError::BadAnswer("the list of groups is not valid JSON"))?;
    if tree.root().get("@odata.nextLink").is_some() {
        return Err(GroupsError::BadAnswer("the list of groups is not complete"));
    }
    let list = tree.root().get("value").filter(|list| list.kind() == doorward_wire::Kind::Array);
    let list = list.ok_or(GroupsError::BadAnswer("the list of groups has no array `value`"))?;
    let ids = list.items().map(|id| id.as_str().and_then(|text| ObjectId::parse(&text).ok()));
    ids.collect::<Option<BTreeSet<_>>>()
        .map(Arc::new)
        .ok_or(GroupsError::BadAnswer("a group's id is not a GUID"))
}

fn error_code(body: Bytes) -> Option<String> {
    let limits = Limits { max_bytes: 64 * 1024, max_depth: 16, max_nodes: 1024 };
    let tree = Tree::parse(body, &limits).ok()?;
    let code = tree.root().path(&["error", "code"])?.as_str()?.into_owned();
    is_code(&code).then_some(code)
}

/// Returns whether a text is an error code as Graph has them, and nothing to be afraid of in a log.
fn is_code(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 64
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'.')
}

#[cfg(test)]
mod tests;
