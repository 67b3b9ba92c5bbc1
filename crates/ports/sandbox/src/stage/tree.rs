//! The file tree of the sandbox: an empty one, with what may be seen bound into it.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use nix::sched::CloneFlags;
use rustix::mount::{
    MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_bind, mount_bind_recursive, mount_change,
    mount_remount, unmount,
};
use rustix::process::pivot_root;

use super::{Failure, Step, loopback};
use crate::plan::{Bind, Plan};

/// The system's programs and libraries, and the few files they look for: no passwords, no keys, no names of people.
pub(super) const SYSTEM: [&str; 18] = [
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/nix/store",
    "/gnu/store",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/alternatives",
    "/etc/localtime",
    "/etc/mime.types",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/pki/tls/certs",
    "/etc/pki/ca-trust/extracted",
];

/// Folders of the scratch, which is memory of the sandbox's own.
pub(crate) const SCRATCH: [&str; 4] = ["/tmp", HOME, "/dev/shm", "/var/tmp"];
/// The command's home: empty at each start.
pub(crate) const HOME: &str = "/home/doorward";
/// Devices that give or take bytes and nothing else. No terminal is among them.
pub(super) const DEVICES: [&str; 5] = ["null", "zero", "full", "random", "urandom"];
/// What `/proc` says of the machine and not of a process, where it may tell of others or do something.
const MASKED: [&str; 9] = [
    "kcore",
    "keys",
    "key-users",
    "kallsyms",
    "kmsg",
    "sysrq-trigger",
    "timer_list",
    "sched_debug",
    "vmallocinfo",
];

/// Where the machine's own tree is while we build.
const OLD: &str = "/old";

/// Builds the tree, and leaves the machine's own behind.
pub(super) fn build(plan: &Plan) -> Result<(), Failure> {
    // Here and not in the outer stage, whose root would be changed with ours.
    nix::sched::unshare(CloneFlags::CLONE_NEWNS).step("making a mount namespace")?;
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    mount_change("/", private).step("keeping mounts to ourselves")?;
    tmpfs("/tmp", "mode=0755,size=4m,nr_inodes=4096")?;
    folder("/tmp/old", 0o755)?;
    pivot_root("/tmp", "/tmp/old").step("changing the root")?;
    std::env::set_current_dir("/").step("changing the root")?;

    scratch(plan.bounds.scratch)?;
    devices()?;
    let mut bound = vec![];
    for path in SYSTEM.map(Path::new) {
        system(path, &mut bound)?;
    }
    for bind in &plan.binds {
        bind_into(bind, &mut bound)?;
    }
    write_etc(plan)?;
    seal(&bound)?;
    proc()?;
    // With it goes the only way to what was not bound.
    unmount(OLD, UnmountFlags::DETACH).step("leaving the machine's own tree")?;
    fs::remove_dir(OLD).step("leaving the machine's own tree")?;
    let sealed = MountFlags::BIND | MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV;
    for own in ["/dev", "/"] {
        mount_remount(own, sealed, "").step(format_args!("making {own} read-only"))?;
    }
    Ok(())
}

