//! Real clients start `doorward guard` in the place of real servers: nothing but the command of the server's entry is
//! another one.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "helpers of tests: a panic here is a failed test"
)]

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use doorward_testkit::{Kit, bare, program, run};
use serde_json::{Value, json};

const INSPECTOR: &str = "@modelcontextprotocol/inspector";
const FILESYSTEM: &str = "@modelcontextprotocol/server-filesystem";
const WRITTEN: &str = "written behind the guard";
/// Within which a client has done all it does, on a busy machine too.
const VISIT: Duration = Duration::from_secs(120);

struct House {
    kit: Kit,
    folder: tempfile::TempDir,
}

/// A server, what is called there, and what its answer holds.
struct Server {
    name: &'static str,
    command: Vec<String>,
    tool: &'static str,
    arguments: Value,
    answers: &'static str,
    /// A tool that asks a person, one that tells of its progress.
    asks: Option<&'static str>,
    steps: Option<&'static str>,
}

impl House {
    async fn new() -> Self {
        let kit = Kit::install(env!("CARGO_TARGET_TMPDIR")).await;
        let house = Self { kit, folder: tempfile::tempdir().expect("a folder") };
        std::fs::create_dir(house.files()).expect("the folder is ours");
        std::fs::write(house.files().join("document.txt"), WRITTEN).expect("the folder is ours");
        house
    }

    fn files(&self) -> PathBuf {
        self.folder.path().join("files")
    }

    fn servers(&self) -> [Server; 2] {
        let word = |path: PathBuf| path.display().to_string();
        let filesystem = self.kit.module(&format!("{FILESYSTEM}/dist/index.js"));
        [
            Server {
                name: "filesystem",
                command: [self.kit.node(), filesystem, self.files()].map(word).to_vec(),
                tool: "read_text_file",
                arguments: json!({ "path": self.files().join("document.txt") }),
                answers: WRITTEN,
                asks: None,
                steps: None,
            },
            Server {
                name: "desk",
                command: [self.kit.python(), self.kit.script("fastmcp_server.py"), "stdio".into()]
                    .map(word)
                    .to_vec(),
                tool: "add",
                arguments: json!({ "a": 2, "b": 40 }),
                answers: "42",
                asks: Some("greet"),
                steps: Some("count"),
            },
        ]
    }

    /// The arguments with which a client starts the guard around a server.
    fn guarded(&self, server: &Server) -> Vec<String> {
        let state = self.folder.path().join("state").display().to_string();
        let mut words: Vec<String> =
            ["guard", "--name", server.name, "--state", &state, "--"].map(str::to_owned).to_vec();
        words.extend(server.command.iter().cloned());
        words
    }

    fn client(&self, program: PathBuf) -> tokio::process::Command {
        let mut command = bare(program);
        command.env("HOME", self.folder.path()).stdin(Stdio::null()).kill_on_drop(true);
        command
    }
}

async fn ended(mut command: tokio::process::Command) -> Output {
    let ended = tokio::time::timeout(VISIT, command.output()).await;
    ended.expect("a client ends in time").expect("the client can be started")
}

fn told(output: &Output) -> String {
    let said = [&output.stdout[..], &output.stderr[..]].concat();
    format!("{}\n{}", output.status, String::from_utf8_lossy(&said))
}

// control: LOC-05, guard-a: the Inspector, in both revisions, lists and calls through the guard as it does without it
#[tokio::test]
async fn the_inspector_starts_the_guard_in_a_servers_place() {
    let house = House::new().await;
    for server in house.servers() {
        for era in ["legacy", "modern"] {
            let config = json!({ "mcpServers": { "door": {
                "type": "stdio", "command": program(), "args": house.guarded(&server), "protocolEra": era,
            } } });
            let path = house.folder.path().join(format!("{}-{era}.json", server.name));
            std::fs::write(&path, config.to_string()).expect("the folder is ours");
            let arguments = server.arguments.to_string();
            let call = ["tools/call", "--tool-name", server.tool, "--tool-args-json", &arguments];
            for (method, holds) in [(&["tools/list"][..], server.tool), (&call[..], server.answers)] {
                let mut command = house.client(house.kit.node());
                command
                    .arg(house.kit.module(&format!("{INSPECTOR}/clients/launcher/build/index.js")))
                    .arg("--cli");
                command
                    .arg("--config")
                    .arg(&path)
                    .args(["--server", "door", "--format", "json", "--method"])
                    .args(method);
                command.env("MCP_INSPECTOR_SECRET_STORE", "memory");
                let output = ended(command).await;
                let said = String::from_utf8_lossy(&output.stdout).into_owned();
                assert!(
                    output.status.success() && said.contains(holds),
                    "{} {era} {method:?}: {}",
                    server.name,
                    told(&output)
                );
            }
        }
        check_record(&house, &server).await;
    }
}

// control: LOC-05, guard-a: the Python SDK, in every mode, lists, calls, is asked and hears of progress through the guard
#[tokio::test]
async fn the_python_sdk_starts_the_guard_in_a_servers_place() {
    let house = House::new().await;
    for server in house.servers() {
        for (mode, revision) in
            [("legacy", "2025-11-25"), ("auto", "2026-07-28"), ("2026-07-28", "2026-07-28")]
        {
            let visit = json!({
                "command": program(), "args": house.guarded(&server), "mode": mode,
                "tool": (server.tool, &server.arguments), "asks": server.asks, "steps": server.steps,
            });
            let mut command = house.client(house.kit.python());
            command.arg(house.kit.script("guard_client.py")).arg(visit.to_string());
            let output = ended(command).await;
            let seen: Value =
                serde_json::from_slice(&output.stdout).unwrap_or_else(|_| json!({ "error": told(&output) }));
            let about = format!("{} {mode}: {}", server.name, told(&output));
            assert_eq!(seen["revision"], revision, "{about}");
            assert!(seen["tools"].to_string().contains(server.tool), "{about}");
            assert!(seen["content"].to_string().contains(server.answers), "{about}");
            if server.asks.is_some() {
                assert!(seen["asked"].to_string().contains("Hello, Ada!"), "{about}");
                assert_eq!(seen["steps"], json!([1.0, 2.0, 3.0]), "{about}");
            }
        }
        check_record(&house, &server).await;
    }
}

/// Every call is in the log of its guard, which is whole.
async fn check_record(house: &House, server: &Server) {
    let log = house.folder.path().join("state/audit").join(server.name).join("0");
    let dir = log.display().to_string();
    let verified = run(house.folder.path(), ["audit", "verify", "--dir", &dir]).await;
    assert_eq!(verified.code, Some(0), "{}{}", verified.out, verified.err);
    assert!(text(&log).contains(&format!("\"tool\":\"{}\"", server.tool)), "{}", text(&log));
}

fn text(log: &Path) -> String {
    let entries =
        std::fs::read_dir(log).expect("the log is there").map(|entry| entry.expect("readable").path());
    let files = entries.filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    files.map(|path| std::fs::read_to_string(path).expect("readable")).collect()
}
