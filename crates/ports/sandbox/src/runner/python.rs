//! `uvx`: uv fetches, wheels only, into an environment of its own, and Python runs the function that is the program.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::{entry_points, host, word, words};
use crate::confine::Wanted;
use crate::own;
use crate::profile::Profile;

/// A package of a Python index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Package {
    /// What uv is asked for: a name, extras, and which versions.
    spec: String,
    /// The name, as indexes know it.
    name: String,
    /// Which of its programs.
    script: String,
    /// The version of Python that was asked for.
    python: Option<String>,
}

/// Says where an index keeps files: often not where the index itself is, and no name of a host stands in this program.
const INDEX: &str = include_str!("index.py");
/// Runs a console script without the file that an installer writes, whose first line holds the folder's name.
const RUN: &str = include_str!("run.py");
/// Nothing of the package runs, and nothing is reached: what is compiled now need not be at each start, where the folder
/// cannot be written to.
const COMPILE: &str = "import compileall, sys\ncompileall.compile_dir(sys.argv[1], quiet=2)";

/// The largest list of programs that is read.
const LARGEST: u64 = 1 << 20;

const HELP: &str = "write `uvx PACKAGE ARGUMENTS` or `uvx --from PACKAGE PROGRAM ARGUMENTS`";

impl Package {
    /// Takes apart what stands behind `uvx`: the package, and its program's arguments.
    pub(super) fn of(args: &[&str]) -> Result<(Self, Vec<String>), String> {
        let (mut from, mut python) = (None, None);
        let mut args = args.iter().copied();
        let command = loop {
            let Some(word) = args.next() else { return Err(format!("`uvx` is given no package; {HELP}")) };
            let (option, value) = match word.split_once('=') {
                Some((option, value)) if option.starts_with("--") => (option, Some(value)),
                _ => (word, None),
            };
            let mut value =
                || value.or_else(|| args.next()).ok_or_else(|| format!("`uvx {option}` needs a value"));
            match option {
                "-q" | "--quiet" | "--isolated" | "--" => {}
                "--from" => from = Some(value()?),
                "-p" | "--python" => python = Some(value()?),
                _ if option.starts_with('-') => {
                    return Err(format!("`uvx {option}` is not known here; {HELP}"));
                }
                _ => break word,
            }
        };
        let (name, spec) = requirement(from.unwrap_or(command))?;
        let script = if from.is_some() { command.to_owned() } else { name.clone() };
        if !entry_points::is_script(&script) {
            return Err(format!("`{script}` is no name of a program"));
        }
        // A path would be an interpreter of somebody's.
        if !python.is_none_or(|version| version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')) {
            return Err("`uvx --python` takes a version here, as in `3.12`".to_owned());
        }
        let package = Self { spec, name, script, python: python.map(str::to_owned) };
        Ok((package, args.map(str::to_owned).collect()))
    }

    pub(super) fn spec(&self) -> &str {
        &self.spec
    }

    pub(super) fn folder_name(&self) -> String {
        // Neither this nor any package of npm's can be called as the other.
        format!("python{}%{}", self.python.as_deref().unwrap_or_default(), self.spec)
    }

    /// The indexes, in the words of a requirements file, and the interpreter that uv would take of those that are here.
    pub(super) fn questions(&self) -> Vec<Vec<String>> {
        let compile = ["uv", "pip", "compile", "--quiet", "--offline", "--no-cache", "--no-header"];
        let indexes = words(&[&compile[..], &["--emit-index-url", "-"]].concat());
        let mut python =
            words(&["uv", "python", "find", "--system", "--no-project", "--no-python-downloads"]);
        python.extend(self.python.clone());
        vec![indexes, python]
    }

