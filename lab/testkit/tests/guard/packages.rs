//! A package that a guard fetches: whole or not at all, and from the person's own registry. In the place of npm stands a
//! script that does what npm might: it stops halfway, and goes on when it is told.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use doorward_testkit::{Kit, bare, program, within};
use tokio::process::Child;

/// A house with a person's home, and the folders of what stands for npm.
struct House(tempfile::TempDir);

/// A script in npm's place. It is told to go on over a named pipe, whose opening says that it has come halfway.
struct Npm {
    folder: PathBuf,
}

impl House {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        // Who fetches is somebody else where the guard is root.
        let open = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(folder.path(), open).expect("it is ours");
        std::fs::create_dir(folder.path().join("home")).expect("the folder is ours");
        Self(folder)
    }

    fn packages(&self) -> PathBuf {
        self.0.path().join("state/packages")
    }

    fn npm(&self, name: &str, install: &str) -> Npm {
        let folder = self.0.path().join(name);
        std::fs::create_dir_all(folder.join("bin")).expect("the folder is ours");
        let script = format!(
            "#!/bin/sh\n[ \"$1\" = config ] && {{ echo https://registry.example/; exit; }}\n\
             while [ $# -gt 0 ]; do [ \"$1\" = --prefix ] && place=$2; shift; done\n{install}\n"
        );
        executable(&folder.join("bin/npm"), &script);
        Npm { folder }
    }

    /// One that writes a package in two parts, both of its own name, and waits between them.
    fn slow(&self, name: &str) -> Npm {
        let npm = self.npm(
            name,
            &format!(
                "mkdir -p $place/node_modules/notes; cd $place/node_modules/notes\n\
                 echo {name} > first; echo '{{\"bin\":\"main.js\"}}' > package.json\n\
                 read go < {}/go || exit 1\necho {name} > main.js",
                self.0.path().join(name).display()
            ),
        );
        let made = Command::new("mkfifo").arg(npm.folder.join("go")).status().expect("the system has mkfifo");
        assert!(made.success());
        npm
    }

    /// A guard around a package, with what stands for npm.
    fn guard(&self, npm: &Npm) -> Child {
        let path = std::env::var("PATH").expect("a path");
        let mut command = bare(program());
        command.env("PATH", format!("{}/bin:{path}", npm.folder.display()));
        command.env("HOME", self.0.path().join("home")).args(["guard", "--state"]);
        command.arg(self.0.path().join("state")).args(["--", "npx", "-y", "notes"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command.spawn().expect("the guard can be started")
    }

    /// A fetch that was killed halfway, and the folder it was at.
    async fn killed_halfway(&self) -> PathBuf {
        let npm = self.slow("killed");
        let mut guard = self.guard(&npm);
        let process = guard.id().expect("it runs");
        let _go = npm.halfway().await;
        within("the guard to be killed", guard.kill()).await.expect("it is our child");
        self.packages().join(format!(".notes.{process}"))
    }
}

impl Npm {
    /// Waits until the script has come halfway; what is returned lets it go on, or tells it to give up when dropped.
    async fn halfway(&self) -> std::fs::File {
        let pipe = self.folder.join("go");
        let open = tokio::task::spawn_blocking(|| std::fs::File::create(pipe));
        within("half a package", open).await.expect("it does not panic").expect("the pipe is ours")
    }
}

fn executable(path: &Path, text: &str) {
    std::fs::write(path, text).expect("the folder is ours");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("it is ours");
}

async fn ended(guard: Child) -> (Output, String) {
    let output = within("the guard to end", guard.wait_with_output()).await.expect("it is our child");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output, said)
}

const FETCHES: &str = "a package is fetched";

// control: D-24: What a fetch that was killed halfway has left is not taken for a package: the next start fetches it whole.
#[tokio::test]
async fn a_fetch_that_is_killed_halfway_leaves_no_package() {
    let house = House::new();
    let left = house.killed_halfway().await;
    assert!(left.join("node_modules/notes/package.json").exists(), "it had not come halfway");
    assert!(!house.packages().join("notes").exists());
    let npm = house.slow("whole");
    let guard = house.guard(&npm);
    std::io::Write::write_all(&mut npm.halfway().await, b"go\n").expect("it reads");
    let (output, said) = ended(guard).await;
    assert!(output.status.success() && said.contains(FETCHES), "{said}");
    let main = std::fs::read_to_string(house.packages().join("notes/node_modules/notes/main.js"));
    assert_eq!(main.expect("it is whole"), "whole\n");
}

