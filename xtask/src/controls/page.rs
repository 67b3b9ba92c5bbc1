//! Writes `docs/controls.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::scan::Control;

const HEAD: &str = "# Controls and their proofs

`cargo xtask controls` writes this page from the comments above the tests; `cargo xtask tidy` fails when it is stale.
*With* names tests in which the control stops the attack, *without* tests in which the same attack succeeds because the
control is off. The state is **both ways** where there are both, **proven** where there is the first, and **cited**
where code names the id and no test claims it yet.

";

/// The page: each id with its proofs, then what every cited id means.
pub(crate) fn write(
    controls: &[Control],
    meanings: &BTreeMap<&str, &str>,
    cited: &BTreeMap<String, String>,
) -> String {
    let mut page = HEAD.to_owned();
    let ids: BTreeSet<&str> = cited.keys().map(String::as_str).collect();
    let state = |id: &str| match (tests(controls, id, false).is_empty(), tests(controls, id, true).is_empty())
    {
        (false, false) => "both ways",
        (false, true) => "proven",
        (true, false) => "attack only",
        (true, true) => "cited",
    };
    let count = |wanted: &str| ids.iter().filter(|id| state(id) == wanted).count();
    // Writing to a String cannot fail.
    let _ = writeln!(
        page,
        "{} both ways, {} proven, {} cited.\n",
        count("both ways"),
        count("proven"),
        count("cited")
    );
    page.push_str("| id | what | with | without | state |\n|---|---|---|---|---|\n");
    for id in &ids {
        let with = tests(controls, id, false).join("<br>");
        let without = tests(controls, id, true).join("<br>");
        let meaning = meanings.get(id).unwrap_or(&"");
        let _ = writeln!(page, "| {id} | {meaning} | {with} | {without} | {} |", state(id));
    }
    page.push_str("\n## What each test shows\n\n");
    let mut files: BTreeMap<&str, Vec<&Control>> = BTreeMap::new();
    for control in controls {
        files.entry(&control.path).or_default().push(control);
    }
    for (path, controls) in files {
        let _ = writeln!(page, "[{path}](../{path})\n");
        for control in controls {
            let _ = writeln!(page, "- `{}` ({}): {}", control.test, control.ids.join(", "), control.sentence);
        }
        page.push('\n');
    }
    page.truncate(page.trim_end().len());
    page.push('\n');
    page
}

fn tests(controls: &[Control], id: &str, off: bool) -> Vec<String> {
    let claims = controls
        .iter()
        .filter(|control| control.off == off && control.ids.iter().any(|claimed| claimed == id));
    claims.map(|control| format!("`{}`", control.test)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_follow_the_tests() {
        let control = |id: &str, off| Control {
            ids: vec![id.into()],
            sentence: "It holds.".into(),
            off,
            test: format!("{id}{off}"),
            path: "a.rs".into(),
        };
        let controls = [control("D-01", false), control("D-01", true), control("D-02", false)];
        let meanings = BTreeMap::from([("D-01", "One."), ("D-02", "Two."), ("D-03", "Three.")]);
        let cited = ["D-01", "D-02", "D-03"].map(|id| (id.to_owned(), String::new())).into();
        let page = write(&controls, &meanings, &cited);
        for line in [
            "| D-01 | One. | `D-01false` | `D-01true` | both ways |",
            "| D-02 | Two. | `D-02false` |  | proven |",
            "| D-03 | Three. |  |  | cited |",
        ] {
            assert!(page.contains(line), "{page}");
        }
    }
}
