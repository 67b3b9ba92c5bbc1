//! A control group around a sandbox: the kernel bounds memory and processes of all of it together.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

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
        let groups = std::mem::take(&mut self.0);
        // Whoever is in it is dying, and the kernel tells nobody when the last one is gone.
        std::thread::spawn(move || {
            for group in groups {
                let removed = |_| {
                    std::thread::sleep(Duration::from_millis(20));
                    fs::remove_dir(&group).is_ok()
                };
                if !(0..250).any(removed) {
                    tracing::warn!(group = %group.display(), "a control group was not removed");
                }
            }
        });
    }
}

/// Removes what doors that are gone have left: an empty group holds no processes, but its name stays.
fn sweep(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let door = name.to_str().and_then(|name| name.strip_prefix("doorward-")?.split_once('-'));
        if door.is_some_and(|(door, _)| !Path::new("/proc").join(door).exists()) {
            // One that still holds a process is not removed by this.
            let _held = fs::remove_dir(entry.path());
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
    sweep(parent);
    let group = parent.join(name);
    let said = |error: io::Error| format!("{} cannot be made: {error}", group.display());
    fs::create_dir(&group).map_err(said)?;
    Ok(group)
}

fn write(group: &Path, file: &str, value: impl ToString) -> Result<(), String> {
    let path = group.join(file);
    fs::write(&path, value.to_string()).map_err(|error| format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { memory: 64, processes: 8, file_size: 1, open_files: 1, scratch: 1 };

    fn text(path: PathBuf) -> String {
        fs::read_to_string(path).unwrap_or_default()
    }

    /// A tree of plain files in place of the kernel's: it shows what is written where.
    #[test]
    fn groups_are_made_where_they_may_be() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join("door.service/door")).unwrap();
        let made = v2(root, "1:name=x:/\n0::/door.service/door\n", "doorward-1-0", 7, &BOUNDS).unwrap();
        let group = root.join("door.service/doorward-1-0");
        assert_eq!(text(root.join("door.service/cgroup.subtree_control")), "+memory +pids");
        assert_eq!(
            (text(group.join("memory.max")), text(group.join("pids.max"))),
            ("64".into(), "10".into())
        );
        assert_eq!(
            (text(group.join("memory.swap.max")), text(group.join("cgroup.procs"))),
            ("0".into(), "7".into())
        );
        std::mem::forget(made);
        assert!(v2(root, "0::/\n", "x", 7, &BOUNDS).is_err(), "nothing may be put beside the topmost group");
        fs::create_dir_all(root.join("memory/a")).unwrap();
        fs::create_dir_all(root.join("pids")).unwrap();
        // Left by a door that is gone: no process has this number.
        fs::create_dir_all(root.join("pids/doorward-4194999-3")).unwrap();
        let own = "4:cpu,memory:/a\n8:pids:/\n";
        std::mem::forget(v1(root, own, "doorward-1-1", 7, &BOUNDS).unwrap());
        assert_eq!(text(root.join("memory/a/doorward-1-1/memory.limit_in_bytes")), "64");
        assert_eq!(text(root.join("pids/doorward-1-1/cgroup.procs")), "7");
        assert!(!root.join("pids/doorward-4194999-3").exists());
        assert!(v1(root, "4:memory:/a\n", "doorward-1-2", 7, &BOUNDS).is_err(), "no pids controller");
    }
}
