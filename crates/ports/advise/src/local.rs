//! A model on this machine, in a process of its own: a program that somebody else made, reading what a stranger wrote, does
//! neither in the door's memory. The process has pipes to the door and nothing else.

mod line;
mod process;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use doorward_net::{Sleeper, Stopwatch};
use doorward_sandbox::Launcher;
use tokio::sync::{mpsc, oneshot};

use crate::breaker::{Breaker, Change};
use crate::opinion::NoOpinion;
use crate::service::Time;
pub use line::{Loading, Said, work};
use process::Process;

/// Questions that wait for the process at once; whoever comes then waits outside, as long as the deadline lets it.
const WAITING: usize = 64;
/// How much longer than it was given the process may take before it counts as lost.
const GRACE: Duration = Duration::from_secs(5);
/// How long reading the model and trying it may take.
const LOADING: Duration = Duration::from_secs(120);

/// Which model, and how its process is started.
#[derive(Debug, Clone)]
pub struct LocalConfig {
    /// The model's file, ONNX.
    pub model: PathBuf,
    /// The tokenizer's file, `tokenizer.json`.
    pub tokenizer: PathBuf,
    /// The SHA-256 of both files, one after the other. Without it they are what they are at the first start.
    pub sha256: Option<[u8; 32]>,
    /// Tokens that the model reads at once.
    pub window: u32,
    /// The label which says that all is well, counted from 0.
    pub benign: u8,
    /// The percentage from which on it counts.
    pub sure: u8,
    /// The program that calls [`work`], and its arguments.
    pub command: Vec<String>,
    /// What puts walls around it; `None` leaves it without.
    pub walls: Option<Launcher>,
}

/// Why there is no model.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// A file cannot be read.
    #[error("{}: {why}", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why not.
        why: std::io::Error,
    },
    /// The files are others than those that are meant.
    #[error(
        "the SHA-256 of the model and its tokenizer is {found}, and not the one that is expected: bring back the files that were meant, or write this sum where it is expected"
    )]
    Changed {
        /// What it is.
        found: String,
    },
    /// The process cannot be started.
    #[error("the process of the model does not start: {0}")]
    Start(String),
    /// The process says why it is of no use.
    #[error("{0}")]
    Refused(String),
    /// It ended, or said nothing that could be understood, or nothing in time.
    #[error("the process of the model ended before the model was ready: too little memory for it, perhaps")]
    Ended,
}

/// A model whose process runs. Cheap to clone; the last clone ends it.
#[derive(Clone)]
pub struct LocalModel {
    asks: mpsc::Sender<Ask>,
    sure: u8,
}

struct Ask {
    text: String,
    until: Duration,
    reply: oneshot::Sender<Result<u8, NoOpinion>>,
}

impl LocalModel {
    /// Starts the process, and returns when the model has read its first sentence.
    ///
    /// # Errors
    /// A [`LocalError`].
    pub async fn start(config: LocalConfig, clock: Stopwatch, sleeper: Sleeper) -> Result<Self, LocalError> {
        let time = Time { clock, sleeper };
        let (process, sha256) = start(&config, &time).await?;
        // What was read once is what is read after a restart.
        let config = LocalConfig { sha256: Some(sha256), ..config };
        let (asks, asked) = mpsc::channel(WAITING);
        let sure = config.sure;
        let keeper = Keeper { config, time, breaker: Breaker::default(), process: Some(process) };
        tokio::spawn(keeper.keep(asked));
        Ok(Self { asks, sure })
    }

    /// The percentage from which on it counts.
    pub(crate) fn sure(&self) -> u8 {
        self.sure
    }

    /// Asks about one piece.
    pub(crate) async fn ask(&self, text: String, until: Duration) -> Result<u8, NoOpinion> {
        let (reply, said) = oneshot::channel();
        self.asks.send(Ask { text, until, reply }).await.map_err(|_| NoOpinion::Interrupted)?;
        said.await.unwrap_or(Err(NoOpinion::Interrupted))
    }
}

impl fmt::Debug for LocalModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalModel").field("sure", &self.sure).finish_non_exhaustive()
    }
}

async fn start(config: &LocalConfig, time: &Time) -> Result<(Process, [u8; 32]), LocalError> {
    let until = time.now().saturating_add(LOADING);
    time.before(until, Process::start(config)).await.unwrap_or(Err(LocalError::Ended))
}

/// Keeps the process, asks it one thing after the other, and starts it anew when it ended.
struct Keeper {
    config: LocalConfig,
    time: Time,
    breaker: Breaker,
    process: Option<Process>,
}

impl Keeper {
    async fn keep(mut self, mut asked: mpsc::Receiver<Ask>) {
        while let Some(Ask { text, until, reply }) = asked.recv().await {
            // Whoever asked may have gone.
            if !reply.is_closed() {
                let _ = reply.send(self.answer(&text, until).await);
            }
        }
    }

    async fn answer(&mut self, text: &str, until: Duration) -> Result<u8, NoOpinion> {
        if self.process.is_none() {
            self.restart().await?;
        }
        let left = until.saturating_sub(self.time.now());
        let Some(process) = self.process.as_mut().filter(|_| !left.is_zero()) else {
            return Err(NoOpinion::Deadline);
        };
        let lost = self.time.now().saturating_add(left).saturating_add(GRACE);
        match self.time.before(lost, process.ask(left, text)).await {
            Some(Ok(Said::Percent(percent))) => {
                self.settle(true);
                Ok(percent)
            }
            // The text is too much for it, and others are not: no reason to leave it alone.
            Some(Ok(Said::Late)) => Err(NoOpinion::Deadline),
            Some(Ok(Said::Failed(why))) => {
                tracing::warn!(why, "the local model gives up on a text");
                Err(NoOpinion::GaveUp)
            }
            Some(Ok(Said::Ready) | Err(_)) | None => {
                // It is ended if it did not end by itself: what it would say now belongs to this question.
                self.process = None;
                tracing::warn!("the process of the local model is gone or says nothing, and is started anew");
                self.settle(false);
                Err(NoOpinion::Ended)
            }
        }
    }

    async fn restart(&mut self) -> Result<(), NoOpinion> {
        if !self.breaker.admits(self.time.now()) {
            return Err(NoOpinion::BreakerOpen);
        }
        match start(&self.config, &self.time).await {
            Ok((process, _)) => {
                self.process = Some(process);
                Ok(())
            }
            Err(why) => {
                tracing::warn!(%why, "the local model cannot be started anew");
                self.settle(false);
                Err(NoOpinion::Ended)
            }
        }
    }

    fn settle(&mut self, well: bool) {
        if let Change::Opened(length) = self.breaker.settle(self.time.now(), well) {
            tracing::warn!(seconds = length.as_secs(), "the local model fails and is left alone for a while");
        }
    }
}
