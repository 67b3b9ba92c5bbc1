//! Tokens of who signed in, for local servers: the sample of this repository, and Microsoft's own library in somebody else's.

use std::os::unix::fs::PermissionsExt as _;

use doorward_testkit::Lab;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};

use super::*;

const ALICE: &str = "a11ce000-0000-4000-8000-000000000001";
const CONFIG: &str = r#"
[guard]
tenant = "c0175050-0000-4000-8000-000000000001"
client_id = "90a2d000-0000-4000-8000-0000000000c7"
cache = "insecure-file"
cache_dir = "tokens"
broker = false

[insecure_lab]
authority = "{authority}"
ca_file = "lab.pem"
"#;

/// Entra, Graph, and Alice at her machine.
struct Desk {
    lab: Lab,
    house: House,
}

impl Desk {
    async fn new() -> Self {
        let (lab, house) = (Lab::start().await, House::new().await);
        let folder = house.folder.path();
        let config = CONFIG.replace("{authority}", &lab.emulator.authority);
        std::fs::write(folder.join("doorward.toml"), config).expect("the folder is ours");
        std::fs::write(folder.join("lab.pem"), &lab.emulator.ca_pem).expect("the folder is ours");
        lab.emulator.control().set_poll_interval(Duration::from_secs(1));
        let desk = Self { lab, house };
        desk.sign_in().await;
        desk
    }

