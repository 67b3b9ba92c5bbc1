//! The cache of tokens: one sealed file for each tenant and client, and what is in it.

mod folder;
mod model;
mod seal;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use doorward_types::{ClientId, TenantId};
use rustix::io::Errno;
use tokio::sync::Mutex;

pub(crate) use folder::Folder;
pub(crate) use model::{Hidden, Kept, Model};

use crate::key::{Key, KeyError, KeyId, KeySource};
use crate::lock::{self, Lock};
use seal::{Opened, Place};

/// How long a process waits for others to be done with requests to Entra, and with a person who signs in.
const QUIET: Duration = Duration::from_secs(60);
const SIGN_IN: Duration = Duration::from_secs(16 * 60);

/// Why the cache cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// The system refuses.
    #[error("{}: {cause}", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The file or folder is not this user's alone.
    #[error("{} is not used: {what}; {help}", path.display())]
    NotOurs {
        /// Where.
        path: PathBuf,
        /// What is wrong.
        what: String,
        /// What to do.
        help: &'static str,
    },
    /// The file was changed, cut short, or belongs elsewhere.
    #[error("{} is damaged: {what}; it is put aside, and everybody is signed out", path.display())]
    Damaged {
        /// Where.
        path: PathBuf,
        /// What is wrong.
        what: &'static str,
    },
    /// The passphrase does not open it.
    #[error("the passphrase does not open {}; nothing was changed", path.display())]
    WrongPassphrase {
        /// Where.
        path: PathBuf,
    },
    /// There is no key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Another process holds the lock.
    #[error("another process has held {} for {} s; end it, or wait", path.display(), waited.as_secs())]
    Busy {
        /// The lock.
        path: PathBuf,
        /// How long was waited.
        waited: Duration,
    },
    /// What is to be kept cannot be written down or sealed.
    #[error("the cache cannot be sealed")]
    Seal,
}

/// One cache. Reading takes no lock: a file is replaced whole.
pub struct Cache {
    folder: Folder,
    name: String,
    place: Place,
    source: Arc<dyn KeySource>,
    /// The key that the file was last opened or written with.
    memo: Mutex<Option<(KeyId, Arc<Key>)>>,
    /// A key that was made before a person was asked, and seals nothing yet.
    ready: Mutex<Option<(KeyId, Arc<Key>)>>,
}

impl Cache {
    /// Opens the cache of one client in one tenant; the folder is made if it is not there.
    ///
    /// # Errors
    /// [`CacheError`] if the folder is not this user's alone.
    pub fn open(
        folder: &Path,
        tenant: &TenantId,
        client: &ClientId,
        source: Arc<dyn KeySource>,
    ) -> Result<Self, CacheError> {
        let name = format!("{tenant}_{client}");
        let place = Place::of(&name, rustix::process::geteuid().as_raw());
        Ok(Self {
            folder: Folder::open(folder)?,
            name,
            place,
            source,
            memo: Mutex::default(),
            ready: Mutex::default(),
        })
    }

    /// Where the file is.
    pub fn path(&self) -> PathBuf {
        self.folder.path(&self.file())
    }

    fn file(&self) -> String {
        format!("{}.cache", self.name)
    }

    /// Takes the lock for requests and for changes of the file.
    pub(crate) async fn quiet(&self) -> Result<Lock, CacheError> {
        lock::take(&self.folder, &format!("{}.lock", self.name), QUIET).await
    }

    /// Takes the lock for sign-ins by a person. It is taken before the other, never after.
    pub(crate) async fn sign_in(&self) -> Result<Lock, CacheError> {
        lock::take(&self.folder, &format!("{}.sign-in.lock", self.name), SIGN_IN).await
    }

