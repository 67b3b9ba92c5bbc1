//! Where the log lives and how durable a record is before its call goes on.

use std::path::PathBuf;

/// What [`AuditLog::open`](crate::AuditLog::open) needs to know.
#[derive(Debug, Clone)]
pub struct AuditConfig {
    /// Folder of the log's segments. Made if absent, mode 0700.
    pub dir: PathBuf,
    /// The Ed25519 key that signs checkpoints (PKCS#8, PEM). Made if absent, mode 0600. It may not lie in `dir`: who
    /// can rewrite the log must not be able to sign it. The root of pseudonyms (`.root`), the keys of persons
    /// (`.subjects`) and the public key (`.pub`) lie beside it under the same stem.
    pub key_file: PathBuf,
    /// Folder of the second sink, `checkpoints.jsonl`; best on another volume. It may not lie in `dir`.
    pub checkpoint_dir: PathBuf,
    /// When a record counts as written.
    pub durability: Durability,
    /// Bytes after which a new segment begins; start-up checks the last one whole, so this bounds its time.
    pub segment_bytes: u64,
    /// True while an emulator stands in for Entra: every record then says so (D-19).
    pub lab: bool,
    /// Who drives flood summaries and timed checkpoints.
    pub timer: Timer,
}

impl AuditConfig {
    /// Segments of 64 MiB: some 100,000 records, and at most a twentieth of a second at start-up.
    pub const SEGMENT_BYTES: u64 = 64 << 20;

    /// Takes the three places, and the defaults for the rest.
    pub fn new(
        dir: impl Into<PathBuf>,
        key_file: impl Into<PathBuf>,
        checkpoint_dir: impl Into<PathBuf>,
    ) -> Self {
        Self {
            dir: dir.into(),
            key_file: key_file.into(),
            checkpoint_dir: checkpoint_dir.into(),
            durability: Durability::Batched,
            segment_bytes: Self::SEGMENT_BYTES,
            lab: false,
            timer: Timer::System,
        }
    }
}

/// When a record counts as written (D-09).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// When `write(2)` returned: survives the death of the process. A power cut loses what `fdatasync` had not reached:
    /// at most 100 records or 10 ms, or as long as the device takes for one `fdatasync`.
    #[default]
    Batched,
    /// When `fdatasync` returned: survives a power cut, and waits for the device.
    Record,
}

/// Who drives flood summaries and timed checkpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Timer {
    /// The log's own thread, by the system's clock.
    #[default]
    System,
    /// Whoever calls [`AuditLog::tick`](crate::AuditLog::tick): tests and replays.
    Handed,
}
