//! Clients of HTTP+SSE, the transport of 2024-11-05: one GET opens a stream, on which all answers come; each message is a
//! POST of its own to the address that the stream named first. Opened by the configuration alone. Every message takes the
//! one way, with a token of its own, and is answered on the stream of nobody but its own person.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use doorward_engine::{Arrived, Carrier, Door, Pipe, Ports, Released, ReleasedStream};
use doorward_wire::Method;
use doorward_wire::sse::{write_comment, write_event};
use http::{Response, StatusCode};
use tokio::sync::{mpsc, watch};

use crate::body::Reply;
use crate::ports::GatewayPorts;
use crate::respond::{KEEP_ALIVE, empty, streaming};
use crate::route::{Counted, busy};

/// How long a conversation may take to begin with `initialize`.
const GREETING: Duration = Duration::from_secs(60);
/// Messages of one conversation under way at once.
const MOST_RUNNING: usize = 64;

/// The name by which a POST says what it belongs to.
const NAME: &str = "conversation";

/// What is open.
pub(crate) struct Pipes {
    open: Mutex<HashMap<Arc<str>, Arc<Conversation>>>,
    /// How long a client may read nothing while something waits for it.
    patience: Duration,
}

/// One stream, and whose it is.
pub(crate) struct Conversation {
    pipe: Arc<Pipe>,
    to: mpsc::Sender<Bytes>,
    /// What is running in it: none once it is over.
    running: watch::Sender<Option<usize>>,
    /// What the server says unasked is listened for, once.
    listening: AtomicBool,
    patience: Duration,
}

/// Counts a message for as long as its answer may come.
struct Running(Arc<Conversation>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.send_modify(|running| *running = running.map(|count| count.saturating_sub(1)));
    }
}

/// Returns the conversation that a request's query names.
pub(crate) fn named(query: Option<&str>) -> Option<&str> {
    query?.strip_prefix(NAME)?.strip_prefix('=')
}

impl Pipes {
    pub(crate) fn new(patience: Duration) -> Self {
        Self { open: Mutex::default(), patience }
    }

    fn open(&self) -> MutexGuard<'_, HashMap<Arc<str>, Arc<Conversation>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns what carries a message to a conversation, and the conversation if there is one.
    pub(crate) fn find(&self, id: &str) -> (Carrier, Option<Arc<Conversation>>) {
        match self.open().get(id) {
            Some(conversation) => {
                (Carrier::Pipe(Arc::clone(&conversation.pipe)), Some(Arc::clone(conversation)))
            }
            None => (Carrier::NoPipe, None),
        }
    }

    /// Takes a place; none if its person has as many as they may.
    fn take(&self, id: &Arc<str>, conversation: &Arc<Conversation>, most: usize) -> bool {
        let mut open = self.open();
        let own = open.values().filter(|other| other.pipe.is_of_the_owner_of(&conversation.pipe)).count();
        if own >= most {
            return false;
        }
        open.insert(Arc::clone(id), Arc::clone(conversation));
        true
    }

    /// Opens a conversation for one who was let in. None where there is no place for it.
    pub(crate) fn begin(
        self: &Arc<Self>,
        door: &Arc<Door<GatewayPorts>>,
        pipe: Arc<Pipe>,
        path: &str,
        most: usize,
        drain: watch::Receiver<bool>,
        counted: Counted,
    ) -> Option<Response<Reply>> {
        let drawn = door.ports().random().ok()?;
        let id: Arc<str> = drawn.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into();
        let (to, receiver) = mpsc::channel(1);
        let conversation = Arc::new(Conversation {
            pipe,
            to,
            running: watch::Sender::new(Some(0)),
            listening: AtomicBool::new(false),
            patience: self.patience,
        });
        if !self.take(&id, &conversation, most) {
            return None;
        }
        let first = format!("event: endpoint\ndata: {path}?{NAME}={id}\n\n");
        conversation.to.try_send(Bytes::from(first)).ok()?;
        let (pipes, door) = (Arc::clone(self), Arc::clone(door));
        tokio::spawn(async move {
            conversation.keep(&door, drain).await;
            pipes.open().remove(&id);
            conversation.running.send_replace(None);
            door.hang_up(&conversation.pipe);
            drop(counted);
        });
        Some(streaming(receiver))
    }
}

