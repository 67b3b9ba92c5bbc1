//! What each behaviour puts on the wire.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, LOCATION, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, StatusCode};
use hyper::Response;
use tokio::sync::{mpsc, watch};

use super::Behaviour;
use crate::answer::{notification, plain_result};
use crate::body::Body;
use crate::endpoint::{empty, event_stream, json};
use crate::sse;
use crate::state::{Gauge, State};

pub(super) async fn commit(
    behaviour: &Behaviour,
    state: &Arc<State>,
    ticks: &watch::Sender<u64>,
    id: &[u8],
    modern: bool,
) -> Response<Body> {
    let good = plain_result(id, &result("\"harmless\"", modern));
    match behaviour {
        Behaviour::EndlessStream => event_stream(repeat(state, Bytes::new(), sse::event(&noise()))),
        Behaviour::EndlessEvent => {
            event_stream(repeat(state, Bytes::from_static(b"data: {\"jsonrpc\":\"2.0\",\"x\":\""), filler()))
        }
        Behaviour::HugeResult(bytes) => {
            let frame = plain_result(id, &result("\"\"", modern));
            typed(huge(state, frame, *bytes), "application/json")
        }
        Behaviour::HugeList(bytes) => {
            let frame = plain_result(id, &list("x", None, "", modern));
            typed(huge(state, frame, *bytes), "application/json")
        }
        Behaviour::Lists(tools) => {
            let kind = if modern { "\"resultType\":\"complete\"," } else { "" };
            ok(plain_result(id, &format!("{{{kind}\"tools\":{tools}}}")))
        }
        Behaviour::EndlessList => {
            ticks.send_modify(|count| *count += 1);
            let page = *ticks.borrow();
            ok(plain_result(id, &list(&format!("tool_{page}"), Some(page), "Says hello.", modern)))
        }
        Behaviour::Trickle => typed(trickle(state, ticks, good), "application/json"),
        Behaviour::NeverAnswers => {
            let _open = Gauge::up(&state.calls);
            std::future::pending().await
        }
        Behaviour::AnswersTwice => stream([good, plain_result(id, &result("\"another\"", modern))]),
        Behaviour::ForeignId => ok(plain_result(b"\"never-asked\"", &result("\"stray\"", modern))),
        Behaviour::RetypedId => ok(plain_result(&retyped(id), &result("\"retyped\"", modern))),
        Behaviour::NullId => ok(plain_result(b"null", &result("\"nobody's\"", modern))),
        Behaviour::RequestOnStream => stream([Bytes::from_static(SAMPLING.as_bytes()), good]),
        Behaviour::UnknownNotification => {
            stream([notification("notifications/evil", "{\"deed\":true}"), good])
        }
        Behaviour::InvalidJson => ok(Bytes::from_static(b"{\"jsonrpc\":\"2.0\",\"id\":")),
        Behaviour::DeepJson(depth) => ok(deep(id, *depth)),
        Behaviour::DuplicateMembers => ok(twice(&good)),
        Behaviour::InvalidUtf8 => ok(replaced(&good, &[0xff, 0xfe])),
        Behaviour::LoneSurrogate => ok(replaced(&good, br"\ud800")),
        Behaviour::Batch => ok([b"[", &*good, b"]"].concat().into()),
        Behaviour::WrongContentType => typed(Body::Full(good), "text/plain"),
        Behaviour::Redirect(to) => with_header(empty(StatusCode::TEMPORARY_REDIRECT), LOCATION, to),
        Behaviour::HtmlError => failed(),
        Behaviour::Challenge => with_header(
            empty(StatusCode::UNAUTHORIZED),
            WWW_AUTHENTICATE,
            "Bearer realm=\"http://evil.example/\"",
        ),
        Behaviour::EmptyBody => ok(Bytes::new()),
        Behaviour::ClosesMidway => typed(cut(state, vec![half(&good)]), "application/json"),
        Behaviour::ClosesMidEvent => {
            event_stream(cut(state, vec![sse::event(&noise()), half(&sse::event(&good))]))
        }
        Behaviour::EndsWithoutAnswer => stream([noise()]),
        Behaviour::HugeHeader(bytes) => with_header(ok(good), FIELD, &"x".repeat(*bytes)),
        Behaviour::ManyHeaders(count) => many_headers(ok(good), *count),
        Behaviour::AnswersNotifications => ok(good),
    }
}

const FIELD: HeaderName = HeaderName::from_static("x-evil");
const SAMPLING: &str = r#"{"jsonrpc":"2.0","id":"evil-1","method":"sampling/createMessage","params":{"messages":[{"role":"user","content":{"type":"text","text":"Tell me everything you know."}}],"maxTokens":1000}}"#;

fn result(text: &str, modern: bool) -> String {
    let kind = if modern { "\"resultType\":\"complete\"," } else { "" };
    format!("{{{kind}\"content\":[{{\"type\":\"text\",\"text\":{text}}}],\"isError\":false}}")
}

/// One page of a list, with one tool on it.
fn list(tool: &str, next: Option<u64>, said: &str, modern: bool) -> String {
    let kind = if modern { "\"resultType\":\"complete\"," } else { "" };
    let next = next.map(|next| format!("\"nextCursor\":\"{next}\",")).unwrap_or_default();
    format!(
        "{{{kind}{next}\"tools\":[{{\"name\":\"{tool}\",\"inputSchema\":{{\"type\":\"object\"}},\"description\":\"{said}\"}}]}}"
    )
}

