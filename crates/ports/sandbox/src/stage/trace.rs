//! Learning: the outer stage watches the calls of everything in the sandbox, and tells the door of what was tried and not
//! given. It changes no call and no result, so that nothing gets through that would not without it.
//!
//! A filter of system calls stops a process at each call that names a path or an address; the outer stage lets it go on,
//! looks at what came of it, and says what failed. It looks at nothing outside of the sandbox: how long that takes would
//! tell the command what is there.

mod calls;
mod tracee;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::ExitStatus;

use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::unistd::Pid;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{WaitOptions, WaitStatus, wait};

pub(super) use calls::traced;
use tracee::Call;

use super::outer::code;
use super::{Failure, Step, tree};
use crate::control;
use crate::plan::{Attempt, Bind, How, Said, Tried};

/// Takes hold of the inner stage before it learns anything; what it starts is held from its first moment. Its tracer's end
/// is the end of it.
pub(super) fn seize(inner: Pid) -> Result<(), Failure> {
    let options = Options::PTRACE_O_TRACEFORK
        | Options::PTRACE_O_TRACEVFORK
        | Options::PTRACE_O_TRACECLONE
        | Options::PTRACE_O_TRACESECCOMP
        | Options::PTRACE_O_TRACESYSGOOD
        | Options::PTRACE_O_EXITKILL;
    ptrace::seize(inner, options).step(
        "watching the command, which learning needs (the kernel must let a process trace what it started: see \
         kernel.yama.ptrace_scope, and the seccomp profile of a container)",
    )
}

/// How often it is looked whether what was stopped may go on.
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };

/// Watches until the inner stage has ended, and returns its code.
pub(super) fn attend(inner: Pid, line: &OwnedFd, binds: Vec<Bind>) -> Result<u8, Failure> {
    let doing = "watching the command";
    let mut mask = SigSet::empty();
    mask.add(Signal::SIGCHLD);
    let news = SignalFd::with_flags(&mask, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC).step(doing)?;
    let (calls, stopped) = (BTreeMap::new(), BTreeSet::new());
    let mut watcher = Watcher { inner, line, binds, root: None, calls, stopped };
    let mut hung_up = false;
    loop {
        // Taken before looking: what happens meanwhile is news again.
        while news.read_signal().step(doing)?.is_some() {}
        if let Some(ended) = watcher.hear().step(doing)? {
            return Ok(code(ExitStatus::from_raw(ended.as_raw())));
        }
        watcher.wake();
        let mut watched = vec![PollFd::new(&news, PollFlags::IN)];
        if !hung_up {
            watched.push(PollFd::new(line, PollFlags::HUP));
        }
        let patience = (!watcher.stopped.is_empty()).then_some(&LOOK);
        match poll(&mut watched, patience) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error).step(doing),
        }
        // The line hangs up when the door is gone, however it went: then all of this ends with it.
        if watched.get(1).is_some_and(|line| !line.revents().is_empty()) {
            hung_up = true;
            nix::sys::signal::kill(inner, Signal::SIGKILL).step("ending the command")?;
        }
    }
}

struct Watcher<'a> {
    inner: Pid,
    line: &'a OwnedFd,
    binds: Vec<Bind>,
    /// The root of the sandbox, once there is somebody in it.
    root: Option<OwnedFd>,
    /// Calls under way, by process.
    calls: BTreeMap<Pid, Call>,
    /// Who was stopped by a signal, and waits for one to go on.
    stopped: BTreeSet<Pid>,
}

/// `PTRACE_EVENT_SECCOMP` and `PTRACE_EVENT_STOP` (ptrace(2)).
const EVENT_SECCOMP: i32 = libc::PTRACE_EVENT_SECCOMP;
const EVENT_STOP: i32 = libc::PTRACE_EVENT_STOP;
/// A stop at the end of a call.
const LEAVING: i32 = libc::SIGTRAP | 0x80;
/// What stops a process until it is told to go on.
const STOPS: [i32; 4] = [libc::SIGSTOP, libc::SIGTSTP, libc::SIGTTIN, libc::SIGTTOU];

