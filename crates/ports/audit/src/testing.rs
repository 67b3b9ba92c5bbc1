//! What the tests share: a log in a folder of its own, callers, and a disk that fills and breaks on demand.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use doorward_types::{ObjectId, ServerName, TenantId, Timestamp};
use tempfile::TempDir;

use crate::log::lock;
use crate::storage::{Disk, Segment, Storage};
use crate::*;

pub(crate) const NOW: Timestamp = Timestamp::from_secs(1_795_176_000);

/// Runs a test's future on one thread.
pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

pub(crate) fn tenant() -> TenantId {
    TenantId::parse("72f988bf-86f1-41af-91ab-2d7cd011db47").unwrap()
}

pub(crate) fn object(last: u32) -> ObjectId {
    ObjectId::parse(&format!("0b1ec7ed-0000-4000-8000-{last:012}")).unwrap()
}

/// A folder with a log, its keys and its second sink.
pub(crate) struct Place {
    pub(crate) root: TempDir,
    pub(crate) config: AuditConfig,
}

impl Place {
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let at = root.path();
        let mut config = AuditConfig::new(at.join("log"), at.join("keys/audit.key"), at.join("second"));
        config.timer = Timer::Handed;
        Self { config, root }
    }

    pub(crate) fn with_segments(bytes: u64) -> Self {
        let mut place = Self::new();
        place.config.segment_bytes = bytes;
        place
    }

    pub(crate) fn open(&self) -> AuditLog {
        AuditLog::open(self.config.clone(), NOW).unwrap()
    }

    pub(crate) fn open_on(&self, disk: &Arc<Faulty>) -> AuditLog {
        let storage: Arc<dyn Storage> = Arc::<Faulty>::clone(disk);
        open::open(self.config.clone(), Vec::new(), storage, NOW).unwrap()
    }

    pub(crate) fn segment(&self, number: u32) -> PathBuf {
        log::segment_path(&self.config.dir, number)
    }

    pub(crate) fn sink(&self) -> PathBuf {
        self.config.checkpoint_dir.join("checkpoints.jsonl")
    }

    pub(crate) fn public_key(&self) -> PublicKey {
        PublicKey::load(&self.config.key_file.with_extension("pub")).unwrap()
    }

    pub(crate) fn inputs(&self) -> VerifyInputs {
        VerifyInputs {
            dir: self.config.dir.clone(),
            public_key: Some(self.public_key()),
            checkpoints: Some(self.sink()),
            known: None,
        }
    }

    /// Verifies with everything a verification can be given.
    pub(crate) fn verify(&self) -> VerifyReport {
        verify(&self.inputs()).unwrap()
    }

    pub(crate) fn records(&self) -> Vec<Record> {
        let mut reader = Reader::open(&self.config.dir).unwrap();
        std::iter::from_fn(|| reader.next_record().unwrap()).collect()
    }
}

pub(crate) fn subject(log: &AuditLog) -> Subject {
    subject_of(log, 1)
}

pub(crate) fn subject_of(log: &AuditLog, last: u32) -> Subject {
    let (tenant, object) = (tenant(), object(last));
    let facts = SubjectFacts {
        tenant: &tenant,
        object: &object,
        name: Some("Alice Canary"),
        source: Some("198.51.100.77".parse().unwrap()),
        application: false,
    };
    log.subject(&facts).unwrap()
}

pub(crate) fn call(number: u64) -> CallId {
    CallId(u128::from(number).to_be_bytes())
}

pub(crate) async fn intent(
    log: &AuditLog,
    subject: &Subject,
    number: u64,
    now: Timestamp,
) -> Result<(), AuditError> {
    let policies = [Arc::from("readers")];
    let intent = Intent {
        call: call(number),
        trace: Some([0xab; 16]),
        subject,
        client: "11111111-2222-3333-4444-555555555555",
        server: &ServerName::parse("crm").unwrap(),
        method: "tools/call",
        target: Target::Tool("search"),
        policies: &policies,
        arguments: Some(subject.digest(Part::Arguments, b"{\"user\":\"secret\"}")),
        session: Some(subject.session("session-canary")),
        findings: &[],
        steps: &[Step { name: "identify", micros: 12 }, Step { name: "authorize", micros: 7 }],
    };
    log.intent(&intent, now).await
}

pub(crate) fn an_outcome(server: &ServerName, number: u64) -> Outcome<'_> {
    Outcome {
        call: call(number),
        trace: None,
        server,
        ending: Ending::Ok,
        reason: None,
        frames: 1,
        bytes: 345,
        digest: None,
        findings: &[],
        took_micros: 4_321,
        steps: &[],
    }
}

