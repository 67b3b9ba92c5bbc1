//! Standard input and output: one line, one message (T-31).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use doorward_engine::{
    Arrived, Carried, Carrier, Door, Entered, Framing, Pipe, Ports, Released, ReleasedStream, Sole,
};
use doorward_wire::{Id, LineReader, Method, RoutingHeaders, Verb, write_line};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};

use crate::open::Guard;
use crate::ports::GuardPorts;

/// How a guard came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Its client has closed its input, or reads no more, or it was told to.
    ClientLeft,
    /// The server has ended, and its session with it.
    ServerGone,
    /// Who sits here may not use the server, or nobody does.
    Refused,
}

/// Messages under way at once; further requests are refused.
const MOST_RUNNING: usize = 256;
/// How long what is under way may take to end once the client has closed its input.
const GRACE: Duration = Duration::from_secs(5);
const LINES_WAITING: usize = 64;

impl Guard {
    /// Carries messages until the client, the server or `stop` ends it, then ends the server by the book and closes the log.
    pub async fn serve(
        self,
        input: impl AsyncRead + Unpin,
        output: impl AsyncWrite + Unpin + Send + 'static,
        stop: impl Future<Output = ()>,
    ) -> Ended {
        let (out, lines) = mpsc::channel(LINES_WAITING);
        let rounds = tokio::spawn(look_after_pins(Arc::clone(&self.door)));
        let writing = tokio::spawn(write(output, lines));
        let ended = match self.admitted().await {
            Some(pipe) => {
                let (gone, goes) = watch::channel(false);
                let front = Front {
                    door: Arc::clone(&self.door),
                    pipe,
                    out: out.clone(),
                    gone,
                    running: Mutex::default(),
                };
                let front = Arc::new(front);
                let ended = tokio::select! {
                    ended = front.read(input, &self, goes) => ended,
                    () = stop => Ended::ClientLeft,
                    () = out.closed() => Ended::ClientLeft,
                };
                self.door.hang_up(&front.pipe);
                ended
            }
            None => Ended::Refused,
        };
        rounds.abort();
        self.door.ports().upstreams.shut_down().await;
        drop(out);
        // Whoever still writes holds the channel; what they say nobody reads.
        let _written = tokio::time::timeout(GRACE, writing).await;
        if let Err(error) = self.door.ports().journal.log.close(SystemTime::now().into()).await {
            tracing::error!(%error, "the audit log was not closed well; the next start repairs it");
        }
        ended
    }

    async fn admitted(&self) -> Option<Arc<Pipe>> {
        let arrived = self.arrived(Carrier::Stdio, Bytes::new())?;
        self.door.admit(arrived, Framing::Lines).await.ok()
    }

    fn arrived(&self, carrier: Carrier, body: Bytes) -> Option<Arrived<'static, GuardPorts>> {
        let snapshot = self.door.snapshot();
        Some(Arrived {
            server: Arc::clone(snapshot.server(self.name.as_str())?),
            snapshot,
            verb: Verb::Post,
            authorization: Sole::Absent,
            proof: Sole::Absent,
            content_type: None,
            accept: None,
            headers: RoutingHeaders::default(),
            carrier,
            body,
            source: None,
            trace: self.door.new_trace(),
            now: self.door.ports().now(),
        })
    }
}

/// Takes up what the person decides about pins, within a second, and writes it down.
async fn look_after_pins(door: Arc<Door<GuardPorts>>) {
    let mut rounds = tokio::time::interval(Duration::from_millis(500));
    loop {
        rounds.tick().await;
        let ports = door.ports();
        ports.pins.round(&ports.journal.log, ports.now()).await;
    }
}

/// Writes lines, each whole, until nobody has any more to say.
async fn write(mut output: impl AsyncWrite + Unpin, mut lines: mpsc::Receiver<Bytes>) {
    while let Some(line) = lines.recv().await {
        let mut together = BytesMut::from(line.as_ref());
        while let Ok(line) = lines.try_recv() {
            together.extend_from_slice(&line);
        }
        let written = match output.write_all(&together).await {
            Ok(()) => output.flush().await,
            Err(error) => Err(error),
        };
        if let Err(error) = written {
            tracing::info!(%error, "the client reads no more");
            return;
        }
    }
}

struct Front {
    door: Arc<Door<GuardPorts>>,
    pipe: Arc<Pipe>,
    out: mpsc::Sender<Bytes>,
    /// True once the server is gone, with the session.
    gone: watch::Sender<bool>,
    /// Requests under way, for a client of 2026-07-28 to give up.
    running: Mutex<HashMap<Id, AbortHandle>>,
}

