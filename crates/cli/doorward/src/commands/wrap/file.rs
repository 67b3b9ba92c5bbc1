//! A client's file, read and replaced: whole or not at all, and never over what somebody else wrote meanwhile.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

/// Largest file in bytes.
const MAX: u64 = 16 << 20;

/// Reads a file for looking at.
pub(crate) fn read(path: &Path) -> Result<String, String> {
    let mut options = OpenOptions::new();
    options.read(true);
    // A pipe that a project puts in the place of a file would keep us waiting for a writer.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(
        &mut options,
        rustix::fs::OFlags::NONBLOCK.bits().cast_signed(),
    );
    let file = options.open(path).map_err(|error| error.to_string())?;
    if !file.metadata().is_ok_and(|metadata| metadata.is_file()) {
        return Err("it is not a file".to_owned());
    }
    let mut bytes = Vec::new();
    file.take(MAX + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > MAX {
        return Err(format!("it is larger than {} MiB", MAX >> 20));
    }
    String::from_utf8(bytes)
        .map_err(|error| format!("byte {} is not UTF-8", error.utf8_error().valid_up_to()))
}

/// A file that is being changed, its folder locked against another `wrap`.
pub(super) struct Target {
    /// As the client knows it.
    path: PathBuf,
    /// Where that leads: a link is followed, and stays a link.
    real: PathBuf,
    pub(super) text: String,
    /// Holds the lock.
    _folder: Option<File>,
}

impl Target {
    pub(super) fn open(path: &Path) -> Result<Self, String> {
        let real = fs::canonicalize(path).map_err(|error| error.to_string())?;
        let folder = lock(parent(&real))?;
        refuse_strangers(path)?;
        refuse_strangers(&real)?;
        Ok(Self { path: path.to_owned(), text: read(&real)?, real, _folder: folder })
    }

    /// Replaces the text and returns where the old one is kept.
    pub(super) fn replace(&self, text: &str) -> Result<PathBuf, String> {
        let said = |what: &'static str| move |error: io::Error| format!("{what}: {error}");
        let folder = parent(&self.real);
        let metadata = fs::metadata(&self.real).map_err(|error| error.to_string())?;
        let mut backup = Aside::backup(&self.real).map_err(said("no backup could be made"))?;
        backup.write(&self.text).map_err(said("no backup could be made"))?;
        let mut new = Aside::new(folder.join(format!(".doorward-wrap-{}", std::process::id())))
            .map_err(said("the folder cannot be written to"))?;
        new.write(text)
            .and_then(|()| new.dress(&metadata))
            .map_err(said("the new file could not be written"))?;
        // The client may have written, or somebody may have put a link to another place: what was judged must be what is
        // replaced. Between here and the renaming lies no work.
        let led = fs::canonicalize(&self.path).is_ok_and(|real| real == self.real);
        if !led || read(&self.real).as_ref() != Ok(&self.text) {
            return Err("it changed while it was being edited; nothing was written".to_owned());
        }
        fs::rename(&new.path, &self.real).map_err(said("the new file could not be put in place"))?;
        new.keep();
        let kept = backup.keep();
        sync(folder).map_err(said("it was written, and the disk did not confirm it"))?;
        Ok(kept)
    }
}

/// A new file beside another one; gone again unless it is kept.
struct Aside {
    path: PathBuf,
    file: File,
    kept: bool,
}

impl Aside {
    /// Makes a new file for its owner alone; a link that somebody put there is not followed.
    fn new(path: PathBuf) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path)?;
        Ok(Self { path, file, kept: false })
    }

    /// The first free `FILE.doorward-backup-N`. Clients' files hold secrets, so their backups are for the owner alone.
    fn backup(path: &Path) -> io::Result<Self> {
        for number in 1..1000 {
            let mut name = path.as_os_str().to_owned();
            name.push(format!(".doorward-backup-{number}"));
            match Self::new(PathBuf::from(name)) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                made => return made,
            }
        }
        Err(io::Error::other("there are 999 already"))
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        self.file.write_all(text.as_bytes())?;
        self.file.sync_all()
    }

    /// Gives the file the owner's group and the permissions of another one.
    fn dress(&self, as_was: &fs::Metadata) -> io::Result<()> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            if self.file.metadata()?.gid() != as_was.gid() {
                std::os::unix::fs::fchown(&self.file, None, Some(as_was.gid()))?;
            }
        }
        self.file.set_permissions(as_was.permissions())
    }

    fn keep(&mut self) -> PathBuf {
        self.kept = true;
        self.path.clone()
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        if !self.kept {
            let _gone = fs::remove_file(&self.path);
        }
    }
}

/// Refuses what is not the person's own: a file of somebody else's may say something else a moment later, and a link of
/// somebody else's may lead elsewhere.
#[cfg(unix)]
fn refuse_strangers(path: &Path) -> Result<(), String> {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = fs::symlink_metadata(path).map_err(|error| error.to_string())?;
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err("it belongs to somebody else; let its owner do this".to_owned());
    }
    // Renaming would leave the other name with the old text.
    if metadata.is_file() && metadata.nlink() > 1 {
        return Err("it has a second name (a hard link), which would keep the old text".to_owned());
    }
    Ok(())
}

#[cfg(not(unix))]
fn refuse_strangers(_: &Path) -> Result<(), String> {
    Ok(())
}

/// Locks a folder against a second `wrap`. The lock ends with the process and leaves nothing behind.
fn lock(folder: &Path) -> Result<Option<File>, String> {
    if cfg!(not(unix)) {
        return Ok(None);
    }
    let file = File::open(folder).map_err(|error| error.to_string())?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(fs::TryLockError::WouldBlock) => {
            Err("another `doorward wrap` is at work here; try again".to_owned())
        }
        // A file system without locks: the comparison before renaming still holds.
        Err(fs::TryLockError::Error(_)) => Ok(None),
    }
}

fn sync(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
