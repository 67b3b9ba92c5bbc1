//! Runs a command, shows what it says as it says it, and counts.

use std::io::{BufRead, BufReader, IsTerminal, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::count::{Count, of_line};

/// How a step ended.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    pub(crate) name: String,
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) took: Duration,
    pub(crate) budget: Duration,
}

impl Outcome {
    /// A step that is one test.
    pub(crate) fn single(name: &str, passed: bool, took: Duration) -> Self {
        Self {
            name: name.into(),
            passed: usize::from(passed),
            failed: usize::from(!passed),
            took,
            budget: Duration::MAX,
        }
    }

    pub(crate) fn within(self, budget: Duration) -> Self {
        Self { budget, ..self }
    }

    /// Failures, one more if it took over twice its budget.
    pub(crate) fn failures(&self) -> usize {
        self.failed + usize::from(self.took > self.budget.saturating_mul(2))
    }

    pub(crate) fn note(&self) -> &'static str {
        if self.took > self.budget.saturating_mul(2) {
            "over twice its budget"
        } else if self.took > self.budget {
            "over its budget"
        } else {
            ""
        }
    }
}

/// Runs cargo.
pub(crate) fn cargo(root: &Path, name: &str, args: &[&str]) -> Outcome {
    let mut command = Command::new("cargo");
    command.args(args);
    command_outcome(root, name, command)
}

/// Runs a command; what it prints goes through line by line.
pub(crate) fn command_outcome(root: &Path, name: &str, mut command: Command) -> Outcome {
    let start = Instant::now();
    if std::io::stdout().is_terminal() {
        command.env("CARGO_TERM_COLOR", "always");
    }
    let child =
        command.current_dir(root).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) => {
            println!("{name}: {error}");
            return Outcome::single(name, false, start.elapsed());
        }
    };
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let count = std::thread::scope(|scope| {
        let err = scope.spawn(|| err.map_or_else(Count::default, relay));
        let count = out.map_or_else(Count::default, relay);
        count + err.join().unwrap_or_default()
    });
    let succeeded = child.wait().is_ok_and(|status| status.success());
    let took = start.elapsed();
    match count {
        // A step that counts nothing is one test by itself.
        Count { passed: 0, failed: 0 } => Outcome::single(name, succeeded, took),
        Count { passed, failed } => {
            let failed = if succeeded { failed } else { failed.max(1) };
            Outcome { name: name.into(), passed, failed, took, budget: Duration::MAX }
        }
    }
}

fn relay(stream: impl Read) -> Count {
    let mut count = Count::default();
    for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        count = count + of_line(&line);
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Outcome {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command_outcome(Path::new("/"), "x", command)
    }

    #[test]
    fn a_command_that_fails_has_a_failure_whatever_it_says() {
        assert_eq!((shell("true").passed, shell("true").failed), (1, 0));
        assert_eq!((shell("exit 3").passed, shell("exit 3").failed), (0, 1));
        let outcome = shell(
            "echo 'test result: ok. 4 passed; 0 failed'; echo 'test result: ok. 2 passed; 0 failed' >&2; exit 1",
        );
        assert_eq!((outcome.passed, outcome.failed), (6, 1));
    }

    // control: D-31: A suite fails when it takes over twice its budget.
    #[test]
    fn twice_the_budget_is_a_failure() {
        let outcome =
            |took| Outcome::single("x", true, Duration::from_secs(took)).within(Duration::from_secs(10));
        assert_eq!((outcome(10).failures(), outcome(10).note()), (0, ""));
        assert_eq!((outcome(20).failures(), outcome(20).note()), (0, "over its budget"));
        assert_eq!((outcome(21).failures(), outcome(21).note()), (1, "over twice its budget"));
    }
}
