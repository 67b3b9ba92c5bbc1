//! The clients, and what one of them sees of one server: with a token, and without.

use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::sync::Arc;

use doorward_testkit::{Kit, bare, within};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::Revision::{self, Legacy, Modern};
use crate::{Cell, Server};

/// A client as the suite knows it.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) title: &'static str,
    pub(crate) package: &'static str,
    /// What it can agree on.
    pub(crate) speaks: &'static [Revision],
    program: Speaker,
}

/// A program, and how it is told what to speak.
#[derive(Debug)]
enum Speaker {
    Inspector(&'static str),
    TypeScript,
    Python(&'static str),
}

const INSPECTOR: &str = "@modelcontextprotocol/inspector";

pub(crate) const CLIENTS: [Client; 7] = [
    client("Inspector CLI, legacy", INSPECTOR, &[Legacy], Speaker::Inspector("legacy")),
    client("Inspector CLI, auto", INSPECTOR, &[Legacy, Modern], Speaker::Inspector("auto")),
    client("Inspector CLI, modern", INSPECTOR, &[Modern], Speaker::Inspector("modern")),
    client("TypeScript SDK v1", "@modelcontextprotocol/sdk", &[Legacy], Speaker::TypeScript),
    client("Python SDK, legacy", "mcp", &[Legacy], Speaker::Python("legacy")),
    client("Python SDK, auto", "mcp", &[Legacy, Modern], Speaker::Python("auto")),
    client("Python SDK, modern", "mcp", &[Modern], Speaker::Python("2026-07-28")),
];

const fn client(
    title: &'static str,
    package: &'static str,
    speaks: &'static [Revision],
    program: Speaker,
) -> Client {
    Client { title, package, speaks, program }
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
    /// Lets a client visit a server at `url`, with a token and without.
    pub(crate) async fn cell(&self, cell: Cell, url: &str) -> Result<(), String> {
        match cell.client.program {
            Speaker::Inspector(era) => Inspector { visit: self, cell, url, era }.visit().await,
            Speaker::TypeScript => {
                let mut command = self.command(self.kit.node());
                command.arg(self.kit.script("typescript.mjs")).arg(url);
                self.sdk(command, cell).await
            }
            Speaker::Python(mode) => {
                let mut command = self.command(self.kit.python());
                command.arg(self.kit.script("python_client.py")).args([url, mode]);
                self.sdk(command, cell).await
            }
        }
    }

    fn command(&self, program: PathBuf) -> Command {
        let mut command = bare(program);
        command.env("HOME", &self.folder).stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    /// Runs the driver of an SDK, which does all it can in one session. First without a token, then with one.
    async fn sdk(&self, mut command: Command, cell: Cell) -> Result<(), String> {
        let Server { tool, .. } = cell.server;
        command.arg(tool).arg(cell.server.arguments(&self.folder).to_string());
        let without = last_json(&ended(&mut command).await.stdout)?;
        if without != json!({ "refused": 401 }) && !bare_refused(&without) {
            return Err(format!("without a token: {without}"));
        }
        let output = ended(command.env("MCP_TOKEN", &self.token)).await;
        let with = last_json(&output.stdout).map_err(|_| told(&output))?;
        if with.get("revision").is_none() {
            return Err(format!("with a token: {with}"));
        }
        check_revision(&with["revision"], cell)?;
        let tools = with["tools"].as_array().into_iter().flatten();
        check_list(tools, cell)?;
        check_answer(&with["content"], cell)?;
        if bare_refused(&with) {
            Ok(())
        } else {
            Err(format!("once the token was taken away: {}", with["bare"]))
        }
    }
}

/// The Inspector, which does one thing a run.
struct Inspector<'a> {
    visit: &'a Visit,
    cell: Cell,
    url: &'a str,
    era: &'a str,
}

impl Inspector<'_> {
    async fn visit(&self) -> Result<(), String> {
        let call = self.cell.server.arguments(&self.visit.folder).to_string();
        let call = ["tools/call", "--tool-name", self.cell.server.tool, "--tool-args-json", &call];
        self.refused(&["tools/list"]).await?;
        self.refused(&call).await?;
        check_revision(&self.result(&["initialize"]).await?["protocolVersion"], self.cell)?;
        let list = self.result(&["tools/list"]).await?;
        check_list(list["tools"].as_array().into_iter().flatten().map(|tool| &tool["name"]), self.cell)?;
        check_answer(&self.result(&call).await?["content"], self.cell)
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
        let path = self.visit.folder.join(format!("{}-{}-{who}.json", self.cell.server.name, self.era));
        let config = json!({ "mcpServers": { "door": server } });
        std::fs::write(&path, config.to_string()).expect("the folder is ours");
        path
    }
}

async fn ended(command: &mut Command) -> Output {
    within("a client to end", command.output()).await.expect("the client can be started")
}

/// The last line of what a program printed: an SDK may print before it.
fn last_json(printed: &[u8]) -> Result<Value, String> {
    let text = String::from_utf8_lossy(printed);
    let last = text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
    serde_json::from_str(last).map_err(|error| format!("{error}: {text}"))
}

fn told(output: &Output) -> String {
    let said = [&output.stdout[..], &output.stderr[..]].concat();
    format!("{}\n{}", output.status, String::from_utf8_lossy(&said))
}

fn bare_refused(said: &Value) -> bool {
    said["bare"] == json!({ "list": 401, "call": 401 })
}

fn check_revision(said: &Value, cell: Cell) -> Result<(), String> {
    if said == cell.revision.as_str() {
        Ok(())
    } else {
        Err(format!("agreed on {said}, not {:?}", cell.revision))
    }
}

fn check_list<'a>(mut tools: impl Iterator<Item = &'a Value>, cell: Cell) -> Result<(), String> {
    let tool = cell.server.tool;
    if tools.any(|listed| listed == tool) { Ok(()) } else { Err(format!("{tool} is not listed")) }
}

fn check_answer(content: &Value, cell: Cell) -> Result<(), String> {
    let text = content[0]["text"].as_str().unwrap_or_default();
    if text.contains(cell.server.answers) {
        Ok(())
    } else {
        Err(format!("{} answered {content}", cell.server.tool))
    }
}