pub(crate) async fn outcome(log: &AuditLog, number: u64, now: Timestamp) -> Result<(), AuditError> {
    let server = ServerName::parse("crm").unwrap();
    log.outcome(&an_outcome(&server, number), now).await
}

pub(crate) fn after(millis: u64) -> Timestamp {
    NOW.plus(Duration::from_millis(millis))
}

/// Copies a folder tree.
pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (path, name) = entry.map(|entry| (entry.path(), entry.file_name())).unwrap();
        if path.is_dir() {
            copy(&path, &to.join(name));
        } else {
            std::fs::copy(&path, to.join(name)).unwrap();
        }
    }
}

/// A disk of a stated size, whose next operations fail as told.
pub(crate) struct Faulty {
    disk: Disk,
    state: Arc<Mutex<State>>,
}

/// What a faulty disk does next.
pub(crate) struct State {
    /// Bytes free.
    pub(crate) free: u64,
    /// What the reserve takes.
    pub(crate) reserve: u64,
    reserved: bool,
    /// What the next writes do: nothing special, or land so many bytes and then fail.
    pub(crate) writes: VecDeque<Option<(usize, io::ErrorKind)>>,
    pub(crate) written: u64,
    pub(crate) truncate_fails: bool,
    pub(crate) sync_fails: bool,
    pub(crate) create_fails: bool,
    pub(crate) synced: u64,
}

impl Faulty {
    pub(crate) fn new(place: &Place) -> Arc<Self> {
        let state = State {
            free: 1 << 30,
            reserve: 4 << 10,
            reserved: false,
            writes: VecDeque::new(),
            written: 0,
            truncate_fails: false,
            sync_fails: false,
            create_fails: false,
            synced: 0,
        };
        Arc::new(Self { disk: Disk::new(&place.config.dir), state: Arc::new(Mutex::new(state)) })
    }

    pub(crate) fn set<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut lock(&self.state))
    }

    fn wrap(&self, inner: Arc<dyn Segment>, len: u64) -> Arc<dyn Segment> {
        Arc::new(FaultySegment { inner, len: AtomicU64::new(len), state: Arc::clone(&self.state) })
    }
}

impl Storage for Faulty {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn Segment>> {
        if lock(&self.state).create_fails {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(self.wrap(self.disk.create(path)?, 0))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn Segment>> {
        Ok(self.wrap(self.disk.open(path)?, std::fs::metadata(path)?.len()))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.disk.remove(path)
    }

    fn reserve(&self) -> io::Result<()> {
        let mut state = lock(&self.state);
        if !state.reserved {
            state.free = state.free.checked_sub(state.reserve).ok_or(io::ErrorKind::StorageFull)?;
            state.reserved = true;
        }
        Ok(())
    }

    fn release(&self) -> bool {
        let mut state = lock(&self.state);
        if state.reserved {
            state.free += state.reserve;
        }
        std::mem::take(&mut state.reserved)
    }
}

struct FaultySegment {
    inner: Arc<dyn Segment>,
    len: AtomicU64,
    state: Arc<Mutex<State>>,
}

impl Segment for FaultySegment {
    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = lock(&self.state);
        state.written += 1;
        let fault = match state.writes.front_mut() {
            Some(Some((0, kind))) => {
                let kind = *kind;
                state.writes.pop_front();
                return Err(kind.into());
            }
            Some(Some((land, _))) => Some(std::mem::take(land)),
            Some(None) => {
                state.writes.pop_front();
                None
            }
            None => None,
        };
        let land = (bytes.len() as u64).min(state.free).min(fault.map_or(u64::MAX, |land| land as u64));
        if land == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        state.free -= land;
        self.len.fetch_add(land, Ordering::Relaxed);
        let mut part = &bytes[..usize::try_from(land).unwrap()];
        while !part.is_empty() {
            part = &part[self.inner.write(part)?..];
        }
        Ok(usize::try_from(land).unwrap())
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        let mut state = lock(&self.state);
        if state.truncate_fails {
            return Err(io::ErrorKind::Other.into());
        }
        state.free += self.len.swap(len, Ordering::Relaxed).saturating_sub(len);
        self.inner.truncate(len)
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = lock(&self.state);
        state.synced += 1;
        if state.sync_fails { Err(io::ErrorKind::Other.into()) } else { Ok(()) }
    }
}
