//! What a server remembers between requests: sessions, open streams, questions and calls that wait.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::{Notify, mpsc, oneshot, watch};

use crate::transcript::Transcript;

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) transcript: Option<Transcript>,
    /// Calls held open: `sleep`, `hold` and questions to the client.
    pub(crate) calls: watch::Sender<usize>,
    /// GET streams and subscriptions.
    pub(crate) streams: watch::Sender<usize>,
    /// Each change lets every `hold` go that waits at that moment.
    pub(crate) release: watch::Sender<u64>,
    sessions: Mutex<HashMap<String, Option<mpsc::Sender<Bytes>>>>,
    subscriptions: Mutex<Vec<Subscription>>,
    questions: Mutex<HashMap<Vec<u8>, oneshot::Sender<Bytes>>>,
    cancellable: Mutex<HashMap<CallKey, Arc<Notify>>>,
    counter: AtomicU64,
}

/// A modern `subscriptions/listen`: the id it was asked under, the filter, both raw, and where its frames go.
#[derive(Debug)]
struct Subscription {
    id: String,
    filter: String,
    frames: mpsc::Sender<Bytes>,
}

impl State {
    pub(crate) fn new(transcript: bool) -> Arc<Self> {
        Arc::new(Self {
            transcript: transcript.then(Transcript::default),
            calls: watch::Sender::new(0),
            streams: watch::Sender::new(0),
            release: watch::Sender::new(0),
            sessions: Mutex::default(),
            subscriptions: Mutex::default(),
            questions: Mutex::default(),
            cancellable: Mutex::default(),
            counter: AtomicU64::new(0),
        })
    }

    pub(crate) fn open_session(&self) -> String {
        let id = self.fresh();
        lock(&self.sessions).insert(id.clone(), None);
        id
    }

    /// A name that nobody guesses.
    pub(crate) fn fresh(&self) -> String {
        let part = || RandomState::new().hash_one(self.next());
        format!("{:016x}{:016x}", part(), part())
    }

    pub(crate) fn has_session(&self, id: &str) -> bool {
        lock(&self.sessions).contains_key(id)
    }

    pub(crate) fn sessions(&self) -> Vec<String> {
        lock(&self.sessions).keys().cloned().collect()
    }

    /// Ends a session and its stream; false if there was none.
    pub(crate) fn end_session(&self, id: &str) -> bool {
        lock(&self.sessions).remove(id).is_some()
    }

    /// The session's stream from server to client; a session has at most one.
    pub(crate) fn open_stream(&self, session: &str) -> Option<mpsc::Receiver<Bytes>> {
        let mut sessions = lock(&self.sessions);
        let stream = sessions.get_mut(session)?;
        if stream.as_ref().is_some_and(|open| !open.is_closed()) {
            return None;
        }
        let (sender, receiver) = mpsc::channel(STREAM_DEPTH);
        *stream = Some(sender);
        Some(receiver)
    }

    /// The sending end of the session's stream, if one is open.
    pub(crate) fn stream_of(&self, session: &str) -> Option<mpsc::Sender<Bytes>> {
        lock(&self.sessions).get(session)?.clone().filter(|stream| !stream.is_closed())
    }

    pub(crate) fn subscribe(&self, id: &[u8], filter: String, frames: mpsc::Sender<Bytes>) {
        let id = String::from_utf8_lossy(id).into_owned();
        lock(&self.subscriptions).push(Subscription { id, filter, frames });
    }

    /// Subscriptions that are still open, as (id, filter, frames).
    pub(crate) fn subscriptions(&self) -> Vec<(String, String, mpsc::Sender<Bytes>)> {
        let mut subscriptions = lock(&self.subscriptions);
        subscriptions.retain(|one| !one.frames.is_closed());
        subscriptions.iter().map(|one| (one.id.clone(), one.filter.clone(), one.frames.clone())).collect()
    }

    /// A fresh id for a request to the client, and where its answer will come.
    pub(crate) fn ask(&self) -> (String, oneshot::Receiver<Bytes>) {
        let id = format!("\"ask-{}\"", self.next());
        let (sender, receiver) = oneshot::channel();
        lock(&self.questions).insert(id.clone().into_bytes(), sender);
        (id, receiver)
    }

    /// Hands a client's response to whoever asked; false if nobody did.
    pub(crate) fn answered(&self, id: &[u8], response: Bytes) -> bool {
        let asker = lock(&self.questions).remove(id);
        asker.is_some_and(|asker| asker.send(response).is_ok())
    }

    /// Makes a call cancellable for as long as the guard lives.
    pub(crate) fn cancellable(self: &Arc<Self>, session: &str, id: &[u8]) -> Cancellable {
        let key = (session.to_owned(), id.to_owned());
        let cancelled = Arc::new(Notify::new());
        lock(&self.cancellable).insert(key.clone(), cancelled.clone());
        Cancellable { state: self.clone(), key, cancelled, _held: Gauge::up(&self.calls) }
    }

    pub(crate) fn cancel(&self, session: &str, id: &[u8]) {
        if let Some(call) = lock(&self.cancellable).get(&(session.to_owned(), id.to_owned())) {
            call.notify_one();
        }
    }

    fn next(&self) -> u64 {
        self.counter.fetch_add(1, Ordering::Relaxed)
    }
}

/// Session (empty where there is none) and raw request id.
type CallKey = (String, Vec<u8>);

/// How many frames a stream holds before the sender waits.
pub(crate) const STREAM_DEPTH: usize = 16;

/// A call in the making; dropping it, as when the client hangs up, takes it off the list.
#[derive(Debug)]
pub(crate) struct Cancellable {
    state: Arc<State>,
    key: CallKey,
    cancelled: Arc<Notify>,
    _held: Gauge,
}

impl Cancellable {
    pub(crate) async fn cancelled(&self) {
        self.cancelled.notified().await;
    }
}

impl Drop for Cancellable {
    fn drop(&mut self) {
        lock(&self.state.cancellable).remove(&self.key);
    }
}

/// Counts one thing as open until it is dropped.
#[derive(Debug)]
pub(crate) struct Gauge(watch::Sender<usize>);

impl Gauge {
    pub(crate) fn up(count: &watch::Sender<usize>) -> Self {
        count.send_modify(|count| *count += 1);
        Self(count.clone())
    }
}

impl Drop for Gauge {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
