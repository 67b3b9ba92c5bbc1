//! The echo server's tools.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};

use crate::answer::{Answer, INVALID_PARAMS, text_result};
use crate::json;
use crate::message::Call;
use crate::state::State;

/// The result of `tools/list`.
pub(crate) const LIST: &str = r#"{"tools":[
{"name":"echo","title":"Echo","description":"Returns the text it was given.","inputSchema":{"type":"object","properties":{"text":{"type":"string"},"n":{"type":"integer"}},"required":["text","n"],"additionalProperties":false},"annotations":{"readOnlyHint":true}},
{"name":"burst","title":"Burst","description":"Sends a number of notifications at once, then its result.","inputSchema":{"type":"object","properties":{"events":{"type":"integer","minimum":0,"maximum":100000}},"required":["events"],"additionalProperties":false},"annotations":{"readOnlyHint":true}},
{"name":"sleep","title":"Sleep","description":"Answers after a number of milliseconds.","inputSchema":{"type":"object","properties":{"milliseconds":{"type":"integer","minimum":0}},"required":["milliseconds"],"additionalProperties":false},"annotations":{"readOnlyHint":true}},
{"name":"hold","title":"Hold","description":"Answers when it is released.","inputSchema":{"type":"object","properties":{},"additionalProperties":false},"annotations":{"readOnlyHint":true}},
{"name":"big","title":"Big","description":"Returns a text of a number of bytes.","inputSchema":{"type":"object","properties":{"bytes":{"type":"integer","minimum":0,"maximum":268435456}},"required":["bytes"],"additionalProperties":false},"annotations":{"readOnlyHint":true}},
{"name":"fail","title":"Fail","description":"Always fails.","inputSchema":{"type":"object","properties":{},"additionalProperties":false},"annotations":{"readOnlyHint":true}},
{"name":"ask","title":"Ask","description":"Asks the person at the client for a name.","inputSchema":{"type":"object","properties":{},"additionalProperties":false},"annotations":{"readOnlyHint":true}}
]}"#;

pub(crate) fn call(state: &Arc<State>, call: &Call<'_>) -> Answer {
    let [name, arguments] = json::members(call.params, ["name", "arguments"]).unwrap_or_default();
    let arguments = Arguments { raw: arguments.unwrap_or(b"{}") };
    match name.and_then(json::text).as_deref() {
        Some("echo") => echo(&arguments),
        Some("burst") => arguments.number("events", 100_000, |count| burst(call, count)),
        Some("sleep") => arguments.number("milliseconds", u64::MAX, sleep),
        Some("hold") => hold(state),
        Some("big") => arguments.number("bytes", 1 << 28, big),
        Some("fail") => Answer::Result(text_result("\"This tool always fails.\"", true)),
        Some("ask") => ask(call),
        _ => Answer::Error { code: INVALID_PARAMS, message: "Unknown tool".to_owned() },
    }
}

struct Arguments<'a> {
    raw: &'a [u8],
}

impl Arguments<'_> {
    /// Passes a whole number of at most `max` on, or says that it does not fit.
    fn number(&self, name: &str, max: u64, then: impl FnOnce(u64) -> Answer) -> Answer {
        match json::member(self.raw, name).and_then(json::unsigned) {
            Some(number) if number <= max => then(number),
            _ => unfit(&format!("{name} must be a whole number of at most {max}.")),
        }
    }
}

/// A tool's arguments do not fit: a result, so that a model can mend them.
fn unfit(why: &str) -> Answer {
    Answer::Result(text_result(&json::quoted(why), true))
}

/// Copies the text as it was written, escapes and all.
fn echo(arguments: &Arguments<'_>) -> Answer {
    let text = json::member(arguments.raw, "text").filter(|raw| raw.starts_with(b"\""));
    match text.and_then(|raw| std::str::from_utf8(raw).ok()) {
        Some(text) => Answer::Result(text_result(text, false)),
        None => unfit("text must be a string."),
    }
}

/// Progress if the caller gave a token for it, log messages otherwise.
fn burst(call: &Call<'_>, count: u64) -> Answer {
    let token = call.progress_token().map(String::from_utf8_lossy);
    let mut buffer = BytesMut::with_capacity(usize::try_from(count).unwrap_or_default().saturating_mul(128));
    let notifications = (1..=count).map(|event| match &token {
        Some(token) => one(&mut buffer, format_args!(
            "{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{{\"progressToken\":{token},\"progress\":{event},\"total\":{count}}}}}"
        )),
        None => one(&mut buffer, format_args!(
            "{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{{\"level\":\"info\",\"logger\":\"burst\",\"data\":{{\"event\":{event}}}}}}}"
        )),
    });
    let notifications = notifications.collect();
    Answer::Burst { notifications, result: text_result(&format!("\"{count} events\""), false) }
}

fn one(buffer: &mut BytesMut, frame: std::fmt::Arguments<'_>) -> Bytes {
    // Writing to memory cannot fail.
    let _infallible = buffer.write_fmt(frame);
    buffer.split().freeze()
}

fn sleep(milliseconds: u64) -> Answer {
    Answer::Later(Box::pin(async move {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        text_result(&format!("\"slept {milliseconds} ms\""), false)
    }))
}

fn hold(state: &Arc<State>) -> Answer {
    let mut release = state.release.subscribe();
    Answer::Later(Box::pin(async move {
        // The server going away ends the connection, and this with it.
        let _gone = release.changed().await;
        text_result("\"released\"", false)
    }))
}

fn big(bytes: u64) -> Answer {
    let length = usize::try_from(bytes).unwrap_or_default();
    let mut text = String::with_capacity(length.saturating_add(2));
    text.push('"');
    text.extend(std::iter::repeat_n('x', length));
    text.push('"');
    Answer::Result(text_result(&text, false))
}

const QUESTION: &str = r#"{"mode":"form","message":"What is your name?","requestedSchema":{"type":"object","properties":{"name":{"type":"string"}},"required":["name"]}}"#;

/// Asks on the stream in the legacy revisions; in 2026-07-28 answers `input_required`, and the retry brings the answer.
fn ask(call: &Call<'_>) -> Answer {
    if !call.modern {
        return Answer::Ask {
            method: "elicitation/create",
            params: QUESTION.to_owned(),
            finish: greet_response,
        };
    }
    match json::member(call.params, "inputResponses") {
        Some(responses) => Answer::Result(greeting(json::member(responses, "name"))),
        None => Answer::Raw(format!(
            "{{\"resultType\":\"input_required\",\"inputRequests\":{{\"name\":{{\"method\":\"elicitation/create\",\"params\":{QUESTION}}}}},\"requestState\":\"echo-ask-1\"}}"
        )),
    }
}

fn greet_response(response: &[u8]) -> String {
    greeting(json::member(response, "result"))
}

fn greeting(elicited: Option<&[u8]>) -> String {
    let name = elicited
        .and_then(|result| json::member(result, "content"))
        .and_then(|content| json::member(content, "name"));
    match name.and_then(json::text) {
        Some(name) => text_result(&json::quoted(&format!("Hello, {name}.")), false),
        None => text_result("\"No name was given.\"", true),
    }
}
