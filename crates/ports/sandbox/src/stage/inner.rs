//! The inner stage: process 1 of the sandbox. It is confined as the command is, so that taking it over gains nothing,
//! and its end is the end of everything in the namespace.

use std::net::TcpListener;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};

use nix::sys::signal::SigSet;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{
    DumpableBehavior, Pid, PidfdFlags, Signal, WaitOptions, pidfd_open, set_dumpable_behavior,
    set_parent_process_death_signal, wait,
};

use super::outer::forget_standard_streams;
use super::{Failure, Step, landlock, limits, loopback, seccomp, tree};
use crate::control;
use crate::plan::{Ending, Plan, Said};
use crate::report::{Line, Mechanism, Report};

pub(super) fn run(from_outer: &OwnedFd) -> Result<u8, Failure> {
    set_parent_process_death_signal(Some(Signal::KILL)).step("asking to end with the outer stage")?;
    control::send(from_outer, &Said::Hello, &[]).step("greeting the outer stage")?;
    // If the outer stage died before the greeting, there is no plan and nothing is started.
    let Some((plan, with)) = control::receive::<Plan>(from_outer).step("hearing what to start")? else {
        return Err(Failure("the outer stage is gone".to_owned()));
    };
    let [input, door] =
        <[OwnedFd; 2]>::try_from(with).map_err(|_| Failure("no standard input came".to_owned()))?;
    match confine_and_start(&plan, input) {
        Ok((command, listeners, report)) => {
            let listeners: Vec<_> = listeners.iter().map(AsFd::as_fd).collect();
            control::send(&door, &Said::Ready(report), &listeners).step("telling the door")?;
            drop(listeners);
            attend(command, &plan, &door)
        }
        Err(Failure(what)) => {
            control::send(&door, &Said::Failed(what), &[]).step("telling the door")?;
            Ok(super::NOT_STARTED)
        }
    }
}

type Started = (Child, Vec<TcpListener>, Report);

fn confine_and_start(plan: &Plan, input: OwnedFd) -> Result<Started, Failure> {
    rustix::system::sethostname(b"sandbox").step("setting the host name")?;
    let listeners = loopback::up_and_listen(&plan.hosts, plan.learn)?;
    tree::build(plan)?;
    std::env::set_current_dir(&plan.cwd)
        .step(format_args!("entering {}, the command's working directory", plan.cwd.display()))?;
    limits::apply(&plan.bounds)?;
    limits::give_up_capabilities()?;
    let landlock = landlock::apply(plan)?;
    let seccomp = seccomp::apply(!plan.hosts.is_empty(), plan.learn)?;
    let how = "user, mount, pid, network, IPC, host name, cgroup; a file tree of its own".to_owned();
    let namespaces = Line { mechanism: Mechanism::Namespaces, enforced: true, how };
    let report = Report { lines: vec![namespaces, seccomp, landlock, plan.cgroup.clone()] };
    if let Some(lacking) = report.lacking(&plan.require) {
        let name = lacking.mechanism.name();
        return Err(Failure(format!(
            "the profile requires {name}, which is not enforced here: {}. Run on a kernel that has it, or take \
             `require {name}` out of the profile",
            lacking.how
        )));
    }
    // Nobody in here may read this process's memory or descriptors by /proc.
    set_dumpable_behavior(DumpableBehavior::NotDumpable).step("closing /proc/1")?;
    SigSet::all().thread_unblock().step("unblocking signals")?;
    let command = Command::new(&plan.program)
        .args(&plan.args)
        .env_clear()
        .envs(plan.env.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::from(input))
        .spawn()
        .step(format_args!(
            "starting {} (it sees the system's programs, its own folder and what the profile names)",
            plan.program.display()
        ))?;
    forget_standard_streams().step("letting go of the standard streams")?;
    Ok((command, listeners, report))
}

/// How often memory is looked at where the kernel does not bound it.
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };

/// Waits for the command, and for the orphans that a process 1 inherits.
fn attend(command: Child, plan: &Plan, door: &OwnedFd) -> Result<u8, Failure> {
    let id = i32::try_from(command.id()).ok().and_then(Pid::from_raw);
    let id = id.ok_or_else(|| Failure("the command has no id".to_owned()))?;
    let over = pidfd_open(id, PidfdFlags::empty()).step("watching the command")?;
    // Where the kernel bounds memory itself, nothing wakes up.
    let watches = !plan.cgroup.enforced;
    let options = if watches { WaitOptions::NOHANG } else { WaitOptions::empty() };
    loop {
        if watches {
            let _late_or_over = poll(&mut [PollFd::new(&over, PollFlags::IN)], Some(&LOOK));
        }
        match wait(options) {
            Ok(Some((ended, status))) if ended == id => {
                let status = ExitStatus::from_raw(status.as_raw());
                let (ending, code) = match (status.code(), status.signal()) {
                    (Some(code), _) => (Ending::Exited(code), code),
                    (None, signal) => {
                        let signal = signal.unwrap_or_default();
                        (Ending::Signalled(signal), signal + 128)
                    }
                };
                return end(door, &ending, u8::try_from(code).unwrap_or(u8::MAX));
            }
            Ok(Some(_orphan)) => {}
            Ok(None) => {
                let held = limits::memory_held();
                if held > plan.bounds.memory {
                    return end(door, &Ending::TooMuchMemory(held), 137);
                }
            }
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error).step("waiting for the command"),
        }
    }
}

/// Tells the door and returns, which ends everything else in here.
fn end(door: &OwnedFd, ending: &Ending, code: u8) -> Result<u8, Failure> {
    // A door that is gone needs no telling.
    let _gone = control::send(door, &Said::Ended(ending.clone()), &[]);
    Ok(code)
}