    /// Reads the file; nothing if there is none.
    pub(crate) async fn load(&self) -> Result<Model, CacheError> {
        let Some(bytes) = self.folder.read(&self.file())? else {
            *self.memo.lock().await = None;
            return Ok(Model::default());
        };
        let damaged = |what| CacheError::Damaged { path: self.path(), what };
        let sealed = seal::read(&bytes).ok_or_else(|| damaged("it does not begin as a cache does"))?;
        if sealed.kind != self.source.kind() {
            // Whoever can write here could lay down a file of a weaker kind, with another person's tokens in it.
            return Err(damaged("it was sealed in another way than `guard.cache` says"));
        }
        let key = self.key(sealed.id).await?.ok_or_else(|| damaged("its key is gone"))?;
        match sealed.open(&key, &self.place) {
            Opened::Yes(plain) => Model::parse(&plain).ok_or_else(|| damaged("its content cannot be read")),
            Opened::OtherKey if self.source.may_be_wrong() => {
                *self.memo.lock().await = None;
                Err(CacheError::WrongPassphrase { path: self.path() })
            }
            Opened::OtherKey | Opened::No => Err(damaged("its seal is broken")),
        }
    }

    /// Replaces the file. The lock must be held, and the file loaded under it.
    pub(crate) async fn save(&self, model: &Model) -> Result<(), CacheError> {
        let kept = self.memo.lock().await.clone();
        let (id, key) = match kept {
            Some(kept) => kept,
            None => self.fresh_key().await?,
        };
        let plain = model.text().ok_or(CacheError::Seal)?;
        let sealed =
            seal::write(self.source.kind(), id, &key, &self.place, &plain).ok_or(CacheError::Seal)?;
        self.folder.replace(&self.file(), &sealed)
    }

    /// Replaces the file under a new key and destroys the old one: copies of the file, in backups for one, become
    /// worthless with it. (A key from a passphrase cannot be destroyed.)
    pub(crate) async fn save_anew(&self, model: &Model) -> Result<(), CacheError> {
        let old = self.memo.lock().await.take();
        if model.entries.is_empty() {
            self.folder.remove(&self.file())?;
        } else {
            self.save(model).await?;
        }
        match old {
            Some((id, _)) => Ok(self.source.forget(id).await?),
            None => Ok(()),
        }
    }

    /// Makes sure that there will be a key, before a person is asked to sign in for nothing.
    pub(crate) async fn prepare(&self) -> Result<(), CacheError> {
        let mut ready = self.ready.lock().await;
        if ready.is_none() && self.memo.lock().await.is_none() {
            let (id, key) = self.source.make().await?;
            *ready = Some((id, Arc::new(key)));
        }
        Ok(())
    }

    /// Gives a key back that was made and not used.
    pub(crate) async fn give_back(&self) {
        if let Some((id, _)) = self.ready.lock().await.take() {
            // It opens nothing: one that stays in the keychain does no harm.
            let _stays = self.source.forget(id).await;
        }
    }

    /// Puts a damaged file aside. The lock must be held. What is kept next gets a key of its own: the one that a damaged
    /// file names was chosen by whoever damaged it.
    pub(crate) async fn set_aside(&self) -> Result<PathBuf, CacheError> {
        *self.memo.lock().await = None;
        self.folder.set_aside(&self.file())
    }

    async fn key(&self, id: KeyId) -> Result<Option<Arc<Key>>, CacheError> {
        let mut memo = self.memo.lock().await;
        if let Some((_, key)) = memo.as_ref().filter(|(known, _)| *known == id) {
            return Ok(Some(Arc::clone(key)));
        }
        let Some(key) = self.source.find(id).await? else { return Ok(None) };
        let key = Arc::new(key);
        *memo = Some((id, Arc::clone(&key)));
        Ok(Some(key))
    }

    async fn fresh_key(&self) -> Result<(KeyId, Arc<Key>), CacheError> {
        let made = self.ready.lock().await.take();
        let (id, key) = match made {
            Some(made) => made,
            None => self.source.make().await.map(|(id, key)| (id, Arc::new(key)))?,
        };
        *self.memo.lock().await = Some((id, Arc::clone(&key)));
        Ok((id, key))
    }
}

impl CacheError {
    pub(crate) fn io(path: PathBuf, error: Errno) -> Self {
        Self::Io { path, cause: error.into() }
    }
}
