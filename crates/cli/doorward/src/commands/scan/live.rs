//! A server that is started for this alone: in the guard's sandbox, by the guard's own way, asked for what it offers, and ended.

use std::time::Duration;

use doorward_engine::EraRule;
use doorward_guard::{Guard, Plan};
use doorward_sandbox::Profile;
use doorward_types::ServerName;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream, Lines};

use super::read::{self, Source};
use crate::commands::guard::{STARTER, at_home};
use crate::commands::serve::{log_to_stderr, runtime};
use crate::failure::Failure;
use doorward_config::{LogFormat, LogLevel};

/// How long a server may take to start and to answer each question.
const PATIENCE: Duration = Duration::from_secs(120);
/// Pages of a list that are asked for.
const MOST_PAGES: usize = 64;

pub(super) fn source(command: &[String], sandbox: &[String]) -> Result<Source, Failure> {
    log_to_stderr(LogFormat::Human, LogLevel::Warn);
    let told = runtime(Some(1))?.block_on(offered(command, sandbox))?;
    let name = command.join(" ");
    read::source(name.clone(), told.to_string().into_bytes(), false)
        .map_err(|_| Failure::new(format!("`{name}` offers no tools, prompts, resources or instructions")))
}

async fn offered(command: &[String], sandbox: &[String]) -> Result<Value, Failure> {
    let failed = |error: &dyn std::fmt::Display| {
        Failure::new(format!("the server cannot be asked: {error}"))
            .help("doorward guard -- COMMAND starts it the same way, and says more with --log info")
    };
    // Its record is of no use to anybody.
    let state = tempfile::tempdir().map_err(|error| failed(&error))?;
    let profile = Profile::parse(&sandbox.join("\n")).map_err(|error| Failure::usage(error.to_string()))?;
    let plan = Plan {
        name: ServerName::parse("scanned").map_err(|error| failed(&error))?,
        command: command.to_vec(),
        env: Vec::new(),
        cwd: None,
        profile: Some(profile),
        era: EraRule::Auto,
        policies: vec![("starter.cedar".to_owned(), STARTER.to_owned())],
        url_hosts: Vec::new(),
        who: at_home(state.path())?,
        state: state.path().to_owned(),
        call_timeout: PATIENCE,
        learning: None,
        asks: None,
        tokens: None,
    };
    let guard = Guard::open(plan).await.map_err(|error| failed(&error))?;
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let (writes, reads) = tokio::io::duplex(64 * 1024);
    let served = tokio::spawn(guard.serve(theirs, writes, std::future::pending()));
    let mut talk = Talk { input: ours, output: BufReader::new(reads).lines(), id: 0 };
    let told = tokio::time::timeout(PATIENCE, talk.all()).await;
    drop(talk);
    // Ended by the book: what it holds on this machine, it lets go of.
    let _ended = tokio::time::timeout(PATIENCE, served).await;
    told.map_err(|_| failed(&"it did not answer in time"))?.map_err(|why| failed(&why))
}

/// A client of 2025-11-25 that asks for lists and calls nothing.
struct Talk {
    input: DuplexStream,
    output: Lines<BufReader<DuplexStream>>,
    id: u64,
}

impl Talk {
    async fn all(&mut self) -> Result<Value, String> {
        let client = json!({ "name": "doorward-scan", "version": env!("CARGO_PKG_VERSION") });
        let hello = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client });
        let hello = self.ask("initialize", hello).await?;
        self.say(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await?;
        let mut told = json!({ "instructions": hello["instructions"].as_str().unwrap_or_default() });
        for (capability, method, list) in [
            ("tools", "tools/list", "tools"),
            ("prompts", "prompts/list", "prompts"),
            ("resources", "resources/list", "resources"),
            ("resources", "resources/templates/list", "resourceTemplates"),
        ] {
            if hello["capabilities"][capability].is_object() {
                told[list] = self.pages(method, list).await?;
            }
        }
        Ok(told)
    }

    async fn pages(&mut self, method: &str, list: &str) -> Result<Value, String> {
        let (mut items, mut params) = (Vec::new(), json!({}));
        for _ in 0..MOST_PAGES {
            let page = self.ask(method, params).await?;
            items.extend(page[list].as_array().cloned().unwrap_or_default());
            match page["nextCursor"].as_str() {
                Some(cursor) => params = json!({ "cursor": cursor }),
                None => break,
            }
        }
        Ok(Value::Array(items))
    }

    async fn say(&mut self, message: &Value) -> Result<(), String> {
        let line = format!("{message}\n");
        self.input.write_all(line.as_bytes()).await.map_err(|error| error.to_string())
    }

    async fn ask(&mut self, method: &str, params: Value) -> Result<Value, String> {
        self.id += 1;
        let id = self.id;
        self.say(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })).await?;
        loop {
            let line = self.output.next_line().await.map_err(|error| error.to_string())?;
            let line = line.ok_or("it ended before it answered")?;
            let mut answer: Value = serde_json::from_str(&line).map_err(|error| error.to_string())?;
            if answer["id"] == json!(id) {
                let error = answer["error"]["message"].as_str().map(|error| format!("{method}: {error}"));
                return error.map_or_else(|| Ok(answer["result"].take()), Err);
            }
        }
    }
}
