//! One child process: a server on stdio, for one person.

use std::collections::HashMap;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use doorward_engine::{More, UpstreamError, UpstreamFault};
use doorward_types::ServerName;
use doorward_wire::{Era, Frame, FrameKind, Id, Limits, LineReader, lens, one_line};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{ChildStdin, ChildStdout, Command};
use tokio::sync::{Mutex as AsyncMutex, Notify, mpsc};
use tokio::time::Instant;

use crate::GRACE;
use crate::children::StdioTarget;

/// Frames that may wait for one reader.
const MOST_WAITING: usize = 1_024;
/// How long a child's further output waits for a reader who has so many frames before them.
const PATIENCE: Duration = Duration::from_secs(5);
/// Of what the child writes to its standard error, this much of a line is logged.
const MOST_STDERR_LINE: u64 = 2_048;

/// A running child.
pub(crate) struct Child {
    server: ServerName,
    /// Several persons' calls run in it.
    shared: bool,
    stdin: AsyncMutex<Option<ChildStdin>>,
    routes: Mutex<Routes>,
    /// The answer to the one `initialize` this process gets.
    pub(crate) hello: AsyncMutex<Option<Bytes>>,
    /// True once `notifications/initialized` was sent.
    pub(crate) greeted: AtomicBool,
    over: AtomicBool,
    gone: Notify,
    /// Closed when the process has been waited for.
    waited: tokio::sync::Semaphore,
    started: Instant,
    /// Milliseconds after `started` of the last frame sent to it.
    used: AtomicU64,
}

/// Who waits for what the child says.
#[derive(Default)]
struct Routes {
    /// Requests on their way, by the door's id, which is their progress token too.
    calls: HashMap<i64, mpsc::Sender<Bytes>>,
    /// Streams of sessions, for what belongs to no request.
    listeners: Vec<mpsc::Sender<Bytes>>,
}