impl Front {
    async fn read(
        self: &Arc<Self>,
        mut input: impl AsyncRead + Unpin,
        guard: &Guard,
        mut gone: watch::Receiver<bool>,
    ) -> Ended {
        let mut lines = LineReader::new(crate::open::MOST_REQUEST);
        let mut buffer = vec![0; 64 * 1024];
        let mut tasks = JoinSet::new();
        loop {
            let length = tokio::select! {
                read = input.read(&mut buffer) => read.unwrap_or(0),
                () = is_true(&mut gone) => {
                    // Everybody who waits is told; then there is nothing left to guard.
                    finish(&mut tasks).await;
                    return Ended::ServerGone;
                }
            };
            let Some(read) = buffer.get(..length).filter(|read| !read.is_empty()) else { break };
            lines.push(read);
            while let Some(line) = lines.next_line() {
                match line {
                    Ok(line) => self.take(guard, line, &mut tasks).await,
                    Err(error) => {
                        tracing::warn!(%error, "a message of the client is too large, and was skipped")
                    }
                }
            }
            while tasks.try_join_next().is_some() {}
        }
        // The last line may lack its end.
        lines.push(b"\n");
        while let Some(Ok(line)) = lines.next_line() {
            self.take(guard, line, &mut tasks).await;
        }
        finish(&mut tasks).await;
        Ended::ClientLeft
    }

    /// Carries one message, behind the others. A greeting goes alone: what follows it belongs to its session.
    async fn take(self: &Arc<Self>, guard: &Guard, line: Bytes, tasks: &mut JoinSet<()>) {
        let Some(arrived) = guard.arrived(Carrier::Pipe(Arc::clone(&self.pipe)), line) else { return };
        let entered = match self.door.enter(arrived).await {
            Ok(entered) => entered,
            Err(reply) if reply.answers => return self.say(&reply.body).await,
            Err(_) => return,
        };
        let (id, method) = (entered.id().cloned(), entered.method());
        if let Some(given_up) = entered.gives_up() {
            // Whoever waits no longer has cancelled (T-32): its end is what the engine hears of.
            self.running().remove(&given_up).into_iter().for_each(|task| task.abort());
        }
        if method == Some(Method::Initialize) {
            return Arc::clone(self).carry(entered, id, method).await;
        }
        while tasks.try_join_next().is_some() {}
        // Answers and cancellations must get through, or nothing would ever end.
        if let Some(id) = id.as_ref().filter(|_| tasks.len() >= MOST_RUNNING) {
            let (code, id) = (-32000, id.to_json());
            let refused = format!(
                r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":{code},"message":"too many requests at once"}}}}"#
            );
            return self.say(refused.as_bytes()).await;
        }
        let task = tasks.spawn(Arc::clone(self).carry(entered, id.clone(), method));
        if let Some(id) = id.filter(|_| !task.is_finished()) {
            self.running().insert(id, task);
        }
    }

    fn running(&self) -> std::sync::MutexGuard<'_, HashMap<Id, AbortHandle>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn carry(
        self: Arc<Self>,
        entered: Entered<'static, GuardPorts>,
        id: Option<Id>,
        method: Option<Method>,
    ) {
        let carried: Carried<GuardPorts> = self.door.go_on(entered).await;
        match carried {
            Ok(Released::Accepted) if method == Some(Method::Initialized) => {
                tokio::spawn(Arc::clone(&self).listen());
            }
            Ok(Released::Accepted) => {}
            Ok(Released::Whole { bytes, .. }) => self.say(&bytes).await,
            Ok(Released::Stream(stream)) => self.pump(stream).await,
            Err(reply) if reply.answers => self.say(&reply.body).await,
            Err(_) => {}
        }
        id.into_iter().for_each(|id| _ = self.running().remove(&id));
        if !self.door.is_open(&self.pipe) {
            self.gone.send_replace(true);
        }
    }

    /// Passes on what the server says unasked. Its end is the server's.
    async fn listen(self: Arc<Self>) {
        match self.door.listen_in(&self.pipe).await {
            Ok(Released::Stream(stream)) => {
                self.pump(stream).await;
                // It may have been the client that listened anew, or a subscription that is over: only the end of the
                // process is the end.
                if !self.door.ports().upstreams.at_work() {
                    self.gone.send_replace(true);
                }
            }
            Ok(_) => {}
            Err(_) => tracing::warn!("what the server says unasked is not heard"),
        }
    }

    async fn pump(&self, mut stream: Box<ReleasedStream<GuardPorts>>) {
        while let Some(lines) = stream.next().await {
            if self.out.send(lines).await.is_err() {
                return;
            }
        }
    }

    async fn say(&self, frame: &[u8]) {
        let mut line = BytesMut::with_capacity(frame.len() + 1);
        write_line(&mut line, frame);
        // A client that reads no more ends the guard elsewhere.
        let _gone = self.out.send(line.freeze()).await;
    }
}

async fn is_true(flag: &mut watch::Receiver<bool>) {
    // It is set by those who hold the sender, and nobody else.
    let _set = flag.wait_for(|flag| *flag).await.is_ok();
}

/// Lets what is under way end, for a moment.
async fn finish(tasks: &mut JoinSet<()>) {
    let all = async { while tasks.join_next().await.is_some() {} };
    let _late = tokio::time::timeout(GRACE, all).await;
    tasks.abort_all();
}
