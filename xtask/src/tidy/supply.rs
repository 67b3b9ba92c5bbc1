//! What the program is built from: banned crates, licences, sources (D-31). Advisories are `cargo deny`'s.

use super::Finding;
use crate::workspace::{Package, Workspace};

/// Crates that must not be built, and why.
const BANNED: [(&str, &str); 9] = [
    ("ring", "one crypto provider: aws-lc-rs"),
    ("openssl", "one crypto provider: aws-lc-rs"),
    ("openssl-sys", "one crypto provider: aws-lc-rs"),
    ("native-tls", "one TLS: rustls"),
    ("rsa", "timing leaks private keys (RUSTSEC-2023-0071); aws-lc-rs does RSA"),
    ("reqwest", "one HTTP stack: hyper"),
    ("serde_yaml", "unmaintained"),
    ("serde_yml", "unsound and unmaintained (RUSTSEC-2025-0068)"),
    ("libyml", "unsound and unmaintained (RUSTSEC-2025-0067)"),
];

/// Licences that the project accepts of others.
const LICENCES: [&str; 14] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

pub(crate) fn check(workspace: &Workspace) -> Vec<Finding> {
    // One registry for everything: a second one, a repository or a stray path is a way in for somebody else's code.
    let mut sources = workspace.outside.iter().filter_map(|package| package.source.as_deref());
    let registry = sources.find(|source| source.starts_with("registry+")).unwrap_or("registry+");
    workspace.outside.iter().flat_map(|outside| package(outside, registry)).collect()
}

fn package(package: &Package, registry: &str) -> Vec<Finding> {
    let place = format!("{} {}", package.name, package.version);
    let mut findings = Vec::new();
    if let Some((_, why)) = BANNED.iter().find(|(name, _)| *name == package.name) {
        let help = format!("cargo tree --workspace --target all -i {} says who brings it in", package.name);
        findings.push(Finding::new(&place, format!("is banned: {why}"), help));
    }
    let licence = package.license.as_deref().unwrap_or_default();
    if !accepted(licence) {
        let help = "use another crate, or add the licence in xtask/src/tidy/supply.rs and deny.toml after reading it";
        findings.push(Finding::new(&place, format!("has the licence \"{licence}\""), help));
    }
    if package.source.as_deref() != Some(registry) {
        let source = package.source.as_deref().unwrap_or("a path outside the workspace");
        findings.push(Finding::new(&place, format!("comes from {source}"), "use a published version"));
    }
    findings
}

/// Evaluates an SPDX expression (annex D): one accepted branch of each `OR`, all of each `AND`.
fn accepted(expression: &str) -> bool {
    // Before SPDX, cargo used a slash for OR.
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    any(&mut rest) == Some(true) && rest.is_empty()
}

/// `None` where the expression is malformed.
fn any(rest: &mut &[&str]) -> Option<bool> {
    let mut accepted = all(rest)?;
    while let ["OR", tail @ ..] = *rest {
        *rest = tail;
        accepted |= all(rest)?;
    }
    Some(accepted)
}

fn all(rest: &mut &[&str]) -> Option<bool> {
    let mut accepted = one(rest)?;
    while let ["AND", tail @ ..] = *rest {
        *rest = tail;
        accepted &= one(rest)?;
    }
    Some(accepted)
}

fn one(rest: &mut &[&str]) -> Option<bool> {
    let (accepted, tail) = match *rest {
        ["(", tail @ ..] => {
            let mut inner = tail;
            let accepted = any(&mut inner)?;
            let [")", tail @ ..] = inner else { return None };
            (accepted, tail)
        }
        [licence, "WITH", exception, tail @ ..] => {
            (LICENCES.contains(&format!("{licence} WITH {exception}").as_str()), tail)
        }
        [licence, tail @ ..] => (LICENCES.contains(licence), tail),
        [] => return None,
    };
    *rest = tail;
    Some(accepted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn licence_expressions_are_evaluated() {
        for good in [
            "MIT",
            "MIT/Apache-2.0",
            "GPL-3.0 OR MIT",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception OR MIT",
        ] {
            assert!(accepted(good), "{good}");
        }
        for bad in [
            "",
            "GPL-3.0",
            "MIT AND GPL-3.0",
            "MIT OR",
            "(MIT",
            "MIT)",
            "Apache-2.0 WITH other-exception",
            "MIT GPL-3.0",
            "AND",
        ] {
            assert!(!accepted(bad), "{bad}");
        }
    }

    // control: D-31: A banned crate, an unknown licence or a source that is not the registry fails tidy.
    #[test]
    fn banned_crates_and_foreign_sources_are_found() {
        let good = Package {
            name: "bytes".into(),
            license: Some("MIT".into()),
            source: Some("registry+one".into()),
            ..Package::default()
        };
        assert!(package(&good, "registry+one").is_empty());
        assert_eq!(package(&Package { name: "ring".into(), ..good.clone() }, "registry+one").len(), 1);
        assert_eq!(package(&Package { license: None, ..good.clone() }, "registry+one").len(), 1);
        for source in
            [None, Some("git+https://example.org/a/b".to_owned()), Some("registry+another".to_owned())]
        {
            assert_eq!(package(&Package { source, ..good.clone() }, "registry+one").len(), 1);
        }
    }
}