    async fn sign_in(&self) {
        let mut command = self.house.client(program());
        command.current_dir(self.house.folder.path()).args(["login", "--device"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut login = command.spawn().expect("doorward can be started");
        let mut told = BufReader::new(login.stderr.take().expect("it is piped"));
        let mut heard = String::new();
        let code = loop {
            let mut line = String::new();
            let read = told.read_line(&mut line).await.expect("it is text");
            assert!(read > 0, "it ended: {heard}");
            heard.push_str(&line);
            if let Some((_, code)) = line.split_once("enter the code ") {
                break code.trim().to_owned();
            }
        };
        self.lab.emulator.control().approve_device(&code, "alice").expect("the code is good");
        let mut rest = String::new();
        told.read_to_string(&mut rest).await.expect("it is text");
        assert!(login.wait().await.expect("it is our child").success(), "{heard}{rest}");
    }

    /// The guard's arguments before the server's command.
    fn guarded(&self, options: &[&str]) -> Vec<String> {
        let word = |name: &str| self.house.folder.path().join(name).display().to_string();
        let token = format!("{}/User.Read", self.lab.emulator.graph);
        let mut words = ["guard", "--name", "who", "--token", &token].map(str::to_owned).to_vec();
        words.extend(["--config".to_owned(), word("doorward.toml"), "--state".to_owned(), word("state")]);
        words.extend(options.iter().map(|word| (*word).to_owned()));
        words.push("--".to_owned());
        words
    }

    /// What one call gives, through the Python SDK.
    async fn called(&self, args: &[String], mode: &str, tool: &str, arguments: Value) -> Value {
        let visit = json!({ "command": program(), "args": args, "mode": mode, "tool": (tool, arguments), "asks": null, "steps": null });
        let mut command = self.house.client(self.house.kit.python());
        command.arg(self.house.kit.script("guard_client.py")).arg(visit.to_string());
        let output = ended(command).await;
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", told(&output)))
    }

    fn records(&self) -> String {
        text(&self.house.folder.path().join("state/audit/who/0"))
    }
}

fn sample() -> PathBuf {
    program().with_file_name("doorward-sample")
}

// control: LOC-06, LOC-08: the sample tells who signed in, from Graph, in both revisions; a revoked person is told what to do, in clean words
#[tokio::test]
async fn the_sample_tells_who_signed_in() {
    let desk = Desk::new().await;
    let graph = desk.lab.emulator.graph.clone();
    let mut args = desk.guarded(&["--no-sandbox"]);
    args.push(sample().display().to_string());
    let pem = desk.house.folder.path().join("lab.pem").display().to_string();
    args.extend(["--graph", &graph, "--ca", &pem].map(str::to_owned));
    for mode in ["legacy", "2026-07-28"] {
        let seen = desk.called(&args, mode, "GetUserDetailsFromGraph", json!({})).await;
        assert!(seen["content"].to_string().contains("Alice Archer"), "{mode}: {seen}");
    }
    assert!(desk.records().contains("\"grant\":\"token-given\""), "{}", desk.records());
    desk.lab.emulator.control().revoke_user("alice").expect("the seed has her");
    let seen = desk.called(&args, "legacy", "GetUserDetailsFromGraph", json!({})).await;
    let said = seen["content"].to_string();
    assert!(said.contains("sign in again: run doorward login"), "{seen}");
    assert!(!said.contains("eyJ") && !said.contains("AADSTS"), "nothing of Entra's reaches a model: {said}");
    desk.sign_in().await;
    let seen = desk.called(&args, "auto", "GetUserDetailsFromGraph", json!({})).await;
    assert!(seen["content"].to_string().contains("Alice Archer"), "{seen}");
}

// control: TOK-02: a server written for the cloud gets its token by Microsoft's own library, for what was named and nothing else
#[tokio::test]
async fn a_server_for_the_cloud_runs_unchanged() {
    let desk = Desk::new().await;
    let graph = &desk.lab.emulator.graph;
    let mut args = desk.guarded(&["--no-sandbox"]);
    args.extend(
        [desk.house.kit.python(), desk.house.kit.script("identity_server.py")]
            .map(|path| path.display().to_string()),
    );
    let seen = desk.called(&args, "auto", "ask", json!({ "scope": format!("{graph}/.default") })).await;
    let said = seen["content"].to_string();
    for holds in ["00000003-0000-0000-c000-000000000000", "User.Read", ALICE] {
        assert!(said.contains(holds), "{seen}");
    }
    let seen =
        desk.called(&args, "auto", "ask", json!({ "scope": "https://vault.azure.net/.default" })).await;
    assert!(seen["content"].to_string().contains("no token for this audience"), "{seen}");
}

/// Asks with nothing but what Python has, and tells the status.
const ASKS: &str = r#"
import json, os, sys, urllib.error, urllib.parse, urllib.request
def ask(told):
    query = urllib.parse.urlencode({"resource": told["resource"]})
    header = told.get("header", os.environ["IDENTITY_HEADER"])
    request = urllib.request.Request(os.environ["IDENTITY_ENDPOINT"] + "?" + query, headers={"X-IDENTITY-HEADER": header})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return str(answer.status) + " " + str(sorted(json.load(answer)))
    except urllib.error.HTTPError as error:
        return str(error.code)
for line in sys.stdin:
    message = json.loads(line)
    method, asked = message.get("method"), message.get("id")
    if asked is None:
        continue
    result = None
    if method == "initialize":
        result = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "asks", "version": "1"}}
    elif method == "tools/list":
        result = {"tools": [{"name": "ask", "inputSchema": {"type": "object"}}]}
    elif method == "tools/call":
        result = {"content": [{"type": "text", "text": ask(message["params"]["arguments"])}]}
    body = {"result": result} if result is not None else {"error": {"code": -32601, "message": "no"}}
    print(json.dumps({"jsonrpc": "2.0", "id": asked, **body}), flush=True)
"#;

// control: TOK-02, D-24: in its sandbox a server reaches the guard's address for tokens and nobody else, without any `net` line
#[tokio::test]
async fn a_server_in_its_sandbox_asks_the_guard_alone() {
    let desk = Desk::new().await;
    let open = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("it is ours")
    };
    open(desk.house.folder.path(), 0o755);
    let server = desk.house.folder.path().join("server");
    std::fs::create_dir(&server).expect("the folder is ours");
    std::fs::write(server.join("asks.py"), ASKS).expect("the folder is ours");
    open(&server, 0o755);
    open(&server.join("asks.py"), 0o644);
    let mut args = desk.guarded(&["--era", "legacy"]);
    args.extend(["/usr/bin/python3".to_owned(), server.join("asks.py").display().to_string()]);
    let resource = &desk.lab.emulator.graph;
    for (arguments, expected) in [
        (json!({ "resource": resource }), "200 ['access_token', 'expires_on', 'resource', 'token_type']"),
        (json!({ "resource": "https://vault.azure.net" }), "403"),
        (json!({ "resource": resource, "header": "guessed" }), "401"),
    ] {
        let seen = desk.called(&args, "legacy", "ask", arguments.clone()).await;
        assert!(seen["content"].to_string().contains(expected), "{arguments}: {seen}");
    }
}
