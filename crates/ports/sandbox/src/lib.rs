//! Walls around a local server: what it may read, write and reach.
//!
//! Who calls it: `upstream`, for each child on stdio that has a profile. [`start`] takes a command and a [`Profile`] and
//! gives back a process with its pipes; the command runs only when what the profile requires is enforced, and a
//! [`Report`] says what is.
//!
//! How: the program starts itself again as a [`stage()`], which makes namespaces, builds a file tree with only what may be
//! seen, bounds resources, gives up capabilities, sets Landlock rules and a list of system calls, and then starts the
//! command. No line of it is `unsafe`. Why so: docs/design/13-sandbox.md.
//!
//! What it may never do: start a command with less around it than its profile requires; pass on a descriptor, or a
//! variable that nobody named; name a host of its own.

mod cgroup;
mod confine;
mod control;
mod egress;
mod learn;
mod own;
mod plan;
mod profile;
mod report;
mod runner;
mod stage;

pub use confine::{Launcher, SandboxError, Started, Wanted, Watch, hand_over, start, start_learning};
pub use egress::hello::{self, Heard};
pub use egress::{Egress, Outward, Seen};
pub use learn::question;
pub use learn::{Learning, Line as Learned, Proposal};
pub use plan::Ending;
pub use profile::{Bounds, HostPort, Profile, ProfileError};
pub use report::{Line, Mechanism, Report};
pub use runner::{Packaged, entry_points};
pub use stage::stage;
