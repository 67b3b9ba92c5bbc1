//! A key in a file, for doors without a Key Vault.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use doorward_types::Secret;
use futures_util::future::{BoxFuture, ready};
use zeroize::Zeroizing;

use crate::seal::{self, Key};
use crate::{KeyWrap, KeyWrapError, StoreError, files};

const BOUND: &[u8] = b"doorward root key 1";

/// 256 random bits in a file that only its owner may read, outside the database's folder: who copies that folder has
/// not copied the key (D-18).
pub struct KeyFile {
    key: Key,
    id: String,
}

impl KeyFile {
    /// Reads the key file, or makes it.
    ///
    /// # Errors
    /// [`StoreError::KeyFile`] if it lies in the database's folder, if others may read it, or if it holds no key;
    /// [`StoreError::Io`] if it cannot be read or made.
    pub fn open_or_create(path: &Path, database: &Path) -> Result<Self, StoreError> {
        apart(path, database)?;
        let key = match read(path)? {
            Some(key) => key,
            None => {
                make(path)?;
                // Two doors that start at once both find the file of the first.
                read(path)?.ok_or_else(|| unusable(path, "is gone again; look who removes it"))?
            }
        };
        let print = digest(&SHA256, &[BOUND, key.expose()].concat());
        let print = print.as_ref().get(..6).unwrap_or_default();
        let id = print.iter().fold(String::from("key-file:"), |id, byte| format!("{id}{byte:02x}"));
        Ok(Self { key, id })
    }
}

impl KeyWrap for KeyFile {
    fn id(&self) -> String {
        self.id.clone()
    }

    fn wrap(&self, key: &Secret<[u8; 32]>) -> BoxFuture<'_, Result<Vec<u8>, KeyWrapError>> {
        let wrapped = seal::seal(&self.key, BOUND, key.expose());
        Box::pin(ready(wrapped.map_err(|error| KeyWrapError::Refused(error.to_string()))))
    }

    fn unwrap(&self, wrapped: Vec<u8>) -> BoxFuture<'_, Result<Secret<[u8; 32]>, KeyWrapError>> {
        let key = seal::open(&self.key, BOUND, wrapped)
            .and_then(|plain| <[u8; 32]>::try_from(plain.expose().as_slice()).ok().map(Secret::new));
        let refused = || KeyWrapError::Refused(String::from("the root key was not wrapped with this key"));
        Box::pin(ready(key.ok_or_else(refused)))
    }
}

/// Refuses a key beside what it opens, also behind links and `..`: a copy of the folder would be a copy of everything.
fn apart(path: &Path, database: &Path) -> Result<(), StoreError> {
    let real = |path: &Path| files::real(path).map_err(StoreError::io("find out where lies", path));
    let key = real(path)?;
    // The folder by its name, and the folder of the file that a link leads to.
    let folders: [PathBuf; 2] =
        [real(files::folder_of(database))?, files::folder_of(&real(database)?).to_owned()];
    if folders.iter().any(|folder| key.starts_with(folder)) {
        return Err(unusable(
            path,
            "lies in the database's folder; put it elsewhere, best on another volume: who copies the folder must not get the key",
        ));
    }
    Ok(())
}

fn read(path: &Path) -> Result<Option<Key>, StoreError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StoreError::io("read", path)(error)),
    };
    // Asked of the open file: the path may lead elsewhere a moment later.
    let metadata = file.metadata().map_err(StoreError::io("read", path))?;
    if !metadata.is_file() {
        return Err(unusable(path, "is no file"));
    }
    #[cfg(unix)]
    if std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o077 != 0 {
        return Err(unusable(path, "can be read by others than its owner; make a new key, then `chmod 600`"));
    }
    let mut text = Zeroizing::new(Vec::with_capacity(256));
    file.take(128).read_to_end(&mut text).map_err(StoreError::io("read", path))?;
    let mut key = Zeroizing::new([0; 33]);
    match STANDARD.decode_slice(text.trim_ascii(), &mut *key) {
        Ok(32) => {
            let key = key.first_chunk::<32>().ok_or(StoreError::Crypto("read a key"))?;
            Ok(Some(Secret::new(*key)))
        }
        _ => Err(unusable(path, "holds no key (32 bytes in base64); restore it from its backup")),
    }
}

/// Makes the key whole or not at all: written beside its place and linked there, which never replaces a file.
fn make(path: &Path) -> Result<(), StoreError> {
    let folder = files::folder_of(path);
    let key = seal::random_key()?;
    let text = Zeroizing::new(STANDARD.encode(key.expose()) + "\n");
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".new-{}", std::process::id()));
    let beside = Path::new(&beside);
    let write = || -> io::Result<()> {
        files::make_folder(folder)?;
        let _ = fs::remove_file(beside);
        let mut file = files::make_file(beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        match fs::hard_link(beside, path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => Ok(()),
        }
    };
    let written = write();
    let _ = fs::remove_file(beside);
    written.and_then(|()| files::sync_folder(folder)).map_err(StoreError::io("make the key file", path))
}

fn unusable(path: &Path, what: &'static str) -> StoreError {
    StoreError::KeyFile { path: path.to_owned(), what }
}