fn tmpfs(at: &str, options: &str) -> Result<(), Failure> {
    let options = std::ffi::CString::new(options).step("naming options")?;
    mount("tmpfs", at, "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, &*options)
        .step(format_args!("mounting an empty {at}"))
}

fn folder(path: impl AsRef<Path>, mode: u32) -> Result<(), Failure> {
    let path = path.as_ref();
    let made =
        fs::create_dir_all(path).and_then(|()| fs::set_permissions(path, Permissions::from_mode(mode)));
    made.step(format_args!("making {}", path.display()))
}

fn scratch(size: u64) -> Result<(), Failure> {
    folder("/scratch", 0o755)?;
    // Names take memory too.
    tmpfs("/scratch", &format!("mode=0755,size={size},nr_inodes={}", (size / 4096).max(256)))?;
    tmpfs_dev()?;
    for (place, to) in SCRATCH.iter().enumerate() {
        let from = format!("/scratch/{place}");
        folder(&from, if *to == HOME { 0o700 } else { 0o1777 })?;
        folder(to, 0o755)?;
        mount_bind(&*from, *to).step(format_args!("making {to}"))?;
    }
    unmount("/scratch", UnmountFlags::DETACH).step("hiding the scratch")?;
    fs::remove_dir("/scratch").step("hiding the scratch")
}

fn tmpfs_dev() -> Result<(), Failure> {
    folder("/dev", 0o755)?;
    tmpfs("/dev", "mode=0755,size=64k,nr_inodes=64")
}

fn devices() -> Result<(), Failure> {
    for name in DEVICES {
        let to = format!("/dev/{name}");
        File::create(&to).step(format_args!("making {to}"))?;
        mount_bind(&*format!("{OLD}/dev/{name}"), &*to).step(format_args!("making {to}"))?;
    }
    for (name, to) in [("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")] {
        symlink(format!("/proc/self/fd{to}"), format!("/dev/{name}"))
            .step(format_args!("making /dev/{name}"))?;
    }
    Ok(())
}

/// Binds a part of the system, or makes the same link where it is one.
fn system(path: &Path, bound: &mut Vec<Bind>) -> Result<(), Failure> {
    let old = under_old(path);
    let Ok(kind) = fs::symlink_metadata(&old) else { return Ok(()) };
    if kind.is_symlink() {
        let to = fs::read_link(&old).step(format_args!("reading {}", path.display()))?;
        if let Some(parent) = path.parent() {
            folder(parent, 0o755)?;
        }
        return symlink(to, path).step(format_args!("making {}", path.display()));
    }
    bind_into(&Bind { path: path.to_owned(), write: false }, bound)
}

fn under_old(path: &Path) -> PathBuf {
    Path::new(OLD).join(path.strip_prefix("/").unwrap_or(path))
}

fn bind_into(bind: &Bind, bound: &mut Vec<Bind>) -> Result<(), Failure> {
    let path = &bind.path;
    let seen = bound.iter().any(|other| path.starts_with(&other.path) && (other.write || !bind.write));
    if seen {
        return Ok(());
    }
    // Links on the way are the machine's; what they lead to is found under its old root.
    let from = resolve(path)?;
    let doing = || {
        let who = rustix::process::getuid().as_raw();
        format!("sharing {} with the sandbox, in which the command is user {who}", path.display())
    };
    let kind = fs::metadata(&from).step(doing())?;
    if fs::symlink_metadata(path).is_err() {
        if kind.is_dir() {
            folder(path, 0o755)?;
        } else {
            path.parent().map_or(Ok(()), folder_if_missing)?;
            File::create(path).step(doing())?;
        }
    }
    mount_bind_recursive(&from, path).step(doing())?;
    bound.push(bind.clone());
    Ok(())
}

fn folder_if_missing(path: &Path) -> Result<(), Failure> {
    if path.is_dir() { Ok(()) } else { folder(path, 0o755) }
}

/// Follows links as the machine would, from its old root. The kernel cannot: an absolute link would lead into the new one.
fn resolve(path: &Path) -> Result<PathBuf, Failure> {
    let mut at = PathBuf::from("/");
    let mut left: Vec<std::ffi::OsString> =
        path.iter().filter(|part| *part != "/").map(ToOwned::to_owned).rev().collect();
    let mut links = 0;
    while let Some(part) = left.pop() {
        if part == ".." {
            at.pop();
            continue;
        }
        let next = at.join(&part);
        match fs::read_link(under_old(&next)) {
            Ok(to) => {
                links += 1;
                if links > 40 {
                    return Err(Failure(format!("sharing {}: too many links", path.display())));
                }
                if to.is_absolute() {
                    at = PathBuf::from("/");
                }
                left.extend(
                    to.iter().filter(|part| *part != "/" && *part != ".").map(ToOwned::to_owned).rev(),
                );
            }
            Err(_) => at = next,
        }
    }
    Ok(under_old(&at))
}

/// Takes writing, set-user-id and devices from what was bound, and from what the machine had mounted below it.
fn seal(bound: &[Bind]) -> Result<(), Failure> {
    let mounts = fs::read_to_string(format!("{OLD}/proc/self/mountinfo")).step("reading what is mounted")?;
    for (at, held) in mounts.lines().filter_map(mounted) {
        let whose = bound.iter().filter(|bind| at.starts_with(&bind.path));
        let Some(whose) = whose.max_by_key(|bind| bind.path.as_os_str().len()) else { continue };
        let mut flags = held | MountFlags::BIND | MountFlags::NOSUID | MountFlags::NODEV;
        flags.set(MountFlags::RDONLY, !whose.write || held.contains(MountFlags::RDONLY));
        mount_remount(&at, flags, "").step(format_args!("sealing {}", at.display()))?;
    }
    Ok(())
}

/// Reads one line of `/proc/PID/mountinfo` (proc_pid_mountinfo(5)): where, and the flags that may not be taken away.
fn mounted(line: &str) -> Option<(PathBuf, MountFlags)> {
    let mut fields = line.split(' ').skip(4);
    let (at, options) = (fields.next()?, fields.next()?);
    let held = options.split(',').map(|option| match option {
        "ro" => MountFlags::RDONLY,
        "nosuid" => MountFlags::NOSUID,
        "nodev" => MountFlags::NODEV,
        "noexec" => MountFlags::NOEXEC,
        _ => MountFlags::empty(),
    });
    Some((PathBuf::from(unescape(at)), held.fold(MountFlags::empty(), |all, one| all | one)))
}

/// The kernel writes blanks and backslashes of paths as three octal digits.
fn unescape(text: &str) -> std::ffi::OsString {
    use std::os::unix::ffi::OsStringExt;
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let octal = after.first_chunk::<3>().filter(|_| *first == b'\\');
        let octal = octal.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok());
        bytes.push(octal.unwrap_or(*first));
        rest = if octal.is_some() { after.get(3..).unwrap_or_default() } else { after };
    }
    std::ffi::OsString::from_vec(bytes)
}

