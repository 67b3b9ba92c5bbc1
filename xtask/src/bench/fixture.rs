//! The stage: programs built, upstream, yardstick and emulator running, request bodies and tokens on disk.
//!
//! The doors themselves are in `door.rs`, as each row wants its own.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::policies;
use super::process::{MEASURED, MEASURING, Process};

/// Connections of the loaded rows; each has a token of its own.
pub(super) const CONNECTIONS: usize = 32;

pub(super) struct Fixture {
    pub(super) folder: PathBuf,
    pub(super) yardstick: Process,
    yardstick_addr: SocketAddr,
    upstream_addr: SocketAddr,
    pub(super) authority: String,
    pub(super) ca_file: String,
    programs: PathBuf,
    root: PathBuf,
    built: bool,
    // Kept running until the bench ends.
    _upstream: Process,
    _emulator: Process,
}

impl Drop for Fixture {
    fn drop(&mut self) {
        // Left behind it would only take room; the next run makes a new one.
        let _removed = fs::remove_dir_all(&self.folder);
    }
}

impl Fixture {
    pub(super) fn start(root: &Path, built: bool) -> Result<Self, String> {
        needs_cores_and_taskset()?;
        if !built {
            build(root)?;
        }
        let programs = target(root)?.join("release");
        let folder = std::env::temp_dir().join(format!("doorward-bench-{}", std::process::id()));
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;

        let log = |name: &str| folder.join(format!("{name}.log"));
        let mut upstream = Process::start(MEASURING, &programs.join("doorward-echo"), &[], &log("echo"))?;
        let upstream_addr = address(&upstream.first_line()?, "url")?;
        let origin = format!("http://{upstream_addr}");
        let arguments = ["--upstream", origin.as_str()];
        let mut yardstick =
            Process::start(MEASURED, &programs.join("doorward-yardstick"), &arguments, &log("yardstick"))?;
        let yardstick_addr = address(&yardstick.first_line()?, "addr")?;

        let ready_file = folder.join("emulator.json");
        let ready = ready_file.to_string_lossy();
        let data = folder.join("emulator");
        let arguments =
            ["lab", "--listen", "127.0.0.1:0", "--ready-file", &ready, "--data", &data.to_string_lossy()];
        let mut emulator =
            Process::start(MEASURING, &programs.join("doorward"), &arguments, &log("emulator"))?;
        let told = wait_for(&ready_file, &mut emulator)?;
        Ok(Self {
            authority: text(&told, "authority")?,
            ca_file: text(&told, "ca_file")?,
            yardstick,
            yardstick_addr,
            upstream_addr,
            programs,
            root: root.to_owned(),
            built,
            _upstream: upstream,
            _emulator: emulator,
            folder,
        })
    }

    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.programs.join(name)
    }

    /// A crate's own measurement, built for the row that wants it.
    pub(super) fn example(&self, package: &str, name: &str) -> Result<PathBuf, String> {
        if !self.built {
            release(&self.root, &["-p", package, "--example", name])?;
        }
        Ok(self.programs.join("examples").join(name))
    }

    pub(super) fn upstream_origin(&self) -> String {
        format!("http://{}", self.upstream_addr)
    }

    pub(super) fn upstream_url(&self) -> String {
        format!("{}/mcp", self.upstream_origin())
    }

    pub(super) fn yardstick_url(&self) -> String {
        format!("http://{}/mcp", self.yardstick_addr)
    }

    /// One access token for the door, of a person with the role Reader and so many groups.
    pub(super) fn token(&self, groups: usize) -> Result<String, String> {
        let mut command = Command::new(self.program("doorward"));
        command.args(["lab", "token", "--user", "alice", "--data"]).arg(self.folder.join("emulator"));
        for group in policies::callers_groups(groups) {
            command.args(["--group", &group]);
        }
        let output = command.output().map_err(|error| format!("doorward lab token: {error}"))?;
        if !output.status.success() {
            return Err(format!("doorward lab token: {}", String::from_utf8_lossy(&output.stderr)));
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// A file of header sets, a token each.
    pub(super) fn tokens(&self, count: usize, groups: usize) -> Result<PathBuf, String> {
        let file = self.folder.join(format!("tokens-{count}-{groups}.json"));
        if !file.exists() {
            let mut sets = Vec::new();
            for _ in 0..count {
                sets.push(json!({ "authorization": format!("Bearer {}", self.token(groups)?) }));
            }
            self.write(&file, &Value::from(sets).to_string())?;
        }
        Ok(file)
    }

    /// A file with a `tools/call` of so many bytes to `echo`; each answer must repeat the id in its text.
    pub(super) fn echo_body(&self, bytes: usize) -> Result<PathBuf, String> {
        let file = self.folder.join(format!("echo-{bytes}.json"));
        self.write(&file, &echo_call(bytes))?;
        Ok(file)
    }

    /// A call of some 300 bytes whose text is words, which are looked at, and not padding.
    pub(super) fn prose_body(&self) -> Result<PathBuf, String> {
        let file = self.folder.join("prose.json");
        let call = format!(
            r#"{{"jsonrpc":"2.0","id":__ID__,"method":"tools/call","params":{{"name":"echo","arguments":{{"text":"m-__ID__ {PROSE}","n":7}}}}}}"#
        );
        self.write(&file, &call)?;
        Ok(file)
    }

    /// The same tokens, with the headers that 2026-07-28 wants beside its body.
    pub(super) fn modern_tokens(&self, count: usize, groups: usize) -> Result<PathBuf, String> {
        let file = self.folder.join(format!("modern-tokens-{count}-{groups}.json"));
        let mut sets = Vec::new();
        for _ in 0..count {
            sets.push(json!({
                "authorization": format!("Bearer {}", self.token(groups)?),
                "mcp-protocol-version": "2026-07-28",
                "mcp-method": "tools/call",
                "mcp-name": "echo",
            }));
        }
        self.write(&file, &Value::from(sets).to_string())?;
        Ok(file)
    }

    /// The same call as 2026-07-28 has it.
    pub(super) fn modern_body(&self, bytes: usize) -> Result<PathBuf, String> {
        let file = self.folder.join(format!("modern-echo-{bytes}.json"));
        let envelope = r#""params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}},"#;
        self.write(&file, &echo_call(bytes).replacen(r#""params":{"#, envelope, 1))?;
        Ok(file)
    }

    /// A file with a `tools/call` that is answered by a burst of events.
    pub(super) fn burst_body(&self, events: usize) -> Result<PathBuf, String> {
        let file = self.folder.join(format!("burst-{events}.json"));
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":__ID__,"method":"tools/call","params":{{"name":"burst","arguments":{{"events":{events}}}}}}}"#
        );
        self.write(&file, &body)?;
        Ok(file)
    }

    pub(super) fn write(&self, file: &Path, text: &str) -> Result<(), String> {
        fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()))
    }
}

