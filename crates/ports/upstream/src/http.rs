//! A server at a URL, over Streamable HTTP.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use doorward_engine::{Answer, Answered, Caller, Cleared, Errand, Ports, UpstreamError, UpstreamFault};
use doorward_net::{Connector, Origin, Reach};
use doorward_types::ServerName;
use doorward_wire::{Era, LEGACY, MODERN, Method};
use http::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue, WWW_AUTHENTICATE};
use http::{Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use tokio::time::Instant;

use crate::aside::Aside;
use crate::credential::{OutboundCredential, Retry};
use crate::events::{HttpEvents, UpstreamEvents};
use crate::pool::{Pool, Sender};
use crate::{Ends, Link, LinkTo, opens};

/// A server's URL and what is sent with every request to it.
pub struct HttpTarget {
    /// The MCP endpoint.
    pub url: String,
    /// It speaks HTTP+SSE.
    pub sse: bool,
    /// How far the connector may reach for it.
    pub reach: Reach,
    /// Headers of the operator's own, never of the caller's.
    pub headers: Vec<(String, String)>,
    /// With what the door comes to it, if with anything; its header wins over one of [`headers`](Self::headers).
    pub credential: Option<Arc<dyn OutboundCredential>>,
    /// The longest a call may take, progress included.
    pub most: Duration,
}

pub(crate) struct HttpServer {
    uri: Uri,
    host: HeaderValue,
    headers: Vec<(HeaderName, HeaderValue)>,
    credential: Option<Arc<dyn OutboundCredential>>,
    most: Duration,
    pool: Arc<Pool>,
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const BOTH: HeaderValue = HeaderValue::from_static("application/json, text/event-stream");
const STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");
const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const METHOD: HeaderName = HeaderName::from_static("mcp-method");
const NAME: HeaderName = HeaderName::from_static("mcp-name");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

pub(crate) type Said = Result<Answered<Link, UpstreamEvents>, UpstreamError>;

/// One request and how its answer is to be read.
pub(crate) struct Call<'a> {
    pub(crate) server: &'a ServerName,
    pub(crate) link: Option<&'a Arc<Link>>,
    /// On whose behalf.
    pub(crate) caller: Option<&'a Arc<Caller>>,
    pub(crate) headers: &'a [(String, String)],
    pub(crate) trace: Option<[u8; 16]>,
    /// Elsewhere at the server than where it is configured.
    pub(crate) to: Option<&'a Uri>,
    pub(crate) opens: bool,
    /// It is a subscription, which may be silent for as long as nothing happens.
    pub(crate) listens: bool,
    pub(crate) timeout: Duration,
    pub(crate) most_bytes: usize,
    pub(crate) most_event_bytes: usize,
}

impl<'a> Call<'a> {
    /// A request with nothing special about it.
    pub(crate) fn bare(server: &'a ServerName, timeout: Duration) -> Self {
        Self {
            server,
            link: None,
            caller: None,
            headers: &[],
            trace: None,
            to: None,
            opens: false,
            listens: false,
            timeout,
            most_bytes: 4_096,
            most_event_bytes: 4_096,
        }
    }
}

impl HttpServer {
    pub(crate) fn new(connector: Connector, target: HttpTarget) -> Result<Self, String> {
        let bad = |what: String| format!("upstream url {}: {what}", target.url);
        let uri: Uri = target.url.parse().map_err(|error| bad(format!("{error}")))?;
        let origin = Origin::parse(&target.url).map_err(|error| bad(error.to_string()))?;
        let host = uri.authority().map(|authority| authority.as_str().to_owned()).unwrap_or_default();
        let mut headers = Vec::new();
        for (name, value) in &target.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| bad(error.to_string()))?;
            let value = HeaderValue::from_str(value).map_err(|error| bad(error.to_string()))?;
            headers.push((name, value));
        }
        let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        Ok(Self {
            uri: path.parse().map_err(|error| bad(format!("{error}")))?,
            host: HeaderValue::from_str(&host).map_err(|error| bad(error.to_string()))?,
            headers,
            credential: target.credential,
            most: target.most,
            pool: Arc::new(Pool::new(connector, origin, target.reach)),
        })
    }

    pub(crate) async fn send<P>(self: &Arc<Self>, cleared: Cleared<P>) -> Said
    where
        P: Ports<Link = Link, Events = UpstreamEvents>,
    {
        let rules = Arc::clone(cleared.server());
        let call = Call {
            server: &rules.name,
            link: cleared.link(),
            caller: Some(cleared.caller()),
            headers: cleared.headers(),
            trace: Some(cleared.trace()),
            to: None,
            opens: cleared.era() == Era::Legacy && cleared.method() == Method::Initialize,
            listens: cleared.method() == Method::SubscriptionsListen,
            timeout: rules.call_timeout,
            most_bytes: rules.answer_limits.max_bytes,
            most_event_bytes: rules.event_bytes,
        };
        let aside = Aside::of(self, &cleared);
        let mut said = self.call(call, http::Method::POST, cleared.bytes().clone()).await;
        match (&mut said, aside) {
            (Ok(Answered { answer: Answer::Stream(UpstreamEvents::Http(events)), .. }), aside) => {
                events.aside = aside;
            }
            (Err(error), Some(aside)) if error.fault == UpstreamFault::Timeout => aside.give_up(),
            _ => {}
        }
        said
    }

    pub(crate) async fn errand<P>(&self, errand: Errand<P>) -> Said
    where
        P: Ports<Link = Link, Events = UpstreamEvents>,
    {
        let rules = Arc::clone(errand.server());
        let headers = errand.headers();
        let call = Call {
            server: &rules.name,
            link: errand.link(),
            caller: errand.caller(),
            headers: &headers,
            trace: None,
            to: None,
            opens: opens(errand.kind()),
            listens: false,
            timeout: rules.call_timeout,
            most_bytes: rules.answer_limits.max_bytes,
            most_event_bytes: rules.event_bytes,
        };
        match errand.frame() {
            Some(frame) => self.call(call, http::Method::POST, frame).await,
            None => self.call(call, http::Method::GET, Bytes::new()).await,
        }
    }

    /// Tells the server that a session is over. It may not care, and nobody waits for it.
    pub(crate) async fn terminate(&self, link: &Arc<Link>) {
        let LinkTo::Http { version, caller, .. } = &link.to else { return };
        let version = version.get().map_or(LEGACY, |version| version);
        let headers = [("mcp-protocol-version".to_owned(), version.to_owned())];
        let call = Call {
            link: Some(link),
            caller: caller.as_ref(),
            headers: &headers,
            ..Call::bare(&link.server, Duration::from_secs(5))
        };
        if let Err(error) = self.call(call, http::Method::DELETE, Bytes::new()).await {
            tracing::debug!(server = %link.server, detail = error.detail, "the server was not told of a session's end");
        }
    }

    pub(crate) async fn call(&self, call: Call<'_>, verb: http::Method, body: Bytes) -> Said {
        let deadline = Instant::now() + call.timeout;
        let late = |_| UpstreamError::new(UpstreamFault::Timeout, "no answer in time");
        tokio::time::timeout_at(deadline, self.call_in_time(&call, verb, body)).await.map_err(late)?
    }

    async fn call_in_time(&self, call: &Call<'_>, verb: http::Method, body: Bytes) -> Said {
        let listening = verb == http::Method::GET;
        let (response, sender) = self.exchange(call, verb, body).await?;
        let fault = |fault, what: String| Err(UpstreamError::new(fault, what));
        let status = response.status();
        let has_session =
            matches!(call.link.map(|link| &link.to), Some(LinkTo::Http { session: Some(_), .. }));
        if status == StatusCode::NOT_FOUND && has_session {
            return fault(UpstreamFault::SessionLost, "the server no longer knows the session".to_owned());
        }
        if status == StatusCode::METHOD_NOT_ALLOWED {
            return fault(UpstreamFault::VerbNotServed, "405".to_owned());
        }
        if status.is_redirection() || status.is_informational() {
            // A redirect would send a cleared frame where nobody cleared it to.
            return fault(UpstreamFault::Refused, format!("status {status}: redirects are not followed"));
        }
        let link = call.opens.then(|| self.link(call, &response));
        let kind = response.headers().get(CONTENT_TYPE).map(|value| value.as_bytes().to_ascii_lowercase());
        let is = |wanted: &str| kind.as_deref().is_some_and(|kind| kind.starts_with(wanted.as_bytes()));
        if status == StatusCode::ACCEPTED || status == StatusCode::NO_CONTENT {
            self.drained(response, sender).await;
            return Ok(Answered { link, answer: Answer::Accepted });
        }
        if is("text/event-stream") && status.is_success() {
            let bounded = !listening && !call.listens;
            let silence = bounded.then_some(call.timeout);
            let most = bounded.then(|| Instant::now() + self.most);
            let events = HttpEvents::new(
                response.into_body(),
                Some((sender, Arc::clone(&self.pool))),
                call.link.or(link.as_ref()).cloned(),
                call.most_event_bytes,
                (silence, most),
            );
            return Ok(Answered { link, answer: Answer::Stream(UpstreamEvents::Http(Box::new(events))) });
        }
        if listening {
            return fault(
                UpstreamFault::VerbNotServed,
                format!("a GET was answered with {status} and no stream"),
            );
        }
        if is("application/json") {
            let body = Limited::new(response.into_body(), call.most_bytes);
            let bytes = body.collect().await.map_err(unreadable)?.to_bytes();
            self.pool.keep(sender);
            return Ok(Answered { link, answer: Answer::Whole(bytes, status.as_u16()) });
        }
        if status.is_success() && response.headers().get(CONTENT_TYPE).is_none() {
            // Some servers answer a notification with an empty 200.
            self.drained(response, sender).await;
            return Ok(Answered { link, answer: Answer::Accepted });
        }
        fault(UpstreamFault::Refused, format!("status {status} with no JSON-RPC answer"))
    }

    /// Sends a request with the credential of its caller. What was refused with 401 was not carried out, so it may be
    /// sent again, once, with another one.
    async fn exchange(
        &self,
        call: &Call<'_>,
        verb: http::Method,
        body: Bytes,
    ) -> Result<(Response<Incoming>, Sender), UpstreamError> {
        let Some(credential) = &self.credential else {
            return self.pool.send(self.request(call, verb, body)?).await;
        };
        let mut again = true;
        loop {
            let mut request = self.request(call, verb.clone(), body.clone())?;
            let (name, mut value) = credential.header(call.caller).await?;
            value.set_sensitive(true);
            request.headers_mut().insert(name, value);
            let (response, sender) = self.pool.send(request).await?;
            if !matches!(response.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
                return Ok((response, sender));
            }
            let lines = response.headers().get_all(WWW_AUTHENTICATE).iter();
            let challenges: Vec<_> = lines.filter_map(|line| line.to_str().ok()).collect();
            let challenge = (!challenges.is_empty()).then(|| challenges.join(", "));
            if response.status() == StatusCode::FORBIDDEN {
                let Some(challenge) = challenge else { return Ok((response, sender)) };
                let Some(error) = credential.insufficient(call.caller, challenge).await else {
                    return Ok((response, sender));
                };
                self.drained(response, sender).await;
                return Err(error);
            }
            self.drained(response, sender).await;
            if !again {
                let what = "the server answers 401 to a fresh credential too";
                return Err(UpstreamError::new(UpstreamFault::Refused, what));
            }
            again = false;
            if let Retry::No(error) = credential.rejected(call.caller, challenge).await {
                return Err(error);
            }
        }
    }

    pub(crate) fn uri(&self) -> &Uri {
        &self.uri
    }

    pub(crate) fn origin(&self) -> &Origin {
        self.pool.origin()
    }

    pub(crate) fn most(&self) -> Duration {
        self.most
    }

    /// Opens a stream of HTTP+SSE.
    pub(crate) async fn open_stream(&self, call: &Call<'_>) -> Result<Incoming, UpstreamError> {
        let (response, _sender) = self.exchange(call, http::Method::GET, Bytes::new()).await?;
        let kind = response.headers().get(CONTENT_TYPE).map(|value| value.as_bytes().to_ascii_lowercase());
        let streams = kind.is_some_and(|kind| kind.starts_with(b"text/event-stream"));
        if response.status() != StatusCode::OK || !streams {
            let what = format!("a GET was answered with {} and no stream", response.status());
            return Err(UpstreamError::new(UpstreamFault::Refused, what));
        }
        Ok(response.into_body())
    }

    /// Posts a message at another place of the same server; its answer comes elsewhere.
    pub(crate) async fn post_to(&self, to: &Uri, call: &Call<'_>, body: Bytes) -> Result<(), UpstreamError> {
        let call = Call { to: Some(to), ..*call };
        let posted = async {
            let (response, sender) = self.exchange(&call, http::Method::POST, body).await?;
            let status = response.status();
            self.drained(response, sender).await;
            match status {
                StatusCode::NOT_FOUND => Err(UpstreamError::new(
                    UpstreamFault::SessionLost,
                    "the server no longer knows the session",
                )),
                status if status.is_success() => Ok(()),
                status => {
                    Err(UpstreamError::new(UpstreamFault::Refused, format!("status {status} to a message")))
                }
            }
        };
        let late = |_| UpstreamError::new(UpstreamFault::Timeout, "the server does not take messages");
        tokio::time::timeout(call.timeout, posted).await.map_err(late)?
    }

    fn request(
        &self,
        call: &Call<'_>,
        verb: http::Method,
        body: Bytes,
    ) -> Result<Request<Full<Bytes>>, UpstreamError> {
        let mut request = Request::new(Full::new(body));
        *request.uri_mut() = call.to.unwrap_or(&self.uri).clone();
        let headers = request.headers_mut();
        headers.insert(http::header::HOST, self.host.clone());
        if verb == http::Method::POST {
            headers.insert(CONTENT_TYPE, JSON);
        }
        headers.insert(ACCEPT, if verb == http::Method::GET { STREAM } else { BOTH });
        *request.method_mut() = verb;
        let bad = |_| UpstreamError::new(UpstreamFault::Malformed, "a header value cannot be sent");
        let headers = request.headers_mut();
        for (name, value) in call.headers {
            // What nearly every request has is not made anew for each.
            let name = match name.as_str() {
                "mcp-protocol-version" => VERSION,
                "mcp-method" => METHOD,
                "mcp-name" => NAME,
                other => HeaderName::from_bytes(other.as_bytes()).map_err(|_| {
                    UpstreamError::new(UpstreamFault::Malformed, "a header name cannot be sent")
                })?,
            };
            let value = match value.as_str() {
                LEGACY => HeaderValue::from_static(LEGACY),
                MODERN => HeaderValue::from_static(MODERN),
                other => HeaderValue::from_str(other).map_err(bad)?,
            };
            headers.insert(name, value);
        }
        if let Some(LinkTo::Http { session, version, .. }) = call.link.map(|link| &link.to) {
            if let Some(session) = session {
                headers.insert(SESSION, HeaderValue::from_str(session).map_err(bad)?);
            }
            if let Some(agreed) = headers.get(VERSION).and_then(|value| value.to_str().ok()) {
                version.get_or_init(|| agreed.into());
            }
        }
        if let Some(trace) = call.trace {
            headers.insert(TRACEPARENT, HeaderValue::from_bytes(&traceparent(&trace)).map_err(bad)?);
        }
        for (name, value) in &self.headers {
            headers.insert(name.clone(), value.clone());
        }
        Ok(request)
    }

    fn link(&self, call: &Call<'_>, response: &Response<Incoming>) -> Arc<Link> {
        let session = response.headers().get(SESSION).and_then(|value| value.to_str().ok()).map(Into::into);
        Arc::new(Link {
            ends: Ends::default(),
            to: LinkTo::Http {
                session,
                version: OnceLock::new(),
                // Kept only where it is needed: an idle session should hold little.
                caller: self.credential.is_some().then(|| call.caller.map(Arc::clone)).flatten(),
            },
            server: call.server.clone(),
        })
    }

    /// Reads the little that may follow an answer without content, so that the connection can be kept.
    async fn drained(&self, response: Response<Incoming>, sender: Sender) {
        if Limited::new(response.into_body(), 4_096).collect().await.is_ok() {
            self.pool.keep(sender);
        }
    }
}

fn unreadable(error: Box<dyn std::error::Error + Send + Sync>) -> UpstreamError {
    if error.is::<http_body_util::LengthLimitError>() {
        UpstreamError::new(UpstreamFault::TooLarge, "the answer is larger than it may be")
    } else {
        UpstreamError::new(UpstreamFault::Ended, format!("the answer broke off: {error}"))
    }
}

/// Writes a trace id as W3C Trace Context §3.2 has it; its second half names the span.
fn traceparent(trace: &[u8; 16]) -> [u8; 55] {
    const HEX: [u8; 16] = *b"0123456789abcdef";
    let mut text = *b"00-................................-................-00";
    let digits = trace.iter().chain(trace.iter().skip(8)).flat_map(|byte| [byte >> 4, byte & 15]);
    let places = text.iter_mut().filter(|place| **place == b'.');
    places
        .zip(digits)
        .for_each(|(place, digit)| *place = HEX.get(usize::from(digit)).copied().unwrap_or(b'0'));
    text
}