impl Conversation {
    /// Keeps the stream open until its client leaves, its token expires, its session ends, or the door closes.
    async fn keep(&self, door: &Door<GatewayPorts>, mut drain: watch::Receiver<bool>) {
        let left = self.pipe.caller().identity().expires().since(door.ports().now());
        let (expired, greeting) = (tokio::time::sleep(left), tokio::time::sleep(GREETING));
        let mut running = self.running.subscribe();
        tokio::pin!(expired, greeting);
        let mut greeted = false;
        loop {
            tokio::select! {
                () = self.to.closed() => return,
                () = &mut expired => return,
                () = &mut greeting, if !greeted => {
                    greeted = self.pipe.has_session();
                    if !greeted && *self.running.borrow() == Some(0) {
                        return;
                    }
                    // A server may take its time over the first greeting.
                    greeting.as_mut().reset(tokio::time::Instant::now() + GREETING);
                }
                // What runs may end; nothing new begins.
                changed = drain.changed() => if changed.is_err() || *drain.borrow() {
                    tokio::select! {
                        _ended = running.wait_for(|running| running.is_none_or(|count| count == 0)) => return,
                        () = self.to.closed() => return,
                        () = &mut expired => return,
                    }
                },
                // Over, too, where its client reads nothing: else it would hold its place for as long as it likes.
                changed = running.changed() => {
                    if changed.is_err() || running.borrow().is_none() || !door.is_open(&self.pipe) {
                        return;
                    }
                }
                () = tokio::time::sleep(KEEP_ALIVE) => {
                    if !door.is_open(&self.pipe) {
                        return;
                    }
                    let mut comment = BytesMut::new();
                    write_comment(&mut comment, "");
                    // A full channel is alive enough.
                    let _full = self.to.try_send(comment.freeze());
                }
            }
        }
    }

    /// Says something, when the client reads; false if the conversation is over.
    async fn say(&self, chunk: Bytes) -> bool {
        let mut running = self.running.subscribe();
        tokio::select! {
            sent = self.to.send(chunk) => sent.is_ok(),
            _ = running.wait_for(Option::is_none) => false,
            () = tokio::time::sleep(self.patience) => {
                // Whoever does not read holds what others could use: the places of calls, and memory.
                self.running.send_replace(None);
                false
            }
        }
    }

    async fn say_frame(&self, frame: &[u8]) -> bool {
        let mut event = BytesMut::new();
        write_event(&mut event, frame);
        self.say(event.freeze()).await
    }

    /// Carries a message that came by POST: the POST is answered when it is known who sent it, the message on the stream.
    pub(crate) async fn carry(
        self: Arc<Self>,
        door: Arc<Door<GatewayPorts>>,
        arrived: Arrived<'_, GatewayPorts>,
        counted: Counted,
    ) -> Result<Response<Reply>, doorward_engine::Reply> {
        let entered = door.enter(arrived).await?.detached();
        let mut refused = None;
        self.running.send_modify(|running| match running {
            Some(count) if *count < MOST_RUNNING => *count += 1,
            Some(_) => refused = Some(busy()),
            None => refused = Some(empty(StatusCode::NOT_FOUND)),
        });
        if let Some(refused) = refused {
            return Ok(refused);
        }
        let running = Running(Arc::clone(&self));
        tokio::spawn(async move {
            let method = entered.method();
            let mut goes_on = self.running.subscribe();
            let carried = tokio::select! {
                carried = door.go_on(entered) => carried,
                // Nobody can come back for its answer.
                _ = goes_on.wait_for(Option::is_none) => return,
            };
            match carried {
                Ok(Released::Accepted)
                    if method == Some(Method::Initialized)
                        && !self.listening.swap(true, Ordering::AcqRel) =>
                {
                    tokio::spawn(Arc::clone(&self).listen(Arc::clone(&door)));
                }
                Ok(Released::Accepted) => {}
                Ok(Released::Whole { bytes, .. }) => _ = self.say_frame(&bytes).await,
                Ok(Released::Stream(stream)) => self.pump(stream).await,
                Err(reply) if reply.answers => _ = self.say_frame(&reply.body).await,
                Err(_) => {}
            }
            drop((running, counted));
        });
        Ok(empty(StatusCode::ACCEPTED))
    }

    /// Passes on what the server says unasked. Not every server has a stream for that.
    async fn listen(self: Arc<Self>, door: Arc<Door<GatewayPorts>>) {
        if let Ok(Released::Stream(stream)) = door.listen_in(&self.pipe).await {
            self.pump(stream).await;
        }
        self.listening.store(false, Ordering::Release);
    }

    /// Passes a stream on; it ends with the conversation, or with the token that it was asked for with (D-03).
    async fn pump(&self, mut stream: Box<ReleasedStream<GatewayPorts>>) {
        let expired = tokio::time::sleep(stream.expires().since(stream.now()));
        let mut running = self.running.subscribe();
        tokio::pin!(expired);
        loop {
            let chunk = tokio::select! {
                chunk = stream.next() => chunk,
                () = &mut expired => return,
                _ = running.wait_for(Option::is_none) => return,
            };
            let Some(chunk) = chunk else { return };
            let said = tokio::select! {
                said = self.say(chunk) => said,
                () = stream.taken() => false,
            };
            if !said {
                return;
            }
        }
    }
}
