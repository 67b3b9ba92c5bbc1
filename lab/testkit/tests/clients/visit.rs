//! The clients, and what one of them sees of the servers: with a token, and without.

use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use doorward_testkit::{Kit, bare};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::Revision::{self, Legacy, Modern};
use crate::servers::{SERVERS, Server};

/// A client as the suite knows it.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) title: &'static str,
    pub(crate) package: &'static str,
    /// What it must agree on with every server: the door speaks whatever the client does.
    pub(crate) revision: Revision,
    program: Speaker,
}

/// A program, and how it is told what to speak.
#[derive(Debug, PartialEq, Eq)]
enum Speaker {
    Inspector(&'static str),
    TypeScript(&'static str),
    Python(&'static str, &'static str),
}

/// Within which a client has been at every server, on a busy machine too.
const TOUR: Duration = Duration::from_secs(240);
const INSPECTOR: &str = "@modelcontextprotocol/inspector";
const TYPESCRIPT_2: &str = "@modelcontextprotocol/client";
/// mcp-remote, which is told its token when it starts.
const REMOTE: Speaker = Speaker::TypeScript("remote");
const PYTHON_SSE: Speaker = Speaker::Python("sdk-sse", "legacy");

pub(crate) const CLIENTS: [Client; 13] = [
    client("Inspector CLI, legacy", INSPECTOR, Legacy, Speaker::Inspector("legacy")),
    client("Inspector CLI, auto", INSPECTOR, Modern, Speaker::Inspector("auto")),
    client("Inspector CLI, modern", INSPECTOR, Modern, Speaker::Inspector("modern")),
    client("TypeScript SDK v1", "@modelcontextprotocol/sdk", Legacy, Speaker::TypeScript("v1")),
    client("TypeScript SDK v1, HTTP+SSE", "@modelcontextprotocol/sdk", Legacy, Speaker::TypeScript("v1-sse")),
    client("TypeScript SDK v2, legacy", TYPESCRIPT_2, Legacy, Speaker::TypeScript("v2-legacy")),
    client("TypeScript SDK v2, modern", TYPESCRIPT_2, Modern, Speaker::TypeScript("v2-modern")),
    client("Python SDK, legacy", "mcp", Legacy, Speaker::Python("sdk", "legacy")),
    client("Python SDK, HTTP+SSE", "mcp", Legacy, PYTHON_SSE),
    client("Python SDK, auto", "mcp", Modern, Speaker::Python("sdk", "auto")),
    client("Python SDK, modern", "mcp", Modern, Speaker::Python("sdk", "2026-07-28")),
    client("fastmcp", "fastmcp", Modern, Speaker::Python("fastmcp", "auto")),
    client("mcp-remote", "mcp-remote", Legacy, REMOTE),
];

const fn client(title: &'static str, package: &'static str, revision: Revision, program: Speaker) -> Client {
    Client { title, package, revision, program }
}

impl Client {
    /// Whether it can be asked, told of progress, and give up. The Inspector's command line can do none of it: it declares
    /// no capability, prints results alone, and ends with its call.
    pub(crate) fn converses(&self) -> bool {
        !matches!(self.program, Speaker::Inspector(_))
    }
}

/// What every visit needs.
#[derive(Clone)]
pub(crate) struct Visit {
    pub(crate) kit: Arc<Kit>,
    /// Home of the clients, and where they find their configurations.
    pub(crate) folder: PathBuf,
    pub(crate) token: String,
}

impl Visit {
    /// Lets a client visit every server, with a token and without, and returns what went wrong. `url` says where a server is.
    pub(crate) async fn all(&self, client: &'static Client, url: impl Fn(&str) -> String) -> Vec<String> {
        let mut failed = Vec::new();
        let mut fail = |server: &Server, error| {
            failed.push(format!("{} before {}: {error}", client.title, server.name));
        };
        if let Speaker::Inspector(era) = client.program {
            for server in &SERVERS {
                let inspector = Inspector { visit: self, client, server, url: url(server.name), era };
                inspector.visit().await.unwrap_or_else(|error| fail(server, error));
            }
            return failed;
        }
        let output = self.driven(client, url).await;
        let lines: Vec<Value> = String::from_utf8_lossy(&output.stdout)
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect();
        for server in &SERVERS {
            let seen = lines.iter().find(|line| line["server"] == server.name);
            let seen = seen.ok_or_else(|| format!("was not visited: {}", told(&output)));
            let checked = seen.and_then(|seen| {
                check(client, server, seen)
                    .map_err(|error| format!("{error}\n{}", seen["error"].as_str().unwrap_or_default()))
            });
            checked.unwrap_or_else(|error| fail(server, error));
        }
        failed
    }

    /// Runs the driver of an SDK, which goes from server to server and does all it can in one session of each.
    async fn driven(&self, client: &Client, url: impl Fn(&str) -> String) -> Output {
        let mut command = match client.program {
            Speaker::Python(kind, mode) => {
                let mut command = self.command(self.kit.python());
                command.arg(self.kit.script("python_client.py")).args([kind, mode]);
                command
            }
            Speaker::TypeScript(kind) | Speaker::Inspector(kind) => {
                let mut command = self.command(self.kit.node());
                command.arg(self.kit.script("typescript.mjs")).arg(kind);
                command
            }
        };
        let wanted =
            SERVERS.iter().map(|server| server.wanted(&url(server.name), &self.folder, client.title));
        let wanted: Value = wanted.collect();
        ended(command.arg(wanted.to_string()).env("MCP_TOKEN", &self.token)).await
    }

    fn command(&self, program: PathBuf) -> Command {
        let mut command = bare(program);
        command.env("HOME", &self.folder).stdin(Stdio::null()).kill_on_drop(true);
        command
    }
}

/// Holds what a driver saw to what it must see.
fn check(client: &Client, server: &Server, seen: &Value) -> Result<(), String> {
    let same = |what: &str, is: &Value, must: Value| {
        if *is == must { Ok(()) } else { Err(format!("{what}: {is}, not {must}")) }
    };
    same("without a token", &seen["refused"], json!(401))?;
    check_list(seen["tools"].as_array().into_iter().flatten(), server)?;
    check_answer(&seen["content"], server.tool, server.answers)?;
    if let Some((tool, answers)) = server.asks {
        check_answer(&seen["asked"], tool, answers)?;
    }
    if let Some((tool, steps)) = server.steps {
        let heard: Vec<_> =
            seen["steps"].as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
        let told: Vec<_> = steps.iter().map(|step| f64::from(*step)).collect();
        if heard != told {
            return Err(format!("{tool} told {}, not {steps:?}", seen["steps"]));
        }
    }
    if let Some((_, noticed)) = server.waits {
        same(noticed, &seen["noticed"][0]["text"], json!("given up"))?;
    }
    if client.program != REMOTE {
        let mut refused = json!({ "list": 401, "call": 401 });
        if client.program == PYTHON_SSE {
            // It hears nothing of a refusal.
            refused = json!({ "list": 401 });
        }
        same("once the token was taken away", &seen["bare"], refused)?;
    }
    same("agreed on", &seen["revision"], json!(client.revision.as_str()))
}

/// The Inspector, which does one thing a run.
struct Inspector<'a> {
    visit: &'a Visit,
    client: &'a Client,
    server: &'a Server,
    url: String,
    era: &'a str,
}

impl Inspector<'_> {
    async fn visit(&self) -> Result<(), String> {
        let call = self.server.arguments(&self.visit.folder).to_string();
        let call = ["tools/call", "--tool-name", self.server.tool, "--tool-args-json", &call];
        self.refused(&call).await?;
        let agreed = &self.result(&["initialize"]).await?["protocolVersion"];
        if *agreed != self.client.revision.as_str() {
            return Err(format!("agreed on {agreed}"));
        }
        let list = self.result(&["tools/list"]).await?;
        check_list(list["tools"].as_array().into_iter().flatten().map(|tool| &tool["name"]), self.server)?;
        check_answer(&self.result(&call).await?["content"], self.server.tool, self.server.answers)
    }

