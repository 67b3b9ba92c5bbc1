//! A conversation with a server in which every answer comes on one stream: with a child, or by HTTP+SSE.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use doorward_engine::{Answer, Answered, Caller, More, UpstreamError, UpstreamFault};
use doorward_types::ServerName;
use doorward_wire::{Era, Frame, FrameKind, Id, Limits, lens, one_line};
use tokio::io::AsyncWriteExt;
use tokio::process::ChildStdin;
use tokio::sync::{Mutex as AsyncMutex, Notify, mpsc};
use tokio::time::Instant;

use crate::events::UpstreamEvents;
use crate::http::Said;
use crate::sse::Posts;

/// Frames that may wait for one reader.
const MOST_WAITING: usize = 1_024;
/// And bytes, besides one frame.
const MOST_HELD: usize = 4 << 20;
/// Bytes that leave together.
const MOST_TOGETHER: usize = 256 << 10;
/// How long a server's further output waits for a reader who has so many frames before them.
const PATIENCE: Duration = Duration::from_secs(5);

/// A conversation.
pub(crate) struct Duplex {
    server: ServerName,
    /// Several persons' calls run in it.
    shared: bool,
    out: Out,
    routes: Mutex<Routes>,
    over: AtomicBool,
    /// It has said something that is not MCP.
    babbled: AtomicBool,
    gone: Notify,
    started: Instant,
    /// Milliseconds after `started` of the last frame sent.
    used: AtomicU64,
}

/// How the server is spoken to.
pub(crate) enum Out {
    /// By a child's standard input.
    Stdin(AsyncMutex<Option<ChildStdin>>),
    /// By requests, at the address that the server named.
    Posts(Posts),
}

/// Who waits for what the server says.
#[derive(Default)]
struct Routes {
    /// Requests on their way, by the door's id, which is their progress token too.
    calls: HashMap<i64, Lane>,
    /// Streams of sessions, for what belongs to no request.
    listeners: Vec<Lane>,
}

/// The way to one reader.
#[derive(Clone)]
struct Lane {
    to: mpsc::Sender<Bytes>,
    held: Arc<Held>,
}

/// What waits for one reader: a server that says much to somebody who reads slowly must not fill memory.
#[derive(Default)]
struct Held {
    bytes: AtomicUsize,
    room: Notify,
}

impl Held {
    fn took(&self, frame: &Bytes) {
        self.bytes.fetch_sub(frame.len(), Ordering::AcqRel);
        self.room.notify_one();
    }
}

impl Duplex {
    pub(crate) fn new(server: ServerName, shared: bool, out: Out) -> Arc<Self> {
        Arc::new(Self {
            server,
            shared,
            out,
            routes: Mutex::default(),
            over: AtomicBool::new(false),
            babbled: AtomicBool::new(false),
            gone: Notify::new(),
            started: Instant::now(),
            used: AtomicU64::new(0),
        })
    }

    fn routes(&self) -> MutexGuard<'_, Routes> {
        self.routes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    /// Says for how long nothing was sent to it, none while a call runs.
    pub(crate) fn idle(&self) -> Option<Duration> {
        if !self.routes().calls.is_empty() {
            return None;
        }
        let used = Duration::from_millis(self.used.load(Ordering::Relaxed));
        Some(self.started.elapsed().saturating_sub(used))
    }

    /// Says one frame, on behalf of whom it is said.
    pub(crate) async fn write(
        self: &Arc<Self>,
        frame: &Bytes,
        caller: Option<&Arc<Caller>>,
    ) -> Result<(), UpstreamError> {
        let used = self.started.elapsed().as_millis();
        self.used.store(u64::try_from(used).unwrap_or(u64::MAX), Ordering::Relaxed);
        let stdin = match &self.out {
            Out::Posts(_) if self.over() => {
                return Err(UpstreamError::new(UpstreamFault::SessionLost, "the server's stream has ended"));
            }
            Out::Posts(posts) => return posts.send(&self.server, frame, caller).await,
            Out::Stdin(_) => Arc::clone(self),
        };
        // In a task of its own: a caller who goes away in the middle must not leave half a line in the pipe, to which
        // the next caller's would be glued.
        let frame = frame.clone();
        let written = tokio::spawn(async move { stdin.write_line(&frame).await });
        written
            .await
            .unwrap_or_else(|_| Err(UpstreamError::new(UpstreamFault::Ended, "the child was not written to")))
    }

