//! The disk, behind two small traits, so that tests can fill it, cut it and break it at any write.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::keys::sync_folder;

/// Space kept for outcomes of calls that are under way when the volume fills: some 15,000 of them.
pub(crate) const RESERVE: u64 = 4 << 20;

/// A segment that is appended to.
pub(crate) trait Segment: Send + Sync {
    /// Appends; may land only a part, as `write(2)`.
    fn write(&self, bytes: &[u8]) -> io::Result<usize>;
    /// Cuts the file; later appends begin there.
    fn truncate(&self, len: u64) -> io::Result<()>;
    /// Waits until what was written is on the device.
    fn sync(&self) -> io::Result<()>;
}

/// Where segments and the reserve live.
pub(crate) trait Storage: Send + Sync {
    /// Makes a segment that must not exist yet.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn Segment>>;
    /// Opens a segment to append.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn Segment>>;
    /// Removes a segment that never held a record.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Sets the reserve aside, if it is not.
    fn reserve(&self) -> io::Result<()>;
    /// Gives the reserve back to the volume; true if there was one.
    fn release(&self) -> bool;
}

/// The folder of a log.
pub(crate) struct Disk {
    dir: PathBuf,
}

impl Disk {
    pub(crate) fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned() }
    }

    fn reserve_path(&self) -> PathBuf {
        self.dir.join("reserve")
    }
}

impl Storage for Disk {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn Segment>> {
        let file = private(OpenOptions::new().append(true).create_new(true), path)?;
        Ok(Arc::new(DiskSegment { file, dir: self.dir.clone(), named: AtomicBool::new(false) }))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn Segment>> {
        let file = OpenOptions::new().append(true).open(path)?;
        Ok(Arc::new(DiskSegment { file, dir: self.dir.clone(), named: AtomicBool::new(true) }))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn reserve(&self) -> io::Result<()> {
        let path = self.reserve_path();
        let mut file = private(OpenOptions::new().write(true).create(true).truncate(false), &path)?;
        if file.metadata()?.len() >= RESERVE {
            return Ok(());
        }
        allocate(&mut file).inspect_err(|_| {
            // Half a reserve would be taken for a whole one at the next start.
            let _ = file.set_len(0);
        })
    }

    fn release(&self) -> bool {
        let path = self.reserve_path();
        let held = fs::metadata(&path).is_ok_and(|metadata| metadata.len() > 0);
        held && OpenOptions::new().write(true).open(&path).and_then(|file| file.set_len(0)).is_ok()
    }
}

/// A segment's file.
struct DiskSegment {
    file: File,
    dir: PathBuf,
    /// True once the folder's entry for it is on the device.
    named: AtomicBool,
}

impl Segment for DiskSegment {
    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        (&self.file).write(bytes)
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn sync(&self) -> io::Result<()> {
        if !self.named.load(Ordering::Acquire) {
            sync_folder(&self.dir)?;
            self.named.store(true, Ordering::Release);
        }
        self.file.sync_data()
    }
}

fn private(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options.open(path)
}

/// Takes blocks, not only a length: a sparse reserve would reserve nothing.
fn allocate(file: &mut File) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    match rustix::fs::fallocate(&*file, rustix::fs::FallocateFlags::empty(), 0, RESERVE) {
        // Some file systems cannot: they get written zeros.
        Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS | rustix::io::Errno::INVAL) => {}
        other => return other.map_err(Into::into),
    }
    let block = [0; 64 << 10];
    for _ in 0..RESERVE / 65_536 {
        file.write_all(&block)?;
    }
    file.sync_data()
}

#[cfg(test)]
mod tests {
    use super::*;

    // control: D-11: the reserve is taken on the volume, and given back as a whole.
    #[test]
    fn the_reserve_takes_blocks_and_gives_them_back() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::new(folder.path());
        assert!(!disk.release(), "there is none yet");
        disk.reserve().unwrap();
        disk.reserve().unwrap();
        let metadata = || fs::metadata(folder.path().join("reserve")).unwrap();
        assert_eq!(metadata().len(), RESERVE);
        assert!(std::os::unix::fs::MetadataExt::blocks(&metadata()) * 512 >= RESERVE, "not a sparse file");
        assert!(disk.release());
        assert_eq!(metadata().len(), 0);
        assert!(!disk.release());
    }
}
