//! Other people's programs, installed beside the build at exactly the versions that the repository names, and kept for
//! the next run for as long as those do not change.

use std::fs::{File, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::process::Command;

/// How long an installation may take on a slow line.
const INSTALL: Duration = Duration::from_secs(300);

const PACKAGE: &str = include_str!("../clients/package.json");
const LOCK: &str = include_str!("../clients/package-lock.json");
const REQUIREMENTS: &str = include_str!("../clients/requirements.txt");

/// Our few lines around them: a driver for each SDK and for Chromium, a FastMCP server, and a person at a browser.
const SCRIPTS: [(&str, &str); 18] = [
    ("guard_client.py", include_str!("../clients/guard_client.py")),
    ("typescript.mjs", include_str!("../clients/typescript.mjs")),
    ("python_client.py", include_str!("../clients/python_client.py")),
    ("fastmcp_server.py", include_str!("../clients/fastmcp_server.py")),
    ("identity_server.py", include_str!("../clients/identity_server.py")),
    ("signin_client.py", include_str!("../clients/signin_client.py")),
    ("signin_typescript.mjs", include_str!("../clients/signin_typescript.mjs")),
    ("conformance_client.mjs", include_str!("../clients/conformance_client.mjs")),
    ("fixture_server.mjs", include_str!("../clients/fixture_server.mjs")),
    ("signin_wire.mjs", include_str!("../clients/signin_wire.mjs")),
    ("signin_dpop.mjs", include_str!("../clients/signin_dpop.mjs")),
    ("signin_mcp_remote.mjs", include_str!("../clients/signin_mcp_remote.mjs")),
    ("browser.mjs", include_str!("../clients/browser.mjs")),
    ("browser_checks.mjs", include_str!("../clients/browser_checks.mjs")),
    ("browser_way.mjs", include_str!("../clients/browser_way.mjs")),
    ("console.mjs", include_str!("../clients/console.mjs")),
    ("login.mjs", include_str!("../clients/login.mjs")),
    ("person.py", include_str!("../clients/person.py")),
];

/// The installed programs.
#[derive(Debug)]
pub struct Kit {
    node: PathBuf,
    python: PathBuf,
}

impl Kit {
    /// Installs what is not installed yet; `tmpdir` is the suite's `env!("CARGO_TARGET_TMPDIR")`.
    ///
    /// # Panics
    /// If something cannot be installed; the message says what is missing.
    pub async fn install(tmpdir: &str) -> Self {
        let target = Path::new(tmpdir).parent().expect("a folder in the target folder");
        // Two suites at once must not install over each other.
        let lock = File::create(target.join("clients.lock")).expect("the target folder can be written");
        lock.lock().expect("the target folder can be locked");
        let kit = Self { node: target.join("clients/node"), python: target.join("clients/python") };
        tokio::join!(install_node(&kit.node), install_python(&kit.python));
        for (name, text) in SCRIPTS {
            // Beside node_modules: Node looks for a script's modules in the script's own folder.
            write(&kit.script(name), text);
        }
        // The person is started by clients, as a browser.
        std::fs::set_permissions(kit.script("person.py"), Permissions::from_mode(0o755)).expect("it is ours");
        kit
    }

    /// The Node program: the pinned one, or the machine's where that is not made for the machine.
    #[must_use]
    pub fn node(&self) -> PathBuf {
        let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };
        let pinned = self.module(&format!("node-linux-{architecture}/bin/node"));
        if pinned.exists() { pinned } else { PathBuf::from("node") }
    }

    /// A file of an installed Node package.
    #[must_use]
    pub fn module(&self, path: &str) -> PathBuf {
        self.node.join("node_modules").join(path)
    }

    /// The Python program that sees the installed packages.
    #[must_use]
    pub fn python(&self) -> PathBuf {
        self.python.join("venv/bin/python")
    }

    /// One of our scripts.
    #[must_use]
    pub fn script(&self, name: &str) -> PathBuf {
        self.node.join(name)
    }

    /// The version of a package that a client or server comes in.
    ///
    /// # Panics
    /// If it is not pinned.
    #[must_use]
    pub fn version(&self, package: &str) -> String {
        let npm: Value = serde_json::from_str(PACKAGE).expect("package.json is JSON");
        let pinned = npm.get("dependencies").and_then(|all| all.get(package)).and_then(Value::as_str);
        let pip = || REQUIREMENTS.lines().find_map(|line| line.strip_prefix(package)?.strip_prefix("=="));
        pinned.or_else(pip).unwrap_or_else(|| panic!("{package} is not pinned")).to_owned()
    }
}

/// A program of others with nothing of this machine in its environment but where programs are.
#[must_use]
pub fn bare(program: PathBuf) -> Command {
    let mut command = Command::new(program);
    command.env_clear();
    for name in ["PATH", "LANG"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
}

async fn install_node(folder: &Path) {
    let pins = format!("{PACKAGE}{LOCK}");
    if !begin(folder, &pins) {
        return;
    }
    write(&folder.join("package.json"), PACKAGE);
    write(&folder.join("package-lock.json"), LOCK);
    let mut npm = Command::new("npm");
    // No script of a package runs: what is tested needs none.
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(folder);
    finish(npm, "apt-get install -y nodejs npm").await;
    write(&folder.join("installed"), &pins);
}

async fn install_python(folder: &Path) {
    if !begin(folder, REQUIREMENTS) {
        return;
    }
    write(&folder.join("requirements.txt"), REQUIREMENTS);
    let line = "apt-get install -y python3 python3-venv";
    let mut venv = Command::new("python3");
    venv.args(["-m", "venv", "venv"]).current_dir(folder);
    finish(venv, line).await;
    let mut pip = Command::new(folder.join("venv/bin/python"));
    pip.args(["-m", "pip", "install", "--disable-pip-version-check", "--no-input", "-r", "requirements.txt"]);
    pip.current_dir(folder);
    finish(pip, line).await;
    write(&folder.join("installed"), REQUIREMENTS);
}

/// Empties the folder if it holds anything but a finished installation of these pins.
fn begin(folder: &Path, pins: &str) -> bool {
    if std::fs::read_to_string(folder.join("installed")).is_ok_and(|installed| installed == pins) {
        return false;
    }
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            panic!("cannot empty {}: {error}", folder.display())
        }
        _ => std::fs::create_dir_all(folder).expect("the target folder can be written"),
    }
    true
}

async fn finish(mut command: Command, line: &str) {
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = match tokio::time::timeout(INSTALL, command.output()).await {
        Ok(Ok(output)) => output,
        Ok(Err(error)) => panic!("{command:?} cannot be started: {error}\nrun: {line}"),
        Err(_) => {
            panic!("{command:?} took longer than {INSTALL:?}; run the suite again when the line is better")
        }
    };
    if !output.status.success() {
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        panic!("{command:?} failed; if it is a part of the system that is missing, run: {line}\n{said}");
    }
}

fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
}