impl Watcher<'_> {
    /// Hears what has happened; how the inner stage ended, if it did. All are waited for here, threads too: the kernel keeps
    /// who has ended until its tracer knows.
    ///
    /// Everybody is heard before anybody goes on. The kernel names the newest first: those that never rest would be heard
    /// again and again, before the others and before the line.
    fn hear(&mut self) -> rustix::io::Result<Option<WaitStatus>> {
        let everybody = WaitOptions::NOHANG | WaitOptions::from_bits_retain(libc::__WALL as u32);
        let mut heard = vec![];
        loop {
            match wait(everybody) {
                Ok(Some(one)) => heard.push(one),
                // Nobody is left, or nobody has anything to say.
                Ok(None) | Err(rustix::io::Errno::CHILD) => break,
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error),
            }
        }
        for (who, status) in heard {
            let who = Pid::from_raw(who.as_raw_nonzero().get());
            match status.stopping_signal() {
                Some(signal) => self.stop(who, signal, status.as_raw() >> 16),
                None if who == self.inner => return Ok(Some(status)),
                None => {
                    self.calls.remove(&who);
                    self.stopped.remove(&who);
                }
            }
        }
        Ok(None)
    }

    /// Lets a process go on, whatever it has stopped for. One that was killed meanwhile is not there to go on; its end is
    /// heard of.
    fn stop(&mut self, who: Pid, signal: i32, event: i32) {
        let _killed = match (signal, event) {
            (_, EVENT_SECCOMP) => match tracee::call(who) {
                // It builds the sandbox; and what it does later is nothing of the command's.
                Ok(call) if who != self.inner => {
                    self.calls.insert(who, call);
                    ptrace::syscall(who, None)
                }
                _ => ptrace::cont(who, None),
            },
            (LEAVING, 0) => {
                self.leave(who);
                ptrace::cont(who, None)
            }
            // Kept where it stopped, as without a tracer.
            (signal, EVENT_STOP) if STOPS.contains(&signal) => {
                self.stopped.insert(who);
                Ok(())
            }
            (signal, 0) => match Signal::try_from(signal) {
                Ok(signal) => ptrace::cont(who, signal),
                // No safe crate passes on a signal of real time. The command may wait for it: people are told.
                Err(_) => {
                    self.tell(who, Tried::Signal(signal));
                    ptrace::cont(who, None)
                }
            },
            _ => ptrace::cont(who, None),
        };
    }

    /// Looks at what came of a call.
    fn leave(&mut self, who: Pid) {
        let (Some(call), Ok(result)) = (self.calls.remove(&who), tracee::result(who)) else { return };
        if call.number == libc::SYS_connect {
            // One that goes on in the background has not failed yet, and leads nowhere either: nobody listens where names
            // lead to. What is connected at once is no TCP, or the sandbox's own.
            if let Some(to) = (result < 0).then(|| tracee::address(who, &call)).flatten() {
                self.tell(who, Tried::Dial(to));
            }
            return;
        }
        let refused = [libc::ENOENT, libc::EACCES, libc::EPERM, libc::EROFS, libc::EXDEV];
        if !refused.iter().any(|error| result == -i64::from(*error)) {
            return;
        }
        if self.root.is_none() {
            self.root = tracee::root(who).ok();
        }
        let Some(root) = &self.root else { return };
        let tried = calls::paths(call.number).iter().filter_map(|named| {
            Some(Tried::Path(tracee::path(who, root, &call, named)?, tracee::aim(who, &call, named)?))
        });
        for tried in tried.collect::<Vec<_>>() {
            if let Tried::Path(path, how) = &tried
                && !self.moot(Path::new(path), *how)
            {
                self.tell(who, tried);
            }
        }
    }

    /// What no line of a profile would change: the system's folders are seen as they are, the kernel's own are never shared,
    /// and what is missing below a folder that is shared is missing outside too.
    fn moot(&self, path: &Path, how: How) -> bool {
        let reads = matches!(how, How::Look | How::Read);
        let kernels = ["/proc", "/sys", "/dev"].iter().any(|own| path.starts_with(own));
        let systems = tree::SYSTEM.iter().any(|own| path.starts_with(own));
        let shared = self.binds.iter().any(|bind| path.starts_with(&bind.path) && (reads || bind.write));
        kernels || systems || shared
    }

    fn tell(&self, who: Pid, what: Tried) {
        let attempt = Attempt { what, by: tracee::name(who) };
        // A door that is gone is seen by its line.
        let _gone = control::send(self.line.as_fd(), &Said::Tried(attempt), &[]);
    }

    /// Lets go on who was stopped and was told to. The kernel would do it if a tracer listened (`PTRACE_LISTEN`), which no
    /// safe crate has; so it is looked whether the signal waits there.
    fn wake(&mut self) {
        let mut groups = BTreeSet::new();
        let mut waiting = vec![];
        for who in &self.stopped {
            let status = fs::read_to_string(format!("/proc/{who}/status")).unwrap_or_default();
            let Some((group, told)) = pending(&status) else { continue };
            waiting.push((*who, group));
            if told {
                groups.insert(group);
            }
        }
        for (who, _) in waiting.iter().filter(|(_, group)| groups.contains(group)) {
            self.stopped.remove(who);
            let _killed = ptrace::cont(*who, None);
        }
    }
}

/// Reads from `/proc/PID/status` whose thread it is, and whether it was told to go on (`SIGCONT`). Another stop that waits
/// has taken that signal away: the process was told, and stops anew at once.
fn pending(status: &str) -> Option<(i32, bool)> {
    let value = |name: &str| {
        status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':').map(str::trim))
    };
    let signals = |name: &str| u64::from_str_radix(value(name)?, 16).ok();
    let waiting = signals("SigPnd")? | signals("ShdPnd")?;
    let told = STOPS.iter().chain(&[libc::SIGCONT]).any(|signal| waiting & 1 << (signal - 1) != 0);
    Some((value("Tgid")?.parse().ok()?, told))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_told_to_go_on() {
        let status = |thread: &str, group: &str| {
            format!("Name:\tTgid: 9\nTgid:\t31\nSigPnd:\t{thread}\nShdPnd:\t{group}\nSigBlk:\tffff\n")
        };
        let none = "0000000000000000";
        assert_eq!(pending(&status(none, none)), Some((31, false)));
        assert_eq!(pending(&status(none, "0000000000020000")), Some((31, true)));
        assert_eq!(pending(&status("0000000000020001", none)), Some((31, true)));
        assert_eq!(pending(&status(none, "0000000000040000")), Some((31, true)));
        assert_eq!(pending(""), None);
    }
}
