//! `controls`: which requirement and decision is proven by which test (D-32).
//!
//! Above a test stands `// control: ID[, ID…]: one sentence`; above a test that shows the attack succeeding where the
//! control is off, `// control-off: ID: one sentence`. Every id that the code cites has its meaning in
//! `xtask/data/ids.tsv`.

mod page;
mod scan;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::sources;
use crate::tidy::Finding;

const PAGE: &str = "docs/controls.md";
const IDS: &str = include_str!("../data/ids.tsv");

/// Writes the page, or says whether it is stale.
pub(crate) fn run(root: &Path, check: bool) -> Result<(), String> {
    if !check {
        let (page, _) = build(root)?;
        fs::write(root.join(PAGE), page).map_err(|error| format!("{PAGE}: {error}"))?;
        println!("controls: wrote {PAGE}");
    }
    let findings = stale(root)?;
    if findings.is_empty() {
        return Ok(());
    }
    Err(findings.iter().map(|finding| format!("{finding}\n")).collect())
}

/// What is wrong: a stale page, an id without a meaning, a comment that belongs to no test.
pub(crate) fn stale(root: &Path) -> Result<Vec<Finding>, String> {
    let (page, mut findings) = build(root)?;
    if fs::read_to_string(root.join(PAGE)).unwrap_or_default() != page {
        findings.push(Finding::new(PAGE, "is stale", "cargo xtask controls writes it"));
    }
    Ok(findings)
}

fn build(root: &Path) -> Result<(String, Vec<Finding>), String> {
    let sources = sources::read_all(root, &[".rs", ".py", ".js", ".mjs", ".ts"])?;
    let meanings = meanings(IDS)?;
    let (mut controls, mut findings, mut cited) = (Vec::new(), Vec::new(), BTreeMap::new());
    for source in &sources {
        let (found, faults) = scan::controls(source);
        controls.extend(found);
        findings.extend(faults);
        for (id, line) in scan::cited(&source.text) {
            cited.entry(id).or_insert_with(|| format!("{}:{line}", source.path));
        }
    }
    for (id, place) in &cited {
        if !meanings.contains_key(id.as_str()) {
            let help = "define it in one sentence in xtask/data/ids.tsv";
            findings.push(Finding::new(place, format!("cites {id}, which nothing defines"), help));
        }
    }
    Ok((page::write(&controls, &meanings, &cited), findings))
}

/// `ID<TAB>sentence`, one a line, in order, each once.
fn meanings(tsv: &str) -> Result<BTreeMap<&str, &str>, String> {
    let mut meanings = BTreeMap::new();
    for line in tsv.lines() {
        let (id, meaning) =
            line.split_once('\t').ok_or_else(|| format!("xtask/data/ids.tsv: no tab in `{line}`"))?;
        if !scan::is_id(id) || !meaning.ends_with('.') {
            return Err(format!("xtask/data/ids.tsv: `{line}` is not an id, a tab and a sentence"));
        }
        if meanings.insert(id, meaning).is_some() {
            return Err(format!("xtask/data/ids.tsv: {id} stands there twice"));
        }
    }
    Ok(meanings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_glossary_is_well_formed() {
        assert!(meanings(IDS).unwrap().contains_key("D-32"));
        for bad in ["D-01 no tab.", "x\tNot an id.", "D-01\tNo full stop", "D-01\tOne.\nD-01\tTwo."] {
            assert!(meanings(bad).is_err(), "{bad}");
        }
    }
}
