//! A guard on a desk: its two streams in hand, its folder below.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use doorward_engine::{DataRules, EraRule, FlowRules};
use doorward_guard::{Ask, Behind, Ended, Guard, Plan, Program, Seat, Tokens};
use doorward_oauth::{AtHome, Groups};
use doorward_types::{ClientId, ObjectId, Person, ServerName, TenantId, Timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, Lines};
use tokio::task::JoinHandle;

const STARTER: &str = r#"@id("starter") permit (principal, action, resource);"#;

/// What a guard is put up with.
#[derive(Default)]
pub(crate) struct With {
    /// The text of its policies; the starter's if it is empty.
    pub(crate) policies: String,
    /// Variables of the server.
    pub(crate) env: Vec<(String, String)>,
    pub(crate) asks: Option<Box<dyn Ask>>,
    pub(crate) tokens: Option<Tokens>,
    /// Secrets are not looked for.
    pub(crate) data_off: bool,
    pub(crate) results: doorward_engine::ResultRules,
    /// Definitions are not held against anything.
    pub(crate) unpinned: bool,
    /// What the server is called; `kid` if it is empty.
    pub(crate) name: &'static str,
    /// Labels; none are off.
    pub(crate) flow: Option<Arc<FlowRules>>,
}

pub(crate) struct Desk {
    pub(crate) folder: Arc<TempDir>,
    pub(crate) log: PathBuf,
    input: Option<DuplexStream>,
    output: Option<Lines<BufReader<DuplexStream>>>,
    guard: JoinHandle<Ended>,
    pub(crate) seat: Seat,
}

/// Somebody by the last digit of their object id, for as long as they are known to be.
pub(crate) fn who(digit: u8, expires: Timestamp) -> AtHome {
    let guid = |digit: u8| format!("00000000-0000-0000-0000-00000000000{digit}");
    AtHome {
        person: Person {
            tenant: TenantId::parse(&guid(0)).unwrap(),
            object: ObjectId::parse(&guid(digit)).unwrap(),
        },
        client: ClientId::registered("test").unwrap(),
        roles: Vec::new(),
        groups: Groups::Absent,
        expires,
    }
}

/// A time that does not come.
pub(crate) const NEVER: Timestamp = Timestamp::from_micros(i64::MAX);

impl Desk {
    /// Puts a guard around one of this program's servers.
    pub(crate) async fn open(child: &str, era: EraRule, policies: &str) -> Self {
        Self::with(child, era, With { policies: policies.to_owned(), ..With::default() }).await
    }

    /// Puts another one up with the same folder.
    pub(crate) async fn another(&self, child: &str, era: EraRule) -> Self {
        Self::in_folder(Arc::clone(&self.folder), child, era, With::default()).await
    }

    /// Puts another one up with the same folder, and with more than policies.
    pub(crate) async fn beside(&self, child: &str, era: EraRule, with: With) -> Self {
        Self::in_folder(Arc::clone(&self.folder), child, era, with).await
    }

    /// Puts one up with more than policies.
    pub(crate) async fn with(child: &str, era: EraRule, with: With) -> Self {
        Self::in_folder(Arc::new(tempfile::tempdir().unwrap()), child, era, with).await
    }

