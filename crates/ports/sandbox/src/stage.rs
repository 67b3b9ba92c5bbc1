//! The door's own program, started again: the outer stage makes the namespaces, the inner one is process 1 in them,
//! builds what can be seen, gives up what it may, and starts the command.
//!
//! Two stages, because a process never enters the pid namespace that it makes, only its children do. Both have one
//! thread and come from a plain spawn, so that nothing here has to be safe after a fork.

mod inner;
mod landlock;
mod limits;
mod loopback;
mod outer;
mod seccomp;
mod trace;
mod tree;

use std::fmt::Display;
use std::os::fd::OwnedFd;
use std::process::ExitCode;

pub(crate) use loopback::addresses;
pub(crate) use tree::{HOME, SCRATCH};

use crate::control;
use crate::plan::Said;

/// The argument that makes a program a stage.
pub(crate) const ARGUMENT: &str = "sandbox-stage";
const INNER: &str = "inner";

/// Runs a stage, if this process was started as one. A program that starts sandboxes calls it first of all in `main`:
/// namespaces of users can only be made by a process that has one thread.
#[must_use]
pub fn stage() -> Option<ExitCode> {
    let mut args = std::env::args_os().skip(1);
    if args.next()? != ARGUMENT {
        return None;
    }
    // Before anything is opened here: what the door holds without a mark is no command's.
    close_inherited();
    let inner = args.next().is_some_and(|which| which == INNER);
    let (line, ended) = match control_line() {
        Ok(line) if inner => {
            let ended = inner::run(&line);
            (line, ended)
        }
        Ok(line) => {
            let ended = outer::run(&line);
            (line, ended)
        }
        // Somebody typed the word: there is nobody to tell.
        Err(_) => return Some(ExitCode::from(NOT_STARTED)),
    };
    Some(match ended {
        Ok(code) => ExitCode::from(code),
        Err(Failure(what)) => {
            // Nobody to tell means that the door is gone.
            let _gone = control::send(&line, &Said::Failed(what), &[]);
            ExitCode::from(NOT_STARTED)
        }
    })
}

/// The exit code of a stage that started nothing.
const NOT_STARTED: u8 = 125;

/// Closes all but the standard streams, by the numbers that `/proc` lists.
fn close_inherited() {
    // Without /proc nothing can be started later on either.
    let Ok(open) = std::fs::read_dir("/proc/self/fd") else { return };
    let numbers: Vec<i32> =
        open.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    for number in numbers.into_iter().filter(|number| *number > 2) {
        // The folder's own is closed already.
        let _closed = nix::unistd::close(number);
    }
}

/// Moves the line off standard input, where it arrived.
fn control_line() -> rustix::io::Result<OwnedFd> {
    let line = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?;
    rustix::net::sockopt::socket_type(&line)?;
    Ok(line)
}

/// Why nothing was started: what was tried, what the kernel said, and what to do.
pub(crate) struct Failure(pub(crate) String);

/// Names the step that failed.
pub(crate) trait Step<T> {
    fn step(self, what: impl Display) -> Result<T, Failure>;
}

impl<T, E: Display> Step<T> for Result<T, E> {
    fn step(self, what: impl Display) -> Result<T, Failure> {
        self.map_err(|error| Failure(format!("{what}: {error}")))
    }
}
