//! The streams of one session of 2025-11-25. On which its server speaks unasked is one at the server, however many the
//! client opens, and only the newest of the client's is served: each message goes out once (T-28).

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};
use doorward_wire::sse::write_event;
use futures_util::lock::{Mutex as AsyncMutex, OwnedMutexGuard};

use crate::change::{Change, Watcher};
use crate::replay::{Kept, Line, Resumed};

/// What a session knows of its streams.
#[derive(Default)]
pub(crate) struct Streams {
    /// Counts the streams that the client opened to listen.
    listener: AtomicU64,
    /// Requests that wait to go on with the server's stream.
    waiting: AtomicUsize,
    /// Announced when another stream takes the place of one, and when one that is read again has more.
    pub(crate) changed: Change,
    kept: Mutex<Kept>,
}

impl Streams {
    pub(crate) fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of one stream among those of its session.
pub(crate) struct Place {
    streams: Arc<Streams>,
    /// Which of those that listen it is, where only the newest is served.
    listener: Option<u64>,
    /// What goes out on it has names and is kept, where the client can come back for it.
    line: Option<Line>,
    /// Goes out first: what was kept since the client left, and how many events it is; or the name of the stream.
    first: Option<(Bytes, u64)>,
    watcher: Watcher,
}

impl Place {
    /// Takes the place of whoever listened before.
    pub(crate) fn newest(streams: &Arc<Streams>) -> Self {
        let listener = streams.listener.fetch_add(1, Ordering::AcqRel) + 1;
        streams.changed.announce();
        let mut place = Self::of(streams);
        place.listener = Some(listener);
        place
    }

    /// Takes a place among others that are served too.
    pub(crate) fn of(streams: &Arc<Streams>) -> Self {
        let watcher = streams.changed.watch();
        Self { streams: Arc::clone(streams), listener: None, line: None, first: None, watcher }
    }

    /// Keeps what goes out from now on.
    pub(crate) fn keep_on(&mut self, mut line: Line) {
        let prime = line.prime();
        self.streams.keep(&mut line, &prime);
        (self.line, self.first) = (Some(line), Some((prime.freeze(), 0)));
    }

    /// Goes on where the client left, with what it has not seen.
    pub(crate) fn go_on(&mut self, line: Line, resumed: &Resumed) {
        let missed = self.streams.after(resumed);
        let events = u64::from(line.written().saturating_sub(resumed.after + 1));
        (self.line, self.first) = (Some(line), missed.map(|(text, _)| (text, events)));
    }

    /// Returns what goes out before anything else, and how many events it is.
    pub(crate) fn first(&mut self) -> Option<(Bytes, u64)> {
        self.first.take().filter(|(text, _)| !text.is_empty())
    }

    /// Says whether another stream has taken this place.
    pub(crate) fn is_taken(&self) -> bool {
        match (self.listener, &self.line) {
            (Some(listener), _) => self.streams.listener.load(Ordering::Acquire) != listener,
            (None, Some(line)) => self.streams.is_read(line),
            (None, None) => false,
        }
    }

    /// Waits until another stream has taken this place.
    pub(crate) async fn taken(&mut self) {
        while !self.is_taken() {
            self.streams.changed.next(&mut self.watcher).await;
        }
    }

    /// Says whether it ends when its place is taken; a call goes on, for the other.
    pub(crate) fn ends_when_taken(&self) -> bool {
        self.listener.is_some()
    }

    /// Waits until one who came back has read what there is: there is no more room for them than for a connection.
    pub(crate) async fn caught_up(&mut self) {
        while self.line.as_ref().is_some_and(|line| self.streams.lags(line)) {
            self.streams.changed.next(&mut self.watcher).await;
        }
    }

    pub(crate) fn write(&mut self, out: &mut BytesMut, data: &[u8]) {
        match &mut self.line {
            Some(line) => line.write(out, data),
            None => write_event(out, data),
        }
    }

    /// Keeps what is about to go out; false if it must not, since another goes on with the stream.
    pub(crate) fn keep(&mut self, text: &[u8]) -> bool {
        self.line.as_mut().is_none_or(|line| self.streams.keep(line, text))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.line.iter().for_each(|line| self.streams.end(line));
        self.streams.changed.leave(&self.watcher);
    }
}

type Shared<E> = Arc<AsyncMutex<Option<E>>>;

/// The streams at servers on which they speak unasked: one a session at most, handed on from listener to listener, since
/// a server answers a second one with 409 and may take long to notice that the first is gone.
pub(crate) struct Unasked<E>(Mutex<HashMap<Arc<str>, Shared<E>>>);

impl<E> Default for Unasked<E> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<E> Unasked<E> {
    /// Waits until whoever listened before lets go.
    pub(crate) async fn next(&self, session: &Arc<str>, place: &Place) -> OwnedMutexGuard<Option<E>> {
        let shared = Arc::clone(self.sessions().entry(Arc::clone(session)).or_default());
        place.streams.waiting.fetch_add(1, Ordering::AcqRel);
        let waiting = Waiting { shared: Arc::clone(&shared), streams: &place.streams };
        let held = shared.lock_owned().await;
        drop(waiting);
        held
    }

    pub(crate) fn forget(&self, session: &str) {
        self.sessions().remove(session);
    }

    fn sessions(&self) -> MutexGuard<'_, HashMap<Arc<str>, Shared<E>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One that waits for its turn. If its client leaves before that, nobody may be there to listen.
struct Waiting<'a, E> {
    shared: Shared<E>,
    streams: &'a Streams,
}

impl<E> Drop for Waiting<'_, E> {
    fn drop(&mut self) {
        let others = self.streams.waiting.fetch_sub(1, Ordering::AcqRel) > 1;
        if !others && let Some(mut left) = self.shared.try_lock() {
            *left = None;
        }
    }
}

/// Where the events of a stream come from.
pub(crate) enum Source<E> {
    None,
    Own(E),
    /// The session's stream at its server, for as long as nobody else listens.
    Shared(OwnedMutexGuard<Option<E>>),
}

impl<E> Source<E> {
    pub(crate) fn as_mut(&mut self) -> Option<&mut E> {
        match self {
            Self::None => None,
            Self::Own(events) => Some(events),
            Self::Shared(held) => held.as_mut(),
        }
    }

    pub(crate) fn take(&mut self) -> Option<E> {
        match std::mem::replace(self, Self::None) {
            Self::None => None,
            Self::Own(events) => Some(events),
            Self::Shared(mut held) => held.take(),
        }
    }

    /// Lets go of the events: for the next listener, where one waits for them.
    pub(crate) fn let_go(&mut self, place: Option<&Place>) {
        let awaited = place.is_some_and(|place| place.streams.waiting.load(Ordering::Acquire) > 0);
        match std::mem::replace(self, Self::None) {
            Self::Shared(held) if awaited => drop(held),
            mut other => drop(other.take()),
        }
    }
}
