//! `train` and `eval`: the model of `inspect`, learned from `lab/corpora`, and what it finds there. The work is done by an
//! example of that crate, since chores stand alone.

use std::path::Path;
use std::process::Command;

/// Runs one of the two, in a release build.
pub(crate) fn run(root: &Path, task: &str, args: &[&str]) -> Result<(), String> {
    let status = Command::new("cargo")
        .args([
            "run",
            "--quiet",
            "--locked",
            "--release",
            "-p",
            "doorward-inspect",
            "--example",
            "learn",
            "--",
            task,
        ])
        .args(args)
        .current_dir(root)
        .status()
        .map_err(|error| format!("cargo run: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("{task}: the example `learn` of doorward-inspect failed"))
    }
}
