//! Opening a log: keys, the lock, what a crash tore, and whether the log is what was signed.

mod recover;
mod segment;
mod torn;

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use doorward_types::Timestamp;

use crate::config::{AuditConfig, Durability};
use crate::encode::hex;
use crate::error::AuditError;
use crate::flood::Flood;
use crate::keys::{KeyError, Keyring, SigningKey, make_folder};
use crate::log::chain::Chain;
use crate::log::{AuditLog, Head, Identity, Shared, Sync, Writer, segment_path};
use crate::record::Kind;
use crate::sink::{CheckpointSink, FileSink};
use crate::storage::Storage;
use recover::Found;
pub(crate) use recover::segments;
pub(crate) use segment::is_signed;

/// Opens the log on `storage`; see [`AuditLog::open`].
pub(crate) fn open(
    config: AuditConfig,
    further: Vec<Box<dyn CheckpointSink>>,
    storage: Arc<dyn Storage>,
    now: Timestamp,
) -> Result<AuditLog, AuditError> {
    let dir = folder(&config.dir)?;
    let sink_dir = apart(&dir, folder(&config.checkpoint_dir)?, "second sink")?;
    let key_dir = config.key_file.parent().filter(|parent| !parent.as_os_str().is_empty());
    apart(&dir, folder(key_dir.unwrap_or(Path::new(".")))?, "signing key")?;
    let held = hold(&dir)?;

    let mut present = segments(&dir)?;
    let begun = recover::only_begun(&dir, &present)?;
    let fresh = present.is_empty() || begun;
    let key = SigningKey::load(&config.key_file, fresh)?;
    let keyring = Keyring::load(&config.key_file, fresh)?;
    let sink_exists = sink_dir.join(crate::sink::CHECKPOINTS).exists();
    let mut sink = FileSink::open(&sink_dir).map_err(AuditError::io("open the second sink in", &sink_dir))?;
    storage.reserve().map_err(AuditError::io("reserve 4 MiB in", &dir))?;

    let known = recover::known_checkpoints(&sink)?;
    let (found, segment) = if fresh {
        if let Some(last) = known.last() {
            return Err(tampered(
                dir,
                format!("the second sink knows checkpoint {}, the log is gone", last.seq),
            ));
        }
        let found = Found::nothing(random_id()?, now);
        let path = segment_path(&dir, found.number);
        if begun {
            // A first start that was killed before its first record: there is nothing to lose in it.
            std::fs::remove_file(&path).map_err(AuditError::io("remove", &path))?;
            present.clear();
        }
        let segment = storage.create(&path).map_err(AuditError::io("create", path))?;
        (found, segment)
    } else {
        if !sink_exists {
            let what = "the second sink is gone; restore it, or put an empty file in its place if it is lost";
            return Err(tampered(sink.path().to_owned(), what.into()));
        }
        let found = recover::recover(&dir, present, &known, key.public(), now)?;
        let path = segment_path(&dir, found.number);
        let segment = storage.open(&path).map_err(AuditError::io("open", path))?;
        (found, segment)
    };
    if !found.untold.is_empty() {
        sink.put(&found.untold).map_err(AuditError::io("write", sink.path()))?;
    }

    let key_id = key.public().id();
    let shared = Shared {
        segment_bytes: config.segment_bytes,
        waits_for_sync: config.durability == Durability::Record,
        identity: Identity { log: found.log.clone(), key, key_id, lab: config.lab },
        keyring,
        head: Mutex::new(Head::new(found.chain, found.epoch, now)),
        writer: Mutex::new(Writer {
            segment,
            number: found.number,
            len: found.len,
            rotate_at: config.segment_bytes,
            chain: found.chain,
            spare: Vec::new(),
            used_reserve: false,
        }),
        sync: Sync::new(),
        flood: Mutex::new(Flood::default()),
        troubled: AtomicBool::new(false),
        storage,
        dir,
        _held: held,
    };
    shared.begin(&found, now)?;
    let mut sinks: Vec<Box<dyn CheckpointSink>> = vec![Box::new(sink)];
    sinks.extend(further);
    AuditLog::start(shared, config.timer, sinks)
}

impl Shared {
    /// Records what was repaired, and the start, before anybody else may write.
    fn begin(&self, found: &Found, now: Timestamp) -> Result<(), AuditError> {
        let mut writer = crate::log::lock(&self.writer);
        let mut head = crate::log::lock(&self.head);
        if let Some(torn) = &found.torn {
            head.append(&self.identity, Kind::Recovered, now, |line| {
                line.number("torn_bytes", torn.bytes);
                line.token("torn_sha256", &torn.digest);
                line.text("kept_as", &torn.kept_as);
            });
        }
        head.append(&self.identity, Kind::Start, now, |line| {
            line.number("format", 1);
            line.token("log", self.identity.log.as_bytes());
            line.number("segment", u64::from(found.number));
            line.text("version", env!("CARGO_PKG_VERSION"));
            line.token("key", self.identity.key_id.as_bytes());
            line.token("public_key", &crate::encode::base64::<43>(self.identity.key.public().as_bytes()));
            if !found.untold.is_empty() {
                line.number("untold_checkpoints", u64::try_from(found.untold.len()).unwrap_or(u64::MAX));
            }
        });
        drop(head);
        self.flush(&mut writer);
        let health = crate::log::lock(&self.head).health;
        let synced = writer.segment.sync();
        if self.is_troubled() {
            return Err(health.error());
        }
        synced.map_err(AuditError::io("sync", &self.dir))
    }
}

fn folder(path: &Path) -> Result<PathBuf, AuditError> {
    make_folder(path).map_err(AuditError::io("make the folder", path))?;
    // Compared as the file system knows them: a link must not lead a key back beside the log.
    path.canonicalize().map_err(AuditError::io("open the folder", path))
}

fn apart(dir: &Path, other: PathBuf, what: &'static str) -> Result<PathBuf, AuditError> {
    if other.starts_with(dir) { Err(AuditError::Beside { path: other, what }) } else { Ok(other) }
}

fn hold(dir: &Path) -> Result<File, AuditError> {
    let path = dir.join("lock");
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(AuditError::io("open", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(AuditError::Locked(dir.to_owned())),
        Err(TryLockError::Error(error)) => Err(AuditError::io("lock", path)(error)),
    }
}

fn random_id() -> Result<String, AuditError> {
    let mut id = [0; 16];
    aws_lc_rs::rand::fill(&mut id).map_err(|_| KeyError::Crypto("draw randomness"))?;
    let mut text = Vec::with_capacity(32);
    hex(&mut text, &id);
    Ok(String::from_utf8(text).unwrap_or_default())
}

fn tampered(file: PathBuf, what: String) -> AuditError {
    AuditError::Tampered { file, line: 0, what }
}

impl Found {
    /// A log that begins now.
    fn nothing(log: String, now: Timestamp) -> Self {
        Self {
            chain: Chain::genesis(&log, now),
            log,
            epoch: 0,
            number: 1,
            len: 0,
            torn: None,
            untold: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests;
