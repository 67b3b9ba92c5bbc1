//! A server that is started for this alone: in the guard's sandbox, by the guard's own way, asked for what it offers, and ended.

use std::time::Duration;

use bytes::Bytes;
use doorward_config::{LogFormat, LogLevel};
use doorward_engine::{EraRule, Flagged, FlowRules, LookAlikes, ResultRules};
use doorward_guard::{Guard, Plan};
use doorward_sandbox::Profile;
use doorward_types::ServerName;
use doorward_wire::{Frame, FrameKind, Id, Kind, Value};
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream, Lines};

use super::read::{self, Source};
use crate::commands::guard::{STARTER, at_home};
use crate::commands::serve::{log_to_stderr, runtime};
use crate::failure::Failure;

/// How long a server may take to start and to answer each question.
const PATIENCE: Duration = Duration::from_secs(120);
/// Pages of a list that are asked for.
const MOST_PAGES: usize = 64;

pub(super) fn source(command: &[String], sandbox: &[String]) -> Result<Source, Failure> {
    log_to_stderr(LogFormat::Human, LogLevel::Warn);
    let told = runtime(Some(1))?.block_on(offered(command, sandbox))?;
    let name = command.join(" ");
    read::source(name.clone(), told.into_bytes(), false)
        .map_err(|_| Failure::new(format!("`{name}` offers no tools, prompts, resources or instructions")))
}

async fn offered(command: &[String], sandbox: &[String]) -> Result<String, Failure> {
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
        // All of it is to be seen.
        flagged: Flagged::Pass,
        flow: std::sync::Arc::new(FlowRules::off()),
        data: None,
        results: ResultRules::default(),
        pins: None,
        look_alikes: LookAlikes::Record,
        asks: None,
        tokens: None,
        bundles: std::sync::Arc::default(),
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
    id: i64,
}

impl Talk {
    /// Everything that the server offers, as one JSON object.
    async fn all(&mut self) -> Result<String, String> {
        let client = json!({ "name": "doorward-scan", "version": env!("CARGO_PKG_VERSION") });
        let hello = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client });
        let hello = self.ask("initialize", hello).await?;
        let hello = hello.result().ok_or("it did not greet")?;
        self.say(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await?;
        let instructions = hello.get("instructions").map_or("\"\"", |told| told.raw());
        let mut told = format!("{{\"instructions\":{instructions}");
        for (capability, method, list) in [
            ("tools", "tools/list", "tools"),
            ("prompts", "prompts/list", "prompts"),
            ("resources", "resources/list", "resources"),
            ("resources", "resources/templates/list", "resourceTemplates"),
        ] {
            if hello.path(&["capabilities", capability]).is_some() {
                let items = self.pages(method, list).await?.join(",");
                told.push_str(&format!(",\"{list}\":[{items}]"));
            }
        }
        told.push('}');
        Ok(told)
    }

    /// The items of a list, as they were sent.
    async fn pages(&mut self, method: &str, list: &str) -> Result<Vec<String>, String> {
        let (mut items, mut params) = (Vec::new(), json!({}));
        for _ in 0..MOST_PAGES {
            let page = self.ask(method, params).await?;
            let Some(result) = page.result() else { break };
            let listed = result.get(list).filter(|listed| listed.kind() == Kind::Array);
            items.extend(listed.iter().flat_map(Value::items).map(|item| item.raw().to_owned()));
            match result.get("nextCursor").and_then(|cursor| cursor.as_str()) {
                Some(cursor) => params = json!({ "cursor": cursor }),
                None => break,
            }
        }
        Ok(items)
    }

    async fn say(&mut self, message: &serde_json::Value) -> Result<(), String> {
        let line = format!("{message}\n");
        self.input.write_all(line.as_bytes()).await.map_err(|error| error.to_string())
    }

    async fn ask(&mut self, method: &str, params: serde_json::Value) -> Result<Frame, String> {
        self.id += 1;
        self.say(&json!({ "jsonrpc": "2.0", "id": self.id, "method": method, "params": params })).await?;
        loop {
            let line = self.output.next_line().await.map_err(|error| error.to_string())?;
            let line = line.ok_or("it ended before it answered")?;
            let answer = Frame::parse(Bytes::from(line), &read::limits());
            let answer = answer.map_err(|_| format!("{method}: the answer is no message"))?;
            if answer.kind() == FrameKind::Response && answer.id() == Some(&Id::Number(self.id)) {
                let error = answer
                    .error()
                    .and_then(|error| error.get("message")?.as_str().map(|told| told.into_owned()));
                return error.map_or(Ok(answer), |error| Err(format!("{method}: {error}")));
            }
        }
    }
}
