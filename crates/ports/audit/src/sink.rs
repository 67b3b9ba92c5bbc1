//! The second sink: where checkpoints go besides the log, so that who owns the log and even the signing key cannot
//! rewrite what was already told elsewhere (D-10).

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// The file's name in the second sink's folder.
pub(crate) const CHECKPOINTS: &str = "checkpoints.jsonl";

/// A place that checkpoints are told to.
pub trait CheckpointSink: Send {
    /// Takes checkpoints, oldest first, each the log's own line with its newline; durable when it returns.
    ///
    /// # Errors
    /// Whatever keeps it from taking all of them; they are then offered again, together with newer ones.
    fn put(&mut self, lines: &[Vec<u8>]) -> io::Result<()>;
}

/// A file in another folder, best on another volume.
pub struct FileSink {
    path: PathBuf,
    file: File,
    len: u64,
}

impl FileSink {
    /// Opens `checkpoints.jsonl` in `dir`, which must exist.
    ///
    /// # Errors
    /// When the file cannot be made or opened.
    pub fn open(dir: &Path) -> io::Result<Self> {
        let path = dir.join(CHECKPOINTS);
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path)?;
        let len = file.metadata()?.len();
        Ok(Self { path, file, len })
    }

    /// Returns the file's path.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl CheckpointSink for FileSink {
    fn put(&mut self, lines: &[Vec<u8>]) -> io::Result<()> {
        let bytes = lines.concat();
        let written = self.file.write_all(&bytes).and_then(|()| self.file.sync_data());
        if written.is_err() {
            // All of it or nothing: it is offered again.
            self.file.set_len(self.len)?;
        } else {
            self.len += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        }
        written
    }
}

/// The program's own log, for whoever collects it off the machine: one event a checkpoint, target `audit_checkpoint`.
pub struct TracingSink;

impl CheckpointSink for TracingSink {
    fn put(&mut self, lines: &[Vec<u8>]) -> io::Result<()> {
        for line in lines {
            tracing::info!(target: "audit_checkpoint", "{}", String::from_utf8_lossy(line).trim_end());
        }
        Ok(())
    }
}
