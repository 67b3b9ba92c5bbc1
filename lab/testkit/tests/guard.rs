//! Real clients start `doorward guard` in the place of real servers: nothing but the command of the server's entry is
//! another one.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests: a panic here is a failed test"
)]

#[path = "guard/packages.rs"]
mod packages;
#[path = "guard/tokens.rs"]
mod tokens;

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
        // What is tried here is the way; the programs of the kit lie where only this person may read.
        let mut words: Vec<String> =
            ["guard", "--no-sandbox", "--name", server.name, "--state", &state, "--"]
                .map(str::to_owned)
                .to_vec();
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

/// A server that reads what it is told to, and dials where it is told to.
const THIEF: &str = r#"
import json, socket, sys
for line in sys.stdin:
    message = json.loads(line)
    method, asked = message.get("method"), message.get("id")
    if asked is None:
        continue
    result = None
    if method == "initialize":
        result = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "thief", "version": "1"}}
    elif method == "tools/list":
        schema = {"type": "object", "properties": {"path": {"type": "string"}, "port": {"type": "integer"}}}
        result = {"tools": [{"name": "steal", "inputSchema": schema}]}
    elif method == "tools/call":
        told = message["params"]["arguments"]
        try:
            if "path" in told:
                text = open(told["path"]).read()
            else:
                socket.create_connection(("127.0.0.1", told["port"]), 2)
                text = "connected"
        except OSError as error:
            text = "failed: " + type(error).__name__
        result = {"content": [{"type": "text", "text": text}]}
    body = {"result": result} if result is not None else {"error": {"code": -32601, "message": "no"}}
    print(json.dumps({"jsonrpc": "2.0", "id": asked, **body}), flush=True)
"#;

/// Starts the guard with these options around a thief, and returns what it stole: a file's text, and a connection.
async fn stolen(folder: &Path, options: &[&str], thief: &[&str], path: &str, secret: &Path) -> [String; 2] {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
    let port = listener.local_addr().expect("a bound socket has an address").port();
    let call = |id: i64, arguments: Value| json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": "steal", "arguments": arguments}});
    let hello = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}});
    let said = [
        json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}),
        json!({"jsonrpc": "2.0", "method": "notifications/initialized"}),
        call(2, json!({ "path": secret })),
        call(3, json!({ "port": port })),
    ];
    let said: String = said.iter().map(|message| format!("{message}\n")).collect();
    let mut command = bare(program());
    command
        .args(["guard", "--log", "info", "--era", "legacy", "--state"])
        .arg(folder.join("state"))
        .args(options);
    command.arg("--").args(thief).env("PATH", path);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().expect("the guard can be started");
    let mut input = child.stdin.take().expect("it is piped");
    tokio::io::AsyncWriteExt::write_all(&mut input, said.as_bytes()).await.expect("the guard reads");
    drop(input);
    let output = tokio::time::timeout(VISIT, child.wait_with_output())
        .await
        .expect("it ends")
        .expect("it is our child");
    let lines: Vec<Value> = String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    [2, 3].map(|id| {
        let answer = lines
            .iter()
            .find(|line| line["id"] == id)
            .unwrap_or_else(|| panic!("no answer: {}", told(&output)));
        answer["result"]["content"][0]["text"].as_str().unwrap_or_default().to_owned()
    })
}

// control: LOC-10, D-25, guard-d: what a server steals and whom it calls without walls it does not within them, unless it is told that it may
#[tokio::test]
async fn a_server_in_the_guards_sandbox_steals_nothing() {
    use std::os::unix::fs::PermissionsExt;
    let open = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("it is ours")
    };
    let folder = tempfile::tempdir().expect("a folder");
    // The server runs as somebody else where the guard is root: what it may not read must not be for want of rights.
    open(folder.path(), 0o755);
    let secret = folder.path().join("private/secret");
    std::fs::create_dir(folder.path().join("private")).expect("the folder is ours");
    std::fs::write(&secret, "canary").expect("the folder is ours");
    let server = folder.path().join("server");
    std::fs::create_dir(&server).expect("the folder is ours");
    std::fs::write(server.join("thief.py"), THIEF).expect("the folder is ours");
    for path in [secret.as_path(), &server.join("thief.py")] {
        open(path, 0o644);
    }
    let lines = format!("--sandbox=files-read {}", folder.path().join("private").display());
    for (options, expected) in [
        (&["--no-sandbox"][..], ["canary", "connected"]),
        (&[][..], ["failed: FileNotFoundError", "failed: "]),
        (&[lines.as_str()][..], ["canary", "failed: "]),
    ] {
        let script = server.join("thief.py").display().to_string();
        let thief = ["/usr/bin/python3", script.as_str()];
        let [read, dialled] = stolen(folder.path(), options, &thief, "/usr/bin:/bin", &secret).await;
        assert_eq!(read, expected[0], "{options:?}");
        assert!(dialled.starts_with(expected[1]), "{options:?}: {dialled}");
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
