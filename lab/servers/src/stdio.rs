//! The same servers over standard input and output: one frame a line.

use std::io::{self, BufRead as _, Write as _};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::answer::Service;
use crate::dispatch::{deliver, dispatch};
use crate::json;
use crate::message::{Call, Message};
use crate::modern;
use crate::state::State;

/// Serves this process's standard streams until input ends.
///
/// # Errors
/// When the threads that read and write cannot be started.
pub(crate) async fn serve_process(service: impl Service, state: Arc<State>) -> io::Result<()> {
    let (lines_in, lines) = mpsc::channel(64);
    let (out, mut frames) = mpsc::channel::<Bytes>(64);
    std::thread::Builder::new().name("stdin".to_owned()).spawn(move || {
        for line in io::stdin().lock().split(b'\n').map_while(Result::ok) {
            if lines_in.blocking_send(Bytes::from(line)).is_err() {
                return;
            }
        }
    })?;
    let writer = std::thread::Builder::new().name("stdout".to_owned()).spawn(move || {
        let mut stdout = io::stdout().lock();
        while let Some(frame) = frames.blocking_recv() {
            let written = stdout.write_all(&line(&frame)).and_then(|()| stdout.flush());
            if written.is_err() {
                return;
            }
        }
    })?;
    serve(service, state, lines, out).await;
    // Whatever was answered before input ended is still written; a writer that panicked has nothing more to say.
    let _panicked = tokio::task::spawn_blocking(move || writer.join()).await;
    Ok(())
}

/// A frame as one line: outside strings a line break is space, and inside them it cannot stand (T-31).
pub(crate) fn line(frame: &[u8]) -> Vec<u8> {
    let spaced = frame.iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte });
    spaced.chain([b'\n']).collect()
}

/// Serves lines until there are no more, then gives what is under way a moment to finish.
pub(crate) async fn serve(
    service: impl Service,
    state: Arc<State>,
    mut lines: mpsc::Receiver<Bytes>,
    out: mpsc::Sender<Bytes>,
) {
    let service = Arc::new(service);
    let mut calls = JoinSet::new();
    while let Some(line) = lines.recv().await {
        if line.trim_ascii().is_empty() {
            continue;
        }
        if !at_once(&state, &line, &out).await {
            calls.spawn(answer(service.clone(), state.clone(), line, out.clone()));
        }
        while calls.try_join_next().is_some() {}
    }
    // What takes longer than this is waiting for something; dropping the set ends it.
    let _unfinished = tokio::time::timeout(GRACE, async { while calls.join_next().await.is_some() {} }).await;
}

/// How long calls may go on after input has ended.
const GRACE: Duration = Duration::from_secs(1);

/// Notifications, responses and lines that make no sense; true if that was all.
pub(crate) async fn at_once(state: &State, line: &Bytes, out: &mpsc::Sender<Bytes>) -> bool {
    let message = match Message::read(line) {
        Ok(message) => message,
        Err(refusal) => {
            // A reader that has gone away needs no refusal.
            let _gone = out.send(refusal.frame(None)).await;
            return true;
        }
    };
    match (message.method, message.id) {
        (Some(_), Some(_)) => return false,
        (Some("notifications/cancelled"), None) => {
            if let Some(id) = json::member(message.params, "requestId") {
                state.cancel("", id);
            }
        }
        (Some(_), None) => {}
        (None, id) => {
            state.answered(id.unwrap_or_default(), line.clone());
        }
    }
    true
}

pub(crate) async fn answer(
    service: Arc<impl Service>,
    state: Arc<State>,
    line: Bytes,
    out: mpsc::Sender<Bytes>,
) {
    let Ok(message) = Message::read(&line) else { return };
    let (Some(method), Some(id)) = (message.method, message.id) else { return };
    let modern = message.version.is_some();
    if modern && let Err(refusal) = modern::check(&message, None) {
        // A reader that has gone away needs no refusal.
        let _gone = out.send(refusal.frame(Some(id))).await;
        return;
    }
    let call = Call { modern, id, method, params: message.params, authorization: None };
    let answer = dispatch(&*service, &call);
    deliver(&*service, &state, "", &call, answer, &out).await;
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn a_frame_written_over_several_lines_is_sent_as_one() {
        assert_eq!(line(b"{\r\n\"a\":\"\\n\"}"), b"{  \"a\":\"\\n\"}\n");
    }
}
