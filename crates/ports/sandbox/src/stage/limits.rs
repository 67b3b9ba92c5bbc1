//! Bounds of resources, capabilities given up, and memory counted where the kernel does not bound it.

use std::fs;

use rustix::process::{Resource, Rlimit, setrlimit};
use rustix::thread::{
    CapabilitySet, CapabilitySets, clear_ambient_capability_set, remove_capability_from_bounding_set,
    set_capabilities, set_no_new_privs,
};

use super::{Failure, Step};
use crate::profile::Bounds;

/// Sets what no process in here can raise again. Processes are counted in the user namespace of the sandbox, so that
/// neither other sandboxes nor the person's own programs count.
pub(super) fn apply(bounds: &Bounds) -> Result<(), Failure> {
    for (what, resource, most) in [
        ("processes", Resource::Nproc, bounds.processes),
        ("file-size", Resource::Fsize, bounds.file_size),
        ("open-files", Resource::Nofile, bounds.open_files),
        // A core file would hold the command's secrets.
        ("core", Resource::Core, 0),
        ("message queues", Resource::Msgqueue, 0),
        ("locked memory", Resource::Memlock, 64 * 1024),
    ] {
        // A lower hard limit of the door's own stays.
        let held = rustix::process::getrlimit(resource).maximum;
        let most = held.map_or(most, |held| held.min(most));
        setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })
            .step(format_args!("bounding {what} to {most}"))?;
    }
    Ok(())
}

/// Gives up every capability for good: nothing that runs from here on has or gets any, whatever file it executes.
pub(super) fn give_up_capabilities() -> Result<(), Failure> {
    let doing = "giving up capabilities";
    for number in 0..64 {
        match remove_capability_from_bounding_set(CapabilitySet::from_bits_retain(1 << number)) {
            Ok(()) => {}
            // The kernel knows no capability with this number, nor any after it.
            Err(rustix::io::Errno::INVAL) => break,
            Err(error) => return Err(error).step(doing),
        }
    }
    clear_ambient_capability_set().step(doing)?;
    let none = CapabilitySet::empty();
    set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })
        .step(doing)?;
    set_no_new_privs(true).step("forbidding new privileges")
}

/// Bytes that the processes of the sandbox hold and share with no file: read from its own `/proc`, which has only them.
pub(super) fn memory_held() -> u64 {
    let Ok(processes) = fs::read_dir("/proc") else { return 0 };
    let ids = processes.flatten().filter(|entry| {
        entry.file_name().to_str().is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
    });
    let statuses = ids.filter_map(|entry| fs::read_to_string(entry.path().join("status")).ok());
    statuses.map(|status| held_by(&status)).sum()
}

/// What `/proc/PID/status` says a process holds: anonymous memory, shared memory, and what of both is swapped out.
fn held_by(status: &str) -> u64 {
    let kib = |line: &str| {
        let (name, rest) = line.split_once(':')?;
        let counted = ["RssAnon", "RssShmem", "VmSwap"].contains(&name);
        counted.then(|| rest.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()).flatten()
    };
    status.lines().filter_map(kib).sum::<u64>() * 1024
}

#[cfg(test)]
mod tests {
    use super::held_by;

    #[test]
    fn memory_is_what_a_process_holds_for_itself() {
        let status = "Name:\tRssAnon: 9 kB\nVmRSS:\t  5000 kB\nRssAnon:\t  1000 kB\nRssFile:\t 4000 kB\nRssShmem:\t 24 kB\nVmSwap:\t 1 kB\n";
        assert_eq!(held_by(status), 1025 * 1024);
        // A kernel thread, or a process that is gone, has none of the lines.
        assert_eq!(held_by("Name:\tkthreadd\n"), 0);
    }
}
