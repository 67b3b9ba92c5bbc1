//! Pages that must keep up with the workspace.

use std::path::Path;

use super::Finding;
use crate::sources::Source;
use crate::workspace::Workspace;

/// Every outside dependency has its line in DEPENDENCIES.md, and every line its dependency.
pub(crate) fn dependencies(sources: &[Source]) -> Vec<Finding> {
    let text = |path: &str| {
        sources.iter().find(|source| source.path == path).map_or("", |source| source.text.as_str())
    };
    let wanted = declared(text("Cargo.toml"));
    let explained = explained(text("DEPENDENCIES.md"));
    let missing = wanted.iter().filter(|name| !explained.contains(name)).map(|name| {
        Finding::new(
            "DEPENDENCIES.md",
            format!("has no line for `{name}`"),
            "say why it is used, instead of what, and how we would leave it",
        )
    });
    let left = explained.iter().filter(|name| !wanted.contains(name)).map(|name| {
        Finding::new(
            "DEPENDENCIES.md",
            format!("explains `{name}`, which is no dependency"),
            "take the line out",
        )
    });
    missing.chain(left).collect()
}

/// Every member says what it is.
pub(crate) fn descriptions(workspace: &Workspace) -> Vec<Finding> {
    let silent =
        workspace.members.iter().filter(|package| package.description.as_deref().is_none_or(str::is_empty));
    silent
        .map(|package| {
            Finding::new(&package.name, "has no description", "add `description` to its Cargo.toml")
        })
        .collect()
}

/// Every link to a file of the repository finds it.
pub(crate) fn links(root: &Path, sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources.iter().filter(|source| source.path.ends_with(".md")) {
        let folder = source.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for target in targets(&source.text) {
            if !root.join(folder).join(target).exists() {
                findings.push(Finding::new(
                    &source.path,
                    format!("links to {target}, which is not there"),
                    "mend the link",
                ));
            }
        }
    }
    findings
}

/// Names in `[workspace.dependencies]` that are no crates of ours.
fn declared(manifest: &str) -> Vec<&str> {
    let table = manifest.split("[workspace.dependencies]").nth(1).unwrap_or_default();
    let lines = table.lines().take_while(|line| !line.starts_with('['));
    let entries = lines.filter_map(|line| line.split_once('='));
    entries
        .map(|(name, _)| name.trim())
        .filter(|name| !name.starts_with('#') && !name.starts_with("doorward-"))
        .collect()
}

/// First column of the table: `| `name` | …`.
fn explained(page: &str) -> Vec<&str> {
    page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`').map(|(name, _)| name)).collect()
}

/// Relative targets of inline links, without their fragments.
fn targets(page: &str) -> impl Iterator<Item = &str> {
    page.split("](").skip(1).filter_map(|tail| {
        let target = tail.split(')').next()?.split('#').next()?;
        let outside = target.is_empty()
            || target.contains("://")
            || target.starts_with("mailto:")
            || target.contains(' ');
        (!outside).then_some(target)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_lists_are_compared_both_ways() {
        let page = |manifest: &str, page: &str| {
            let source = |path: &str, text: &str| Source { path: path.into(), text: text.into() };
            dependencies(&[source("Cargo.toml", manifest), source("DEPENDENCIES.md", page)]).len()
        };
        let manifest = "[workspace]\n[workspace.dependencies]\n# a\ndoorward-x = { path = \"x\" }\nbytes = \"1\"\n[other]\nnot = 1\n";
        assert_eq!(page(manifest, "| crate | why |\n|---|---|\n| `bytes` | it |\n"), 0);
        assert_eq!(page(manifest, ""), 1);
        assert_eq!(page(manifest, "| `bytes` | it |\n| `gone` | it |\n"), 1);
    }

    #[test]
    fn only_links_into_the_repository_are_followed() {
        let page = "[a](b.md) [c](https://x/y.md) [d](#part) [e](f.md#part) `x](not a link)`";
        assert_eq!(targets(page).collect::<Vec<_>>(), ["b.md", "f.md"]);
    }
}
