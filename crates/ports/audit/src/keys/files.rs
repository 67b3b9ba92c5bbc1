//! Files only their owner may read, made whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use crate::keys::KeyError;

/// Makes a folder, and its parents, that only its owner may enter.
pub(crate) fn make_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Makes a folder's entries durable: a new file whose name is lost by a power cut is lost itself.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(path)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

/// Opens a file for its owner alone.
pub(crate) fn private(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options.open(path)
}

/// Writes a file for its owner alone beside its place and moves it there, so that a crash leaves the old one or the new one.
///
/// # Errors
/// A [`KeyError`] with the path and the reason.
pub fn replace(path: &Path, content: &[u8]) -> Result<(), KeyError> {
    // `key.pem` alone has an empty parent.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = Path::new(&beside);
    let write = || -> io::Result<()> {
        make_folder(folder)?;
        let mut file = private(OpenOptions::new().write(true).create(true).truncate(true), beside)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(beside, path)?;
        sync_folder(folder)
    };
    write().map_err(KeyError::io("write", path))
}

/// Reads a secret file; refuses one that others may read, since then it is no secret.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>, KeyError> {
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(KeyError::io("read", path)(error)),
        #[cfg(unix)]
        Ok(metadata) if std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o077 != 0 => {
            return Err(KeyError::Open(path.to_owned()));
        }
        Ok(_) => {}
    }
    fs::read(path).map(Some).map_err(KeyError::io("read", path))
}
