//! The process: how it is started, and fed the model.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use doorward_sandbox::{Profile, Wanted, Watch};
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::line::{self, Loading, Said};
use super::{LocalConfig, LocalError};

/// Files are read in pieces of so many bytes.
const PIECE: usize = 1 << 18;
/// A runtime takes the weights' size again or twice for its own layout of them, and what it computes with.
const ROOM: u64 = 4;
const MIB: u64 = 1024 * 1024;

/// A process in which the model is ready. Dropping it ends it.
pub(super) struct Process {
    stdin: ChildStdin,
    stdout: ChildStdout,
    _child: Child,
    _walls: Option<Watch>,
}

impl Process {
    /// Starts it, and returns with the SHA-256 of what it was given when it says that it is ready.
    pub(super) async fn start(config: &LocalConfig) -> Result<(Self, [u8; 32]), LocalError> {
        let (mut model, size) = open(&config.model).await?;
        let (mut tokenizer, tokenizer_size) = open(&config.tokenizer).await?;
        let mut process = begin(config, size).await?;
        let loading = Loading {
            model: size,
            tokenizer: tokenizer_size,
            window: config.window,
            benign: config.benign,
            sure: config.sure,
        };
        let gone = |_| LocalError::Ended;
        process.stdin.write_all(&loading.bytes()).await.map_err(gone)?;
        let mut digest = Context::new(&SHA256);
        process.feed(&config.model, &mut model, size, &mut digest).await?;
        process.feed(&config.tokenizer, &mut tokenizer, tokenizer_size, &mut digest).await?;
        let sha256 = sha256(digest);
        if let Some(expected) = config.sha256.filter(|expected| *expected != sha256) {
            tracing::debug!(expected = hex(&expected), "the files of the local model are others");
            return Err(LocalError::Changed { found: hex(&sha256) });
        }
        line::go(&mut process.stdin).await.map_err(gone)?;
        match Said::hear(&mut process.stdout).await.map_err(gone)? {
            Said::Ready => Ok((process, sha256)),
            Said::Failed(why) => Err(LocalError::Refused(why)),
            Said::Percent(_) | Said::Late => Err(LocalError::Ended),
        }
    }

    /// Asks about one text, and waits for what is said, however long it takes.
    pub(super) async fn ask(&mut self, budget: Duration, text: &str) -> std::io::Result<Said> {
        line::ask(&mut self.stdin, budget, text).await?;
        Said::hear(&mut self.stdout).await
    }

    /// Sends a file of which so many bytes were announced.
    async fn feed(
        &mut self,
        path: &Path,
        file: &mut File,
        size: u64,
        digest: &mut Context,
    ) -> Result<(), LocalError> {
        let bad = |why| LocalError::File { path: path.to_owned(), why };
        let (mut buffer, mut left) = (vec![0; PIECE], size);
        while left > 0 {
            let most = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
            let room = buffer.get_mut(..most).unwrap_or_default();
            let came = file.read(room).await.map_err(bad)?;
            let bytes = room.get(..came).filter(|bytes| !bytes.is_empty());
            let bytes = bytes.ok_or_else(|| bad(std::io::Error::other("it became shorter meanwhile")))?;
            digest.update(bytes);
            self.stdin.write_all(bytes).await.map_err(|_| LocalError::Ended)?;
            left -= bytes.len() as u64;
        }
        Ok(())
    }
}

/// Opens what is a file, and says how long it is.
async fn open(path: &Path) -> Result<(File, u64), LocalError> {
    let bad = |why| LocalError::File { path: path.to_owned(), why };
    let file = File::open(path).await.map_err(bad)?;
    let kind = file.metadata().await.map_err(bad)?;
    if !kind.is_file() {
        return Err(bad(std::io::Error::other("it is not a file")));
    }
    Ok((file, kind.len()))
}

/// Starts the process, within walls if there are to be some: with them it sees no file, no network and no other process.
async fn begin(config: &LocalConfig, size: u64) -> Result<Process, LocalError> {
    let bad = |why: String| {
        LocalError::Start(format!(
            "{why}; where the kernel allows no walls, `sandbox = false` goes without them"
        ))
    };
    let Some(launcher) = &config.walls else { return bare(&config.command) };
    let mut profile = Profile::default();
    profile.limits.memory = size.saturating_mul(ROOM).saturating_add(512 * MIB);
    profile.limits.file_size = MIB;
    profile.limits.scratch = MIB;
    let wanted = Wanted { command: config.command.clone(), ..Wanted::default() };
    let mut started =
        doorward_sandbox::start(launcher, &wanted, &profile).map_err(|why| bad(why.to_string()))?;
    started.watch.ready().await.map_err(|why| bad(why.to_string()))?;
    let stdout = pipes(&mut started.process)?;
    Ok(Process { stdin: started.stdin, stdout, _child: started.process, _walls: Some(started.watch) })
}

fn bare(command: &[String]) -> Result<Process, LocalError> {
    let nothing = || LocalError::Start("there is no program".to_owned());
    let (program, arguments) = command.split_first().ok_or_else(nothing)?;
    let mut command = Command::new(program);
    command.args(arguments).env_clear().kill_on_drop(true);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|why| LocalError::Start(format!("{program}: {why}")))?;
    let stdin = child.stdin.take().ok_or_else(nothing)?;
    let stdout = pipes(&mut child)?;
    Ok(Process { stdin, stdout, _child: child, _walls: None })
}

/// Takes its output. What it complains of is not kept: a panic may show what it was given to read.
fn pipes(child: &mut Child) -> Result<ChildStdout, LocalError> {
    if let Some(mut stderr) = child.stderr.take() {
        tokio::spawn(async move { tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await });
    }
    child.stdout.take().ok_or_else(|| LocalError::Start("it has no output".to_owned()))
}

fn sha256(digest: Context) -> [u8; 32] {
    let mut sha256 = [0; 32];
    sha256.iter_mut().zip(digest.finish().as_ref()).for_each(|(to, from)| *to = *from);
    sha256
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut hex = String::with_capacity(64);
    for byte in bytes {
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}
