//! Files that only their owner may read.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Component, Path, PathBuf};

use crate::StoreError;

/// Makes a folder, and its parents, that only its owner may enter.
pub(crate) fn make_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Makes a new file for its owner alone, whatever the umask is.
pub(crate) fn make_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    // A umask takes bits away, those of the owner too.
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    Ok(file)
}

/// Makes the database's file and its folder; SQLite gives the same mode to what it puts beside it. A file that others
/// may read is closed to them.
///
/// An existing file is never opened here: closing it would drop the locks of this process's other connections to it.
pub(crate) fn make_database(path: &Path) -> Result<(), StoreError> {
    make_folder(folder_of(path)).map_err(StoreError::io("make the folder of", path))?;
    match make_file(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => close_to_others(path),
        Err(error) => Err(StoreError::io("make", path)(error)),
    }
}

#[cfg(unix)]
fn close_to_others(path: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::PermissionsExt as _;
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        let file = Path::new(&name);
        match fs::metadata(file) {
            Ok(metadata) if metadata.permissions().mode() & 0o077 != 0 => {
                tracing::warn!(path = %file.display(), "others could read the store's file; it is closed to them now");
                let mode = fs::Permissions::from_mode(0o600);
                fs::set_permissions(file, mode).map_err(StoreError::io("close to others", file))?;
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(StoreError::io("look at", file)(error)),
        }
    }
    Ok(())
}

#[cfg(not(unix))]
fn close_to_others(_: &Path) -> Result<(), StoreError> {
    Ok(())
}

/// Makes a folder's entries durable: a new file whose name is lost by a power cut is lost itself.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(path)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

/// Returns the folder of a file; the current one for a bare name.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Returns where a path really leads, links and `..` followed, also if the end of it does not exist yet.
pub(crate) fn real(path: &Path) -> io::Result<PathBuf> {
    let mut missing = Vec::new();
    let mut at = if path.is_absolute() { path.to_owned() } else { std::env::current_dir()?.join(path) };
    loop {
        match fs::canonicalize(&at) {
            Ok(mut found) => {
                for part in missing.into_iter().rev() {
                    found.push(part);
                }
                return Ok(found);
            }
            // A link that leads nowhere, and `..` behind something that does not exist, are not guessed at.
            Err(error) if error.kind() == io::ErrorKind::NotFound && fs::symlink_metadata(&at).is_err() => {
                match at.components().next_back() {
                    Some(Component::Normal(part)) => missing.push(part.to_owned()),
                    _ => return Err(error),
                }
                at.pop();
            }
            Err(error) => return Err(error),
        }
    }
}
