//! What the door tells the stages, and what they tell the door. Our own format, on a line of our own.

use std::net::SocketAddrV4;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::profile::{Bounds, HostPort};
use crate::report::{Line, Mechanism, Report};

/// All that a stage needs to know. It travels on a line, never as arguments: those are read by everybody in `/proc`.
#[derive(Serialize, Deserialize)]
pub(crate) struct Plan {
    /// The program as the sandbox will see it, and its arguments.
    pub(crate) program: PathBuf,
    pub(crate) args: Vec<String>,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) cwd: PathBuf,
    pub(crate) binds: Vec<Bind>,
    pub(crate) bounds: Bounds,
    pub(crate) hosts: Vec<HostPort>,
    pub(crate) require: Vec<Mechanism>,
    /// What became of the control group, which only the door's side can make.
    pub(crate) cgroup: Line,
    /// What it tries and does not get is told.
    pub(crate) learn: bool,
}

/// A part of the machine that is seen in the sandbox, at the same place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Bind {
    pub(crate) path: PathBuf,
    pub(crate) write: bool,
}

/// What the stages say.
#[derive(Serialize, Deserialize)]
pub(crate) enum Said {
    /// The inner stage runs and waits for its plan: from here on its parent's death ends it.
    Hello,
    /// The command runs. With it come the listening sockets, one for each host, in the plan's order.
    Ready(Report),
    /// Nothing was started.
    Failed(String),
    /// The command tried something and did not get it; told only where that is learned.
    Tried(Attempt),
    /// The command has ended.
    Ended(Ending),
}

/// Something that a command tried and did not get.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Attempt {
    pub(crate) what: Tried,
    /// What the kernel calls the process. It names itself: this is shown and never believed.
    pub(crate) by: String,
}

/// What was tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Tried {
    /// A path, with the links that can be seen inside followed.
    Path(String, How),
    /// A TCP connection.
    Dial(SocketAddrV4),
    /// Not an attempt: a signal that could not be passed on to the process.
    Signal(i32),
}

/// What a path was tried for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum How {
    /// Whether it is there, and what it is.
    Look,
    /// To be read, entered or run.
    Read,
    /// To be written, if it is there.
    Write,
    /// To be written or made.
    Create,
    /// To be made, in place of another perhaps: it is the folder that is written to.
    Place,
    /// To be removed from its folder.
    Remove,
}

/// How a sandboxed command ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    /// By itself.
    Exited(i32),
    /// By a signal: 9 is what the kernel sends when memory is short, 25 when a file grew beyond its bound.
    Signalled(i32),
    /// By us: its processes together held more memory than they may, in bytes.
    TooMuchMemory(u64),
}