    /// Four steps: where the files are, an empty environment, the fetch, and what is compiled of it.
    pub(super) fn step(
        &self,
        asked: &[String],
        said: &[String],
        folder: &Path,
    ) -> Result<Option<(Wanted, Profile)>, String> {
        let [indexes, python] = asked else { return Err("uv was not asked".to_owned()) };
        let (python, indexes) = (interpreter(python)?, Indexes::read(indexes)?);
        let environment = folder.join("venv");
        let (command, hosts) = match said {
            [] => {
                let pages =
                    indexes.all().map(|index| format!("{}/{}/", index.trim_end_matches('/'), self.name));
                (words(&[python, "-I", "-c", INDEX]).into_iter().chain(pages).collect(), indexes.hosts()?)
            }
            [_] => {
                let command = [python, "-I", "-m", "venv", "--without-pip", &word(&environment)?];
                (words(&command), Vec::new())
            }
            [files, _] => {
                let files = files.split_whitespace().map(str::to_owned);
                (self.install(&indexes, folder)?, indexes.hosts()?.into_iter().chain(files).collect())
            }
            [_, _, _] => {
                let command = [python, "-I", "-c", COMPILE, &word(&environment.join("lib"))?];
                (words(&command), Vec::new())
            }
            _ => return Ok(None),
        };
        let lines = if hosts.is_empty() { String::new() } else { format!("net {}", hosts.join(" ")) };
        let mut profile = Profile::parse(&lines).map_err(|error| error.what)?;
        profile.files_write.push(folder.to_owned());
        // uv starts the interpreter, to see what it is.
        let seen = own::find(&Wanted { command: vec![python.to_owned()], ..Wanted::default() })?;
        profile.files_read.extend(seen.own);
        // Of the system, as the door itself does it; older versions of uv know the other name.
        let env = ["UV_SYSTEM_CERTS", "UV_NATIVE_TLS", "UV_NO_PROGRESS", "NO_COLOR"];
        let env = env.map(|name| (name.to_owned(), "1".to_owned())).to_vec();
        Ok(Some((Wanted { command, env, ..Wanted::default() }, profile)))
    }

    fn install(&self, indexes: &Indexes<'_>, folder: &Path) -> Result<Vec<String>, String> {
        // A source distribution runs its build script, which is the package's own code.
        let mut command =
            words(&["uv", "pip", "install", "--quiet", "--no-config", "--only-binary", ":all:"]);
        let (python, cache) = (word(&interpreter_in(folder))?, word(&folder.join("cache"))?);
        command.extend(words(&["--no-python-downloads", "--python", &python, "--cache-dir", &cache]));
        command.extend(words(&["--default-index", indexes.first]));
        for index in &indexes.more {
            command.extend(words(&["--index", index]));
        }
        command.extend(words(&["--", &self.spec]));
        Ok(command)
    }

    pub(super) fn program(&self, folder: &Path) -> Result<Vec<String>, String> {
        let list = self.list_of_programs(folder)?;
        let about = |what: String| format!("{}: {what}", list.display());
        // What is read is a stranger's: not without end, and no link out of the folder.
        let file = match list.symlink_metadata() {
            Ok(kind) if kind.is_file() => std::fs::File::open(&list),
            Ok(_) => return Err(about("it is no file".to_owned())),
            Err(_) => return Err(format!("`{}` has no program; {HELP}", self.name)),
        };
        let mut text = String::new();
        let read = file.and_then(|file| file.take(LARGEST).read_to_string(&mut text));
        if read.map_err(|error| about(error.to_string()))? as u64 == LARGEST {
            return Err(about("it is too large".to_owned()));
        }
        let entry = entry_points::console_script(&text, &self.script).map_err(about)?;
        let python = word(&interpreter_in(folder))?;
        Ok(words(&[&python, "-c", RUN, &self.script, &entry.module, &entry.function]))
    }

