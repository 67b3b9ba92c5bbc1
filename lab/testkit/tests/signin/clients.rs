//! The clients, and how one of them signs in.

use std::fs::File;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;

use doorward_testkit::{DEADLINE, Kit, Person, bare, free_port};
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::timeout;

/// A client as the suite knows it.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) title: &'static str,
    program: Program,
}

#[derive(Debug, Clone, Copy)]
enum Program {
    McpRemote,
    TypeScript,
    /// The same over openid-client, with proofs of possession.
    Dpop,
    /// Which of the two.
    Python(&'static str),
}

pub(crate) const CLIENTS: [Client; 5] = [
    Client { title: "mcp-remote", program: Program::McpRemote },
    Client { title: "FastMCP client", program: Program::Python("fastmcp") },
    Client { title: "Python SDK", program: Program::Python("mcp") },
    Client { title: "TypeScript SDK v2", program: Program::TypeScript },
    Client { title: "openid-client", program: Program::Dpop },
];

/// How a client makes itself known to a door that was never told of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Introduction {
    Registration,
    Document,
}

/// A client in one of its ways.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cell {
    pub(crate) client: &'static Client,
    pub(crate) way: Introduction,
}

/// What a client was given.
#[derive(Debug)]
pub(crate) struct Seen {
    /// The answers of the token endpoint.
    pub(crate) tokens: Vec<Value>,
    /// All it printed.
    pub(crate) printed: String,
    /// The door's codes, which its browser brought it.
    pub(crate) codes: Vec<String>,
}

/// What every visit needs.
#[derive(Clone)]
pub(crate) struct Visit {
    pub(crate) kit: Arc<Kit>,
    /// Where the clients live.
    pub(crate) folder: PathBuf,
    pub(crate) ca: PathBuf,
    pub(crate) url: String,
    pub(crate) document: String,
}

/// Refreshes that every client must come through.
const REFRESHES: u64 = 3;

impl Visit {
    /// Lets a client sign in, list, call, and call again until its token was refreshed three times.
    pub(crate) async fn cell(&self, cell: Cell) -> Result<Seen, String> {
        let name = format!("{}-{:?}", cell.client.title.replace(' ', "-"), cell.way).to_lowercase();
        let home = self.folder.join(&name);
        std::fs::create_dir_all(&home).expect("the folder is ours");
        // Not in the client's home: people know their passwords, their clients must not.
        let theirs = self.folder.with_file_name("people").join(&name);
        let person =
            Person::new(&self.kit, &theirs, &self.ca, "alice@contoso.onmicrosoft.com", "correct-horse");

        let mut command = self.command(cell.client.program);
        command.env("HOME", &home).env("MCP_REMOTE_CONFIG_DIR", &home);
        command.args([&self.url, &free_port().port().to_string(), "list_documents", "{}"]);
        if cell.way == Introduction::Document {
            command.arg(&self.document);
        }
        person.before(&mut command);
        command.current_dir(&home).stdin(Stdio::null()).kill_on_drop(true);
        let printed = |name: &str| home.join(name);
        let file = |name: &str| File::create(printed(name)).expect("the folder is ours");
        command.stdout(file("stdout")).stderr(file("stderr"));
        let mut child = command.spawn().expect("the client can be started");
        let ended = timeout(DEADLINE, child.wait())
            .await
            .map_or_else(|_| "it hangs".to_owned(), |end| format!("{end:?}"));
        let read = |name: &str| {
            String::from_utf8_lossy(&std::fs::read(printed(name)).expect("it is ours")).into_owned()
        };

        let said = read("stdout");
        let printed = format!("{said}{}", read("stderr"));
        let visits = person.visits();
        let told = || {
            format!(
                "{ended}\n{printed}\n{}",
                visits.iter().map(|visit| visit.all.to_string()).collect::<String>()
            )
        };
        let line = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
        let mut heard: Value = serde_json::from_str(line).map_err(|error| format!("{error}: {}", told()))?;
        check(&heard).map_err(|error| format!("{error}: {}", told()))?;
        let [visit] = &visits[..] else {
            return Err(format!("{} visits at the browser: {}", visits.len(), told()));
        };
        let introduced = visit.all["steps"][0]["url"].as_str().unwrap_or_default().contains("client.json");
        if introduced != (cell.way == Introduction::Document) {
            return Err(format!("it introduced itself in another way: {}", told()));
        }
        let codes = visit.query("code").map(str::to_owned).into_iter().collect();
        let tokens = heard["kept"].as_array_mut().map(std::mem::take).unwrap_or_default();
        Ok(Seen { tokens, printed, codes })
    }

    fn command(&self, program: Program) -> Command {
        let (interpreter, script) = match program {
            Program::McpRemote => (self.kit.node(), "signin_mcp_remote.mjs"),
            Program::TypeScript => (self.kit.node(), "signin_typescript.mjs"),
            Program::Dpop => (self.kit.node(), "signin_dpop.mjs"),
            Program::Python(_) => (self.kit.python(), "signin_client.py"),
        };
        let mut command = bare(interpreter);
        command.arg(self.kit.script(script));
        if let Program::Python(which) = program {
            command.arg(which);
        }
        command
    }
}

fn check(heard: &Value) -> Result<(), String> {
    if heard["tools"] != json!(["list_documents"]) {
        return Err(format!("it is shown {}", heard["tools"]));
    }
    let answers = heard["answers"].as_array().map(Vec::as_slice).unwrap_or_default();
    if answers.len() <= REFRESHES as usize
        || !answers.iter().all(|answer| answer.as_str().is_some_and(|text| !text.is_empty()))
    {
        return Err(format!("it hears {}", heard["answers"]));
    }
    if heard["grants"] != json!({ "authorization_code": 1, "refresh_token": REFRESHES })
        || heard["refused"] != json!([])
    {
        return Err(format!("grants {}, refused {}", heard["grants"], heard["refused"]));
    }
    Ok(())
}
