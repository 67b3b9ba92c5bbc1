//! Packages of strangers, from a registry of ours: fetched without running anything of theirs, then run without network.

use std::path::{Path, PathBuf};
use std::process::Command;

use doorward_sandbox::{HostPort, Packaged, Profile, Seen, Wanted};

use crate::PYTHON;
use crate::egress::{FILES, HOST, carried, kit, persons_folder};

/// What the registry has at a path, and of which kind it is.
pub(crate) fn answer(path: &str) -> Option<(&'static str, Vec<u8>)> {
    const JSON: &str = "application/vnd.pypi.simple.v1+json";
    match path {
        "/notes" => Some(("application/json", registered().into_bytes())),
        "/notes.tgz" => Some(("application/octet-stream", archive())),
        "/simple/desk/" => Some((JSON, page().into_bytes())),
        "/desk-1.0-py3-none-any.whl" => Some(("application/octet-stream", python(WHEEL))),
        "/simple/built/" => {
            Some(("text/html", b"<a href=\"../../built-1.0.tar.gz\">built-1.0.tar.gz</a>".to_vec()))
        }
        "/built-1.0.tar.gz" => Some(("application/octet-stream", python(SOURCE))),
        _ => None,
    }
}

/// A package whose installation would leave a mark and whose program tries the network.
const PACKAGE: &str = r#"{"name":"notes","version":"1.0.0","bin":{"notes":"main.js"},"scripts":{"postinstall":"touch ../../installed"}}"#;
const PROGRAM: &str = "fetch('https://api.example.com/').then(() => console.log('OUT'), () => console.log('alone ' + process.argv[2]))";

