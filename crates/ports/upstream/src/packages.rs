//! A package that is fetched before it runs: aside, whole, and from where the person's own configuration says.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use doorward_sandbox::{Packaged, Started, Wanted, hand_over};
use doorward_types::ServerName;

use crate::walls::{Walls, carry};

/// Why a package is not there.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// The command cannot be taken apart.
    #[error("{0}")]
    Command(String),
    /// The folder of packages cannot be used.
    #[error("cannot use {path}: {cause}")]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why not.
        cause: io::Error,
    },
    /// The fetch could not run, or failed.
    #[error("`{spec}` was not fetched: {why}")]
    Fetch {
        /// What.
        spec: String,
        /// Why not, in the runner's own words where it had any.
        why: String,
    },
}

/// Takes a package runner's command apart: fetches the package into a folder of its own, where it is not there yet, running
/// nothing of it, and makes `command` the program itself. A package that is there is the one that was fetched first: a later
/// one of the same name is not taken for it.
///
/// # Errors
/// [`PackageError`]; the command is then as it was, and must not be started.
pub async fn fetched(
    command: &mut Vec<String>,
    walls: &mut Walls,
    packages: &Path,
    server: &ServerName,
) -> Result<(), PackageError> {
    let packaged = match Packaged::of(command) {
        None => return Ok(()),
        Some(Ok(packaged)) => packaged,
        Some(Err(why)) => return Err(PackageError::Command(why)),
    };
    let folder = packages.join(packaged.folder_name());
    let failed = |cause| PackageError::Folder { path: folder.clone(), cause };
    let program = match packaged.program(&folder) {
        Ok(program) => program,
        Err(_) => {
            tracing::warn!(%server, package = packaged.spec(), "a package is fetched");
            std::fs::create_dir_all(packages).map_err(failed)?;
            // Fetched aside: what a broken fetch left is not taken for a package, and two fetches do not meet.
            let aside = packages.join(format!(".{}.{}", packaged.folder_name(), std::process::id()));
            match std::fs::remove_dir_all(&aside) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
                _ => {}
            }
            std::fs::create_dir(&aside).map_err(failed)?;
            hand_over(&aside).map_err(failed)?;
            let whole = match fetch(&packaged, walls, (packages, &aside), server).await {
                Ok(()) => packaged.program(&aside).map_err(PackageError::Command),
                Err(error) => Err(error),
            };
            if let Err(error) = whole {
                let _ours = std::fs::remove_dir_all(&aside);
                return Err(error);
            }
            if let Err(error) = std::fs::rename(&aside, &folder) {
                let _ours = std::fs::remove_dir_all(&aside);
                // Another was faster: then theirs was fetched first.
                if packaged.program(&folder).is_err() {
                    return Err(failed(error));
                }
            }
            packaged.program(&folder).map_err(PackageError::Command)?
        }
    };
    walls.profile.files_read.push(folder);
    *command = program;
    Ok(())
}

async fn fetch(
    packaged: &Packaged,
    walls: &Walls,
    (packages, folder): (&Path, &Path),
    server: &ServerName,
) -> Result<(), PackageError> {
    let failed = |why: String| {
        let why = packaged.advice(&why).map_or_else(|| why.clone(), |advice| format!("{why}; {advice}"));
        PackageError::Fetch { spec: packaged.spec().to_owned(), why }
    };
    let mut asked = Vec::new();
    for question in packaged.questions() {
        asked.push(answer(&question, packages).await.map_err(failed)?);
    }
    let mut said = Vec::new();
    while let Some((wanted, profile)) = packaged.step(&asked, &said, folder).map_err(failed)? {
        // What a runner wants is nothing of the server's.
        let walls = Walls { profile, inside: None, learning: None, ..walls.clone() };
        said.push(ran(&walls, &wanted, server).await.map_err(failed)?);
    }
    Ok(())
}

/// What a runner says of its configuration. It is asked where no project's configuration counts: that of a hostile one would
/// name its own registry, and what comes from there would stay, for every other project too.
async fn answer(question: &[String], packages: &Path) -> Result<String, String> {
    let (program, args) = question.split_first().ok_or("nothing is asked")?;
    let mut asked = tokio::process::Command::new(program);
    asked.args(args).current_dir(packages).stdin(Stdio::null()).kill_on_drop(true);
    let output = asked.output().await.map_err(|error| format!("`{program}` does not start: {error}"))?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(first_words(&output.stderr)),
    }
}

/// Runs one command of a fetch, and returns what it printed.
async fn ran(walls: &Walls, wanted: &Wanted, server: &ServerName) -> Result<String, String> {
    let Started { process, stdin, mut watch } = walls.start(wanted).map_err(|error| error.to_string())?;
    drop(stdin);
    watch.ready().await.map_err(|error| error.to_string())?;
    let carried = carry(watch.egress(), walls.connector.clone(), server.clone());
    let output = tokio::select! {
        output = process.wait_with_output() => output.map_err(|error| error.to_string())?,
        error = carried => return Err(error.to_string()),
    };
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(first_words(&output.stderr)),
    }
}

/// A runner says what is wrong in its first lines.
fn first_words(said: &[u8]) -> String {
    String::from_utf8_lossy(said).lines().map(str::trim).take(3).collect::<Vec<_>>().join("; ")
}