    pub(crate) async fn in_folder(folder: Arc<TempDir>, child: &str, era: EraRule, with: With) -> Self {
        let program = std::env::current_exe().unwrap().display().to_string();
        let words = [&program, child, "--exact", "--ignored", "--nocapture", "--quiet"];
        let text = if with.policies.is_empty() { STARTER } else { &with.policies };
        let plan = Plan {
            name: ServerName::parse(if with.name.is_empty() { "kid" } else { with.name }).unwrap(),
            server: Behind::Program(Program {
                command: words.map(str::to_owned).to_vec(),
                env: with.env,
                cwd: None,
                profile: None,
                learning: None,
            }),
            era,
            policies: vec![("test.cedar".to_owned(), text.to_owned())],
            url_hosts: Vec::new(),
            who: who(0, NEVER),
            state: folder.path().to_owned(),
            call_timeout: Duration::from_secs(20),
            flagged: doorward_engine::Flagged::Withhold,
            unabridged: false,
            data: (!with.data_off).then(DataRules::default),
            results: with.results,
            pins: if with.unpinned { None } else { Some(doorward_pins::First::OnUse) },
            look_alikes: doorward_engine::LookAlikes::Record,
            flow: with.flow.unwrap_or_else(|| Arc::new(FlowRules::off())),
            asks: with.asks,
            tokens: with.tokens,
            bundles: Arc::default(),
        };
        let guard = Guard::open(plan).await.unwrap();
        let (log, seat) = (guard.log.clone(), guard.seat());
        let (input, reads) = tokio::io::duplex(64 * 1024);
        let (writes, output) = tokio::io::duplex(64 * 1024);
        let guard = tokio::spawn(guard.serve(reads, writes, std::future::pending()));
        let output = Some(BufReader::new(output).lines());
        Self { folder, log, input: Some(input), output, guard, seat }
    }

    pub(crate) async fn say(&mut self, message: &Value) {
        self.line(message.to_string().as_bytes()).await;
    }

    pub(crate) async fn line(&mut self, line: &[u8]) {
        let input = self.input.as_mut().unwrap();
        input.write_all(line).await.unwrap();
        input.write_all(b"\n").await.unwrap();
    }

    /// The next message of the guard: whatever it writes must be one.
    pub(crate) async fn heard(&mut self) -> Value {
        let next = self.output.as_mut().unwrap().next_line();
        let line =
            tokio::time::timeout(Duration::from_secs(20), next).await.expect("a line in time").unwrap();
        let message: Value = serde_json::from_str(&line.expect("the guard goes on")).unwrap();
        assert_eq!(message["jsonrpc"], "2.0", "{message}");
        message
    }

    /// Begins a session.
    pub(crate) async fn hello(&mut self) {
        self.say(&initialize(json!({}))).await;
        let hello = self.heard().await;
        assert!(hello["result"].is_object(), "{hello}");
        self.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).await;
    }

    /// Waits until the log shows something.
    pub(crate) async fn recorded(&self, what: &str, shows: impl Fn(&[Value]) -> bool) {
        let waiting = async {
            // Reading a long log takes time that the guard, on the same thread, must have between two looks.
            let mut looks = tokio::time::interval(Duration::from_millis(25));
            looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            while !shows(&records(&self.log)) {
                looks.tick().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), waiting)
            .await
            .unwrap_or_else(|_| panic!("in vain: {what}"));
    }

    pub(crate) async fn close_input(&mut self) {
        self.input = None;
    }

    pub(crate) fn stop_reading(&mut self) {
        self.output = None;
    }

    /// Closes the input and waits for the end.
    pub(crate) async fn leave(mut self) -> (Ended, Vec<Value>) {
        self.close_input().await;
        self.end().await
    }

    /// Waits for the end, and returns what was recorded.
    pub(crate) async fn end(self) -> (Ended, Vec<Value>) {
        let ended =
            tokio::time::timeout(Duration::from_secs(20), self.guard).await.expect("it ends").unwrap();
        (ended, records(&self.log))
    }
}

fn records(log: &Path) -> Vec<Value> {
    let mut files: Vec<_> = std::fs::read_dir(log).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    files.sort();
    let text: String = files.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    // The last line may be half written.
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

pub(crate) fn initialize(capabilities: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": capabilities, "clientInfo": {"name": "test", "version": "1"}}})
}

pub(crate) fn call(id: i64, tool: &str, arguments: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": tool, "arguments": arguments}})
}

pub(crate) fn modern(id: i64, method: &str, mut params: Value) -> Value {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
}
