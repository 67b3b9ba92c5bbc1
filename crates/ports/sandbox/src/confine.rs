//! The door's side: what is to run becomes a plan, a process, and a line to it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::TcpListener;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use thiserror::Error;
use tokio::io::Interest;
use tokio::net::UnixStream;
use tokio::process::{Child, ChildStdin, Command};

use crate::cgroup::Cgroup;
use crate::egress::Egress;
use crate::learn::Learning;
use crate::plan::{Bind, Ending, Plan, Said};
use crate::profile::{HostPort, Profile};
use crate::report::Report;
use crate::{control, own, stage};

/// A command to run in a sandbox.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Program and arguments: the operator's, never a caller's (B-10).
    pub command: Vec<String>,
    /// Variables for it, over those that pass by themselves.
    pub env: Vec<(String, String)>,
    /// Its working directory, which it can read. Without one it starts in its empty home, or, given a script by a relative
    /// path, where the door is.
    pub cwd: Option<PathBuf>,
    /// A host that nobody outside is asked for: what calls it in the sandbox is answered by the door.
    pub answered: Option<HostPort>,
}

/// Why a command does not run in a sandbox. Nothing of it has run.
#[derive(Debug, Error)]
pub enum SandboxError {
    /// What is wanted cannot be: an empty command, a program that is nowhere.
    #[error("{0}")]
    Wanted(String),
    /// The stage could not be started or told.
    #[error("the sandbox does not start: {0}")]
    Start(#[from] std::io::Error),
    /// A stage says why.
    #[error("the command was not started: {0}")]
    Refused(String),
    /// Both stages are gone without a word.
    #[error("the sandbox ended before the command ran")]
    Gone,
}

/// What starts stages: this very program, or another one that calls [`stage()`](crate::stage()) first of all.
#[derive(Debug, Clone)]
pub struct Launcher(OsString);

impl Default for Launcher {
    /// This program, even after its file was replaced by a newer one.
    fn default() -> Self {
        Self("/proc/self/exe".into())
    }
}

impl Launcher {
    /// Another program.
    pub fn other(program: impl Into<OsString>) -> Self {
        Self(program.into())
    }
}

/// Gives a folder to whom commands run as, where that is somebody else than the door: what is fetched into it is written by
/// a command.
///
/// # Errors
/// Of the system.
pub fn hand_over(folder: &Path) -> std::io::Result<()> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    std::os::unix::fs::chown(folder, Some(NOBODY), Some(NOBODY))
}

/// A sandbox on its way up. Its process is the outer stage, leader of a process group: a signal to the group reaches the
/// command too, and the end of either ends everything inside.
pub struct Started {
    /// The outer stage; it exits as the command does, or with 128 and the number of the signal.
    pub process: Child,
    /// The command's standard input. Output and error are the process's own.
    pub stdin: ChildStdin,
    /// What else there is to know of it. Dropping it ends the sandbox.
    pub watch: Watch,
}

/// The line to a sandbox.
pub struct Watch {
    // It keeps messages apart, unlike a stream; only its readiness is asked of tokio.
    line: UnixStream,
    hosts: Vec<HostPort>,
    egress: Egress,
    /// A socket comes for a host that the door answers for.
    answers: bool,
    answered: Option<TcpListener>,
    learning: Option<Learned>,
    // Dropped after the line: then nobody is left in it.
    _group: Option<Cgroup>,
}

/// A book that is written while it is held.
struct Learned {
    learning: Learning,
    _open: tokio::sync::watch::Receiver<()>,
}

/// Who the command is where the door is root. Root in a sandbox would still be the owner of root's files.
pub(crate) const NOBODY: u32 = 65_534;

/// Variables that pass from the door to every command: none names a secret or changes which code is loaded.
const PASSING: [&str; 8] = ["PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TERM", "COLORTERM", "NO_COLOR"];

/// Starts a command under a profile. It returns at once; the command itself runs only when everything that the profile
/// requires is enforced, which [`Watch::ready`] tells.
///
/// # Errors
/// If what is wanted cannot be, or the stage cannot be started.
pub fn start(launcher: &Launcher, wanted: &Wanted, profile: &Profile) -> Result<Started, SandboxError> {
    begin(launcher, wanted, profile, None)
}

/// Starts a command under a profile, as [`start`] does, and writes down what it tries and does not get. It gets nothing more
/// than without; each of its calls that names a path takes longer.
///
/// # Errors
/// As [`start`]; where the kernel lets nobody trace, [`Watch::ready`] says so.
pub fn start_learning(
    launcher: &Launcher,
    wanted: &Wanted,
    profile: &Profile,
    learning: &Learning,
) -> Result<Started, SandboxError> {
    begin(launcher, wanted, profile, Some(learning))
}

