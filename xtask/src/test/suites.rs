//! The suites: tests that need more than a moment, or programs that are not ours. Each is one file in
//! `lab/testkit/tests`; the everyday run leaves them out by the filter in `.config/nextest.toml`.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::run::{Outcome, command_outcome};
use super::tools::{self, CHROMIUM, NODE, PYTHON, Tool};
use crate::workspace::Workspace;

/// The package whose integration tests are the suites.
pub(crate) const PACKAGE: &str = "doorward-testkit";

/// A suite that may exist.
#[derive(Debug, Clone)]
pub(crate) struct Suite {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    pub(crate) budget: Duration,
    needs: &'static [Tool],
}

const fn suite(name: &'static str, what: &'static str, minutes: u64, needs: &'static [Tool]) -> Suite {
    Suite { name, what, budget: Duration::from_secs(60 * minutes), needs }
}

/// In the order they run: what breaks most often first.
pub(crate) const SUITES: [Suite; 15] = [
    suite("tour", "the first run, start to end", 1, &[]),
    suite("tamper", "the audit log, edited in every way", 2, &[]),
    suite("crossings", "a thousand people at once, each with a canary", 3, &[]),
    suite("attacks", "what is tried on doors that sign people in", 4, &[]),
    suite("agent", "a model that obeys whatever it reads, and honest work", 3, &[]),
    suite("sandbox", "a server that steals and breaks out, bare and sandboxed", 3, &[NODE, PYTHON]),
    suite("crash", "kill -9 and full disks at random moments", 3, &[]),
    suite("load", "a full house beside hostile servers", 3, &[]),
    suite("commands", "every command the pages name", 2, &[]),
    suite("clients", "real clients against real servers", 6, &[NODE, PYTHON]),
    suite("guard", "real clients start the guard around real servers", 3, &[NODE, PYTHON]),
    suite("signin", "real clients sign in, and stay signed in", 6, &[NODE, PYTHON]),
    suite("connect", "people connect accounts of their own", 2, &[NODE, PYTHON]),
    suite("browser", "a person's way in Chromium", 3, &[NODE, PYTHON, CHROMIUM]),
    suite("conformance", "the official conformance suite", 8, &[NODE, PYTHON]),
];

/// The suites that exist. One that the table does not know would never run: it is a failure.
pub(crate) fn present(workspace: &Workspace) -> Vec<Suite> {
    let tests = workspace.member(PACKAGE).map_or(&[][..], |package| &package.tests);
    SUITES.iter().filter(|suite| tests.iter().any(|test| test == suite.name)).cloned().collect()
}

/// Names of integration tests that the table does not know.
pub(crate) fn unknown(workspace: &Workspace) -> Vec<&str> {
    let tests = workspace.member(PACKAGE).map_or(&[][..], |package| &package.tests);
    tests.iter().map(String::as_str).filter(|test| !SUITES.iter().any(|suite| suite.name == *test)).collect()
}

/// Runs one suite; `DOORWARD_BIN` tells it the program that was built.
pub(crate) fn run(root: &Path, suite: &Suite, door: &Path, nextest: bool) -> Outcome {
    if let Err(missing) = tools::require(suite.needs) {
        println!("{missing}");
        return Outcome::single(suite.name, false, Duration::ZERO);
    }
    let mut command = Command::new("cargo");
    if nextest {
        command.args(["nextest", "run", "--workspace", "--ignore-default-filter", "--no-fail-fast"]);
    } else {
        command.args(["test", "--workspace", "--no-fail-fast"]);
    }
    // The whole workspace, for the features it was built with; the test's name picks the suite.
    command.args(["--locked", "--test", suite.name]).env("DOORWARD_BIN", door);
    command_outcome(root, suite.name, command)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Package;

    #[test]
    fn suites_are_found_by_their_file_and_strangers_are_told() {
        let tests = ["crash", "mystery"].map(str::to_owned).to_vec();
        let package = Package { name: PACKAGE.into(), tests, ..Package::default() };
        let workspace = Workspace { members: vec![package], ..Workspace::default() };
        assert_eq!(present(&workspace).iter().map(|suite| suite.name).collect::<Vec<_>>(), ["crash"]);
        assert_eq!(unknown(&workspace), ["mystery"]);
    }
}
