//! One request to Entra or Graph, behind a trait so that tests script the answers.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use doorward_net::{Connector, FetchLimits, Reach};
use http::{Request, Response};

/// Documents, token answers and group lists all fit: 11,000 ids, the most that Graph returns, are 430 KiB.
const LIMITS: FetchLimits = FetchLimits { timeout: Duration::from_secs(10), max_body: 1024 * 1024 };

/// An answer that is on its way.
pub type Fetching = Pin<Box<dyn Future<Output = Result<Response<Bytes>, FetchFailed>> + Send>>;

/// Why there was no answer at all, for the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FetchFailed(pub String);

/// Sends one request with an absolute URI and returns whatever is answered.
pub trait Fetch: Send + Sync + 'static {
    /// Starts the request.
    fn fetch(&self, request: Request<Bytes>) -> Fetching;
}

/// Entra and Graph are in the open internet; only origins of `[insecure_lab]` widen that, in the connector (D-19).
impl Fetch for Connector {
    fn fetch(&self, request: Request<Bytes>) -> Fetching {
        within(self, request, Reach::Public)
    }
}

/// Reaches what gives this machine its identity, and nothing else. Only [`ManagedIdentity`](crate::ManagedIdentity) is
/// to have one: an address that somebody else chose must not come near it.
#[derive(Debug, Clone)]
pub struct PlatformFetch(pub Connector);

impl Fetch for PlatformFetch {
    fn fetch(&self, request: Request<Bytes>) -> Fetching {
        within(&self.0, request, Reach::Platform)
    }
}

/// Reaches origins that the operator wrote, in private networks too: a Key Vault behind a private endpoint. Only
/// [`KeyVault`](crate::KeyVault) is to have one.
#[derive(Debug, Clone)]
pub struct ConfiguredFetch(pub Connector);

impl Fetch for ConfiguredFetch {
    fn fetch(&self, request: Request<Bytes>) -> Fetching {
        within(&self.0, request, Reach::Configured)
    }
}

fn within(connector: &Connector, request: Request<Bytes>, reach: Reach) -> Fetching {
    let connector = connector.clone();
    Box::pin(async move {
        let outcome = connector.fetch(request, reach, LIMITS).await;
        outcome.map_err(|error| FetchFailed(error.to_string()))
    })
}
