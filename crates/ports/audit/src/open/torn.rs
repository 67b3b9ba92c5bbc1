//! What a crash left of a record: kept in a file of its own, for whoever wants to know, and cut off the log.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use aws_lc_rs::digest::{SHA256, digest};

use crate::encode::base64;
use crate::error::AuditError;
use crate::log::segment_path;

/// The bytes that a crash left of a record.
pub(crate) struct Torn {
    pub(crate) bytes: u64,
    pub(crate) digest: [u8; 43],
    /// The file they are kept in.
    pub(crate) kept_as: String,
}

/// Keeps what stands after `whole` bytes of a segment in a file, and cuts it off.
pub(crate) fn set_aside(dir: &Path, number: u32, whole: u64) -> Result<Torn, AuditError> {
    let path = segment_path(dir, number);
    let kept_as = format!("audit-{number:06}-{whole}.torn");
    let keep = || -> io::Result<Vec<u8>> {
        let mut segment = File::open(&path)?;
        segment.seek(SeekFrom::Start(whole))?;
        let mut torn = Vec::new();
        segment.read_to_end(&mut torn)?;
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut kept = options.open(dir.join(&kept_as))?;
        kept.write_all(&torn)?;
        kept.sync_all()?;
        cut(&path, whole)?;
        Ok(torn)
    };
    let torn = keep().map_err(AuditError::io("repair", &path))?;
    Ok(Torn { bytes: torn.len() as u64, digest: base64(digest(&SHA256, &torn).as_ref()), kept_as })
}

/// Cuts a file, durably.
pub(crate) fn cut(path: &Path, len: u64) -> io::Result<()> {
    let file = OpenOptions::new().write(true).open(path)?;
    file.set_len(len)?;
    file.sync_all()
}

/// Reads a segment's last line, without its newline. It is looked for in the last 8 KiB: a checkpoint, which ends
/// every segment but the last, is a few hundred bytes.
pub(crate) fn last_line(path: &Path) -> Result<Vec<u8>, AuditError> {
    let read = || -> io::Result<Vec<u8>> {
        let len = fs::metadata(path)?.len();
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(len.saturating_sub(8 << 10)))?;
        let mut tail = Vec::new();
        file.read_to_end(&mut tail)?;
        let tail = tail.strip_suffix(b"\n").unwrap_or_default();
        Ok(tail.rsplit(|byte| *byte == b'\n').next().unwrap_or_default().to_vec())
    };
    read().map_err(AuditError::io("read", path))
}
