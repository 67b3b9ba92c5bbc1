//! The outer stage: makes the namespaces and waits for what runs in them.

use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Command, ExitStatus, Stdio};

use nix::sched::CloneFlags;
use nix::sys::signal::SigSet;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, getgid, getuid, pidfd_open};
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, configure_capability_in_ambient_set, set_capabilities,
};

use super::{ARGUMENT, Failure, INNER, Step, trace};
use crate::control;
use crate::plan::{Plan, Said};

/// What the inner stage needs to build: mounts, the loopback interface, low ports, and giving all this up.
const NEEDED: [CapabilitySet; 4] = [
    CapabilitySet::SYS_ADMIN,
    CapabilitySet::NET_ADMIN,
    CapabilitySet::NET_BIND_SERVICE,
    CapabilitySet::SETPCAP,
];

pub(super) fn run(line: &OwnedFd) -> Result<u8, Failure> {
    // The door ends a process group with TERM first: the command shall hear it, while this one stays to tell of its end.
    SigSet::all().thread_block().step("blocking signals")?;
    let Some((plan, with)) = control::receive::<Plan>(line).step("hearing what to start")? else {
        return Err(Failure("the door left before it said what to start".to_owned()));
    };
    let [input] = <[OwnedFd; 1]>::try_from(with).map_err(|_| Failure("no standard input came".to_owned()))?;
    let (uid, gid) = (getuid().as_raw(), getgid().as_raw());
    let all = CloneFlags::CLONE_NEWUSER
        | CloneFlags::CLONE_NEWPID
        | CloneFlags::CLONE_NEWNET
        | CloneFlags::CLONE_NEWIPC
        | CloneFlags::CLONE_NEWUTS
        | CloneFlags::CLONE_NEWCGROUP;
    nix::sched::unshare(all).step(
        "making namespaces (the kernel must let users make user namespaces: see user.max_user_namespaces, \
         kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns, and the seccomp profile of a container)",
    )?;
    // The command is who the door is, and root nowhere.
    for (file, text) in [
        ("setgroups", "deny".to_owned()),
        ("uid_map", format!("{uid} {uid} 1")),
        ("gid_map", format!("{gid} {gid} 1")),
    ] {
        fs::write(format!("/proc/self/{file}"), text).step(format_args!("writing /proc/self/{file}"))?;
    }
    let held = capabilities(None).step("reading capabilities")?;
    let needed = NEEDED.iter().fold(CapabilitySet::empty(), |all, one| all | *one);
    set_capabilities(None, CapabilitySets { inheritable: needed, ..held }).step("handing on capabilities")?;
    for one in NEEDED {
        configure_capability_in_ambient_set(one, true).step("handing on capabilities")?;
    }

    let (ours, theirs) = control::line().step("making a line to the inner stage")?;
    let mut inner = Command::new("/proc/self/exe")
        .args([ARGUMENT, INNER])
        .env_clear()
        .stdin(Stdio::from(theirs))
        .spawn()
        .step("starting the inner stage")?;
    // It has said that our death ends it, before it learns anything.
    match control::receive::<Said>(&ours).step("waiting for the inner stage")? {
        Some((Said::Hello, _)) => {}
        _ => return Err(Failure("the inner stage did not start".to_owned())),
    }
    let id = i32::try_from(inner.id()).ok().and_then(Pid::from_raw);
    let id = id.ok_or_else(|| Failure("the inner stage has no id".to_owned()))?;
    let traced = nix::unistd::Pid::from_raw(id.as_raw_nonzero().get());
    if plan.learn {
        trace::seize(traced)?;
    }
    control::send(&ours, &plan, &[input.as_fd(), line.as_fd()])
        .step("telling the inner stage what to start")?;
    // Whoever writes to the command must notice when it no longer reads, and who reads from it when it is gone.
    drop((input, ours));
    forget_standard_streams().step("letting go of the standard streams")?;
    if plan.learn {
        return trace::attend(traced, line, plan.binds);
    }
    drop(plan);

    let ended = pidfd_open(id, PidfdFlags::empty()).step("watching the inner stage")?;
    loop {
        // The line hangs up when the door is gone, however it went: then all of this ends with it.
        let mut watched = [PollFd::new(&ended, PollFlags::IN), PollFd::new(line, PollFlags::HUP)];
        match poll(&mut watched, None) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => return Err(error).step("waiting for the command"),
        }
        let [end, hang_up] = &watched;
        if !end.revents().is_empty() {
            return Ok(code(inner.wait().step("waiting for the command")?));
        }
        if !hang_up.revents().is_empty() {
            inner.kill().step("ending the command")?;
            return Ok(code(inner.wait().step("waiting for the command")?));
        }
    }
}

/// An exit code as shells write it.
pub(super) fn code(status: ExitStatus) -> u8 {
    use std::os::unix::process::ExitStatusExt;
    let code = status.code().or_else(|| status.signal().map(|signal| signal + 128));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)
}

pub(super) fn forget_standard_streams() -> std::io::Result<()> {
    let nothing = fs::File::options().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdin(&nothing)?;
    rustix::stdio::dup2_stdout(&nothing)?;
    rustix::stdio::dup2_stderr(&nothing)?;
    Ok(())
}