    async fn write_line(&self, frame: &Bytes) -> Result<(), UpstreamError> {
        let ended = |what: String| UpstreamError::new(UpstreamFault::Ended, what);
        let mut line = Vec::with_capacity(frame.len() + 1);
        line.extend_from_slice(&one_line(frame));
        line.push(b'\n');
        let Out::Stdin(stdin) = &self.out else { return Err(ended("it has no input".to_owned())) };
        let mut stdin = stdin.lock().await;
        let pipe = stdin.as_mut().ok_or_else(|| ended("the child has ended".to_owned()))?;
        let written = async {
            pipe.write_all(&line).await?;
            pipe.flush().await
        };
        // A child that does not read must not hold the person's other calls for ever.
        let written = async {
            tokio::select! {
                written = written => Some(written),
                () = self.ended() => None,
            }
        };
        match tokio::time::timeout(Duration::from_secs(30), written).await {
            Ok(None) => {
                // Whoever ends it waits for this pipe.
                *stdin = None;
                Err(ended("the child has ended".to_owned()))
            }
            Ok(Some(Ok(()))) => Ok(()),
            Ok(Some(Err(error))) => Err(ended(format!("the child takes no input: {error}"))),
            Err(_) => {
                // Half a line may be in the pipe: nothing after it could be read, so the child is of no more use.
                *stdin = None;
                self.end();
                Err(ended("the child does not read its input".to_owned()))
            }
        }
    }

    /// Closes the input of a child.
    pub(crate) async fn close(&self) {
        if let Out::Stdin(stdin) = &self.out {
            *stdin.lock().await = None;
        }
    }

    /// Registers a request before it is written, so that no answer can come too early.
    pub(crate) fn call(
        self: &Arc<Self>,
        id: i64,
        deadlines: Deadlines,
        cancel: Option<Era>,
        caller: Option<&Arc<Caller>>,
    ) -> DuplexEvents {
        let (to, receiver) = mpsc::channel(MOST_WAITING);
        let held = Arc::<Held>::default();
        let mut routes = self.routes();
        // Looked at under the lock: one that has ended tells nobody who comes later.
        if !self.over() {
            routes.calls.insert(id, Lane { to, held: Arc::clone(&held) });
        }
        drop(routes);
        DuplexEvents {
            duplex: Arc::clone(self),
            call: Some(id),
            receiver,
            held,
            first: None,
            deadlines,
            cancel,
            caller: caller.map(Arc::clone),
            link: None,
            done: false,
        }
    }

    /// Says one frame, and takes the first of what the server says to it.
    pub(crate) async fn say(
        self: &Arc<Self>,
        frame: &Bytes,
        id: Option<i64>,
        era: Era,
        caller: Option<&Arc<Caller>>,
        deadlines: Deadlines,
        limits: &Limits,
    ) -> Said {
        let Some(id) = id else {
            self.write(frame, caller).await?;
            return Ok(Answered { link: None, answer: Answer::Accepted });
        };
        let mut events = self.call(id, deadlines, Some(era), caller);
        if let Err(error) = self.write(frame, caller).await {
            // A server that has not answered the POST in time may be at work on it all the same.
            if error.fault == UpstreamFault::Timeout {
                events.gave_up();
            }
            return Err(error);
        }
        let first = events.next().await?;
        if Frame::parse_result(first.clone(), limits)
            .is_ok_and(|(frame, _)| frame.kind() == FrameKind::Response)
        {
            events.answered();
            return Ok(Answered { link: None, answer: Answer::Whole(first, 200) });
        }
        events.put_back(first);
        Ok(Answered { link: None, answer: Answer::Stream(UpstreamEvents::Duplex(events)) })
    }

    pub(crate) fn listen(self: &Arc<Self>, link: Arc<crate::Link>) -> DuplexEvents {
        let (to, receiver) = mpsc::channel(MOST_WAITING);
        let held = Arc::<Held>::default();
        let mut routes = self.routes();
        routes.listeners.retain(|listener| !listener.to.is_closed());
        if !self.over() {
            routes.listeners.push(Lane { to, held: Arc::clone(&held) });
        }
        drop(routes);
        let deadlines = Deadlines { silence: None, most: None };
        DuplexEvents {
            duplex: Arc::clone(self),
            call: None,
            receiver,
            held,
            first: None,
            deadlines,
            cancel: None,
            caller: None,
            link: Some(link),
            done: false,
        }
    }