// control-off: D-24: Half a package where a whole one is looked for is taken for it, and is never fetched again.
#[tokio::test]
async fn half_a_package_in_a_packages_place_is_taken_for_it() {
    let house = House::new();
    let left = house.killed_halfway().await;
    std::fs::rename(left, house.packages().join("notes")).expect("the folder is ours");
    let (output, said) = ended(house.guard(&house.npm("unused", "exit 1"))).await;
    assert!(output.status.success() && !said.contains(FETCHES), "{said}");
}

// control: D-24: Two fetches of one package at once do not meet: one of them is the package, whole, and both guards run it.
#[tokio::test]
async fn two_fetches_at_once_do_not_meet() {
    let house = House::new();
    let npms = [house.slow("one"), house.slow("two")];
    let guards = npms.each_ref().map(|npm| house.guard(npm));
    let (mut first, mut second) = tokio::join!(npms[0].halfway(), npms[1].halfway());
    let [one, two] = guards;
    std::io::Write::write_all(&mut second, b"go\n").expect("it reads");
    let (output, said) = ended(two).await;
    assert!(output.status.success() && said.contains(FETCHES), "{said}");
    std::io::Write::write_all(&mut first, b"go\n").expect("it reads");
    let (output, said) = ended(one).await;
    assert!(output.status.success() && said.contains(FETCHES), "{said}");
    for file in ["first", "main.js"] {
        let text = std::fs::read_to_string(house.packages().join("notes/node_modules/notes").join(file));
        assert_eq!(text.expect("it is whole"), "two\n", "{file}");
    }
    let left: Vec<_> = std::fs::read_dir(house.packages()).expect("it is there").collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

/// A folder that names a registry of its own, as a cloned project may.
fn hostile(house: &House) -> PathBuf {
    let hostile = house.0.path().join("hostile");
    std::fs::create_dir(&hostile).expect("the folder is ours");
    std::fs::write(hostile.join(".npmrc"), "registry=https://evil.example/\n").expect("the folder is ours");
    std::fs::write(hostile.join("package.json"), "{}").expect("the folder is ours");
    let own = house.0.path().join("home/.npmrc");
    std::fs::write(own, "registry=https://person.example/\n").expect("the folder is ours");
    let index = |host| format!("[[index]]\nurl = \"https://{host}/simple\"\ndefault = true\n");
    std::fs::write(hostile.join("uv.toml"), index("evil.example")).expect("the folder is ours");
    let own = house.0.path().join("home/.config/uv");
    std::fs::create_dir_all(&own).expect("the folder is ours");
    std::fs::write(own.join("uv.toml"), index("person.example")).expect("the folder is ours");
    hostile
}

/// The machine's npm.
fn npm() -> PathBuf {
    let path = std::env::var_os("PATH").expect("a path");
    let found = std::env::split_paths(&path).map(|folder| folder.join("npm")).find(|npm| npm.is_file());
    found.expect("npm is installed")
}

// control: D-24: A hostile project's `.npmrc` in the folder where the guard starts names no registry: the person's own is asked.
#[tokio::test]
async fn a_project_names_no_registry() {
    let house = House::new();
    let hostile = hostile(&house);
    let asked = house.0.path().join("asked");
    std::fs::create_dir_all(asked.join("bin")).expect("the folder is ours");
    let script = format!(
        "#!/bin/sh\n[ \"$1\" = config ] && exec {} \"$@\"\n\
         while [ $# -gt 0 ]; do [ \"$1\" = --registry ] && echo \"asked $2\" >&2; shift; done\nexit 1\n",
        npm().display()
    );
    executable(&asked.join("bin/npm"), &script);
    let mut command = bare(program());
    let path = std::env::var("PATH").expect("a path");
    command.env("PATH", format!("{}/bin:{path}", asked.display()));
    command.env("HOME", house.0.path().join("home")).current_dir(&hostile).args(["guard", "--state"]);
    command.arg(house.0.path().join("state")).args(["--", "npx", "-y", "notes"]).stdin(Stdio::null());
    let output = within("the guard to end", command.output()).await.expect("the guard can be started");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("`notes` was not fetched: asked https://person.example/"), "{said}");
}

// control-off: D-24: Asked where the guard starts, npm names the registry of a hostile project.
#[tokio::test]
async fn a_project_names_npms_registry() {
    let house = House::new();
    let mut command = bare(npm());
    command.env("HOME", house.0.path().join("home")).current_dir(hostile(&house));
    let asked = command.args(["config", "get", "registry"]).stdin(Stdio::null()).output();
    let output = within("npm to answer", asked).await.expect("npm can be started");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "https://evil.example/");
}

