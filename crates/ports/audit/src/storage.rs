//! The disk, behind two small traits, so that tests can fill it, cut it and break it at any write.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

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
        sync_folder(&self.dir)?;
        Ok(Arc::new(file))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn Segment>> {
        Ok(Arc::new(OpenOptions::new().append(true).open(path)?))
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

impl Segment for File {
    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        io::Write::write(&mut &*self, bytes)
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        self.set_len(len)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
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
