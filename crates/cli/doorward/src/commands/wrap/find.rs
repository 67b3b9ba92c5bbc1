//! The files of this machine's MCP clients.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use doorward_clients::{FAMILIES, Folder, Format, Os};

use crate::failure::Failure;

/// A file that a client reads.
#[derive(Debug)]
pub(crate) struct Found {
    /// The client, or `file` for one that was named.
    pub(crate) family: &'static str,
    pub(crate) title: &'static str,
    pub(crate) path: PathBuf,
    pub(crate) format: Format,
    pub(crate) members: Vec<&'static [&'static str]>,
    /// It belongs to a project, and so to everybody who shares that.
    pub(crate) shared: bool,
}

/// A file that was named on the command line: any client's members are looked for.
pub(crate) fn named(path: &Path) -> Result<Found, Failure> {
    let shown = crate::table::clean(&path.display().to_string());
    if !path.is_file() {
        return Err(
            Failure::usage(format!("there is no file `{shown}`")).help("name a client's configuration file")
        );
    }
    let format = Format::of(&path.file_name().unwrap_or_default().to_string_lossy());
    Ok(Found {
        family: "file",
        title: "File",
        path: path.to_owned(),
        format,
        members: format.members(),
        shared: false,
    })
}

/// Every file of the table that is there. A client's file comes once, also where the project is the person's home; one that
/// two clients read comes with each, or a project's link to it could hide it from the list.
pub(crate) fn all(project: &Path) -> Vec<Found> {
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for family in FAMILIES {
        for place in family.places {
            let Some(path) = place.path(os(), |folder| folder_of(folder, project)) else { continue };
            for path in matching(path) {
                // What cannot be followed is kept: reading it says why.
                let real = std::fs::canonicalize(&path).unwrap_or_else(|_| path.clone());
                if std::fs::symlink_metadata(&path).is_ok() && seen.insert((family.id, real)) {
                    let members = place.members.to_vec();
                    let shared = place.folder == Folder::Project;
                    found.push(Found {
                        family: family.id,
                        title: family.title,
                        path,
                        format: place.format,
                        members,
                        shared,
                    });
                }
            }
        }
    }
    found
}

/// The files that a path with `*.EXT` as its last part stands for, in order.
fn matching(path: PathBuf) -> Vec<PathBuf> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let Some(ending) = name.strip_prefix('*') else { return vec![path] };
    let entries =
        path.parent().and_then(|folder| std::fs::read_dir(folder).ok()).into_iter().flatten().flatten();
    let named = entries.filter(|entry| entry.file_name().to_string_lossy().ends_with(ending));
    let mut files: Vec<_> = named.map(|entry| entry.path()).collect();
    files.sort();
    files
}

const fn os() -> Os {
    if cfg!(windows) {
        Os::Windows
    } else if cfg!(target_os = "macos") {
        Os::MacOs
    } else {
        Os::Linux
    }
}

fn folder_of(folder: Folder, project: &Path) -> Option<PathBuf> {
    // The specification of XDG has relative paths ignored, and no client's maker speaks of them.
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || variable(if cfg!(windows) { "USERPROFILE" } else { "HOME" });
    let beside_home = |name, folder: &str| variable(name).or_else(|| Some(home()?.join(folder)));
    match folder {
        Folder::Home => home(),
        Folder::Config => beside_home("XDG_CONFIG_HOME", ".config"),
        Folder::AppData => variable("APPDATA"),
        Folder::Codex => beside_home("CODEX_HOME", ".codex"),
        Folder::Copilot => beside_home("COPILOT_HOME", ".copilot"),
        Folder::Project => Some(project.to_owned()),
    }
}
