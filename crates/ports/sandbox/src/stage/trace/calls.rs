//! Which system calls name a path or an address, and in which argument.

use libc::{c_int, c_long};

use crate::plan::How;

/// One path that a call names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::stage) struct Named {
    /// The argument with the folder that a relative path starts from; none, and it is the working directory.
    pub(in crate::stage) dir: Option<usize>,
    /// The argument with the path.
    pub(in crate::stage) path: usize,
    pub(in crate::stage) aim: Aim,
}

/// Where it stands what a path is named for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::stage) enum Aim {
    /// The call says it.
    Is(How),
    /// In the flags of open(2), in this argument.
    Flags(usize),
    /// In the flags that this argument points to (openat2(2)).
    Pointed(usize),
    /// In the mode of access(2), in this argument.
    Mode(usize),
}

/// All calls that are looked at; connect(2) names an address.
pub(in crate::stage) fn traced() -> impl Iterator<Item = c_long> {
    PATHS.iter().chain(PATHS_HERE).map(|(number, _)| *number).chain([libc::SYS_connect])
}

/// The paths that a call names.
pub(in crate::stage) fn paths(number: c_long) -> &'static [Named] {
    let found = PATHS.iter().chain(PATHS_HERE).find(|(known, _)| *known == number);
    found.map_or(&[], |(_, named)| *named)
}

/// What a path is opened for.
pub(in crate::stage) fn opened(flags: u64) -> How {
    let has = |flag: c_int| flags & flag as u64 == flag as u64;
    match flags & libc::O_ACCMODE as u64 {
        _ if has(libc::O_PATH) => How::Look,
        _ if has(libc::O_CREAT) && has(libc::O_EXCL) => How::Place,
        _ if has(libc::O_CREAT) => How::Create,
        // A file without a name is made in the folder.
        access if access != libc::O_RDONLY as u64 && has(libc::O_TMPFILE) => How::Write,
        access if access != libc::O_RDONLY as u64 || has(libc::O_TRUNC) => How::Write,
        _ => How::Read,
    }
}

type Table = &'static [(c_long, &'static [Named])];

const fn at(dir: usize, path: usize, aim: Aim) -> Named {
    Named { dir: Some(dir), path, aim }
}

const fn plain(path: usize, aim: Aim) -> Named {
    Named { dir: None, path, aim }
}

const LOOK: Aim = Aim::Is(How::Look);
const READ: Aim = Aim::Is(How::Read);
const WRITE: Aim = Aim::Is(How::Write);
const CREATE: Aim = Aim::Is(How::Create);
const PLACE: Aim = Aim::Is(How::Place);
const REMOVE: Aim = Aim::Is(How::Remove);

const PATHS: Table = &[
    (libc::SYS_openat, &[at(0, 1, Aim::Flags(2))]),
    (libc::SYS_openat2, &[at(0, 1, Aim::Pointed(2))]),
    (libc::SYS_newfstatat, &[at(0, 1, LOOK)]),
    (libc::SYS_statx, &[at(0, 1, LOOK)]),
    (libc::SYS_statfs, &[plain(0, LOOK)]),
    (libc::SYS_faccessat, &[at(0, 1, Aim::Mode(2))]),
    (libc::SYS_faccessat2, &[at(0, 1, Aim::Mode(2))]),
    (libc::SYS_readlinkat, &[at(0, 1, LOOK)]),
    (libc::SYS_inotify_add_watch, &[plain(1, READ)]),
    (libc::SYS_chdir, &[plain(0, READ)]),
    (libc::SYS_execve, &[plain(0, READ)]),
    (libc::SYS_execveat, &[at(0, 1, READ)]),
    (libc::SYS_truncate, &[plain(0, WRITE)]),
    (libc::SYS_fchmodat, &[at(0, 1, WRITE)]),
    (libc::SYS_fchmodat2, &[at(0, 1, WRITE)]),
    (libc::SYS_fchownat, &[at(0, 1, WRITE)]),
    (libc::SYS_utimensat, &[at(0, 1, WRITE)]),
    (libc::SYS_mkdirat, &[at(0, 1, CREATE)]),
    (libc::SYS_mknodat, &[at(0, 1, CREATE)]),
    (libc::SYS_unlinkat, &[at(0, 1, REMOVE)]),
    (libc::SYS_renameat, &[at(0, 1, REMOVE), at(2, 3, PLACE)]),
    (libc::SYS_renameat2, &[at(0, 1, REMOVE), at(2, 3, PLACE)]),
    (libc::SYS_linkat, &[at(0, 1, READ), at(2, 3, PLACE)]),
    (libc::SYS_symlinkat, &[at(1, 2, PLACE)]),
];

/// The older calls, which only some machines have.
#[cfg(target_arch = "x86_64")]
const PATHS_HERE: Table = &[
    (libc::SYS_open, &[plain(0, Aim::Flags(1))]),
    (libc::SYS_creat, &[plain(0, CREATE)]),
    (libc::SYS_stat, &[plain(0, LOOK)]),
    (libc::SYS_lstat, &[plain(0, LOOK)]),
    (libc::SYS_access, &[plain(0, Aim::Mode(1))]),
    (libc::SYS_readlink, &[plain(0, LOOK)]),
    (libc::SYS_chmod, &[plain(0, WRITE)]),
    (libc::SYS_chown, &[plain(0, WRITE)]),
    (libc::SYS_lchown, &[plain(0, WRITE)]),
    (libc::SYS_utime, &[plain(0, WRITE)]),
    (libc::SYS_utimes, &[plain(0, WRITE)]),
    (libc::SYS_futimesat, &[at(0, 1, WRITE)]),
    (libc::SYS_mkdir, &[plain(0, CREATE)]),
    (libc::SYS_mknod, &[plain(0, CREATE)]),
    (libc::SYS_rmdir, &[plain(0, REMOVE)]),
    (libc::SYS_unlink, &[plain(0, REMOVE)]),
    (libc::SYS_rename, &[plain(0, REMOVE), plain(1, PLACE)]),
    (libc::SYS_link, &[plain(0, READ), plain(1, PLACE)]),
    (libc::SYS_symlink, &[plain(1, PLACE)]),
];
#[cfg(not(target_arch = "x86_64"))]
const PATHS_HERE: Table = &[];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_path_is_opened_for() {
        for (flags, how) in [
            (libc::O_RDONLY | libc::O_CLOEXEC, How::Read),
            (libc::O_RDONLY | libc::O_DIRECTORY, How::Read),
            (libc::O_PATH | libc::O_NOFOLLOW, How::Look),
            (libc::O_WRONLY, How::Write),
            (libc::O_RDWR, How::Write),
            (libc::O_RDONLY | libc::O_TRUNC, How::Write),
            (libc::O_RDWR | libc::O_TMPFILE, How::Write),
            (libc::O_WRONLY | libc::O_CREAT | libc::O_TRUNC, How::Create),
            (libc::O_RDWR | libc::O_CREAT | libc::O_EXCL, How::Place),
        ] {
            assert_eq!(opened(flags as u64), how, "{flags:o}");
        }
    }

    #[test]
    fn every_call_is_listed_once() {
        let mut numbers: Vec<_> = traced().collect();
        let all = numbers.len();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), all);
        assert_eq!(paths(libc::SYS_renameat2).len(), 2);
        assert_eq!(paths(libc::SYS_connect), []);
    }
}