/// A `/proc` of the sandbox's own processes, without what says or does something beyond them.
fn proc() -> Result<(), Failure> {
    folder("/proc", 0o555)?;
    mount("proc", "/proc", "proc", MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC, None).step(
        "mounting /proc (a container that hides parts of its own /proc forbids this; run it with an unmasked /proc)",
    )?;
    for name in MASKED {
        let path = format!("/proc/{name}");
        if Path::new(&path).exists() {
            mount_bind("/dev/null", &*path).step(format_args!("hiding {path}"))?;
        }
    }
    let sealed =
        MountFlags::BIND | MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount_bind("/proc/sys", "/proc/sys").step("sealing /proc/sys")?;
    mount_remount("/proc/sys", sealed, "").step("sealing /proc/sys")
}

fn write_etc(plan: &Plan) -> Result<(), Failure> {
    let (uid, gid) = (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
    let mut hosts = "127.0.0.1 localhost sandbox\n".to_owned();
    for (address, host) in loopback::addresses(&plan.hosts) {
        hosts.push_str(&format!("{address} {}\n", host.host));
    }
    folder_if_missing(Path::new("/etc"))?;
    for (name, text) in [
        ("passwd", format!("doorward:x:{uid}:{gid}::{HOME}:/bin/sh\n")),
        ("group", format!("doorward:x:{gid}:\n")),
        ("hosts", hosts),
        // Names that are not in the hosts file are nobody's: there is no resolver to ask, but one that writes down.
        ("resolv.conf", if plan.learn { loopback::RESOLVER_BY_TCP.to_owned() } else { String::new() }),
        (
            "nsswitch.conf",
            format!("passwd: files\ngroup: files\nhosts: files{}\n", if plan.learn { " dns" } else { "" }),
        ),
    ] {
        fs::write(Path::new("/etc").join(name), text).step(format_args!("writing /etc/{name}"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_are_read_as_the_kernel_writes_them() {
        let line = r"36 35 98:0 /mnt1 /with\040blank\134 ro,noatime,nosuid master:1 - ext3 /dev/root rw,errors=continue";
        let (at, held) = mounted(line).unwrap();
        assert_eq!(at, Path::new("/with blank\\"));
        assert_eq!(held, MountFlags::RDONLY | MountFlags::NOSUID);
        assert!(mounted("36 35 98:0 /").is_none());
        assert_eq!(unescape(r"\04"), r"\04");
        assert_eq!(unescape(r"a\999"), r"a\999");
    }
}