    /// Gives what the server says to whom it concerns. What is not a frame is logged by size alone and dropped (T-31).
    pub(crate) async fn route(self: &Arc<Self>, said: Bytes, limits: &Limits) {
        let Ok((frame, _)) = Frame::parse_result(said.clone(), limits) else {
            // Once for people to see; a server that chatters must not drown everything else.
            match self.babbled.swap(true, Ordering::Relaxed) {
                false => {
                    tracing::warn!(server = %self.server, bytes = said.len(), "a server said something that is not MCP")
                }
                true => {
                    tracing::debug!(server = %self.server, bytes = said.len(), "a server said something that is not MCP")
                }
            }
            return;
        };
        let own = match (frame.kind(), frame.id()) {
            (FrameKind::Response, Some(Id::Number(id))) => Some(*id),
            (FrameKind::Response, _) => return,
            _ => frame
                .progress_token()
                .or_else(|| lens::subscription_id(&frame))
                .and_then(|name| name.as_i64()),
        };
        let (mut declined, mut listeners) = (None, Vec::new());
        let to = {
            let mut routes = self.routes();
            // With its answer a call is over: nothing more is its, and leaving it now gives nothing up.
            let by_id = own.and_then(|id| match frame.kind() {
                FrameKind::Response => routes.calls.remove(&id).map(|call| (id, call)),
                _ => routes.calls.get(&id).map(|call| (id, call.clone())),
            });
            // What belongs to no call by name goes to the only one that runs, else to the sessions' streams: guessing
            // between two could tell one client what was said to another. In a shared child the only call that runs
            // need not be the one that is meant, and whom a question is for is the child's word alone: it has no
            // questions, and what names no call is nobody's (D-23).
            let only = |routes: &Routes| routes.calls.iter().next().map(|(id, call)| (*id, call.clone()));
            let to = match (frame.kind(), routes.calls.len()) {
                (FrameKind::Request, _) if self.shared => None,
                _ if by_id.is_some() => by_id,
                (FrameKind::Request, 1) => only(&routes),
                (FrameKind::Notification, 1) if !self.shared && routes.listeners.is_empty() => only(&routes),
                _ => None,
            };
            match (&to, frame.kind()) {
                (Some(_), _) | (None, FrameKind::Response) => {}
                (None, FrameKind::Notification) => {
                    routes.listeners.retain(|listener| !listener.to.is_closed());
                    listeners.clone_from(&routes.listeners);
                }
                (None, FrameKind::Request) => declined = frame.id().cloned(),
            }
            to
        };
        for listener in listeners {
            if !hand(&listener, said.clone()).await && !listener.to.is_closed() {
                tracing::warn!(server = %self.server, "a listener does not read; news was dropped");
            }
        }
        if let Some((id, call)) = to
            && !hand(&call, said).await
        {
            self.routes().calls.remove(&id);
        }
        if let Some(id) = declined {
            let answer = format!(
                r#"{{"jsonrpc":"2.0","id":{},"error":{{"code":-32601,"message":"Method not found"}}}}"#,
                id.to_json()
            );
            if let Err(error) = self.write(&Bytes::from(answer), None).await {
                tracing::debug!(server = %self.server, detail = error.detail, "a server's request was not declined");
            }
        }
    }

    /// Marks the end: everybody who waits is told.
    pub(crate) fn end(&self) {
        self.over.store(true, Ordering::Release);
        let mut routes = self.routes();
        routes.calls.clear();
        routes.listeners.clear();
        drop(routes);
        self.gone.notify_waiters();
    }

    /// Waits for the end.
    pub(crate) async fn ended(&self) {
        let gone = self.gone.notified();
        if !self.over() {
            gone.await;
        }
    }
}

/// Ends a conversation whose `initialize` was not answered: whatever comes in between, it must not outlive those who wait
/// for it, and a server that was asked once and not heard to the end cannot be asked again.
pub(crate) struct EndUnlessHeard<'a>(Option<&'a Duplex>);

impl<'a> EndUnlessHeard<'a> {
    pub(crate) fn new(duplex: &'a Duplex) -> Self {
        Self(Some(duplex))
    }

    pub(crate) fn heard(mut self) {
        self.0 = None;
    }
}

impl Drop for EndUnlessHeard<'_> {
    fn drop(&mut self) {
        self.0.iter().for_each(|duplex| duplex.end());
    }
}

