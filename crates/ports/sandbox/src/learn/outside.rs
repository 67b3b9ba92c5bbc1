//! What a path leads to on the machine itself, for whom commands run as.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fact {
    pub(super) kind: Kind,
    pub(super) readable: bool,
    pub(super) writable: bool,
    /// With every link followed.
    pub(super) real: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Folder,
    File,
    /// A socket, a queue, a device.
    Other,
}

/// Looks; none if there is nothing, or nothing that may be seen.
pub(super) fn fact(path: &Path) -> Option<Fact> {
    let found = fs::metadata(path).ok()?.file_type();
    let kind = match found {
        found if found.is_dir() => Kind::Folder,
        found if found.is_file() => Kind::File,
        _ => Kind::Other,
    };
    let enter = if kind == Kind::Folder { Access::EXEC_OK } else { Access::empty() };
    Some(Fact {
        kind,
        readable: access(path, Access::READ_OK | enter).is_ok(),
        writable: access(path, Access::WRITE_OK | enter).is_ok(),
        real: path.canonicalize().ok()?,
    })
}

/// Runs something as whom commands run as: where the door is root, that is somebody else, who cannot be given what only
/// root may see.
pub(super) fn as_commands<T: Send>(run: impl FnOnce() -> T + Send) -> T {
    if !rustix::process::geteuid().is_root() {
        return run();
    }
    let as_nobody = || {
        let (uid, gid) = (
            rustix::process::Uid::from_raw(crate::confine::NOBODY),
            rustix::process::Gid::from_raw(crate::confine::NOBODY),
        );
        // A thread's own, and this one ends with it. Where it fails, less is found readable when the line is used.
        let _given_up = rustix::thread::set_thread_groups(&[])
            .and_then(|()| rustix::thread::set_thread_res_gid(gid, gid, gid))
            .and_then(|()| rustix::thread::set_thread_res_uid(uid, uid, uid));
        run()
    };
    std::thread::scope(|scope| match scope.spawn(as_nobody).join() {
        Ok(found) => found,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}
