//! Opening a store.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use doorward_types::Timestamp;

use crate::keys::{Keys, ROOT_GONE, Ring};
use crate::seal::random_key;
use crate::sqlite::{Database, Root};
use crate::store::Store;
use crate::{KeyWrap, StoreError, epoch, files};

/// Time since some moment, from a clock that never goes back. Keys in memory age by it.
pub(crate) type Stopwatch = Arc<dyn Fn() -> Duration + Send + Sync>;

/// What [`Store::open`] needs to know.
pub struct StoreConfig {
    /// The database. Made if absent, mode 0600, its folder 0700.
    pub path: PathBuf,
    /// The highest epoch that the audit log has anchored: a store below it lacks revocations and is refused.
    pub anchored_epoch: u64,
    /// Takes a store that lacks revocations all the same, once: raises its epoch above the anchored one, and revokes
    /// every sign-in in it.
    pub accept_rollback: bool,
    /// By what the keys in memory age: [`StoreConfig::new`] takes the system's monotonic clock.
    pub stopwatch: Arc<dyn Fn() -> Duration + Send + Sync>,
}

impl StoreConfig {
    /// Takes the database's path and the anchored epoch.
    pub fn new(path: impl Into<PathBuf>, anchored_epoch: u64) -> Self {
        let started = Instant::now();
        Self {
            path: path.into(),
            anchored_epoch,
            accept_rollback: false,
            stopwatch: Arc::new(move || started.elapsed()),
        }
    }
}

impl Store {
    /// Opens a store, or makes it. Several processes may have it open at once.
    ///
    /// # Errors
    /// [`StoreError`], each of which names what to do. A store that does not open is left as it is.
    pub async fn open(
        config: StoreConfig,
        wrap: Arc<dyn KeyWrap>,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        files::make_database(&config.path)?;
        let database = Database::open(&config.path).await?;
        let keys = Keys::new(wrap, config.stopwatch);
        if database.reader().await?.root().await?.is_none() {
            begin(&database, &keys, now).await?;
        }
        let store = Self::of(database, keys);
        store.start(config.anchored_epoch, config.accept_rollback, now).await?;
        Ok(store)
    }
}

/// Gives an empty database its root key, the door's key and its first epoch.
async fn begin(database: &Database, keys: &Keys, now: Timestamp) -> Result<(), StoreError> {
    let wrap = keys.wrap();
    let ring = Ring::new(1, random_key()?, keys.now());
    // Before the transaction: a Key Vault may take its time.
    let wrapped = wrap.wrap(&ring.root).await;
    let wrapped = wrapped
        .map_err(|error| StoreError::KeysUnavailable { wrap: wrap.id(), reason: error.to_string() })?;
    let mut tx = database.begin().await?;
    if tx.root().await?.is_some() {
        // Another process was faster; its root is the root.
        return tx.rollback().await;
    }
    // Rows without a root: it was taken away. A new one would bury them.
    if !tx.after("", &[], 1).await?.is_empty() {
        return Err(ROOT_GONE);
    }
    tx.put_root(&Root { generation: ring.generation, wrap: wrap.id(), wrapped }).await?;
    let (row, key) = ring.make_key("door")?;
    tx.insert(&row).await?;
    tx.insert(&epoch::Epoch::first().sealed(1, ring.generation, &key)?).await?;
    tx.commit().await?;
    tracing::info!(at = %now, "a new store was made");
    Ok(())
}
