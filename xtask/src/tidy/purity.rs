//! Pure floors: no runtime and no I/O in what they are built from, and clippy's refusal of std's (D-30).

use std::path::Path;

use super::{Finding, House};
use crate::workspace::{Floor, cargo_tree};

/// Crates that do I/O or run tasks.
const IMPURE: [&str; 8] = ["tokio", "hyper", "sqlx", "mio", "socket2", "async-std", "smol", "reqwest"];

/// The clippy.toml of every pure crate.
const CLIPPY: &str = include_str!("../../data/pure-clippy.toml");

pub(crate) fn check(root: &Path, house: &House) -> Result<Vec<Finding>, String> {
    let mut findings = Vec::new();
    for package in
        house.workspace.members.iter().filter(|package| package.floor().is_some_and(Floor::is_pure))
    {
        let folder = package.folder.as_deref().unwrap_or_default();
        let path = format!("{folder}/clippy.toml");
        let clippy =
            house.sources.iter().find(|source| source.path == path).map(|source| source.text.as_str());
        findings.extend(lints(&path, clippy));
        findings.extend(tree(&package.name, &cargo_tree(root, &["-e", "normal", "-p", &package.name])?));
    }
    Ok(findings)
}

fn lints(path: &str, text: Option<&str>) -> Option<Finding> {
    let what = match text {
        Some(text) if text == CLIPPY => return None,
        Some(_) => "differs from xtask/data/pure-clippy.toml",
        None => "is missing, so clippy would let std's I/O, clock and randomness pass",
    };
    Some(Finding::new(path, what, format!("cp xtask/data/pure-clippy.toml {path}")))
}

/// `tree` is one `name vX` a line.
fn tree(name: &str, tree: &str) -> Vec<Finding> {
    let names: std::collections::BTreeSet<&str> =
        tree.lines().filter_map(|line| line.split(' ').next()).collect();
    IMPURE
        .iter()
        .filter(|impure| names.contains(**impure))
        .map(|impure| {
            let help = format!("cargo tree -e normal -p {name} -i {impure} says who brings it in");
            Finding::new(name, format!("is pure and is built from {impure}"), help)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    // control: D-30: A pure crate that is built from a runtime or whose lints let I/O pass fails tidy.
    #[test]
    fn impurity_is_found() {
        assert!(tree("doorward-wire", "doorward-wire v0.1.0\nbytes v1.12.0\ntokio-util v0.7.0\n").is_empty());
        assert_eq!(tree("doorward-wire", "doorward-wire v0.1.0\ntokio v1.54.0\nmio v1.0.0\n").len(), 2);
        assert!(lints("crates/base/wire/clippy.toml", Some(CLIPPY)).is_none());
        assert!(lints("crates/base/wire/clippy.toml", Some("")).is_some());
        assert!(lints("crates/base/wire/clippy.toml", None).is_some());
    }

    #[test]
    fn the_template_repeats_the_root_settings() {
        let root = include_str!("../../../clippy.toml");
        for line in root.lines().filter(|line| line.starts_with("allow-") || line.contains("{ path")) {
            assert!(CLIPPY.contains(line), "{line}");
        }
    }
}
