//! The list of system calls. Two filters: one of calls that exist in here at all, one of arguments.

use std::collections::BTreeMap;

use libc::c_long;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, apply_filter,
};

use super::{Failure, Step, trace};
use crate::report::{Line, Mechanism};

#[cfg(target_arch = "x86_64")]
const ARCH: TargetArch = TargetArch::x86_64;
#[cfg(target_arch = "aarch64")]
const ARCH: TargetArch = TargetArch::aarch64;

/// Applies both, for good. Where it is learned what a command tries, a third one stops it at each call that names a path or
/// an address; of several answers the kernel takes the strictest, so that what the others refuse is refused, and not seen.
pub(super) fn apply(net: bool, learn: bool) -> Result<Line, Failure> {
    let doing = "setting the list of system calls";
    // What is not on the list does not exist, as far as the command can tell: runtimes fall back to what does. That
    // stops clone3, whose flags no filter can read, newer calls that nobody thought of, and those of the x32 ABI, which
    // have numbers of their own.
    let known = ALLOWED.iter().map(|number| (*number, vec![])).collect();
    let list =
        SeccompFilter::new(known, SeccompAction::Errno(libc::ENOSYS as u32), SeccompAction::Allow, ARCH);
    // Names are learned over a TCP socket, as one that may reach hosts has.
    let net = net || learn;
    let refused = arguments(net).step(doing)?;
    let refused =
        SeccompFilter::new(refused, SeccompAction::Allow, SeccompAction::Errno(libc::EPERM as u32), ARCH);
    if learn {
        let stops = trace::traced().map(|number| (number, vec![])).collect();
        let stops = SeccompFilter::new(stops, SeccompAction::Allow, SeccompAction::Trace(0), ARCH);
        let program = stops.and_then(BpfProgram::try_from).step(doing)?;
        apply_filter(&program).step(doing)?;
    }
    // The list last: it lets nobody set another one.
    for filter in [refused, list] {
        let program = filter.and_then(BpfProgram::try_from).step(doing)?;
        apply_filter(&program).step(doing)?;
    }
    let sockets = if net { "TCP sockets only" } else { "no sockets but pairs" };
    let seen =
        if learn { "paths that were not given are learned" } else { "refusals are not seen by the door" };
    let how = format!("{} system calls, {sockets}; {seen}", ALLOWED.len());
    Ok(Line { mechanism: Mechanism::Seccomp, enforced: true, how })
}

type Refused = BTreeMap<c_long, Vec<SeccompRule>>;

/// Calls that are refused for some arguments. All compared are C ints: the kernel ignores their upper halves, and so
/// must the filter, or a set bit up there would slip by.
fn arguments(net: bool) -> Result<Refused, seccompiler::BackendError> {
    let when = |argument, operator, value: i64| {
        SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, (value as u64) & 0xffff_ffff)
    };
    let rule = |conditions| SeccompRule::new(conditions);
    let bits = |argument, mask: i64| when(argument, SeccompCmpOp::MaskedEq(mask as u64), mask);
    use SeccompCmpOp::{Eq, Ne};

    // Without `net` no socket can be made at all, so that "no network" holds where namespaces fail. Pairs are not
    // sockets to anybody. No local socket either way: the session bus, X11, Wayland, agents and container engines
    // listen on those, and a folder that is shared may hold one.
    let sockets = if net {
        // TCP over IPv4, and nothing else: no raw, packet, netlink or vsock sockets, and no UDP.
        vec![
            rule(vec![when(0, Ne, i64::from(libc::AF_INET))?])?,
            rule(vec![when(1, SeccompCmpOp::MaskedEq(0xf), i64::from(libc::SOCK_DGRAM))?])?,
            rule(vec![when(1, SeccompCmpOp::MaskedEq(0xf), i64::from(libc::SOCK_RAW))?])?,
            rule(vec![when(2, Ne, 0)?, when(2, Ne, i64::from(libc::IPPROTO_TCP))?])?,
        ]
    } else {
        vec![rule(vec![when(0, SeccompCmpOp::Ge, 0)?])?]
    };
    let mut clone = vec![];
    for flag in [
        libc::CLONE_NEWUSER,
        libc::CLONE_NEWNS,
        libc::CLONE_NEWPID,
        libc::CLONE_NEWNET,
        libc::CLONE_NEWIPC,
        libc::CLONE_NEWUTS,
        libc::CLONE_NEWCGROUP,
    ] {
        clone.push(rule(vec![bits(0, i64::from(flag))?])?);
    }
    // Typing into the terminal that the door was started from.
    let mut terminal = vec![];
    for request in [libc::TIOCSTI as i64, TIOCLINUX] {
        terminal.push(rule(vec![when(1, Eq, request)?])?);
    }
    Ok([(libc::SYS_socket, sockets), (libc::SYS_clone, clone), (libc::SYS_ioctl, terminal)].into())
}