fn begin(
    launcher: &Launcher,
    wanted: &Wanted,
    profile: &Profile,
    learning: Option<&Learning>,
) -> Result<Started, SandboxError> {
    let found = own::find(wanted).map_err(SandboxError::Wanted)?;
    let (ours, theirs) = control::line()?;
    let mut command = Command::new(&launcher.0);
    command.arg(stage::ARGUMENT).env_clear().process_group(0).kill_on_drop(true);
    command.stdin(Stdio::from(theirs)).stdout(Stdio::piped()).stderr(Stdio::piped());
    if rustix::process::geteuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    let process = command.spawn()?;
    drop(command);
    let (group, cgroup) = Cgroup::around(process.id(), &profile.limits);

    let share =
        |paths: &[PathBuf], write| paths.iter().map(move |path| Bind { path: path.clone(), write }).collect();
    let mut binds: Vec<Bind> = share(&found.own, false);
    binds.extend::<Vec<_>>(share(&profile.files_read, false));
    binds.extend::<Vec<_>>(share(&profile.files_write, true));
    // Outer folders first, so that what is shared inside of them lies on top.
    binds.sort_by_key(|bind| (bind.path.components().count(), bind.write));
    let plan = Plan {
        program: found.program,
        args: wanted.command.iter().skip(1).cloned().collect(),
        env: environment(wanted, profile, |name| std::env::var(name).ok()),
        cwd: found.cwd.unwrap_or_else(|| Path::new(stage::HOME).to_owned()),
        binds,
        bounds: profile.limits,
        // The one that the door answers for comes last: `ready` takes the listeners in this order.
        hosts: profile.net.iter().chain(&wanted.answered).cloned().collect(),
        require: profile.require.clone(),
        cgroup,
        learn: learning.is_some(),
    };
    let learning = learning.map(|learning| Learned {
        learning: learning.clone(),
        _open: learning.begins(wanted, profile, &found.own),
    });
    // The command's own input goes over the line; in its place the stage has the line.
    let (input, stdin) =
        rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).map_err(std::io::Error::from)?;
    control::send(&ours, &plan, &[input.as_fd()])?;
    let ours = std::os::unix::net::UnixStream::from(ours);
    ours.set_nonblocking(true)?;
    let line = UnixStream::from_std(ours)?;
    let (egress, hosts, answers) = (Egress::default(), profile.net.clone(), wanted.answered.is_some());
    let watch = Watch { line, hosts, egress, answers, answered: None, learning, _group: group };
    let stdin = ChildStdin::from_std(std::process::ChildStdin::from(stdin))?;
    Ok(Started { process, stdin, watch })
}

/// The command's environment: a short list, what the profile names, what is wanted, and where it lives.
fn environment(
    wanted: &Wanted,
    profile: &Profile,
    from: impl Fn(&str) -> Option<String>,
) -> Vec<(String, String)> {
    let mut env = BTreeMap::new();
    for name in PASSING.into_iter().chain(profile.env.iter().map(String::as_str)) {
        if let Some(value) = from(name) {
            env.insert(name.to_owned(), value);
        }
    }
    for (name, value) in [("HOME", stage::HOME), ("TMPDIR", "/tmp"), ("USER", "doorward")] {
        env.insert(name.to_owned(), value.to_owned());
    }
    env.extend(wanted.env.iter().cloned());
    env.into_iter().collect()
}

impl Watch {
    /// Waits until the command runs, and says what is enforced around it.
    ///
    /// # Errors
    /// If it was not started; the reason says what to change.
    pub async fn ready(&mut self) -> Result<Report, SandboxError> {
        loop {
            match self.hear().await? {
                Some((Said::Ready(report), listeners)) => {
                    let mut listeners = listeners.into_iter().map(TcpListener::from);
                    let gates = self.hosts.drain(..).zip(listeners.by_ref()).collect();
                    self.answered = if self.answers { listeners.next() } else { None };
                    let book = self.learning.as_ref().map(|learned| learned.learning.clone());
                    self.egress = Egress { gates, resolver: listeners.next().zip(book) };
                    return Ok(report);
                }
                Some((Said::Failed(what), _)) => return Err(SandboxError::Refused(what)),
                Some(_) => {}
                None => return Err(SandboxError::Gone),
            }
        }
    }

    /// The way out, once the command runs: the hosts of its profile are reached while this is carried, else nobody is.
    pub fn egress(&mut self) -> Egress {
        std::mem::take(&mut self.egress)
    }

    /// The socket of the host that the door answers for, once the command runs. It was made inside and is accepted on here.
    pub fn answered(&mut self) -> Option<TcpListener> {
        self.answered.take()
    }

    /// Waits until the command has ended, and says how; none if everything was killed from outside.
    ///
    /// # Errors
    /// If the line breaks.
    pub async fn ended(&mut self) -> Result<Option<Ending>, SandboxError> {
        loop {
            match self.hear().await? {
                Some((Said::Ended(ending), _)) => return Ok(Some(ending)),
                Some(_) => {}
                None => return Ok(None),
            }
        }
    }

    async fn hear(&mut self) -> std::io::Result<Option<(Said, Vec<OwnedFd>)>> {
        loop {
            self.line.readable().await?;
            match self.line.try_io(Interest::READABLE, || control::receive(&self.line)) {
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Ok(Some((Said::Tried(attempt), _))) => {
                    self.learning.iter().for_each(|learned| learned.learning.tried(attempt.clone()));
                }
                said => return said,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // control: LOC-10: A local server runs confined, with a scrubbed environment.
    #[test]
    fn nothing_of_the_doors_environment_passes_unnamed() {
        let door = |name: &str| (name != "LC_ALL").then(|| format!("door's {name}"));
        let env = [("HOME".to_owned(), "/srv".to_owned()), ("MODE".to_owned(), "x".to_owned())].to_vec();
        let wanted = Wanted { command: vec!["cat".to_owned()], env, ..Wanted::default() };
        let profile = Profile { env: vec!["NOTES_KEY".to_owned()], ..Profile::default() };
        let env = environment(&wanted, &profile, door);
        let names: Vec<_> = env.iter().map(|(name, _)| name.as_str()).collect();
        let expected = "COLORTERM HOME LANG LC_CTYPE MODE NOTES_KEY NO_COLOR PATH TERM TMPDIR TZ USER";
        assert_eq!(names.join(" "), expected);
        assert!(env.contains(&("HOME".to_owned(), "/srv".to_owned())), "what is wanted wins");
    }
}