/// Hands a frame to who waits for it; false if they do not take it. A burst waits for its reader, so that nothing is
/// lost; a reader that has stopped loses its call, so that it does not hold the person's other calls for ever.
async fn hand(lane: &Lane, frame: Bytes) -> bool {
    let handed = async {
        while lane.held.bytes.load(Ordering::Acquire) >= MOST_HELD {
            lane.held.room.notified().await;
        }
        let Ok(place) = lane.to.reserve().await else { return false };
        lane.held.bytes.fetch_add(frame.len(), Ordering::AcqRel);
        place.send(frame);
        true
    };
    let gone = lane.to.closed();
    let handed = async {
        tokio::select! {
            handed = handed => handed,
            () = gone => false,
        }
    };
    tokio::time::timeout(PATIENCE, handed).await.unwrap_or(false)
}

/// When waiting ends.
#[derive(Clone, Copy)]
pub(crate) struct Deadlines {
    pub(crate) silence: Option<Duration>,
    pub(crate) most: Option<Instant>,
}

/// Frames of a server for one request, or for one session's stream.
pub struct DuplexEvents {
    duplex: Arc<Duplex>,
    call: Option<i64>,
    receiver: mpsc::Receiver<Bytes>,
    held: Arc<Held>,
    /// A frame that was looked at to see whether more may follow it.
    first: Option<Bytes>,
    deadlines: Deadlines,
    /// Set in the revision where a caller's leaving cancels its request (T-11).
    cancel: Option<Era>,
    /// On whose behalf that is said.
    caller: Option<Arc<Caller>>,
    link: Option<Arc<crate::Link>>,
    done: bool,
}

impl DuplexEvents {
    /// Waits for one frame.
    pub(crate) async fn next(&mut self) -> Result<Bytes, UpstreamError> {
        let silent = self.deadlines.silence.map(|silence| Instant::now() + silence);
        let until = match (silent, self.deadlines.most) {
            (Some(silent), Some(most)) => Some(silent.min(most)),
            (one, other) => one.or(other),
        };
        let late = async {
            match until {
                Some(until) => tokio::time::sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        let link = self.link.clone();
        let ended = async {
            match &link {
                Some(link) => link.ends.ended().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            frame = self.receiver.recv() => {
                frame.iter().for_each(|frame| self.held.took(frame));
                frame.ok_or_else(|| UpstreamError::new(UpstreamFault::Ended, "the server's stream ended before it answered"))
            }
            () = late => {
                self.gave_up();
                Err(UpstreamError::new(UpstreamFault::Timeout, "no answer in time"))
            }
            () = ended => Err(UpstreamError::new(UpstreamFault::Ended, "the session ended")),
        }
    }

    pub(crate) async fn next_batch(
        &mut self,
        into: &mut Vec<Bytes>,
        limit: usize,
    ) -> Result<More, UpstreamError> {
        match self.first.take() {
            Some(first) => into.push(first),
            None => into.push(self.next().await?),
        }
        let mut bytes: usize = into.iter().map(Bytes::len).sum();
        while into.len() < limit && bytes < MOST_TOGETHER {
            let Ok(frame) = self.receiver.try_recv() else { break };
            self.held.took(&frame);
            bytes += frame.len();
            into.push(frame);
        }
        Ok(More::Yes)
    }

    /// Notes that nobody waits any more: that is told in both revisions (T-34), but never of a handshake.
    fn gave_up(&mut self) {
        self.cancel = self.cancel.map(|_| Era::Modern);
    }

    pub(crate) fn put_back(&mut self, frame: Bytes) {
        self.first = Some(frame);
    }

    /// From here on nothing need come for as long as nothing happens.
    pub(crate) fn listen(&mut self) {
        self.deadlines = Deadlines { silence: None, most: None };
    }

    /// Notes that the answer has come: leaving now cancels nothing.
    pub(crate) fn answered(&mut self) {
        self.done = true;
    }
}

impl Drop for DuplexEvents {
    fn drop(&mut self) {
        let Some(id) = self.call else { return };
        let running = self.duplex.routes().calls.remove(&id).is_some();
        if running
            && !self.done
            && self.cancel == Some(Era::Modern)
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let (duplex, caller) = (Arc::clone(&self.duplex), self.caller.take());
            let frame = format!(
                r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{id}}}}}"#
            );
            runtime.spawn(async move {
                if let Err(error) = duplex.write(&Bytes::from(frame), caller.as_ref()).await {
                    tracing::debug!(detail = error.detail, "a cancellation did not reach a server");
                }
            });
        }
    }
}