/// Pastes from the console's selection.
const TIOCLINUX: i64 = 0x541c;

macro_rules! calls {
    ($($name:ident)*) => { &[$(libc::$name),*] };
}

/// What programs of every sort need. Not here, on purpose: ptrace, process_vm_*, process_madvise, pidfd_getfd, kcmp
/// (into other processes); mount and its family, pivot_root, chroot, unshare, setns, clone3 (into other views); bpf,
/// perf_event_open, io_uring_*, userfaultfd, memfd_secret, seccomp (large and often broken parts of the kernel);
/// keyctl, add_key, request_key; name_to_handle_at, open_by_handle_at; fanotify_*, quotactl, syslog, acct; module, kexec,
/// reboot, swap, clock and host name calls; iopl, ioperm, modify_ldt; personality; message queues and System V IPC.
#[cfg(target_arch = "x86_64")]
const ALLOWED_HERE: &[c_long] = calls! {
    SYS_open SYS_stat SYS_fstat SYS_lstat SYS_poll SYS_access SYS_pipe SYS_select SYS_dup2 SYS_pause SYS_alarm SYS_fork SYS_vfork
    SYS_getdents SYS_rename SYS_mkdir SYS_rmdir SYS_creat SYS_link SYS_unlink SYS_symlink SYS_readlink SYS_chmod SYS_chown
    SYS_lchown SYS_getpgrp SYS_utime SYS_utimes SYS_futimesat SYS_mknod SYS_time SYS_epoll_create SYS_epoll_wait SYS_inotify_init
    SYS_signalfd SYS_eventfd SYS_arch_prctl SYS_getrlimit SYS_sendfile SYS_newfstatat SYS_epoll_ctl_old SYS_epoll_wait_old
};
#[cfg(not(target_arch = "x86_64"))]
const ALLOWED_HERE: &[c_long] = calls! { SYS_newfstatat SYS_fstat SYS_sendfile SYS_getrlimit };

