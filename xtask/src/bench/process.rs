//! The processes that are measured: pinned, watched through `/proc`, ended when dropped.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The core of what is measured.
pub(super) const MEASURED: usize = 0;
/// The core of what measures: load, upstream, emulator.
pub(super) const MEASURING: usize = 1;

/// A running process.
pub(super) struct Process {
    child: Child,
    name: String,
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself; either way it is gone after this.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

impl Process {
    /// Starts a program on one core with as many open files as the system allows; its messages go to `log`.
    pub(super) fn start(core: usize, program: &Path, args: &[&str], log: &Path) -> Result<Self, String> {
        let name = program.file_name().unwrap_or(program.as_os_str()).to_string_lossy().into_owned();
        let log = File::create(log).map_err(|error| format!("{}: {error}", log.display()))?;
        let child = pinned(core, program)
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .map_err(|error| format!("{name}: {error}"))?;
        Ok(Self { child, name })
    }

    /// The first line of its output, which says that it is ready.
    pub(super) fn first_line(&mut self) -> Result<String, String> {
        let mut line = String::new();
        if let Some(output) = &mut self.child.stdout {
            BufReader::new(output).read_line(&mut line).map_err(|error| format!("{}: {error}", self.name))?;
        }
        if line.is_empty() { Err(format!("{} ended before it was ready", self.name)) } else { Ok(line) }
    }

    /// An error if it has ended.
    pub(super) fn alive(&mut self) -> Result<(), String> {
        match self.child.try_wait() {
            Ok(Some(status)) => Err(format!("{} ended: {status}", self.name)),
            _ => Ok(()),
        }
    }

    /// User and system time of all its threads, ended ones too.
    pub(super) fn cpu(&self) -> Result<Duration, String> {
        let stat = self.proc("stat")?;
        let ticks =
            ticks(&stat).ok_or_else(|| format!("/proc/{}/stat is not as expected", self.child.id()))?;
        Ok(Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND))
    }

    /// Resident memory, in bytes.
    pub(super) fn resident(&self) -> Result<u64, String> {
        let status = self.proc("status")?;
        resident(&status).ok_or_else(|| format!("/proc/{}/status is not as expected", self.child.id()))
    }

    fn proc(&self, file: &str) -> Result<String, String> {
        let path = format!("/proc/{}/{file}", self.child.id());
        fs::read_to_string(&path).map_err(|error| format!("{} is gone: {path}: {error}", self.name))
    }
}

/// The kernel shows times to user space in hundredths of a second on every architecture in use.
const TICKS_PER_SECOND: u64 = 100;

/// A command that runs on one core; the shell replaces itself, so that the process id is the program's.
pub(super) fn pinned(core: usize, program: &Path) -> Command {
    let mut command = Command::new("sh");
    let script = "ulimit -n \"$(ulimit -H -n)\"; exec taskset -c \"$0\" \"$@\"";
    command.args(["-c", script, &core.to_string()]).arg(program);
    command
}

fn ticks(stat: &str) -> Option<u64> {
    // The second field is the program's name in parentheses and may hold anything; utime and stime are fields 14, 15.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields.split_whitespace().skip(11).map(str::parse::<u64>);
    Some(times.next()?.ok()? + times.next()?.ok()?)
}

fn resident(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_behind_any_name() {
        let stat = "7 (a) b (c)) S 1 7 7 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 1 0 12345 1000 100";
        assert_eq!(ticks(stat), Some(300));
        assert_eq!(ticks("7 (x) S 1"), None);
    }

    #[test]
    fn resident_memory_is_in_bytes() {
        assert_eq!(resident("Name:\tx\nVmRSS:\t   20 kB\nThreads:\t1\n"), Some(20480));
        assert_eq!(resident("Name:\tx\n"), None);
    }
}
