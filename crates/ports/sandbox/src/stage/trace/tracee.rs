//! What can be learned of one stopped process: the call it makes, what its memory holds, and where a path of its leads.
//! It is a stranger's memory: everything read from it is bounded, and decides nothing but what is written down.

use std::ffi::OsStr;
use std::fs;
use std::io::IoSliceMut;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use libc::c_long;
use nix::sys::ptrace;
use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::unistd::Pid;
use rustix::fs::{Mode, OFlags, ResolveFlags, open, openat2, readlinkat};

use super::calls::{Aim, Named, opened};
use crate::plan::How;

/// A call and its arguments, taken where it begins: some machines have the result in the place of an argument afterwards.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call {
    pub(super) number: c_long,
    pub(super) arguments: [u64; 6],
}

impl Call {
    pub(super) fn argument(&self, at: usize) -> u64 {
        self.arguments.get(at).copied().unwrap_or_default()
    }
}

/// Reads the call that a process begins.
#[cfg(target_arch = "x86_64")]
pub(super) fn call(pid: Pid) -> nix::Result<Call> {
    let regs = ptrace::getregs(pid)?;
    let arguments = [regs.rdi, regs.rsi, regs.rdx, regs.r10, regs.r8, regs.r9];
    Ok(Call { number: regs.orig_rax as c_long, arguments })
}

/// Reads what a call gave back: below zero, an error number.
#[cfg(target_arch = "x86_64")]
pub(super) fn result(pid: Pid) -> nix::Result<i64> {
    Ok(ptrace::getregs(pid)?.rax as i64)
}

/// Reads the call that a process begins.
#[cfg(target_arch = "aarch64")]
pub(super) fn call(pid: Pid) -> nix::Result<Call> {
    let [a, b, c, d, e, f, _, _, number, ..] = ptrace::getregs(pid)?.regs;
    Ok(Call { number: number as c_long, arguments: [a, b, c, d, e, f] })
}

/// Reads what a call gave back: below zero, an error number.
#[cfg(target_arch = "aarch64")]
pub(super) fn result(pid: Pid) -> nix::Result<i64> {
    let [result, ..] = ptrace::getregs(pid)?.regs;
    Ok(result as i64)
}

/// What the kernel calls the process.
pub(super) fn name(pid: Pid) -> String {
    let name = fs::read(format!("/proc/{pid}/comm")).unwrap_or_default();
    String::from_utf8_lossy(&name).trim_end().to_owned()
}