/// `__ID__` stands for the id, which is ten digits on the wire.
/// What an honest tool says.
const PROSE: &str = "The order of the third of May was sent on Monday and arrives within two days. The customer asked for a second invoice by mail; the first one had the old address on it. Nothing is open.";

fn echo_call(bytes: usize) -> String {
    let call = |padding: usize| {
        let text: String = "lorem ipsum dolor ".chars().cycle().take(padding).collect();
        format!(
            r#"{{"jsonrpc":"2.0","id":__ID__,"method":"tools/call","params":{{"name":"echo","arguments":{{"text":"m-__ID__ {text}","n":7}}}}}}"#
        )
    };
    let bare = call(0).replace("__ID__", "1234567890").len();
    call(bytes.saturating_sub(bare))
}

fn needs_cores_and_taskset() -> Result<(), String> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    if cores < 2 {
        return Err("the bench needs two cores: one for what is measured, one for what measures".to_owned());
    }
    let works = Command::new("taskset").arg("--version").output().is_ok_and(|output| output.status.success());
    if works { Ok(()) } else { Err("taskset is missing; run: apt-get install util-linux".to_owned()) }
}

/// The product first and alone, so that no feature of a lab crate leaks into it (D-29).
fn build(root: &Path) -> Result<(), String> {
    release(root, &["-p", "doorward"])?;
    release(root, &["-p", "doorward-load", "-p", "doorward-servers"])
}

fn release(root: &Path, packages: &[&str]) -> Result<(), String> {
    println!("bench: cargo build --release {}", packages.join(" "));
    let status = Command::new("cargo")
        .args(["build", "--release", "--quiet"])
        .args(packages)
        .current_dir(root)
        .status()
        .map_err(|error| format!("cargo build: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("cargo build --release {} failed", packages.join(" ")))
    }
}

fn target(root: &Path) -> Result<PathBuf, String> {
    let output = Command::new("cargo")
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root)
        .output()
        .map_err(|error| format!("cargo metadata: {error}"))?;
    let metadata: Value =
        serde_json::from_slice(&output.stdout).map_err(|error| format!("cargo metadata: {error}"))?;
    text(&metadata, "target_directory").map(PathBuf::from)
}

/// The address in the line of JSON a program prints when it listens.
fn address(line: &str, member: &str) -> Result<SocketAddr, String> {
    let told: Value = serde_json::from_str(line).map_err(|error| format!("{line}: {error}"))?;
    let url = text(&told, member)?;
    let authority = url.trim_start_matches("http://").split('/').next().unwrap_or_default();
    authority.parse().map_err(|error| format!("{url}: {error}"))
}

fn text(value: &Value, member: &str) -> Result<String, String> {
    value.get(member).and_then(Value::as_str).map(str::to_owned).ok_or_else(|| format!("{member} is missing"))
}

/// The JSON in a file that a process writes when it is ready.
fn wait_for(file: &Path, process: &mut Process) -> Result<Value, String> {
    let patience = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(told) = fs::read(file).ok().and_then(|text| serde_json::from_slice(&text).ok()) {
            return Ok(told);
        }
        process.alive()?;
        if Instant::now() > patience {
            return Err(format!("{} did not appear", file.display()));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_has_its_size_on_the_wire() {
        for bytes in [170, 16 * 1024] {
            let call = echo_call(bytes).replace("__ID__", "1234567890");
            assert_eq!(call.len(), bytes);
            assert!(serde_json::from_str::<Value>(&call).is_ok());
        }
    }

    #[test]
    fn an_address_is_read_from_what_a_program_prints() {
        let expected = SocketAddr::from(([127, 0, 0, 1], 7));
        assert_eq!(address(r#"{"url":"http://127.0.0.1:7/mcp"}"#, "url"), Ok(expected));
        assert_eq!(address(r#"{"addr":"127.0.0.1:7"}"#, "addr"), Ok(expected));
        assert!(address("{}", "url").is_err() && address("listening", "url").is_err());
    }
}