/// uv, where whom a sandbox runs may go.
async fn uv(house: &House) -> PathBuf {
    let kit = Kit::install(env!("CARGO_TARGET_TMPDIR")).await;
    let uv = house.0.path().join("uv");
    std::fs::copy(kit.python().with_file_name("uv"), &uv).expect("uv is installed");
    uv
}

// control: D-24, D-28, guard-e: A Python package goes all the way through the guard: fetched in its steps, it runs as a server that reads nothing and reaches nobody; the next start fetches nothing.
#[tokio::test]
async fn a_python_package_runs_in_the_guards_sandbox() {
    let house = House::new();
    let fake = house.0.path().join("uv");
    std::fs::create_dir_all(fake.join("bin")).expect("the folder is ours");
    // No index can be reached here: in uv's place stands a script, and the interpreter is asked for no page.
    let python = fake.join("bin/index");
    executable(
        &python,
        "#!/bin/sh\ncase $4 in https:*) echo files.example:443;; *) exec /usr/bin/python3 \"$@\";; esac\n",
    );
    let install = format!(
        "#!/bin/sh\ncase \"$1 $2\" in\n'pip compile') echo '--index-url https://index.example/simple';;\n\
         'python find') echo {};;\n'pip install')\n\
         while [ \"$1\" != --python ]; do shift; done; cd ${{2%/bin/python}}/lib/python3*/site-packages || exit 1\n\
         mkdir thief-1.0.dist-info; printf '[console_scripts]\\nthief = thief:main\\n' > thief-1.0.dist-info/entry_points.txt\n\
         cp {}/thief.py .;;\nesac\n",
        python.display(),
        fake.display(),
    );
    executable(&fake.join("bin/uv"), &install);
    let indented: String = super::THIEF.lines().map(|line| format!("    {line}\n")).collect();
    std::fs::write(fake.join("thief.py"), format!("def main():\n{indented}")).expect("the folder is ours");
    let secret = house.0.path().join("secret");
    std::fs::write(&secret, "canary").expect("the folder is ours");
    let path = format!("{}/bin:/usr/bin:/bin", fake.display());
    for _ in 0..2 {
        let stolen = super::stolen(house.0.path(), &[], &["uvx", "thief"], &path, &secret).await;
        assert_eq!(stolen[0], "failed: FileNotFoundError");
        assert!(stolen[1].starts_with("failed: "), "{stolen:?}");
        // What is there is not fetched again.
        std::fs::remove_file(fake.join("bin/uv")).ok();
    }
    assert!(house.packages().join("python%thief").is_dir());
}

// control: D-24: A hostile project's `uv.toml` in the folder where the guard starts names no index: the person's own is asked.
#[tokio::test]
async fn a_project_names_no_index() {
    let house = House::new();
    let hostile = hostile(&house);
    uv(&house).await;
    let mut command = bare(program());
    // The system's Python: another one may lie in a home that nobody else can read.
    command.env("PATH", format!("{}:/usr/bin:/bin", house.0.path().display()));
    command.env("HOME", house.0.path().join("home")).current_dir(&hostile).args(["guard", "--state"]);
    command.arg(house.0.path().join("state")).args(["--", "uvx", "notes"]).stdin(Stdio::null());
    let output = within("the guard to end", command.output()).await.expect("the guard can be started");
    let said = String::from_utf8_lossy(&output.stderr);
    let asked = "`notes` was not fetched: the index does not answer at https://person.example/simple/notes/";
    assert!(said.contains(asked), "{said}");
}

// control-off: D-24: Asked where the guard starts, uv names the index of a hostile project.
#[tokio::test]
async fn a_project_names_uvs_index() {
    let house = House::new();
    let mut command = bare(uv(&house).await);
    command.env("HOME", house.0.path().join("home")).current_dir(hostile(&house));
    command.args([
        "pip",
        "compile",
        "--quiet",
        "--offline",
        "--no-cache",
        "--no-header",
        "--emit-index-url",
        "-",
    ]);
    let asked = command.stdin(Stdio::null()).output();
    let output = within("uv to answer", asked).await.expect("uv can be started");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("--index-url https://evil.example/simple"), "{said}");
}

// control: D-28: A container is recognised: it is not started in a sandbox that it would leave, and what to write is said.
#[tokio::test]
async fn a_container_is_refused_with_what_to_write() {
    let house = House::new();
    let mut command = bare(program());
    command.env("HOME", house.0.path().join("home")).args(["guard", "--state"]);
    command.arg(house.0.path().join("state")).args(["--", "docker", "run", "-i", "--rm", "notes"]);
    let output = within("the guard to end", command.stdin(Stdio::null()).output()).await.expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("give it --no-sandbox"), "{said}");
}
