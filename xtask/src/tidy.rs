//! The rules of the house (D-29, D-30, D-31). Each rule is a function from what is there to what is wrong with it, so
//! that each is tested on a house that breaks it.

mod floors;
mod pages;
mod purity;
mod supply;
mod text;
mod witness;

use std::fmt;
use std::path::Path;
use std::process::Command;

use crate::sources::{self, Source};
use crate::workspace::Workspace;

/// One breach of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// File, crate or line.
    pub(crate) place: String,
    pub(crate) what: String,
    /// The way out.
    pub(crate) help: String,
}

impl Finding {
    pub(crate) fn new(place: impl Into<String>, what: impl Into<String>, help: impl Into<String>) -> Self {
        Self { place: place.into(), what: what.into(), help: help.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}\n  help: {}", self.place, self.what, self.help)
    }
}

/// Everything a rule may look at.
pub(crate) struct House {
    pub(crate) workspace: Workspace,
    pub(crate) sources: Vec<Source>,
}

type Rule = (&'static str, fn(&Path, &House) -> Result<Vec<Finding>, String>);

const RULES: [Rule; 10] = [
    ("floors", |_, house| Ok(floors::check(&house.workspace))),
    ("purity", |root, house| purity::check(root, house)),
    ("supply", |_, house| Ok(supply::check(&house.workspace))),
    ("witnesses", |_, house| Ok(witness::check(&house.sources, &witness::WITNESSES))),
    ("text", |_, house| Ok(text::check(&house.sources))),
    ("dependencies page", |_, house| Ok(pages::dependencies(&house.sources))),
    ("descriptions", |_, house| Ok(pages::descriptions(&house.workspace))),
    ("links", |root, house| Ok(pages::links(root, &house.sources))),
    ("controls page", |root, _| crate::controls::stale(root)),
    ("examples and configuration page", |root, _| examples(root)),
];

/// Runs every rule.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    let house = House {
        workspace: Workspace::load(root)?,
        sources: sources::read_all(root, &[".rs", ".toml", ".md"])?,
    };
    let mut found = 0;
    for (name, rule) in RULES {
        let findings = rule(root, &house)?;
        println!(
            "tidy: {name}: {}",
            if findings.is_empty() { "ok".into() } else { format!("{} found", findings.len()) }
        );
        for finding in &findings {
            println!("{finding}");
        }
        found += findings.len();
    }
    if found == 0 { Ok(()) } else { Err(format!("tidy: {found} to put right")) }
}

/// The configuration crate knows what loads; its tests answer.
fn examples(root: &Path) -> Result<Vec<Finding>, String> {
    let output = Command::new("cargo")
        .args([
            "test",
            "--quiet",
            "-p",
            "doorward-config",
            "--lib",
            "--",
            "every_published_example",
            "the_reference_page",
        ])
        .current_dir(root)
        .output()
        .map_err(|error| format!("cargo test: {error}"))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        let why = format!(
            "an example does not load or the page is stale:\n{said}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        return Ok(vec![Finding::new(
            "examples, docs/configuration.md",
            why,
            "mend the example; BLESS=1 cargo test -p doorward-config writes the page",
        )]);
    }
    // A renamed test would check nothing.
    if said.contains("2 passed") {
        return Ok(Vec::new());
    }
    Ok(vec![Finding::new(
        "crates/judge/config",
        "the two tests that tidy asks for are gone",
        "name them again, or change xtask/src/tidy.rs",
    )])
}