/// What a registry says of it.
fn registered() -> String {
    let dist = format!(r#"{{"tarball":"https://{HOST}/notes.tgz"}}"#);
    let version = PACKAGE.replacen('{', &format!(r#"{{"hasInstallScript":true,"dist":{dist},"#), 1);
    format!(r#"{{"name":"notes","dist-tags":{{"latest":"1.0.0"}},"versions":{{"1.0.0":{version}}}}}"#)
}

fn archive() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("package")).unwrap();
    std::fs::write(folder.path().join("package/package.json"), PACKAGE).unwrap();
    std::fs::write(folder.path().join("package/main.js"), PROGRAM).unwrap();
    let tar = Command::new("tar").args(["-czf", "-", "package"]).current_dir(folder.path()).output();
    tar.unwrap().stdout
}

/// An index in JSON, as it was first; its files lie elsewhere.
fn page() -> String {
    let file = "desk-1.0-py3-none-any.whl";
    format!(
        r#"{{"meta":{{"api-version":"1.0"}},"name":"desk","files":[{{"filename":"{file}","url":"https://{FILES}/{file}","hashes":{{}}}}]}}"#
    )
}

/// A program that tries the network. A line beside it is run by each Python that starts in its environment.
const WHEEL: &str = r#"
import io, sys, zipfile
program = """
import sys, urllib.request
def main():
    try:
        urllib.request.urlopen('https://api.example.com/', timeout=3)
        print('OUT')
    except OSError:
        print('alone', *sys.argv)
"""
files = {
    "desk/__init__.py": program,
    "desk.pth": "import os; open(os.environ['MARK'], 'w').close()",
    "desk-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: desk\nVersion: 1.0\n",
    "desk-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "desk-1.0.dist-info/entry_points.txt": "[console_scripts]\ndesk = desk:main\n",
}
files["desk-1.0.dist-info/RECORD"] = "".join(f"{name},,\n" for name in files) + "desk-1.0.dist-info/RECORD,,\n"
made = io.BytesIO()
with zipfile.ZipFile(made, "w") as wheel:
    for name, text in files.items():
        wheel.writestr(name, text)
sys.stdout.buffer.write(made.getvalue())
"#;

/// A package that is built by its own code, which leaves a mark.
const SOURCE: &str = r#"
import io, sys, tarfile
backend = "import os; open(os.environ['MARK'], 'w').close()"
project = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n[project]\nname = "built"\nversion = "1.0"\n'
about = "Metadata-Version: 2.1\nName: built\nVersion: 1.0\n"
with tarfile.open(fileobj=sys.stdout.buffer, mode="w|gz") as archive:
    for name, text in {"backend.py": backend, "pyproject.toml": project, "PKG-INFO": about}.items():
        file = tarfile.TarInfo("built-1.0/" + name)
        file.size = len(text)
        archive.addfile(file, io.BytesIO(text.encode()))
"#;

fn python(script: &str) -> Vec<u8> {
    Command::new(PYTHON).args(["-c", script]).output().unwrap().stdout
}

fn packaged(command: &str) -> Packaged {
    let words: Vec<_> = command.split(' ').map(str::to_owned).collect();
    Packaged::of(&words).unwrap().unwrap()
}

/// Goes through a fetch, with each command changed as told, and gives back what was seen at the way out.
fn fetched(packaged: &Packaged, asked: &[String], folder: &Path, change: impl Fn(&mut Wanted)) -> Vec<Seen> {
    let (mut said, mut all) = (vec![], vec![]);
    while let Some((mut wanted, profile)) = packaged.step(asked, &said, folder).unwrap() {
        change(&mut wanted);
        let (out, seen) = carried(wanted, profile);
        said.push(out);
        all.extend(seen);
    }
    all
}

fn connected(host: &str) -> Seen {
    Seen::Connected(HostPort { host: host.to_owned(), port: 443 })
}

// control: D-24, guard-e: A package comes from its registry without running its scripts, and its program runs without network.
#[test]
fn npx_goes_in_two_steps() {
    let packaged = packaged("npx -y notes argument");
    let registry = [format!("https://{HOST}/")];
    let folder = persons_folder();
    let seen = fetched(&packaged, &registry, folder.path(), |_| {});
    assert!(!seen.is_empty() && seen.iter().all(|one| *one == connected(HOST)), "{seen:?}");
    assert!(!folder.path().join("installed").exists(), "a script of the package ran");
    // The same with scripts, to see that there is one.
    let careless = persons_folder();
    let careful = |part: &String| part != "--ignore-scripts";
    fetched(&packaged, &registry, careless.path(), |wanted| wanted.command.retain(careful));
    assert!(careless.path().join("installed").exists(), "no script ran");
    let command = packaged.program(folder.path()).unwrap();
    let profile = Profile { files_read: vec![folder.path().to_owned()], ..Profile::default() };
    let ran = carried(Wanted { command, ..Wanted::default() }, profile);
    assert_eq!(ran, ("alone argument\n".to_owned(), vec![]));
}

// In JSON, in HTML, and of a package that is not there.
#[test]
fn an_index_says_where_its_files_are() {
    let asked = [format!("--index-url https://{HOST}/simple\n"), format!("{PYTHON}\n")];
    for (command, hosts) in [("uvx desk", FILES), ("uvx built", HOST), ("uvx absent", "")] {
        let folder = persons_folder();
        let (wanted, profile) = packaged(command).step(&asked, &[], folder.path()).unwrap().unwrap();
        let expected = if hosts.is_empty() { String::new() } else { format!("{hosts}:443\n") };
        assert_eq!(carried(wanted, profile), (expected, vec![connected(HOST)]), "{command}");
    }
}

/// uv, in a folder where the person may go.
fn uv() -> (tempfile::TempDir, String) {
    let folder = persons_folder();
    let uv = folder.path().join("uv");
    std::fs::copy(kit().python().with_file_name("uv"), &uv).unwrap();
    let word = uv.to_str().unwrap().to_owned();
    (folder, word)
}

/// Fetches with uv; where it leaves a mark, something of the package ran.
fn fetched_by_uv(command: &str, binary_only: bool) -> (Packaged, tempfile::TempDir, PathBuf, Vec<Seen>) {
    let (_uv, uv) = uv();
    let packaged = packaged(command);
    let asked = [format!("--index-url https://{HOST}/simple\n"), format!("{PYTHON}\n")];
    let folder = persons_folder();
    let mark = folder.path().join("mark");
    let seen = fetched(&packaged, &asked, folder.path(), |wanted| {
        if wanted.command[0] == "uv" {
            wanted.command[0].clone_from(&uv);
        }
        if !binary_only {
            wanted.command.retain(|part| part != "--only-binary" && part != ":all:");
        }
        wanted.env.push(("MARK".to_owned(), mark.to_str().unwrap().to_owned()));
    });
    (packaged, folder, mark, seen)
}

// control: D-24, guard-e: A Python package comes from its index and where that keeps its files; nothing of it runs on the way, and its program runs without network, in a folder that was renamed since.
#[test]
fn uvx_goes_in_two_steps() {
    let (packaged, folder, mark, seen) = fetched_by_uv("uvx desk@1.0 argument", true);
    let hosts = [HOST, FILES].map(connected);
    assert!(
        seen.iter().all(|one| hosts.contains(one)) && hosts.iter().all(|one| seen.contains(one)),
        "{seen:?}"
    );
    assert!(!mark.exists(), "something of the package ran");
    let renamed = persons_folder();
    std::fs::rename(folder.path(), renamed.path()).unwrap();
    let command = packaged.program(renamed.path()).unwrap();
    let profile = Profile { files_read: vec![renamed.path().to_owned()], ..Profile::default() };
    let env = vec![("MARK".to_owned(), "/tmp/mark".to_owned())];
    let ran = carried(Wanted { command, env, ..Wanted::default() }, profile);
    assert_eq!(ran, ("alone desk argument\n".to_owned(), vec![]));
    // The same line, where Python starts there, to see that it would run.
    let python = renamed.path().join("venv/bin/python");
    let mark = renamed.path().join("mark");
    assert!(Command::new(python).args(["-c", ""]).env("MARK", &mark).status().unwrap().success());
    assert!(mark.exists(), "the line did not run");
}

// control: D-24: A package that would be built by its own code is not taken.
#[test]
fn uvx_builds_nothing() {
    let (packaged, folder, mark, seen) = fetched_by_uv("uvx built", true);
    assert!(seen.contains(&connected(HOST)), "{seen:?}");
    assert!(!mark.exists(), "its code ran");
    assert!(packaged.program(folder.path()).is_err());
}

// control-off: D-24: Asked for any form of a package, uv runs its code while it fetches, with the network open.
#[test]
fn uv_builds_with_the_packages_own_code() {
    let (_, _folder, mark, _) = fetched_by_uv("uvx built", false);
    assert!(mark.exists(), "its code did not run");
}
