//! One child process: a server on stdio, for one person.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bytes::Bytes;
use doorward_engine::{UpstreamError, UpstreamFault};
use doorward_sandbox::Wanted;
use doorward_types::ServerName;
use doorward_wire::{Limits, LineReader};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child as Process, ChildStdin, ChildStdout, Command};
use tokio::sync::Mutex as AsyncMutex;

use crate::GRACE;
use crate::children::StdioTarget;
use crate::duplex::{Duplex, Out};

/// Of what the child writes to its standard error, this much of a line is logged.
const MOST_STDERR_LINE: u64 = 2_048;

/// A running child.
pub(crate) struct Child {
    server: ServerName,
    pub(crate) talk: Arc<Duplex>,
    /// The answer to the one `initialize` this process gets.
    pub(crate) hello: AsyncMutex<Option<Bytes>>,
    /// True once `notifications/initialized` was sent.
    pub(crate) greeted: AtomicBool,
    /// Closed when the process has been waited for.
    waited: tokio::sync::Semaphore,
}

fn unreachable(what: String) -> UpstreamError {
    UpstreamError::new(UpstreamFault::Unreachable, what)
}

/// Starts the command with nothing around it.
fn bare(target: &StdioTarget) -> Result<(Process, Option<ChildStdin>), UpstreamError> {
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
    let stdin = process.stdin.take();
    Ok((process, stdin))
}

impl Child {
    /// Starts the command: an environment with nothing in it but what the operator named and a handful of harmless
    /// variables, in a process group of its own, so that its children end with it.
    pub(crate) fn start(
        server: ServerName,
        target: &StdioTarget,
        limits: Limits,
    ) -> Result<Arc<Self>, UpstreamError> {
        let mut watch = None;
        let (mut process, stdin) = match &target.walls {
            None => bare(target)?,
            Some(walls) => {
                let wanted = Wanted {
                    command: target.command.clone(),
                    env: target.env.clone(),
                    cwd: target.cwd.clone(),
                    answered: walls.inside.as_ref().map(|inside| inside.host.clone()),
                };
                let started = walls.start(&wanted).map_err(|error| unreachable(error.to_string()))?;
                watch = Some((Arc::clone(walls), started.watch));
                (started.process, Some(started.stdin))
            }
        };
        let (stdout, stderr) = (process.stdout.take(), process.stderr.take());
        let child = Arc::new(Self {
            server: server.clone(),
            talk: Duplex::new(server.clone(), target.shared, Out::Stdin(AsyncMutex::new(stdin))),
            hello: AsyncMutex::new(None),
            greeted: AtomicBool::new(false),
            waited: tokio::sync::Semaphore::new(0),
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
        if let Some((walls, watch)) = watch {
            tokio::spawn(walls.see_through(server, watch, Arc::clone(&child.talk)));
        }
        tokio::spawn(Arc::clone(&child).wait(process));
        Ok(child)
    }

    async fn read(self: Arc<Self>, mut stdout: ChildStdout, limits: Limits) {
        let mut lines = LineReader::new(limits.max_bytes);
        let mut buffer = vec![0; 16 * 1024];
        while let Ok(length) = stdout.read(&mut buffer).await {
            let Some(read) = buffer.get(..length).filter(|read| !read.is_empty()) else { break };
            lines.push(read);
            while let Some(line) = lines.next_line() {
                match line {
                    Ok(line) => self.talk.route(line, &limits).await,
                    Err(error) => {
                        tracing::warn!(server = %self.server, %error, "a child wrote a line that is too long; it is ended");
                        self.talk.end();
                        return;
                    }
                }
            }
        }
        self.talk.end();
    }

    /// Waits for the process; once the end is marked, ends it by the book: input closed, then TERM, then KILL (T-33).
    async fn wait(self: Arc<Self>, mut process: tokio::process::Child) {
        let group =
            process.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
        let status = tokio::select! {
            status = process.wait() => Some(status),
            () = self.talk.ended() => None,
        };
        if status.is_none() {
            self.talk.close().await;
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
        self.talk.end();
        self.waited.close();
        tracing::info!(server = %self.server, ?status, "a child ended");
    }

    /// Waits until the process is gone.
    pub(crate) async fn finished(&self) {
        // The semaphore never holds a permit: acquiring fails, as it should, when it is closed.
        let _closed = self.waited.acquire().await;
    }
}
