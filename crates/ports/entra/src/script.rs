//! A scripted Entra and Graph for tests: standing answers by address, a record of what was asked, a gate to hold
//! requests at, and a stopwatch to turn.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use tokio::sync::Semaphore;

use doorward_net::{Fetch, FetchFailed, Fetching, Stopwatch};

type Answer = (u16, Vec<(&'static str, String)>, String);

#[derive(Clone)]
pub(crate) struct Script(Arc<State>);

struct State {
    answers: Mutex<HashMap<String, Answer>>,
    seen: Mutex<Vec<Seen>>,
    gate: Semaphore,
    seconds: AtomicU64,
}

#[derive(Clone)]
pub(crate) struct Seen {
    pub(crate) line: String,
    pub(crate) authorization: Option<String>,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: String,
}

impl Script {
    pub(crate) fn new() -> Self {
        Self(Arc::new(State {
            answers: Mutex::default(),
            seen: Mutex::default(),
            gate: Semaphore::new(Semaphore::MAX_PERMITS),
            seconds: AtomicU64::new(1_000),
        }))
    }

    /// From now on `url` answers so.
    pub(crate) fn answer(&self, url: &str, status: u16, body: impl Into<String>) {
        self.answer_with(url, status, &[], body);
    }

    pub(crate) fn answer_with(
        &self,
        url: &str,
        status: u16,
        headers: &[(&'static str, &str)],
        body: impl Into<String>,
    ) {
        let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        self.0.answers.lock().unwrap().insert(url.to_owned(), (status, headers, body.into()));
    }

    /// From now on nothing answers.
    pub(crate) fn down(&self) {
        self.0.answers.lock().unwrap().clear();
    }

    /// Holds every request from now on until [`Script::release`].
    pub(crate) fn hold(&self) {
        self.0.gate.forget_permits(Semaphore::MAX_PERMITS);
    }

    pub(crate) fn release(&self) {
        self.0.gate.add_permits(1_000);
    }

    pub(crate) fn advance(&self, span: Duration) {
        self.0.seconds.fetch_add(span.as_secs(), Ordering::Relaxed);
    }

    pub(crate) fn stopwatch(&self) -> Stopwatch {
        let state = Arc::clone(&self.0);
        Stopwatch::of(move || Duration::from_secs(state.seconds.load(Ordering::Relaxed)))
    }

    /// Returns what was asked since the last call.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.0.seen.lock().unwrap())
    }

    /// Returns how much was asked since the last [`Script::seen`].
    pub(crate) fn count(&self) -> usize {
        self.0.seen.lock().unwrap().len()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.line).collect()
    }
}

impl Fetch for Script {
    fn fetch(&self, request: Request<Bytes>) -> Fetching {
        let state = Arc::clone(&self.0);
        Box::pin(async move {
            let url = request.uri().to_string();
            let authorization =
                request.headers().get("authorization").map(|value| value.to_str().unwrap().to_owned());
            let body = String::from_utf8(request.body().to_vec()).unwrap();
            state.seen.lock().unwrap().push(Seen {
                line: format!("{} {url}", request.method()),
                authorization,
                headers: request.headers().clone(),
                body,
            });
            state.gate.acquire().await.unwrap().forget();
            let answer = state.answers.lock().unwrap().get(&url).cloned();
            let (status, headers, body) = answer.ok_or_else(|| FetchFailed(format!("{url} is down")))?;
            let mut response = Response::builder().status(status);
            for (name, value) in headers {
                response = response.header(name, value);
            }
            Ok(response.body(Bytes::from(body)).unwrap())
        })
    }
}
