//! From a call to an answer: the methods every server has, then the server's own; and answers that are not ready at
//! once.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::answer::{self, About, Answer, Service};
use crate::json;
use crate::message::Call;
use crate::modern::MODERN;
use crate::state::State;

/// The newest legacy revision, offered to whoever asks for one that is not known.
pub(crate) const LEGACY: &str = "2025-11-25";

/// The legacy revisions that are served.
pub(crate) const LEGACY_VERSIONS: [&str; 3] = [LEGACY, "2025-06-18", "2025-03-26"];

pub(crate) fn dispatch(service: &impl Service, call: &Call<'_>) -> Answer {
    if let Some(objection) = service.objects(call) {
        return objection;
    }
    match (call.modern, call.method) {
        (true, "server/discover") => Answer::Result(discovered(service.about())),
        (true, "subscriptions/listen") => {
            let filter = json::member(call.params, "notifications").unwrap_or(b"{}");
            Answer::Listen(String::from_utf8_lossy(filter).into_owned())
        }
        (false, "initialize") => Answer::Result(initialized(service.about(), call.params)),
        (false, "ping" | "logging/setLevel") => Answer::Result("{}".to_owned()),
        _ => service.answer(call),
    }
}

/// Sends an answer frame by frame, as a stream or a pipe wants it. `session` is empty where there is none.
pub(crate) async fn deliver(
    service: &impl Service,
    state: &Arc<State>,
    session: &str,
    call: &Call<'_>,
    answer: Answer,
    out: &mpsc::Sender<Bytes>,
) {
    let about = service.about();
    let last = match answer {
        Answer::Result(result) => answer::result(call, about, &result),
        Answer::Raw(result) => answer::plain_result(call.id, &result),
        Answer::Error { code, message } => answer::error(Some(call.id), code, &message, None),
        Answer::Missing(required) => answer::missing(call.id, required),
        Answer::Unknown => unknown(call),
        Answer::Burst { notifications, result } => {
            for notification in notifications {
                if out.send(notification).await.is_err() {
                    return;
                }
            }
            answer::result(call, about, &result)
        }
        Answer::Ask { method, params, finish } => match ask(state, session, call, method, &params, out).await
        {
            Some(response) => answer::result(call, about, &finish(&response)),
            None => return,
        },
        Answer::Later(result) => match finish_unless_cancelled(state, session, call, result).await {
            Some(result) => answer::result(call, about, &result),
            None => return,
        },
        Answer::Listen(filter) => acknowledged(state, call, filter, out),
    };
    // A reader that has gone away has lost interest in the answer too.
    let _gone = out.send(last).await;
}

/// Waits for a slow result; `None` if the client cancelled it, who then gets no answer.
pub(crate) async fn finish_unless_cancelled(
    state: &Arc<State>,
    session: &str,
    call: &Call<'_>,
    result: impl Future<Output = String>,
) -> Option<String> {
    let cancellable = state.cancellable(session, call.id);
    tokio::select! {
        biased;
        () = cancellable.cancelled() => None,
        result = result => Some(result),
    }
}

pub(crate) fn unknown(call: &Call<'_>) -> Bytes {
    answer::error(Some(call.id), answer::METHOD_NOT_FOUND, "Method not found", None)
}

async fn ask(
    state: &Arc<State>,
    session: &str,
    call: &Call<'_>,
    method: &str,
    params: &str,
    out: &mpsc::Sender<Bytes>,
) -> Option<Bytes> {
    let (id, response) = state.ask();
    let cancellable = state.cancellable(session, call.id);
    let question = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"{method}\",\"params\":{params}}}");
    out.send(question.into()).await.ok()?;
    tokio::select! {
        response = response => response.ok(),
        () = cancellable.cancelled() => None,
        () = out.closed() => None,
    }
}

/// Registers a subscription; the frame tells what was granted, which here is what was asked for.
fn acknowledged(state: &State, call: &Call<'_>, filter: String, out: &mpsc::Sender<Bytes>) -> Bytes {
    let id = String::from_utf8_lossy(call.id);
    let params = format!(
        "{{\"_meta\":{{\"io.modelcontextprotocol/subscriptionId\":{id}}},\"notifications\":{filter}}}"
    );
    state.subscribe(call.id, filter, out.clone());
    answer::notification("notifications/subscriptions/acknowledged", &params)
}

fn discovered(about: &About) -> String {
    format!(
        "{{\"supportedVersions\":[\"{MODERN}\"],\"capabilities\":{},\"instructions\":{}}}",
        about.capabilities,
        json::quoted(about.instructions)
    )
}

fn initialized(about: &About, params: &[u8]) -> String {
    let wanted = json::member(params, "protocolVersion").and_then(json::text).unwrap_or_default();
    let version = LEGACY_VERSIONS.into_iter().find(|known| *known == wanted).unwrap_or(LEGACY);
    format!(
        "{{\"protocolVersion\":\"{version}\",\"capabilities\":{},\"serverInfo\":{},\"instructions\":{}}}",
        about.capabilities,
        about.implementation,
        json::quoted(about.instructions)
    )
}
