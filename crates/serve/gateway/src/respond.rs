//! What the engine released or refused, as an HTTP response. The only place where statuses become headers.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use doorward_engine::{Carried, Challenge, Departure, Released, ReleasedStream, ServerRules};
use doorward_issuer::dpop;
use doorward_oauth::{Scheme, challenge_401, challenge_403, challenge_claims, challenge_proof};
use doorward_wire::sse::write_comment;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Response, StatusCode};
use tokio::sync::{mpsc, watch};

use crate::body::Reply;
use crate::ports::GatewayPorts;
use crate::route::Counted;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
const UNBUFFERED: HeaderName = HeaderName::from_static("x-accel-buffering");
/// A comment goes out after so much silence, so that what is between does not take a quiet stream for a dead one.
pub(crate) const KEEP_ALIVE: Duration = Duration::from_secs(20);

pub(crate) fn empty(status: StatusCode) -> Response<Reply> {
    let mut response = Response::new(Reply::Whole(None));
    *response.status_mut() = status;
    response
}

pub(crate) fn json(status: StatusCode, body: impl Into<Bytes>) -> Response<Reply> {
    let mut response = Response::new(Reply::Whole(Some(body.into())));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}

pub(crate) fn streaming(receiver: mpsc::Receiver<Bytes>) -> Response<Reply> {
    let mut response = Response::new(Reply::Stream(receiver));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, STREAM);
    headers.insert(CACHE_CONTROL, NO_STORE);
    headers.insert(UNBUFFERED, HeaderValue::from_static("no"));
    response
}

pub(crate) fn respond(
    carried: Carried<GatewayPorts>,
    rules: &Arc<ServerRules>,
    scheme: Scheme,
    drain: watch::Receiver<bool>,
    counted: Counted,
) -> Response<Reply> {
    match carried {
        Ok(Released::Accepted) => empty(StatusCode::ACCEPTED),
        Ok(Released::Whole { bytes, status, session }) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
            if bytes.is_empty() {
                return empty(status);
            }
            let mut response = json(status, bytes);
            if let Some(session) = session
                && let Ok(value) = HeaderValue::from_str(&session)
            {
                response.headers_mut().insert(SESSION, value);
                response.headers_mut().insert(CACHE_CONTROL, NO_STORE);
            }
            response
        }
        Ok(Released::Stream(stream)) => {
            let (sender, receiver) = mpsc::channel(1);
            tokio::spawn(pump(stream, sender, drain, counted));
            streaming(receiver)
        }
        Err(reply) => refuse(reply, rules, scheme),
    }
}

/// Says to a caller what they may know of a refusal.
pub(crate) fn refuse(
    reply: doorward_engine::Reply,
    rules: &Arc<ServerRules>,
    scheme: Scheme,
) -> Response<Reply> {
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::FORBIDDEN);
    let mut response = json(status, reply.body);
    let scope = &rules.challenge_scope;
    let proof = |error| challenge_proof(&rules.metadata_url, scope, error, &dpop::ALGORITHMS.join(" "));
    // In the scheme that the client speaks (RFC 9449 section 7.1).
    let bound = scheme == Scheme::Dpop && rules.expectation.door.is_some();
    let challenge = reply.challenge.map(|challenge| match challenge {
        Challenge::Missing => challenge_401(&rules.metadata_url, scope, None),
        Challenge::Proof(error) => proof(error),
        Challenge::InvalidToken if bound => proof("invalid_token"),
        Challenge::InvalidToken => challenge_401(&rules.metadata_url, scope, Some("invalid_token")),
        Challenge::InsufficientScope if bound => proof("insufficient_scope"),
        Challenge::InsufficientScope => challenge_403(&rules.metadata_url, scope),
        Challenge::Claims(claims) => challenge_claims(&rules.metadata_url, &claims),
    });
    if let Some(value) = challenge.and_then(|text| HeaderValue::from_str(&text).ok()) {
        response.headers_mut().insert(WWW_AUTHENTICATE, value);
    }
    if let Some(seconds) = reply.retry_after {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    response
}

/// Moves judged events from the engine to the caller. It ends with the stream, with the caller's token, or with the door;
/// and with the caller, unless it is a call of 2025-11-25.
async fn pump(
    mut stream: Box<ReleasedStream<GatewayPorts>>,
    to: mpsc::Sender<Bytes>,
    mut drain: watch::Receiver<bool>,
    _counted: Counted,
) {
    let left = stream.expires().since(stream.now());
    let unasked = stream.is_unasked();
    let expired = tokio::time::sleep(left);
    tokio::pin!(expired);
    let departure = stream.departure();
    // The call goes on where its caller is gone, or served on another connection: one that lost this one has not cancelled.
    let goes_on = || departure.as_ref().and_then(Departure::leave);
    let (mut to, mut _left) = (Some(to), None);
    loop {
        let chunk = {
            // One wait for the next events, however often the wait is interrupted: dropping it could lose what it holds.
            let next = stream.next();
            tokio::pin!(next);
            loop {
                let gone = async {
                    match &to {
                        Some(to) => to.closed().await,
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    chunk = &mut next => break chunk,
                    () = &mut expired => return,
                    // A caller that goes away while nothing happens must free its stream now, not at the next event.
                    () = gone => match goes_on() {
                        Some(left) => (to, _left) = (None, Some(left)),
                        None => return,
                    },
                    // A draining door waits for calls, not for streams that only listen, nor for calls that nobody waits for.
                    changed = drain.changed() => if changed.is_err() || (*drain.borrow() && (unasked || to.is_none())) {
                        return;
                    },
                    () = tokio::time::sleep(KEEP_ALIVE), if to.is_some() => {
                        let mut comment = BytesMut::new();
                        write_comment(&mut comment, "");
                        // A full channel is alive enough; waiting here would see neither expiry nor the session's end.
                        let _full = to.as_ref().map(|to| to.try_send(comment.freeze()));
                    }
                }
            }
        };
        let Some(chunk) = chunk else { return };
        let Some(open) = &to else { continue };
        let sent = tokio::select! {
            sent = open.send(chunk) => sent.is_ok() && (departure.is_none() || !stream.is_taken()),
            // A caller that does not read keeps its stream no longer than its token either.
            () = &mut expired => return,
            // One whose connection is half-dead is served on another by now.
            () = stream.taken() => false,
        };
        if !sent {
            match goes_on() {
                Some(left) => (to, _left) = (None, Some(left)),
                None => return,
            }
        }
    }
}
