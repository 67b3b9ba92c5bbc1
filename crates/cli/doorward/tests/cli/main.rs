//! The built command, as a person or a script meets it: what it prints, where, and how it ends.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

#[cfg(feature = "lab")]
mod accounts;
mod audit;
mod client_config;
mod config;
#[cfg(feature = "lab")]
mod doctor;
mod entra;
mod flow;
#[cfg(feature = "lab")]
mod help;
mod pages;
mod pin;
mod policy;
mod rules;
mod scan;
mod vault;
#[cfg(unix)]
mod wrap;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The repository.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../..");

/// What a run of the command left behind.
struct Run {
    code: i32,
    out: String,
    err: String,
}

/// Where the emulators of these tests keep their keys for one another.
#[cfg(feature = "lab")]
fn lab_keys() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("lab-keys")
}

/// The command, with nothing of this machine in its surroundings.
fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_doorward"));
    command.args(args);
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "RUST_LOG", "COLUMNS"] {
        command.env_remove(name);
    }
    command
}

fn run(args: &[&str]) -> Run {
    finished(command(args).output().unwrap())
}

fn run_in(dir: &Path, args: &[&str]) -> Run {
    finished(command(args).current_dir(dir).output().unwrap())
}

fn finished(output: Output) -> Run {
    Run {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Run {
    #[track_caller]
    fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, code, "standard output:\n{}\nstandard error:\n{}", self.out, self.err);
        self
    }

    /// The one JSON document on standard output.
    #[track_caller]
    fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }

    /// The failure on standard error: what, and the way out, which every failure has.
    #[track_caller]
    fn says(&self, what: &str, help: &str) {
        assert!(self.err.contains(what), "{what:?} is not in {}", self.err);
        assert!(self.err.contains("help: "), "there is no way out in {}", self.err);
        assert!(self.err.contains(help), "{help:?} is not in {}", self.err);
    }
}

#[track_caller]
fn assert_snapshot(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

fn write(dir: &Path, name: &str, text: &str) -> PathBuf {
    let path = dir.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, text).unwrap();
    path
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
