//! Running the program to its end, as a person at a terminal or a script would.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

use crate::door::program;
use crate::wait::within;

/// What a command came to.
#[derive(Debug, Clone)]
pub struct Ran {
    /// The exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// What it printed on standard output.
    pub out: String,
    /// What it printed on standard error.
    pub err: String,
}

/// Runs the program under test in a folder, with its output piped and its temporary files in that folder.
///
/// # Panics
/// If it cannot be started, prints what is not UTF-8, or does not end in time.
pub async fn run<A: AsRef<OsStr>>(folder: &Path, arguments: impl IntoIterator<Item = A>) -> Ran {
    let mut command = command(folder);
    command.args(arguments);
    let output = within("a command to end", command.output()).await.expect("DOORWARD_BIN can be started");
    let text = |bytes| String::from_utf8(bytes).expect("the program prints UTF-8");
    Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// The program under test, to be given arguments; it ends with the test.
///
/// # Panics
/// If `DOORWARD_BIN` is not set.
#[must_use]
pub fn command(folder: &Path) -> Command {
    let mut command = Command::new(program());
    command.current_dir(folder).env("TMPDIR", folder).stdin(Stdio::null()).kill_on_drop(true);
    // What the surroundings ask for must not decide whether a pipe gets colours.
    for asked in ["CLICOLOR_FORCE", "CLICOLOR", "NO_COLOR", "FORCE_COLOR"] {
        command.env_remove(asked);
    }
    command
}