const ALLOWED_EVERYWHERE: &[c_long] = calls! {
    // files
    SYS_read SYS_write SYS_close SYS_lseek SYS_pread64 SYS_pwrite64 SYS_readv SYS_writev SYS_preadv SYS_pwritev SYS_preadv2
    SYS_pwritev2 SYS_openat SYS_openat2 SYS_statx SYS_faccessat SYS_faccessat2 SYS_readlinkat SYS_mkdirat SYS_unlinkat SYS_renameat
    SYS_renameat2 SYS_linkat SYS_symlinkat SYS_mknodat SYS_fchmod SYS_fchmodat SYS_fchmodat2 SYS_fchown SYS_fchownat SYS_truncate
    SYS_ftruncate SYS_fallocate SYS_fadvise64 SYS_readahead SYS_getdents64 SYS_getcwd SYS_chdir SYS_fchdir SYS_umask SYS_utimensat
    SYS_statfs SYS_fstatfs SYS_fsync SYS_fdatasync SYS_sync_file_range SYS_flock SYS_fcntl SYS_ioctl SYS_dup SYS_dup3 SYS_pipe2
    SYS_splice SYS_tee SYS_vmsplice SYS_copy_file_range SYS_getxattr SYS_lgetxattr SYS_fgetxattr SYS_listxattr SYS_llistxattr
    SYS_flistxattr SYS_setxattr SYS_lsetxattr SYS_fsetxattr SYS_removexattr SYS_lremovexattr SYS_fremovexattr SYS_close_range
    SYS_inotify_init1 SYS_inotify_add_watch SYS_inotify_rm_watch SYS_memfd_create SYS_syncfs SYS_sync
    // memory
    SYS_mmap SYS_munmap SYS_mremap SYS_mprotect SYS_madvise SYS_brk SYS_msync SYS_mincore SYS_mlock SYS_mlock2 SYS_munlock SYS_mlockall
    SYS_munlockall SYS_pkey_mprotect SYS_pkey_alloc SYS_pkey_free SYS_membarrier SYS_get_mempolicy SYS_set_mempolicy SYS_mbind
    // processes and threads
    SYS_clone SYS_execve SYS_execveat SYS_exit SYS_exit_group SYS_wait4 SYS_waitid SYS_getpid SYS_getppid SYS_gettid SYS_getpgid
    SYS_setpgid SYS_getsid SYS_setsid SYS_set_tid_address SYS_set_robust_list SYS_get_robust_list SYS_futex SYS_rseq SYS_prctl
    SYS_prlimit64 SYS_setrlimit SYS_getrusage SYS_times SYS_sysinfo SYS_uname SYS_getcpu SYS_sched_yield SYS_sched_getaffinity
    SYS_sched_setaffinity SYS_sched_getparam SYS_sched_setparam SYS_sched_getscheduler SYS_sched_setscheduler SYS_sched_getattr
    SYS_sched_setattr SYS_sched_get_priority_max SYS_sched_get_priority_min SYS_sched_rr_get_interval SYS_getpriority
    SYS_setpriority SYS_ioprio_get SYS_ioprio_set SYS_pidfd_open SYS_pidfd_send_signal
    // who one is
    SYS_getuid SYS_geteuid SYS_getgid SYS_getegid SYS_getresuid SYS_getresgid SYS_getgroups SYS_setuid SYS_setgid SYS_setreuid
    SYS_setregid SYS_setresuid SYS_setresgid SYS_setgroups SYS_setfsuid SYS_setfsgid SYS_capget SYS_capset
    // signals and time
    SYS_rt_sigaction SYS_rt_sigprocmask SYS_rt_sigreturn SYS_rt_sigpending SYS_rt_sigtimedwait SYS_rt_sigsuspend SYS_rt_sigqueueinfo
    SYS_rt_tgsigqueueinfo SYS_sigaltstack SYS_kill SYS_tkill SYS_tgkill SYS_restart_syscall SYS_nanosleep SYS_clock_nanosleep
    SYS_clock_gettime SYS_clock_getres SYS_gettimeofday SYS_getitimer SYS_setitimer SYS_timer_create SYS_timer_settime
    SYS_timer_gettime SYS_timer_getoverrun SYS_timer_delete SYS_timerfd_create SYS_timerfd_settime SYS_timerfd_gettime SYS_signalfd4
    // waiting
    SYS_ppoll SYS_pselect6 SYS_epoll_create1 SYS_epoll_ctl SYS_epoll_pwait SYS_epoll_pwait2 SYS_eventfd2
    // sockets: which, the second filter says
    SYS_socket SYS_socketpair SYS_connect SYS_bind SYS_listen SYS_accept SYS_accept4 SYS_getsockname SYS_getpeername SYS_sendto
    SYS_recvfrom SYS_sendmsg SYS_recvmsg SYS_sendmmsg SYS_recvmmsg SYS_shutdown SYS_setsockopt SYS_getsockopt
    // the rest
    SYS_getrandom SYS_landlock_create_ruleset SYS_landlock_add_rule SYS_landlock_restrict_self
};

/// All that are allowed.
static ALLOWED: std::sync::LazyLock<Vec<c_long>> =
    std::sync::LazyLock::new(|| [ALLOWED_HERE, ALLOWED_EVERYWHERE].concat());
