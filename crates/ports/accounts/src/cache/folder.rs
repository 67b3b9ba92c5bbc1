//! Files that are this user's alone: looked at before they are read, replaced whole.

use std::fs::{DirBuilder, File};
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat, fstat, fsync, open, openat, renameat, unlinkat};
use rustix::io::Errno;
use rustix::process::geteuid;
use zeroize::Zeroizing;

use super::CacheError;

/// The largest file that is read, in bytes: far above any real one.
const MOST: u64 = 4 << 20;
const PRIVATE: Mode = Mode::RUSR.union(Mode::WUSR);

/// A folder, held open: what is looked at and what is used are the same, whatever is renamed meanwhile.
pub(crate) struct Folder {
    path: PathBuf,
    held: OwnedFd,
}

impl Folder {
    /// Opens it, or makes it with mode 0700.
    pub(crate) fn open(path: &Path) -> Result<Self, CacheError> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.map_err(|cause| CacheError::Io { path: path.to_owned(), cause })?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let held = open(path, flags, Mode::empty()).map_err(|error| match error {
            Errno::LOOP | Errno::NOTDIR => {
                not_ours(path, "it is a link, or no folder", "name the folder itself")
            }
            error => CacheError::io(path.to_owned(), error),
        })?;
        let stat = fstat(&held).map_err(|error| CacheError::io(path.to_owned(), error))?;
        is_ours(path, &stat, "chmod 700 it, or name a folder of your own with `guard.cache_dir`")?;
        Ok(Self { path: path.to_owned(), held })
    }

    /// Returns the path of a file in it, for messages.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    pub(crate) fn failed(&self, name: &str, error: Errno) -> CacheError {
        CacheError::io(self.path(name), error)
    }

    /// Reads a file, if it is there and this user's alone.
    pub(crate) fn read(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, CacheError> {
        // Not to wait: a pipe that somebody put there would never open.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match openat(&self.held, name, flags, Mode::empty()) {
            Ok(file) => file,
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP) => return Err(self.link(name)),
            Err(error) => return Err(self.failed(name, error)),
        };
        let stat = self.inspected(&file, name)?;
        let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(stat.st_size).unwrap_or(0) + 1));
        let read = File::from(file).take(MOST).read_to_end(&mut bytes);
        read.map_err(|cause| CacheError::Io { path: self.path(name), cause })?;
        Ok(Some(bytes))
    }

    /// Replaces a file whole: whoever reads meanwhile, and whoever comes after a crash, finds the old one or the new one.
    pub(crate) fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), CacheError> {
        let part = format!("{name}.part");
        // A process that was killed may have left one; the lock is held, so nobody writes it now.
        self.remove(&part)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file =
            openat(&self.held, part.as_str(), flags, PRIVATE).map_err(|error| self.failed(&part, error))?;
        let mut file = File::from(file);
        let written = file.write_all(bytes).and_then(|()| file.sync_all());
        let renamed =
            written.map_err(|cause| CacheError::Io { path: self.path(&part), cause }).and_then(|()| {
                renameat(&self.held, part.as_str(), &self.held, name)
                    .map_err(|error| self.failed(name, error))
            });
        if let Err(error) = renamed {
            // A full disk: the old file stays as it is.
            let _gone = self.remove(&part);
            return Err(error);
        }
        fsync(&self.held).map_err(|error| self.failed(name, error))
    }

    /// Removes a file, if it is there.
    pub(crate) fn remove(&self, name: &str) -> Result<(), CacheError> {
        match unlinkat(&self.held, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(self.failed(name, error)),
        }
    }

    /// Renames a file so that nobody reads it any more, and returns its new path. One that was put aside before is
    /// replaced: they do not pile up.
    pub(crate) fn set_aside(&self, name: &str) -> Result<PathBuf, CacheError> {
        let aside = format!("{name}.damaged");
        renameat(&self.held, name, &self.held, aside.as_str()).map_err(|error| self.failed(name, error))?;
        Ok(self.path(&aside))
    }

    /// Opens a file to be locked; it stays empty.
    pub(crate) fn lock_file(&self, name: &str) -> Result<OwnedFd, CacheError> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = openat(&self.held, name, flags, PRIVATE).map_err(|error| match error {
            Errno::LOOP => self.link(name),
            error => self.failed(name, error),
        })?;
        self.inspected(&file, name)?;
        Ok(file)
    }

    fn inspected(&self, file: &OwnedFd, name: &str) -> Result<Stat, CacheError> {
        let (path, stat) = (self.path(name), fstat(file).map_err(|error| self.failed(name, error))?);
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(not_ours(&path, "it is no plain file", "remove it"));
        }
        is_ours(&path, &stat, "somebody else may have read or written it: remove it, and sign in again")?;
        Ok(stat)
    }

    fn link(&self, name: &str) -> CacheError {
        not_ours(&self.path(name), "it is a link", "remove it, and sign in again")
    }
}

/// Whether this user owns it and nobody else has any right to it.
fn is_ours(path: &Path, stat: &Stat, help: &'static str) -> Result<(), CacheError> {
    if stat.st_uid != geteuid().as_raw() {
        return Err(not_ours(path, &format!("it belongs to the user {}", stat.st_uid), help));
    }
    let mode = stat.st_mode & 0o777;
    if mode & 0o077 != 0 {
        return Err(not_ours(path, &format!("its mode is {mode:04o}, and others have rights to it"), help));
    }
    Ok(())
}

fn not_ours(path: &Path, what: &str, help: &'static str) -> CacheError {
    CacheError::NotOurs { path: path.to_owned(), what: what.to_owned(), help }
}

#[cfg(test)]
mod tests;
