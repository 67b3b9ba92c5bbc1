//! One request, one answer, bounded in time and size: for documents, tokens and Graph.

use std::time::Duration;

use bytes::Bytes;
use http::header::HOST;
use http::{HeaderValue, Request, Response, Uri};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::task::JoinSet;

use crate::connector::{ConnectError, Connector, Reach};
use crate::origin::{Origin, OriginError};

/// The most that an answer's head may take, in bytes.
const MAX_HEAD: usize = 64 * 1024;

/// What an answer may cost.
#[derive(Debug, Clone, Copy)]
pub struct FetchLimits {
    /// Time for everything, the connection included.
    pub timeout: Duration,
    /// Size of the answer's body in bytes.
    pub max_body: usize,
}

impl Default for FetchLimits {
    /// 10 seconds, 1 MiB.
    fn default() -> Self {
        Self { timeout: Duration::from_secs(10), max_body: 1024 * 1024 }
    }
}

/// Why there is no answer. Whatever a server answers is an answer, redirects and errors too.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The request's URI names no origin.
    #[error("bad URL: {0}")]
    Url(#[from] OriginError),
    /// There is no connection.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// It took too long.
    #[error("{0} did not answer in time")]
    Timeout(Origin),
    /// The body is larger than the limit.
    #[error("the answer of {0} is too large")]
    TooLarge(Origin),
    /// The answer is not HTTP, or ended early.
    #[error("the answer of {origin} broke: {cause}")]
    Http {
        /// Who was asked.
        origin: Origin,
        /// What went wrong.
        cause: hyper::Error,
    },
}

impl Connector {
    /// Sends a request with an absolute URI over a connection of its own and collects the answer. Redirects are not
    /// followed, nothing is decompressed, no cookie is kept, no proxy is asked.
    ///
    /// # Errors
    /// A [`FetchError`].
    pub async fn fetch(
        &self,
        request: Request<Bytes>,
        reach: Reach,
        limits: FetchLimits,
    ) -> Result<Response<Bytes>, FetchError> {
        let origin = Origin::of(request.uri())?;
        let exchange = self.exchange(&origin, request, reach, limits.max_body);
        match tokio::time::timeout(limits.timeout, exchange).await {
            Ok(outcome) => outcome,
            Err(_) => Err(FetchError::Timeout(origin)),
        }
    }

    async fn exchange(
        &self,
        origin: &Origin,
        request: Request<Bytes>,
        reach: Reach,
        max_body: usize,
    ) -> Result<Response<Bytes>, FetchError> {
        let broke = |cause| FetchError::Http { origin: origin.clone(), cause };
        let connection = self.connect(origin, reach).await?;
        let mut client = http1::Builder::new();
        client.max_buf_size(MAX_HEAD);
        let (mut sender, driver) = client.handshake(TokioIo::new(connection)).await.map_err(broke)?;
        // The set ends the driver when this function is left, however it is left.
        let mut drivers = JoinSet::new();
        drivers.spawn(driver);

        let answer = sender.send_request(origin_form(origin, request)).await.map_err(broke)?;
        let (head, body) = answer.into_parts();
        match Limited::new(body, max_body).collect().await {
            Ok(body) => Ok(Response::from_parts(head, body.to_bytes())),
            Err(error) if error.is::<LengthLimitError>() => Err(FetchError::TooLarge(origin.clone())),
            Err(error) => match error.downcast::<hyper::Error>() {
                Ok(cause) => Err(broke(*cause)),
                Err(_) => Err(FetchError::TooLarge(origin.clone())),
            },
        }
    }
}

/// Turns an absolute request into the form that is sent to a server, with the `Host` of the origin that was judged:
/// a `Host` of the caller's could ask a shared front for another site.
fn origin_form(origin: &Origin, request: Request<Bytes>) -> Request<Full<Bytes>> {
    let (mut head, body) = request.into_parts();
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    head.uri = path.parse().unwrap_or_else(|_| Uri::from_static("/"));
    if let Ok(host) = HeaderValue::try_from(origin.authority()) {
        head.headers.insert(HOST, host);
    }
    Request::from_parts(head, Full::new(body))
}