    /// The package's own list; those of what it needs are not looked at.
    fn list_of_programs(&self, folder: &Path) -> Result<PathBuf, String> {
        let entries = |folder: &Path| {
            let entries =
                std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
            let mut entries: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
            entries.sort();
            Ok::<_, String>(entries)
        };
        let library = folder.join("venv/lib");
        for version in entries(&library)? {
            let packages = version.join("site-packages");
            let mine = entries(&packages)?.into_iter().find(|path| {
                let file = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
                let named = file.strip_suffix(".dist-info").and_then(|stem| stem.rsplit_once('-'));
                named.is_some_and(|(name, _)| normal(name) == self.name)
            });
            if let Some(mine) = mine {
                return Ok(mine.join("entry_points.txt"));
            }
        }
        Err(format!("{}: `{}` is not there", library.display(), self.name))
    }
}

/// The interpreter of the package's environment. It is a link, and what it is linked from says where its packages are: the
/// folder may be renamed.
fn interpreter_in(folder: &Path) -> PathBuf {
    folder.join("venv/bin/python")
}

fn interpreter(answer: &str) -> Result<&str, String> {
    let path = answer.trim();
    match Path::new(path).is_absolute() {
        true => Ok(path),
        false => {
            Err("uv knows no Python on this machine; install one, since none is downloaded for a package"
                .to_owned())
        }
    }
}

/// The indexes of uv's configuration.
struct Indexes<'a> {
    first: &'a str,
    /// Which are asked before it.
    more: Vec<&'a str>,
}

impl<'a> Indexes<'a> {
    fn read(answer: &'a str) -> Result<Self, String> {
        let named = |option: &str| {
            let values = answer.lines().filter_map(|line| line.trim().strip_prefix(option));
            values.map(str::trim).collect::<Vec<_>>()
        };
        let first = named("--index-url ").first().copied();
        let first = first.ok_or("uv names no index; set one in its configuration, or UV_DEFAULT_INDEX")?;
        Ok(Self { first, more: named("--extra-index-url ") })
    }

    fn all(&self) -> impl Iterator<Item = &'a str> {
        self.more.iter().copied().chain([self.first])
    }

    fn hosts(&self) -> Result<Vec<String>, String> {
        self.all().map(|index| host(index).map(str::to_owned)).collect()
    }
}

/// A name as indexes know it.
fn normal(name: &str) -> String {
    let parts = name.split(['-', '_', '.']).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join("-").to_ascii_lowercase()
}

/// Takes `NAME[EXTRAS]@VERSION` or `NAME[EXTRAS]==VERSION,…` apart: the name, and the same in the words of a requirement. An
/// address, a file or a marker would be something else than a package of the index.
fn requirement(text: &str) -> Result<(String, String), String> {
    let bad = || format!("`{text}` is no package of an index");
    let letters = |text: &str| {
        text.starts_with(|first: char| first.is_ascii_alphanumeric())
            && text.ends_with(|last: char| last.is_ascii_alphanumeric())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    let version = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.+!*".contains(&byte))
    };
    let end = text.find(['[', '@', '=', '<', '>', '~', '!']).unwrap_or(text.len());
    let (name, rest) = text.split_at_checked(end).ok_or_else(bad)?;
    let (extras, versions) = match rest.strip_prefix('[').map(|rest| rest.split_once(']')) {
        None => ("", rest),
        Some(None) => return Err(bad()),
        Some(Some((extras, versions))) => (extras, versions),
    };
    if !letters(name) || !(extras.is_empty() || extras.split(',').all(letters)) {
        return Err(bad());
    }
    let versions = match versions.strip_prefix('@') {
        Some("latest") => String::new(),
        Some(exact) if version(exact) => format!("=={exact}"),
        Some(_) => return Err(bad()),
        None => versions.to_owned(),
    };
    let clause = |clause: &str| {
        let signs = ["===", "==", "~=", "!=", "<=", ">=", "<", ">"];
        signs.iter().find_map(|sign| clause.strip_prefix(sign)).is_some_and(version)
    };
    if !versions.is_empty() && !versions.split(',').all(clause) {
        return Err(bad());
    }
    let extras = if extras.is_empty() { String::new() } else { format!("[{extras}]") };
    let name = normal(name);
    let spec = format!("{name}{extras}{versions}");
    Ok((name, spec))
}

#[cfg(test)]
mod tests;
