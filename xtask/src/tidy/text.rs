//! What no source file may hold.

use super::Finding;
use crate::sources::{Source, code};

/// The longest file. Most should stay under half of it.
const MOST_LINES: usize = 800;

pub(crate) fn check(sources: &[Source]) -> Vec<Finding> {
    let rust = sources.iter().filter(|source| source.path.ends_with(".rs"));
    rust.flat_map(|source| [long(source), unfinished(source), ignored(source)].into_iter().flatten())
        .collect()
}

fn long(source: &Source) -> Option<Finding> {
    let lines = source.text.lines().count();
    let what = format!("has {lines} lines, and {MOST_LINES} is the most");
    (lines > MOST_LINES).then(|| Finding::new(&source.path, what, "split it by idea"))
}

fn unfinished(source: &Source) -> Option<Finding> {
    let code = code(&source.text);
    let line = code.lines().position(|line| line.contains("todo!") || line.contains("unimplemented!"))?;
    Some(Finding::new(
        format!("{}:{}", source.path, line + 1),
        "is unfinished",
        "write it, or leave it out of the change",
    ))
}

/// A skipped test must say why, where people read it.
fn ignored(source: &Source) -> Option<Finding> {
    let code = code(&source.text);
    let line = code.lines().position(|line| line.contains("#[ignore]"))?;
    let help = "write #[ignore = \"…\"] with the reason, or make it a suite";
    Some(Finding::new(format!("{}:{}", source.path, line + 1), "skips a test without a reason", help))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_unfinished_and_skipped_are_found() {
        let find = |text: &str| check(&[Source { path: "a.rs".into(), text: text.into() }]).len();
        assert_eq!(
            find("fn a() {} // todo!()\nconst A: &str = \"#[ignore] todo!()\";\n#[ignore = \"why\"]"),
            0
        );
        assert_eq!(find(&"\n".repeat(800)), 0);
        assert_eq!(find(&"\n".repeat(801)), 1);
        assert_eq!(find("fn a() { todo!() }"), 1);
        assert_eq!(find("#[ignore]\n#[test]"), 1);
    }
}
