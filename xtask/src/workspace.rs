//! The workspace as `cargo metadata` tells it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The floors, lowest first; `lab` and `xtask` stand beside the house.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Floor {
    Base,
    Judge,
    Engine,
    Ports,
    Serve,
    Cli,
    Lab,
    Xtask,
}

impl Floor {
    /// Reads it from a folder, `crates/judge/policy` for one.
    pub(crate) fn of(folder: &str) -> Option<Self> {
        Some(match folder.split('/').collect::<Vec<_>>().as_slice() {
            ["crates", "base", _] => Self::Base,
            ["crates", "judge", _] => Self::Judge,
            ["crates", "engine", _] => Self::Engine,
            ["crates", "ports", _] => Self::Ports,
            ["crates", "serve", _] => Self::Serve,
            ["crates", "cli", _] => Self::Cli,
            ["lab", _] => Self::Lab,
            ["xtask"] => Self::Xtask,
            _ => return None,
        })
    }

    /// Whether its crates have no runtime, no I/O, no clock and no randomness (D-30).
    pub(crate) fn is_pure(self) -> bool {
        matches!(self, Self::Base | Self::Judge | Self::Engine)
    }
}

/// One crate, ours or not.
#[derive(Debug, Clone, Default)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    /// The folder inside the repository; `None` for outside crates.
    pub(crate) folder: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) license: Option<String>,
    pub(crate) source: Option<String>,
    pub(crate) needs: Vec<Need>,
    /// Names of its integration tests, `tests/NAME.rs`.
    pub(crate) tests: Vec<String>,
}

/// One line of a crate's dependencies.
#[derive(Debug, Clone, Default)]
pub(crate) struct Need {
    pub(crate) name: String,
    pub(crate) dev: bool,
    pub(crate) optional: bool,
}

/// What is built when the workspace is built.
#[derive(Debug, Default)]
pub(crate) struct Workspace {
    pub(crate) members: Vec<Package>,
    /// Outside crates that some member reaches with the features in use, on any platform.
    pub(crate) outside: Vec<Package>,
    /// The folder that cargo builds into.
    pub(crate) target: PathBuf,
}

impl Workspace {
    /// Asks cargo. The lock file must fit the manifests: what is judged is what is built.
    pub(crate) fn load(root: &Path) -> Result<Self, String> {
        let output = Command::new("cargo")
            .args(["metadata", "--format-version", "1", "--locked"])
            .current_dir(root)
            .output()
            .map_err(|error| format!("cargo metadata: {error}"))?;
        if !output.status.success() {
            return Err(format!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr)));
        }
        let json: Value =
            serde_json::from_slice(&output.stdout).map_err(|error| format!("cargo metadata: {error}"))?;
        let tree = cargo_tree(root, &["--workspace", "-e", "normal,build,dev"])?;
        Ok(Self::read(&json, &tree))
    }

    /// `tree` is one `name vX.Y.Z` a line: metadata alone also lists crates that no enabled feature reaches.
    fn read(json: &Value, tree: &str) -> Self {
        let root = text(json, "workspace_root");
        let ids: BTreeSet<&str> = list(json, "workspace_members").filter_map(Value::as_str).collect();
        let built: BTreeSet<(&str, &str)> = tree
            .lines()
            .filter_map(|line| {
                let (name, version) = line.split_once(" v")?;
                Some((name, version.split(' ').next()?))
            })
            .collect();
        let mut workspace = Self { target: text(json, "target_directory").into(), ..Self::default() };
        for package in list(json, "packages") {
            let id = package.get("id").and_then(Value::as_str).unwrap_or_default();
            if ids.contains(id) {
                workspace.members.push(read_package(package, Some(&root)));
                continue;
            }
            let package = read_package(package, None);
            if built.contains(&(package.name.as_str(), package.version.as_str())) {
                workspace.outside.push(package);
            }
        }
        workspace
    }

    /// The member of this name.
    pub(crate) fn member(&self, name: &str) -> Option<&Package> {
        self.members.iter().find(|package| package.name == name)
    }
}

impl Package {
    /// The floor it stands on; `None` for outside crates and for folders that are no floor.
    pub(crate) fn floor(&self) -> Option<Floor> {
        self.folder.as_deref().and_then(Floor::of)
    }

    /// The last part of its folder, by which design pages call it.
    pub(crate) fn short(&self) -> &str {
        self.folder.as_deref().and_then(|folder| folder.rsplit('/').next()).unwrap_or(&self.name)
    }
}

/// Asks cargo what is built, for every platform: one `name vX.Y.Z` a line.
pub(crate) fn cargo_tree(root: &Path, args: &[&str]) -> Result<String, String> {
    let output = Command::new("cargo")
        .args(["tree", "--locked", "--target", "all", "--prefix", "none"])
        .args(args)
        .current_dir(root)
        .output()
        .map_err(|error| format!("cargo tree: {error}"))?;
    if !output.status.success() {
        return Err(format!("cargo tree {}: {}", args.join(" "), String::from_utf8_lossy(&output.stderr)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn read_package(json: &Value, root: Option<&str>) -> Package {
    let manifest = text(json, "manifest_path");
    let folder = root.and_then(|root| {
        let inside = manifest.strip_prefix(root)?.trim_start_matches('/').strip_suffix("Cargo.toml")?;
        Some(inside.trim_end_matches('/').to_owned())
    });
    let is_test = |target: &&Value| list(target, "kind").any(|kind| kind == "test");
    Package {
        name: text(json, "name"),
        version: text(json, "version"),
        folder,
        description: optional(json, "description"),
        license: optional(json, "license"),
        source: optional(json, "source"),
        needs: list(json, "dependencies").map(read_need).collect(),
        tests: list(json, "targets").filter(is_test).map(|target| text(target, "name")).collect(),
    }
}

fn read_need(json: &Value) -> Need {
    Need {
        name: text(json, "name"),
        dev: json.get("kind").and_then(Value::as_str) == Some("dev"),
        optional: json.get("optional") == Some(&Value::Bool(true)),
    }
}

fn list<'a>(json: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    json.get(key).and_then(Value::as_array).into_iter().flatten()
}

fn text(json: &Value, key: &str) -> String {
    optional(json, key).unwrap_or_default()
}

fn optional(json: &Value, key: &str) -> Option<String> {
    json.get(key).and_then(Value::as_str).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_that_only_the_lock_file_lists_is_not_built() {
        let package = |name: &str, path: &str| serde_json::json!({ "id": name, "name": name, "version": "1.0.0", "manifest_path": path, "dependencies": [], "targets": [] });
        let json = serde_json::json!({
            "workspace_root": "/r",
            "workspace_members": ["us"],
            "packages": [package("us", "/r/crates/base/us/Cargo.toml"), package("used", "/c/used/Cargo.toml"), package("ring", "/c/ring/Cargo.toml")],
        });
        let workspace = Workspace::read(&json, "us v1.0.0 (/r/crates/base/us)\nused v1.0.0\nring v0.9.0\n");
        assert_eq!(workspace.member("us").and_then(Package::floor), Some(Floor::Base));
        assert_eq!(
            workspace.outside.iter().map(|package| package.name.as_str()).collect::<Vec<_>>(),
            ["used"]
        );
    }
}
