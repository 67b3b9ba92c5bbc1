//! One request and its answer, behind a trait so that tests script the answers.

use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use http::{Request, Response};

use crate::connector::{Connector, Reach};
use crate::fetch::FetchLimits;

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

/// What is asked so is in the open internet; only origins of `[insecure_lab]` widen that (D-19).
impl Fetch for Connector {
    fn fetch(&self, request: Request<Bytes>) -> Fetching {
        within(self, request, Reach::Public)
    }
}

/// Reaches what gives this machine its identity, and nothing else. Only who asks for that identity is to have one: an
/// address that somebody else chose must not come near it.
#[derive(Debug, Clone)]
pub struct PlatformFetch(pub Connector);

impl Fetch for PlatformFetch {
    fn fetch(&self, request: Request<Bytes>) -> Fetching {
        within(&self.0, request, Reach::Platform)
    }
}

/// Reaches origins that the operator wrote, in private networks too: a Key Vault or an adviser behind a private endpoint.
/// Only who asks nothing but such origins is to have one.
#[derive(Debug, Clone)]
pub struct ConfiguredFetch(pub Connector);

impl Fetch for ConfiguredFetch {
    fn fetch(&self, request: Request<Bytes>) -> Fetching {
        within(&self.0, request, Reach::Configured)
    }
}

/// The default bounds fit all that is asked so: 11,000 ids, the most that Graph returns, are 430 KiB.
fn within(connector: &Connector, request: Request<Bytes>, reach: Reach) -> Fetching {
    let connector = connector.clone();
    Box::pin(async move {
        let outcome = connector.fetch(request, reach, FetchLimits::default()).await;
        outcome.map_err(|error| FetchFailed(error.to_string()))
    })
}
