//! `test`: everything that must hold before a change lands, in one order, with a table at the end (D-31).
//!
//! The last line is exactly `N passed, N failed`.

mod count;
mod run;
mod suites;
mod tools;

use std::path::Path;
use std::time::{Duration, Instant};

use crate::workspace::Workspace;
use run::{Outcome, cargo};
use suites::Suite;

/// The steps before the suites, in order, each with its budget.
const STEPS: [(&str, &str, Duration); 6] = [
    ("fmt", "every file is formatted", Duration::from_secs(60)),
    ("clippy", "no lint speaks, in product and tests", Duration::MAX),
    ("tidy", "the rules of the house", Duration::from_secs(120)),
    ("unit", "tests of every crate", Duration::from_secs(120)),
    ("doc", "examples in the documentation, and code that must not compile", Duration::from_secs(180)),
    ("deny", "advisories, where cargo-deny is installed", Duration::from_secs(120)),
];

/// Runs everything, or what is named.
pub(crate) fn run(root: &Path, named: &[&str]) -> Result<(), String> {
    let workspace = Workspace::load(root)?;
    let suites = suites::present(&workspace);
    if named == ["--list"] {
        list(&suites);
        return Ok(());
    }
    if let Some(unknown) = named.iter().find(|name| {
        !STEPS.iter().any(|(step, ..)| step == *name) && !suites.iter().any(|suite| suite.name == **name)
    }) {
        list(&suites);
        return Err(format!("there is no suite `{unknown}`"));
    }
    if let [stranger, ..] = suites::unknown(&workspace).as_slice() {
        return Err(format!(
            "lab/testkit/tests/{stranger}.rs has no line in xtask/src/test/suites.rs, so it would never run"
        ));
    }
    let chosen = |name: &str| named.is_empty() || named.contains(&name);
    tools::require(&tools::ALWAYS)?;
    let nextest = tools::answers("cargo", &["nextest", "--version"]);

    let mut outcomes = Vec::new();
    for (name, what, budget) in STEPS.iter().filter(|(name, ..)| chosen(name)) {
        if *name == "unit" {
            outcomes.push(build(root));
        }
        if *name == "deny" && !tools::answers("cargo", &["deny", "--version"]) {
            println!("\n== deny: not installed here; CI runs it");
            continue;
        }
        println!("\n== {name}: {what}");
        outcomes.push(step(root, name, nextest).within(*budget));
    }
    let suites: Vec<Suite> = suites.into_iter().filter(|suite| chosen(suite.name)).collect();
    if !suites.is_empty() && !outcomes.iter().any(|outcome| outcome.name == "build") {
        outcomes.push(build(root));
    }
    let door = workspace.target.join("debug").join("doorward");
    for suite in &suites {
        println!("\n== {}: {}", suite.name, suite.what);
        outcomes.push(suites::run(root, suite, &door, nextest).within(suite.budget));
    }
    report(&outcomes)
}

fn step(root: &Path, name: &str, nextest: bool) -> Outcome {
    match name {
        "fmt" => cargo(root, name, &["fmt", "--all", "--check"]),
        "clippy" => {
            cargo(root, name, &["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"])
        }
        "tidy" => tidy(root),
        "unit" if nextest => {
            // Half of the time tests wait, for processes and sockets: two to a processor.
            let threads = std::thread::available_parallelism().map_or(2, |processors| 2 * processors.get());
            let threads = format!("--test-threads={threads}");
            cargo(root, name, &["nextest", "run", "--workspace", "--locked", "--no-fail-fast", &threads])
        }
        // Without nextest's filter the suites are left out by naming what is not one.
        "unit" => cargo(
            root,
            name,
            &[
                "test",
                "--workspace",
                "--locked",
                "--no-fail-fast",
                "--lib",
                "--bins",
                "--tests",
                "--exclude",
                suites::PACKAGE,
            ],
        ),
        "doc" => cargo(root, name, &["test", "--workspace", "--locked", "--no-fail-fast", "--doc"]),
        _ => cargo(root, name, &["deny", "--all-features", "check"]),
    }
}

/// Compiling has no budget: it is measured apart, so that the budgets of tests mean tests.
fn build(root: &Path) -> Outcome {
    println!("\n== build: the program and every test, one profile");
    // Everything at once: part of the workspace would have other features, and its dependencies be compiled again.
    cargo(root, "build", &["build", "--workspace", "--all-targets", "--locked"])
}

fn tidy(root: &Path) -> Outcome {
    let start = Instant::now();
    let result = crate::tidy::run(root);
    if let Err(message) = &result {
        println!("{message}");
    }
    Outcome::single("tidy", result.is_ok(), start.elapsed())
}

fn list(suites: &[Suite]) {
    for (name, what, budget) in STEPS {
        println!("{name:<12} {:>6}  {what}", minutes(budget));
    }
    for suite in suites {
        println!("{:<12} {:>6}  {}", suite.name, minutes(suite.budget), suite.what);
    }
}

fn report(outcomes: &[Outcome]) -> Result<(), String> {
    println!("\n{:<12} {:>7} {:>7} {:>9} {:>7}", "step", "passed", "failed", "took", "budget");
    for outcome in outcomes {
        let note = outcome.note();
        let took = format!("{:.1} s", outcome.took.as_secs_f64());
        let budget = minutes(outcome.budget);
        println!(
            "{:<12} {:>7} {:>7} {took:>9} {budget:>7}  {note}",
            outcome.name,
            outcome.passed,
            outcome.failures()
        );
    }
    let passed: usize = outcomes.iter().map(|outcome| outcome.passed).sum();
    let failed: usize = outcomes.iter().map(Outcome::failures).sum();
    println!("\n{passed} passed, {failed} failed");
    // The line above is the last word; the exit code says the rest.
    if failed == 0 { Ok(()) } else { std::process::exit(1) }
}

fn minutes(budget: Duration) -> String {
    if budget == Duration::MAX { "-".into() } else { format!("{} s", budget.as_secs()) }
}
