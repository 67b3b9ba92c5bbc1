//! What a process does before it holds a token (LOC-09): others of the same user cannot attach to it, a crash leaves no
//! image of its memory, and pages do not go to disk.

use rustix::mm::{MlockAllFlags, mlockall};
use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};

/// What holds now. What does not is no error: a token is still asked for, and whoever shows this says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hardened {
    /// No debugger of the same user, and nobody but root reads this process's memory or environment.
    pub no_attach: bool,
    /// No core file, of this process or its children.
    pub no_core: bool,
    /// Memory is not swapped out. Only where the limit of locked memory is open: with a limit (8 MiB for most people) the
    /// next large allocation would fail, and the process with it.
    pub locked: bool,
}

/// Hardens this process, for good. A child that is started afterwards may be attached to again: that flag ends at `exec`.
///
/// Between `fork` and `exec` a child cannot write its own `/proc/self/uid_map`: whoever makes a user namespace does so
/// from a process that was started before, or after an `exec`.
pub fn harden() -> Hardened {
    let no_core = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }).is_ok();
    let no_attach = set_dumpable_behavior(DumpableBehavior::NotDumpable).is_ok();
    let open = getrlimit(Resource::Memlock).current.is_none();
    let locked = open && mlockall(MlockAllFlags::CURRENT | MlockAllFlags::FUTURE).is_ok();
    Hardened { no_attach, no_core, locked }
}
