//! Where a command's program is, and which folders are its own.

use std::path::{Path, PathBuf};

use crate::confine::Wanted;

/// A program, and what must be seen for it to run.
pub(crate) struct Found {
    pub(crate) program: PathBuf,
    pub(crate) own: Vec<PathBuf>,
    /// Where it starts, if it is given a script by a relative path.
    pub(crate) cwd: Option<PathBuf>,
}

/// Finds the program as a shell would, and the folders that are its own: where it lies, through every link, and where the
/// script lies that an interpreter is given.
pub(crate) fn find(wanted: &Wanted) -> Result<Found, String> {
    let (program, args) = wanted.command.split_first().ok_or("the command is empty")?;
    let here = match &wanted.cwd {
        Some(cwd) => cwd.clone(),
        None => std::env::current_dir().map_err(|error| format!("the working directory is gone: {error}"))?,
    };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let program = if program.contains('/') {
        let program = here.join(program);
        program.exists().then_some(program)
    } else {
        std::env::split_paths(&path).map(|folder| folder.join(program)).find(|program| is_program(program))
    };
    let program =
        program.ok_or_else(|| format!("`{}` is no program that can be found", wanted.command.join(" ")))?;
    let home = std::env::home_dir().unwrap_or_else(|| "/root".into());
    let mut own = vec![];
    for step in links(&program) {
        own.push(of_program(&step, &home, |path| path.exists()));
    }
    let script = args.iter().find(|arg| !arg.starts_with('-')).filter(|script| here.join(script).is_file());
    if let Some(script) = script {
        own.extend(links(&here.join(script)).iter().map(|step| of_script(step, &home)));
    }
    let cwd = script.filter(|script| Path::new(script).is_relative()).map(|_| here.clone());
    if let Some(cwd) = &wanted.cwd {
        own.push(if holds_more(cwd, &home) { return Err(too_wide(cwd)) } else { cwd.clone() });
    }
    own.retain(|path| path != Path::new("/"));
    own.dedup();
    Ok(Found { program, own, cwd: wanted.cwd.clone().or(cwd) })
}

fn too_wide(cwd: &Path) -> String {
    format!(
        "{} as a working directory would show the command a whole home; give it a folder of its own",
        cwd.display()
    )
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|kind| kind.is_file() && kind.permissions().mode() & 0o111 != 0)
}

/// The path and what it leads to, link by link, each also with the links of its folders followed.
fn links(path: &Path) -> Vec<PathBuf> {
    let mut steps = vec![path.to_owned()];
    let mut at = path.to_owned();
    // As many as the kernel follows.
    for _ in 0..40 {
        let Ok(to) = at.read_link() else { break };
        at = at.parent().map_or_else(|| to.clone(), |parent| parent.join(&to));
        steps.push(at.clone());
    }
    if let Ok(end) = path.canonicalize() {
        steps.push(end);
    }
    let plain = |step: PathBuf| match (step.parent().map(Path::canonicalize), step.file_name()) {
        (Some(Ok(parent)), Some(name)) => parent.join(name),
        _ => step,
    };
    let plained: Vec<_> = steps.iter().cloned().map(plain).collect();
    steps.retain(|step| !step.components().any(|part| part == std::path::Component::ParentDir));
    steps.extend(plained);
    steps.sort();
    steps.dedup();
    steps
}

/// The folder of a program, or the whole of what it was installed with: `P` for `P/bin/program`.
fn of_program(program: &Path, home: &Path, exists: impl Fn(&Path) -> bool) -> PathBuf {
    let Some(folder) = program.parent() else { return program.to_owned() };
    let within = match folder.parent() {
        Some(prefix) if folder.ends_with("bin") => {
            // `~/.local/bin` and `~/bin` lie beside keyrings and everything else.
            let deep = prefix
                .strip_prefix(home)
                .map_or(prefix.components().count() > 1, |below| below.components().count() > 2);
            if deep || exists(&prefix.join("pyvenv.cfg")) { prefix } else { folder }
        }
        _ => folder,
    };
    if holds_more(within, home) { program.to_owned() } else { within.to_owned() }
}

/// The folder of a script, or the script alone where the folder is a home.
fn of_script(script: &Path, home: &Path) -> PathBuf {
    match script.parent() {
        Some(folder) if !holds_more(folder, home) => folder.to_owned(),
        _ => script.to_owned(),
    }
}

/// A folder that holds more than a program: a home, or what homes lie in, or where everybody writes.
fn holds_more(folder: &Path, home: &Path) -> bool {
    home.starts_with(folder)
        || ["/tmp", "/var/tmp", "/home", "/root", "/etc", "/opt", "/srv", "/var"]
            .iter()
            .any(|wide| folder == Path::new(wide))
        || folder.parent() == Some(Path::new("/home"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_programs_own_folder_is_never_a_home() {
        let home = Path::new("/home/ada");
        for (program, own) in [
            ("/home/ada/.pyenv/versions/3.12/bin/python3", "/home/ada/.pyenv/versions/3.12"),
            ("/home/ada/venv/bin/python", "/home/ada/venv"),
            ("/home/ada/.local/bin/server", "/home/ada/.local/bin"),
            ("/home/ada/bin/server", "/home/ada/bin"),
            ("/home/ada/server", "/home/ada/server"),
            ("/home/ada/projects/server/run", "/home/ada/projects/server"),
            ("/home/bob/server", "/home/bob/server"),
            ("/opt/node/bin/node", "/opt/node"),
            ("/opt/server", "/opt/server"),
            ("/usr/bin/node", "/usr"),
            ("/tmp/server", "/tmp/server"),
            ("/tmp/build/server", "/tmp/build"),
        ] {
            let exists = |path: &Path| path == Path::new("/home/ada/venv/pyvenv.cfg");
            assert_eq!(of_program(Path::new(program), home, exists), Path::new(own), "{program}");
        }
        assert_eq!(of_script(Path::new("/home/ada/server.js"), home), Path::new("/home/ada/server.js"));
        assert_eq!(of_script(Path::new("/home/ada/s/server.js"), home), Path::new("/home/ada/s"));
    }
}
