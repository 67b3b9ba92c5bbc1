//! A control group around a sandbox: the kernel bounds memory and processes of all of it together.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::profile::Bounds;
use crate::report::{Line, Mechanism};

/// The groups of one sandbox, removed when dropped.
pub(crate) struct Cgroup(Vec<PathBuf>);

/// Tells sandboxes of this process apart.
static NEXT: AtomicU64 = AtomicU64::new(0);

impl Cgroup {
    /// Puts a process that waits for its plan into a group of its own: version 2 where the door's own group was delegated
    /// to it, else version 1 where it may be written.
    pub(crate) fn around(process: Option<u32>, bounds: &Bounds) -> (Option<Self>, Line) {
        let name = format!("doorward-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let process = process.unwrap_or_default();
        let root = Path::new("/sys/fs/cgroup");
        let second = v2(root, &own, &name, process, bounds).map(|made| (made, "version 2"));
        let made = second.or_else(|first| {
            v1(root, &own, &name, process, bounds)
                .map(|made| (made, "version 1"))
                .map_err(|second| format!("version 2: {first}; version 1: {second}"))
        });
        match made {
            Ok((made, version)) => {
                let how = format!("{version}: {} bytes, {} processes", bounds.memory, bounds.processes);
                (Some(made), Line { mechanism: Mechanism::Cgroup, enforced: true, how })
            }
            Err(why) => {
                let how = format!(
                    "{why}; memory is watched 20 times a second and what holds more is ended, processes are bounded by RLIMIT_NPROC"
                );
                (None, Line { mechanism: Mechanism::Cgroup, enforced: false, how })
            }
        }
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        for group in &self.0 {
            // Whoever is left in it is dying; what cannot be removed now is empty and holds nothing.
            if let Err(error) = fs::remove_dir(group) {
                tracing::debug!(group = %group.display(), %error, "a control group was not removed");
            }
        }
    }
}

/// Below the parent of the door's own group, where systemd puts it with `Delegate=yes` and `DelegateSubgroup=door`: a group
/// that holds processes can have none below it.
fn v2(root: &Path, own: &str, name: &str, process: u32, bounds: &Bounds) -> Result<Cgroup, String> {
    let own = own.lines().find_map(|line| line.strip_prefix("0::/")).ok_or("not mounted")?;
    let (parent, _) = own.rsplit_once('/').ok_or("the door runs in the topmost group")?;
    let parent = root.join(parent);
    write(&parent, "cgroup.subtree_control", "+memory +pids")?;
    let group = make(&parent, name)?;
    let made = Cgroup(vec![group.clone()]);
    write(&group, "memory.max", bounds.memory)?;
    // Not there where the kernel does not count swap.
    let _uncounted = write(&group, "memory.swap.max", 0);
    write(&group, "memory.oom.group", 1)?;
    write(&group, "pids.max", bounds.processes + STAGES)?;
    write(&group, "cgroup.procs", process)?;
    Ok(made)
}

/// One group in each hierarchy, below the door's own.
fn v1(root: &Path, own: &str, name: &str, process: u32, bounds: &Bounds) -> Result<Cgroup, String> {
    let mut made = Cgroup(vec![]);
    for (controller, file, value) in
        [("memory", "memory.limit_in_bytes", bounds.memory), ("pids", "pids.max", bounds.processes + STAGES)]
    {
        let below = own.lines().find_map(|line| {
            let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
            controllers.split(',').any(|one| one == controller).then_some(path)
        });
        let below = below.ok_or_else(|| format!("no {controller} controller"))?;
        let parent = root.join(controller).join(below.trim_start_matches('/'));
        let group = make(&parent, name)?;
        made.0.push(group.clone());
        write(&group, file, value)?;
        write(&group, "cgroup.procs", process)?;
    }
    Ok(made)
}

/// The two stages count as processes of the group.
const STAGES: u64 = 2;

fn make(parent: &Path, name: &str) -> Result<PathBuf, String> {
    let group = parent.join(name);
    let said = |error: io::Error| format!("{} cannot be made: {error}", group.display());
    fs::create_dir(&group).map_err(said)?;
    Ok(group)
}

fn write(group: &Path, file: &str, value: impl ToString) -> Result<(), String> {
    let path = group.join(file);
    fs::write(&path, value.to_string()).map_err(|error| format!("{}: {error}", path.display()))
}
