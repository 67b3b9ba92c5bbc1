//! With what the door comes to a server: a header of its own making, one for all or one for each caller.

use std::sync::Arc;

use doorward_engine::{Caller, UpstreamError};
use futures_util::future::BoxFuture;
use http::{HeaderName, HeaderValue};

/// Gives the header with which the door comes to one server. Implementations never look at what the caller came with:
/// an inbound token cannot become an outbound one (TPT-01).
pub trait OutboundCredential: Send + Sync {
    /// Returns the header for a request on behalf of `caller`; `None` for the door's own business. It is asked before
    /// every request, within the time that the request has: what takes long is kept by the implementation.
    ///
    /// # Errors
    /// When there is none: the request is not sent.
    fn header<'a>(
        &'a self,
        caller: Option<&'a Arc<Caller>>,
    ) -> BoxFuture<'a, Result<(HeaderName, HeaderValue), UpstreamError>>;

    /// Hears that the server answered 401 to the header, with its `WWW-Authenticate` if it sent any, and says whether
    /// another header is worth a try.
    fn rejected<'a>(
        &'a self,
        caller: Option<&'a Arc<Caller>>,
        challenge: Option<String>,
    ) -> BoxFuture<'a, Retry>;

    /// Hears that the server answered 403 to the header, with its `WWW-Authenticate`, and says what the caller can do about
    /// it. The request is not sent again: nothing that this door can do alone would make the header permit more.
    fn insufficient<'a>(
        &'a self,
        _caller: Option<&'a Arc<Caller>>,
        _challenge: String,
    ) -> BoxFuture<'a, Option<UpstreamError>> {
        Box::pin(async { None })
    }
}

/// What to do after a 401.
#[derive(Debug)]
pub enum Retry {
    /// Ask for the header again and send the request once more; a second 401 is final.
    Once,
    /// Give up, for this reason.
    No(UpstreamError),
}
