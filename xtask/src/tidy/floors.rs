//! A crate depends on lower floors only; on its own floor only where an arrow of the design says so.

use super::Finding;
use crate::workspace::{Floor, Need, Package, Workspace};

/// The arrows between crates of one floor.
const ARROWS: &[(&str, &str)] = &[
    ("wire", "types"),
    ("issuer", "oauth"),
    ("oidc", "oauth"),
    ("inspect", "text"),
    ("dlp", "text"),
    ("pins", "text"),
    ("pins", "inspect"),
    ("config", "dlp"),
    ("config", "flow"),
    ("approvals", "audit"),
    ("approvals", "store"),
    ("pinboard", "audit"),
    ("pinboard", "store"),
    ("rulebook", "audit"),
    ("entra", "net"),
    ("accounts", "entra"),
    ("accounts", "net"),
    ("advise", "net"),
    ("advise", "sandbox"),
    ("upstream", "net"),
    ("upstream", "sandbox"),
    ("admin", "facade"),
    ("gateway", "admin"),
    ("gateway", "facade"),
];

pub(crate) fn check(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in &workspace.members {
        let Some(floor) = package.floor() else {
            let folder = package.folder.clone().unwrap_or_default();
            let help = "put it at crates/<floor>/<crate>, lab/<crate> or xtask";
            findings.push(Finding::new(folder, format!("{} stands on no floor", package.name), help));
            continue;
        };
        for need in &package.needs {
            if let Some((other, other_floor)) =
                workspace.member(&need.name).and_then(|other| Some((other, other.floor()?)))
                && let Some(why) = refused((package, floor), (other, other_floor), need)
            {
                findings.push(Finding::new(
                    format!("{}/Cargo.toml", package.folder.as_deref().unwrap_or_default()),
                    format!("{} may not depend on {}: {why}", package.name, other.name),
                    "move the code down, or hand what is needed in as an argument or a trait",
                ));
            }
        }
    }
    findings
}

/// Why the dependency is not allowed.
fn refused(
    (package, floor): (&Package, Floor),
    (other, below): (&Package, Floor),
    need: &Need,
) -> Option<&'static str> {
    use Floor::{Base, Cli, Lab, Xtask};
    if floor == Xtask || below == Xtask {
        return Some("chores stand alone");
    }
    match (floor, below) {
        _ if package.name == other.name => None,
        // Tests may use the lab, and the lab's tests anything.
        (Lab, _) | (_, Lab) if need.dev => None,
        (Lab, Lab | Base) => None,
        (Lab, _) => Some(
            "the lab shares no code with the product but the base floor, or tests against it prove nothing",
        ),
        (Cli, Lab) if need.optional => None,
        (_, Lab) => Some("only the command line may use the lab, behind its optional feature"),
        _ if floor > below => None,
        _ if floor < below => Some("it stands on a higher floor"),
        _ if ARROWS.contains(&(package.short(), other.short())) => None,
        _ => Some("it stands on the same floor, and the design has no arrow between the two"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(folder: &str, needs: &[Need]) -> Package {
        let name = format!("doorward-{}", folder.rsplit('/').next().unwrap());
        Package { name, folder: Some(folder.into()), needs: needs.to_vec(), ..Package::default() }
    }

    fn need(name: &str) -> Need {
        Need { name: format!("doorward-{name}"), ..Need::default() }
    }

    /// What is found when the first crate depends on the second.
    fn findings(from: &str, to: &str, change: impl Fn(Need) -> Need) -> usize {
        let need = change(need(to.rsplit('/').next().unwrap()));
        check(&Workspace { members: vec![package(from, &[need]), package(to, &[])], ..Workspace::default() })
            .len()
    }

    // control: D-29: A dependency up the floors, or along one without an arrow, fails tidy.
    #[test]
    fn dependencies_go_down_or_along_an_arrow() {
        let plain = |need| need;
        for (from, to, expected) in [
            ("crates/judge/policy", "crates/base/wire", 0),
            ("crates/cli/doorward", "crates/base/types", 0),
            ("crates/base/wire", "crates/base/types", 0),
            ("crates/ports/entra", "crates/ports/net", 0),
            ("lab/testkit", "lab/emulator", 0),
            ("lab/emulator", "crates/base/types", 0),
            ("crates/base/wire", "crates/judge/policy", 1),
            ("crates/judge/policy", "crates/judge/oauth", 1),
            ("crates/base/types", "crates/base/wire", 1),
            ("crates/ports/net", "crates/ports/entra", 1),
            ("crates/engine/engine", "crates/ports/net", 1),
            ("lab/emulator", "crates/judge/oauth", 1),
            ("crates/serve/gateway", "lab/emulator", 1),
            ("crates/cli/doorward", "lab/emulator", 1),
            ("xtask", "crates/base/types", 1),
            ("somewhere/else", "crates/base/types", 1),
        ] {
            assert_eq!(findings(from, to, plain), expected, "{from} on {to}");
        }
        let optional = |need| Need { optional: true, ..need };
        assert_eq!(findings("crates/cli/doorward", "lab/emulator", optional), 0);
        assert_eq!(findings("crates/serve/gateway", "lab/emulator", optional), 1);
        let dev = |need| Need { dev: true, ..need };
        assert_eq!(findings("crates/serve/gateway", "lab/emulator", dev), 0);
        assert_eq!(findings("lab/testkit", "crates/serve/gateway", dev), 0);
        assert_eq!(findings("crates/base/wire", "crates/serve/gateway", dev), 1);
    }
}