    async fn result(&self, method: &[&str]) -> Result<Value, String> {
        let output = self.run(method, Some(&self.visit.token)).await;
        let mut said = last_json(&output.stdout).map_err(|_| format!("{method:?}: {}", told(&output)))?;
        Ok(said["result"].take())
    }

    /// Exit code 3 is the Inspector's word for "the server wants me to sign in".
    async fn refused(&self, method: &[&str]) -> Result<(), String> {
        let output = self.run(method, None).await;
        let asked = output.status.code() == Some(3) && told(&output).contains("auth_required");
        if asked { Ok(()) } else { Err(format!("{method:?} without a token: {}", told(&output))) }
    }

    async fn run(&self, method: &[&str], token: Option<&str>) -> Output {
        let kit = &self.visit.kit;
        let mut command = self.visit.command(kit.node());
        command.arg(kit.module(&format!("{INSPECTOR}/clients/launcher/build/index.js"))).arg("--cli");
        command.arg("--config").arg(self.config(token)).args(["--server", "door", "--stored-auth-only"]);
        command
            .args(["--format", "json", "--method"])
            .args(method)
            .env("MCP_INSPECTOR_SECRET_STORE", "memory");
        ended(&mut command).await
    }

    fn config(&self, token: Option<&str>) -> PathBuf {
        let mut server = json!({ "type": "streamable-http", "url": self.url, "protocolEra": self.era });
        if let Some(token) = token {
            server["headers"] = json!({ "Authorization": format!("Bearer {token}") });
        }
        let who = if token.is_some() { "known" } else { "unknown" };
        let path = self.visit.folder.join(format!("{}-{}-{who}.json", self.server.name, self.era));
        let config = json!({ "mcpServers": { "door": server } });
        std::fs::write(&path, config.to_string()).expect("the folder is ours");
        path
    }
}

async fn ended(command: &mut Command) -> Output {
    let ended = tokio::time::timeout(TOUR, command.output()).await;
    ended.expect("a client ends in time").expect("the client can be started")
}

/// The last line of what a program printed: it may print before it.
fn last_json(printed: &[u8]) -> Result<Value, String> {
    let text = String::from_utf8_lossy(printed);
    let last = text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
    serde_json::from_str(last).map_err(|error| format!("{error}: {text}"))
}

fn told(output: &Output) -> String {
    let said = [&output.stdout[..], &output.stderr[..]].concat();
    format!("{}\n{}", output.status, String::from_utf8_lossy(&said))
}

fn check_list<'a>(mut tools: impl Iterator<Item = &'a Value>, server: &Server) -> Result<(), String> {
    let tool = server.tool;
    if tools.any(|listed| listed == tool) { Ok(()) } else { Err(format!("{tool} is not listed")) }
}

fn check_answer(content: &Value, tool: &str, answers: &str) -> Result<(), String> {
    let mut texts = content.as_array().into_iter().flatten().filter_map(|item| item["text"].as_str());
    if texts.any(|text| text.contains(answers)) { Ok(()) } else { Err(format!("{tool} answered {content}")) }
}