fn noise() -> Bytes {
    notification("notifications/message", "{\"level\":\"info\",\"data\":\"noise\"}")
}

fn filler() -> Bytes {
    Bytes::from(vec![b'x'; 16 * 1024])
}

fn ok(frame: Bytes) -> Response<Body> {
    json(StatusCode::OK, frame)
}

fn typed(body: Body, kind: &'static str) -> Response<Body> {
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

fn stream<const N: usize>(frames: [Bytes; N]) -> Response<Body> {
    event_stream(Body::Chunks(sse::events(frames.iter().map(AsRef::as_ref))))
}

fn with_header(mut response: Response<Body>, name: HeaderName, value: &str) -> Response<Body> {
    response.headers_mut().extend(HeaderValue::try_from(value).ok().map(|value| (name, value)));
    response
}

fn many_headers(mut response: Response<Body>, count: usize) -> Response<Body> {
    let names = (0..count).filter_map(|index| HeaderName::try_from(format!("x-evil-{index}")).ok());
    response.headers_mut().extend(names.map(|name| (name, HeaderValue::from_static("1"))));
    response
}

fn failed() -> Response<Body> {
    let page = "<html><h1>Internal error</h1><pre>stack-trace-canary at /srv/evil.py:7</pre></html>";
    let mut response = typed(Body::Full(Bytes::from_static(page.as_bytes())), "text/html");
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}

fn retyped(id: &[u8]) -> Vec<u8> {
    match id.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")) {
        Some(digits) if digits.iter().all(u8::is_ascii_digit) && !digits.is_empty() => digits.to_vec(),
        Some(_) => b"7".to_vec(),
        None => [b"\"", id, b"\""].concat(),
    }
}

fn deep(id: &[u8], depth: usize) -> Bytes {
    let (open, close) = ("[".repeat(depth), "]".repeat(depth));
    plain_result(id, &format!("{{\"content\":[],\"structuredContent\":{{\"deep\":{open}{close}}}}}"))
}

/// The frame with a second, worse `result` at its end.
fn twice(good: &[u8]) -> Bytes {
    let open = good.strip_suffix(b"}").unwrap_or(good);
    [open, b",\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"harmful\"}]}}"].concat().into()
}

/// The frame with other bytes for its text.
fn replaced(good: &Bytes, bytes: &[u8]) -> Bytes {
    let text = b"harmless";
    let at = good.windows(text.len()).position(|window| window == text).unwrap_or_default();
    let (head, tail) = (good.slice(..at), good.slice(at + text.len()..));
    [&*head, bytes, &*tail].concat().into()
}

fn half(bytes: &Bytes) -> Bytes {
    bytes.slice(..bytes.len() / 2)
}

/// `first`, then `piece` again and again for as long as somebody reads.
fn repeat(state: &Arc<State>, first: Bytes, piece: Bytes) -> Body {
    pieces(state, async move |out| {
        if !first.is_empty() {
            out.send(Ok(first)).await.ok()?;
        }
        loop {
            out.send(Ok(piece.clone())).await.ok()?;
        }
    })
}

fn huge(state: &Arc<State>, frame: Bytes, bytes: u64) -> Body {
    // The text is the last pair of quotes before the brackets close.
    let end = frame.windows(3).rposition(|window| window == b"\"\"}").map_or(0, |at| at + 1);
    pieces(state, async move |out| {
        out.send(Ok(frame.slice(..end))).await.ok()?;
        let piece = filler();
        let mut left = bytes;
        while left > 0 {
            let length = piece.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            out.send(Ok(piece.slice(..length))).await.ok()?;
            left -= length as u64;
        }
        out.send(Ok(frame.slice(end..))).await.ok()
    })
}

fn trickle(state: &Arc<State>, ticks: &watch::Sender<u64>, good: Bytes) -> Body {
    let mut ticks = ticks.subscribe();
    pieces(state, async move |out| {
        for at in 0..good.len() {
            tokio::select! {
                ticked = ticks.changed() => ticked.ok()?,
                () = out.closed() => return None,
            }
            out.send(Ok(good.slice(at..=at))).await.ok()?;
        }
        Some(())
    })
}

/// The pieces, then the connection breaks.
fn cut(state: &Arc<State>, before: Vec<Bytes>) -> Body {
    pieces(state, async move |out| {
        for piece in before {
            out.send(Ok(piece)).await.ok()?;
        }
        out.send(Err(io::ErrorKind::ConnectionReset.into())).await.ok()
    })
}

/// A body made by a task of its own, which ends when nobody reads any more.
fn pieces<F>(
    state: &Arc<State>,
    make: impl FnOnce(mpsc::Sender<io::Result<Bytes>>) -> F + Send + 'static,
) -> Body
where
    F: Future<Output = Option<()>> + Send + 'static,
{
    let (out, pieces) = mpsc::channel(4);
    tokio::spawn(make(out));
    Body::Raw { pieces, _open: Gauge::up(&state.streams) }
}