/// The root that all processes of the sandbox share: the outer stage can enter it, and sees there what they see.
pub(super) fn root(pid: Pid) -> rustix::io::Result<OwnedFd> {
    open(format!("/proc/{pid}/root"), OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
}

/// Reads up to this many bytes, and fewer where the memory ends.
fn memory(pid: Pid, from: u64, most: usize) -> Vec<u8> {
    let Ok(base) = usize::try_from(from) else { return vec![] };
    let mut bytes = vec![0; most];
    let remote = [RemoteIoVec { base, len: most }];
    let read = process_vm_readv(pid, &mut [IoSliceMut::new(&mut bytes)], &remote).unwrap_or(0);
    bytes.truncate(read);
    bytes
}

const PAGE: u64 = 4096;
/// The longest path that the kernel takes.
const LONGEST: usize = 4096;

/// Reads a text that ends in a zero byte, page by page: behind it there may be nothing.
fn text(pid: Pid, mut from: u64) -> Option<Vec<u8>> {
    let mut text = vec![];
    while text.len() < LONGEST {
        let part = memory(pid, from, usize::try_from(PAGE - from % PAGE).ok()?);
        if part.is_empty() {
            return None;
        }
        if let Some(end) = part.iter().position(|byte| *byte == 0) {
            text.extend(part.iter().take(end));
            return Some(text);
        }
        from = from.checked_add(part.len() as u64)?;
        text.extend(part);
    }
    None
}

/// Reads an address of IPv4 (ip(7)); no other kind of socket can be made in a sandbox.
pub(super) fn address(pid: Pid, call: &Call) -> Option<SocketAddrV4> {
    let bytes = memory(pid, call.argument(1), 8);
    let [f0, f1, p0, p1, a, b, c, d] = bytes.try_into().ok()?;
    let family = u16::from_ne_bytes([f0, f1]);
    (i32::from(family) == libc::AF_INET)
        .then(|| SocketAddrV4::new(Ipv4Addr::new(a, b, c, d), u16::from_be_bytes([p0, p1])))
}

/// What a path was named for.
pub(super) fn aim(pid: Pid, call: &Call, named: &Named) -> Option<How> {
    Some(match named.aim {
        Aim::Is(how) => how,
        Aim::Flags(at) => opened(call.argument(at)),
        Aim::Pointed(at) => opened(u64::from_ne_bytes(memory(pid, call.argument(at), 8).try_into().ok()?)),
        Aim::Mode(at) if call.argument(at) & libc::W_OK as u64 != 0 => How::Write,
        Aim::Mode(_) => How::Look,
    })
}

/// The path that a call names, from the root on, with every link followed that can be seen inside. None for what has no
/// name, or none that a profile could say.
pub(super) fn path(pid: Pid, root: &OwnedFd, call: &Call, named: &Named) -> Option<String> {
    let told = text(pid, call.argument(named.path)).filter(|told| !told.is_empty())?;
    let told = Path::new(OsStr::from_bytes(&told));
    let whole = if told.is_absolute() {
        told.to_owned()
    } else {
        let dir = named.dir.map(|at| call.argument(at) as i32).filter(|dir| *dir != libc::AT_FDCWD);
        let from = dir.map_or_else(|| format!("/proc/{pid}/cwd"), |dir| format!("/proc/{pid}/fd/{dir}"));
        fs::read_link(from).ok().filter(|from| from.is_absolute())?.join(told)
    };
    followed(root, &whole)?.into_os_string().into_string().ok()
}

/// Follows links as the process would, as far as it sees. What lies beyond is taken as it was said: a profile shares a path
/// at the place where it is looked for.
fn followed(root: &OwnedFd, path: &Path) -> Option<PathBuf> {
    let mut at = PathBuf::from("/");
    let mut left: Vec<_> = path.iter().filter(|part| *part != "/").map(ToOwned::to_owned).rev().collect();
    let (mut links, mut seen) = (0, true);
    while let Some(part) = left.pop() {
        if part == ".." {
            at.pop();
            continue;
        }
        let next = at.join(&part);
        let found = if seen { link(root, &next) } else { Ok(None) };
        match found {
            Ok(Some(to)) => {
                links += 1;
                if links > 40 {
                    return None;
                }
                if to.is_absolute() {
                    at = PathBuf::from("/");
                }
                left.extend(
                    to.iter().filter(|part| *part != "/" && *part != ".").map(ToOwned::to_owned).rev(),
                );
                continue;
            }
            Ok(None) => {}
            Err(_) => seen = false,
        }
        at = next;
    }
    Some(at)
}

/// Where a link inside leads; none for what is there and no link. Nothing is opened but the name: a queue or a device does
/// nothing of it, and no link of `/proc` is gone through.
fn link(root: &OwnedFd, path: &Path) -> rustix::io::Result<Option<PathBuf>> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let within = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    let found = openat2(root, path, flags, Mode::empty(), within)?;
    match readlinkat(&found, "", vec![]) {
        Ok(to) => Ok(Some(PathBuf::from(OsStr::from_bytes(to.as_bytes())))),
        // Linux says this of what is no link, asked by its own descriptor.
        Err(rustix::io::Errno::NOENT | rustix::io::Errno::INVAL) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_followed_within_the_root_and_no_further() {
        let folder = tempfile::tempdir().unwrap();
        let make = |name: &str| fs::create_dir_all(folder.path().join(name)).unwrap();
        ["data/in", "lib"].iter().for_each(|name| make(name));
        let link = |to: &str, name: &str| std::os::unix::fs::symlink(to, folder.path().join(name)).unwrap();
        link("/data", "absolute");
        link("data/in", "relative");
        link("../../../lib", "upwards");
        link("/srv/gone", "away");
        link("loop", "loop");
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        let root = open(folder.path(), flags, Mode::empty()).unwrap();
        for (path, to) in [
            ("/absolute/in/x", Some("/data/in/x")),
            ("/relative/x/./y", Some("/data/in/x/y")),
            ("/relative/../x", Some("/data/x")),
            ("/upwards/x", Some("/lib/x")),
            ("/away/x", Some("/srv/gone/x")),
            ("/unseen/../absolute/x", Some("/absolute/x")),
            ("/../../data", Some("/data")),
            ("/loop/x", None),
        ] {
            assert_eq!(followed(&root, Path::new(path)).as_deref(), to.map(Path::new), "{path}");
        }
    }
}