impl Child {
    /// Starts the command: an environment with nothing in it but what the operator named and a handful of harmless
    /// variables, in a process group of its own, so that its children end with it.
    pub(crate) fn start(
        server: ServerName,
        target: &StdioTarget,
        limits: Limits,
    ) -> Result<Arc<Self>, UpstreamError> {
        let unreachable = |what: String| UpstreamError::new(UpstreamFault::Unreachable, what);
        let (program, args) =
            target.command.split_first().ok_or_else(|| unreachable("the command is empty".to_owned()))?;
        let mut command = Command::new(program);
        command.args(args).env_clear().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.process_group(0).kill_on_drop(true);
        for name in ["PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command.envs(target.env.iter().map(|(name, value)| (name, value)));
        if let Some(cwd) = &target.cwd {
            command.current_dir(cwd);
        }
        let mut process =
            command.spawn().map_err(|error| unreachable(format!("`{program}` does not start: {error}")))?;
        let (stdin, stdout, stderr) = (process.stdin.take(), process.stdout.take(), process.stderr.take());
        let child = Arc::new(Self {
            server: server.clone(),
            shared: target.shared,
            stdin: AsyncMutex::new(stdin),
            routes: Mutex::new(Routes::default()),
            hello: AsyncMutex::new(None),
            greeted: AtomicBool::new(false),
            over: AtomicBool::new(false),
            gone: Notify::new(),
            waited: tokio::sync::Semaphore::new(0),
            started: Instant::now(),
            used: AtomicU64::new(0),
        });
        if let Some(stdout) = stdout {
            tokio::spawn(Arc::clone(&child).read(stdout, limits));
        }
        if let Some(stderr) = stderr {
            let server = server.clone();
            tokio::spawn(async move {
                let mut lines = BufReader::new(stderr);
                let mut line = Vec::new();
                // A line is cut at the bound, so that a child cannot fill memory by never ending one.
                while (&mut lines)
                    .take(MOST_STDERR_LINE)
                    .read_until(b'\n', &mut line)
                    .await
                    .is_ok_and(|n| n > 0)
                {
                    let text = String::from_utf8_lossy(&line);
                    tracing::debug!(%server, text = text.trim_end(), "stderr of a child");
                    line.clear();
                }
            });
        }
        tokio::spawn(Arc::clone(&child).wait(process));
        Ok(child)
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

    /// Writes one frame as one line.
    pub(crate) async fn write(self: &Arc<Self>, frame: &Bytes) -> Result<(), UpstreamError> {
        // In a task of its own: a caller who goes away in the middle must not leave half a line in the pipe, to which
        // the next caller's would be glued.
        let (this, frame) = (Arc::clone(self), frame.clone());
        let written = tokio::spawn(async move { this.write_line(&frame).await });
        written
            .await
            .unwrap_or_else(|_| Err(UpstreamError::new(UpstreamFault::Ended, "the child was not written to")))
    }

    async fn write_line(&self, frame: &Bytes) -> Result<(), UpstreamError> {
        let ended = |what: String| UpstreamError::new(UpstreamFault::Ended, what);
        let used = self.started.elapsed().as_millis();
        self.used.store(u64::try_from(used).unwrap_or(u64::MAX), Ordering::Relaxed);
        let mut line = Vec::with_capacity(frame.len() + 1);
        line.extend_from_slice(&one_line(frame));
        line.push(b'\n');
        let mut stdin = self.stdin.lock().await;
        let pipe = stdin.as_mut().ok_or_else(|| ended("the child has ended".to_owned()))?;
        let written = async {
            pipe.write_all(&line).await?;
            pipe.flush().await
        };
        // A child that does not read must not hold the person's other calls for ever.
        match tokio::time::timeout(Duration::from_secs(30), written).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(ended(format!("the child takes no input: {error}"))),
            Err(_) => {
                // Half a line may be in the pipe: nothing after it could be read, so the child is of no more use.
                *stdin = None;
                self.end();
                Err(ended("the child does not read its input".to_owned()))
            }
        }
    }

    /// Registers a request before it is written, so that no answer can come too early.
    pub(crate) fn call(self: &Arc<Self>, id: i64, deadlines: Deadlines, cancel: Option<Era>) -> ChildEvents {
        let (sender, receiver) = mpsc::channel(MOST_WAITING);
        self.routes().calls.insert(id, sender);
        ChildEvents {
            child: Arc::clone(self),
            call: Some(id),
            receiver,
            first: None,
            deadlines,
            cancel,
            link: None,
            done: false,
        }
    }

    pub(crate) fn listen(self: &Arc<Self>, link: Arc<crate::Link>) -> ChildEvents {
        let (sender, receiver) = mpsc::channel(MOST_WAITING);
        let mut routes = self.routes();
        routes.listeners.retain(|listener| !listener.is_closed());
        routes.listeners.push(sender);
        drop(routes);
        let deadlines = Deadlines { silence: None, most: None };
        ChildEvents {
            child: Arc::clone(self),
            call: None,
            receiver,
            first: None,
            deadlines,
            cancel: None,
            link: Some(link),
            done: false,
        }
    }

    async fn read(self: Arc<Self>, mut stdout: ChildStdout, limits: Limits) {
        let mut lines = LineReader::new(limits.max_bytes);
        let mut buffer = vec![0; 16 * 1024];
        while let Ok(length) = stdout.read(&mut buffer).await {
            let Some(read) = buffer.get(..length).filter(|read| !read.is_empty()) else { break };
            lines.push(read);
            while let Some(line) = lines.next_line() {
                match line {
                    Ok(line) => self.route(line, &limits).await,
                    Err(error) => {
                        tracing::warn!(server = %self.server, %error, "a child wrote a line that is too long; it is ended");
                        self.end();
                        return;
                    }
                }
            }
        }
        self.end();
    }

    /// Gives a line to whom it concerns. A line that is not a frame is logged by size alone and dropped (T-31).
    async fn route(self: &Arc<Self>, line: Bytes, limits: &Limits) {
        let Ok((frame, _)) = Frame::parse_result(line.clone(), limits) else {
            tracing::warn!(server = %self.server, bytes = line.len(), "a child wrote a line that is not MCP");
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
        let mut declined = None;
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
                    routes.listeners.retain(|listener| listener.try_send(line.clone()).is_ok());
                }
                (None, FrameKind::Request) => declined = frame.id().cloned(),
            }
            to
        };
        if let Some((id, call)) = to
            && !hand(&call, line).await
        {
            self.routes().calls.remove(&id);
        }
        if let Some(id) = declined {
            let answer = format!(
                r#"{{"jsonrpc":"2.0","id":{},"error":{{"code":-32601,"message":"Method not found"}}}}"#,
                id.to_json()
            );
            if let Err(error) = self.write(&Bytes::from(answer)).await {
                tracing::debug!(server = %self.server, detail = error.detail, "a child's request was not declined");
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

    /// Waits for the process; once the end is marked, ends it by the book: input closed, then TERM, then KILL (T-33).
    async fn wait(self: Arc<Self>, mut process: tokio::process::Child) {
        let group =
            process.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
        let told = async {
            let gone = self.gone.notified();
            if !self.over() {
                gone.await;
            }
        };
        let status = tokio::select! {
            status = process.wait() => Some(status),
            () = told => None,
        };
        if status.is_none() {
            *self.stdin.lock().await = None;
            for signal in [None, Some(rustix::process::Signal::TERM), Some(rustix::process::Signal::KILL)] {
                if let (Some(signal), Some(group)) = (signal, group)
                    && rustix::process::kill_process_group(group, signal).is_err()
                {
                    tracing::debug!(server = %self.server, "a child's process group is gone already");
                }
                if tokio::time::timeout(GRACE, process.wait()).await.is_ok() {
                    break;
                }
            }
        }
        // What the child itself started ends with it.
        if let Some(group) = group
            && rustix::process::kill_process_group(group, rustix::process::Signal::KILL).is_ok()
        {
            tracing::debug!(server = %self.server, "processes that a child had left behind were ended");
        }
        self.end();
        self.waited.close();
        tracing::info!(server = %self.server, ?status, "a child ended");
    }

    /// Waits until the process is gone.
    pub(crate) async fn finished(&self) {
        // The semaphore never holds a permit: acquiring fails, as it should, when it is closed.
        let _closed = self.waited.acquire().await;
    }
}

/// Hands a frame to who waits for it; false if they do not take it. A burst waits for its reader, so that nothing is
/// lost; a reader that has stopped loses its call, so that it does not hold the person's other calls for ever.
async fn hand(to: &mpsc::Sender<Bytes>, frame: Bytes) -> bool {
    match to.try_send(frame) {
        Ok(()) => true,
        Err(mpsc::error::TrySendError::Closed(_)) => false,
        Err(mpsc::error::TrySendError::Full(frame)) => {
            tokio::time::timeout(PATIENCE, to.send(frame)).await.is_ok_and(|sent| sent.is_ok())
        }
    }
}

/// When waiting ends.
#[derive(Clone, Copy)]
pub(crate) struct Deadlines {
    pub(crate) silence: Option<Duration>,
    pub(crate) most: Option<Instant>,
}

/// Frames of a child for one request, or for one session's stream.
pub struct ChildEvents {
    child: Arc<Child>,
    call: Option<i64>,
    receiver: mpsc::Receiver<Bytes>,
    /// A frame that was looked at to see whether more may follow it.
    first: Option<Bytes>,
    deadlines: Deadlines,
    /// Set in the revision where a caller's leaving cancels its request (T-11).
    cancel: Option<Era>,
    link: Option<Arc<crate::Link>>,
    done: bool,
}

impl ChildEvents {
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
                frame.ok_or_else(|| UpstreamError::new(UpstreamFault::Ended, "the child ended before it answered"))
            }
            () = late => {
                // Nobody waits any more: that is told in both revisions (T-34), but never of a handshake.
                self.cancel = self.cancel.map(|_| Era::Modern);
                Err(UpstreamError::new(UpstreamFault::Timeout, "no answer of the child in time"))
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
        while into.len() < limit {
            match self.receiver.try_recv() {
                Ok(frame) => into.push(frame),
                Err(_) => break,
            }
        }
        Ok(More::Yes)
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

impl Drop for ChildEvents {
    fn drop(&mut self) {
        let Some(id) = self.call else { return };
        let running = self.child.routes().calls.remove(&id).is_some();
        if running
            && !self.done
            && self.cancel == Some(Era::Modern)
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let child = Arc::clone(&self.child);
            let frame = format!(
                r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{id}}}}}"#
            );
            runtime.spawn(async move {
                if let Err(error) = child.write(&Bytes::from(frame)).await {
                    tracing::debug!(detail = error.detail, "a cancellation did not reach a child");
                }
            });
        }
    }
}
