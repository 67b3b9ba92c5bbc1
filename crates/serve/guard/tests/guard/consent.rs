//! A person is asked before a destructive tool is called: on a desktop of the test's own, and at a terminal.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use doorward_engine::EraRule;
use doorward_guard::{Ask, Desktop, Ended, Terminal};
use serde_json::{Value, json};
use zbus::object_server::SignalEmitter;

use crate::desk::{Desk, With, call};

/// Not a test: a server with a tool that it marks as destructive, and one that it does not.
#[test]
#[ignore = "no test: the others start this program as their server, and run by itself it waits for input"]
fn destroys() {
    for line in std::io::stdin().lock().lines() {
        let message: Value = serde_json::from_str(&line.unwrap()).unwrap();
        let tool = |name: &str, destructive: bool| {
            json!({"name": name, "inputSchema": {"type": "object"},
            "annotations": {"readOnlyHint": false, "destructiveHint": destructive}})
        };
        let result = match message["method"].as_str() {
            Some("initialize") => json!({"protocolVersion": "2025-11-25", "capabilities": {"tools": {}},
                "serverInfo": {"name": "destroys", "version": "1"}}),
            Some("tools/list") => json!({"tools": [tool("wipe", true), tool("add", false)]}),
            Some("tools/call") => json!({"content": [{"type": "text", "text": "done"}]}),
            _ if message["id"].is_null() => continue,
            _ => json!({}),
        };
        let answer = json!({"jsonrpc": "2.0", "id": message["id"], "result": result});
        writeln!(std::io::stdout(), "{answer}").unwrap();
    }
}

/// A bus, ended when it is dropped.
struct Bus {
    address: String,
    daemon: Child,
    _folder: tempfile::TempDir,
}

impl Bus {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = format!(
            "<busconfig><type>session</type><listen>unix:path={}/bus</listen><policy context=\"default\"><allow send_destination=\"*\" eavesdrop=\"true\"/><allow eavesdrop=\"true\"/><allow own=\"*\"/></policy></busconfig>",
            folder.path().display()
        );
        let file = folder.path().join("bus.conf");
        std::fs::write(&file, config).unwrap();
        let mut daemon = Command::new("dbus-daemon")
            .arg(format!("--config-file={}", file.display()))
            .args(["--nofork", "--nopidfile", "--print-address=1"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("install what the tests need: apt-get install -y dbus");
        let mut address = String::new();
        BufReader::new(daemon.stdout.take().unwrap()).read_line(&mut address).unwrap();
        Self { address: address.trim().to_owned(), daemon, _folder: folder }
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        let _ended = self.daemon.kill();
        let _reaped = self.daemon.wait();
    }
}

const NAME: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";

/// What the person at the screen does with a question.
#[derive(Clone, Copy)]
enum Does {
    Presses(&'static str),
    ClosesIt,
}

/// A desktop that shows notifications, and somebody before it.
struct Screen {
    does: Does,
    buttons: bool,
    shown: Arc<Mutex<Vec<(String, String)>>>,
}

#[zbus::interface(name = "org.freedesktop.Notifications")]
impl Screen {
    fn get_capabilities(&self) -> Vec<String> {
        let buttons = self.buttons.then(|| "actions".to_owned());
        ["body".to_owned(), "body-markup".to_owned()].into_iter().chain(buttons).collect()
    }

    #[expect(clippy::too_many_arguments, reason = "the specification's own")]
    async fn notify(
        &self,
        _app: String,
        _replaces: u32,
        _icon: String,
        summary: String,
        body: String,
        actions: Vec<String>,
        _hints: std::collections::HashMap<String, zbus::OwnedVariant>,
        _expire: i32,
        #[zbus(signal_emitter)] emitter: SignalEmitter<'_>,
    ) -> u32 {
        assert_eq!(actions, ["allow", "Allow once", "refuse", "Refuse"]);
        self.shown.lock().unwrap().push((summary, body));
        // Of another question: no answer to this one.
        Self::action_invoked(&emitter, 6, "allow").await.unwrap();
        match self.does {
            Does::Presses(button) => Self::action_invoked(&emitter, 7, button).await.unwrap(),
            Does::ClosesIt => Self::notification_closed(&emitter, 7, 2).await.unwrap(),
        }
        7
    }

    fn close_notification(&self, _id: u32) {}

    #[zbus(signal)]
    async fn action_invoked(emitter: &SignalEmitter<'_>, id: u32, action: &str) -> zbus::Result<()>;

    #[zbus(signal)]
    async fn notification_closed(emitter: &SignalEmitter<'_>, id: u32, reason: u32) -> zbus::Result<()>;
}

/// What came of a destructive call that this asker was asked about, and the record of it.
async fn called(asks: Option<Box<dyn Ask>>) -> (String, Vec<Value>) {
    let mut desk = Desk::with("consent::destroys", EraRule::Legacy, With { asks, ..With::default() }).await;
    desk.hello().await;
    desk.say(&call(2, "add", json!({}))).await;
    let answer = desk.heard().await;
    assert_eq!(
        answer["result"]["content"][0]["text"], "done",
        "nobody is asked about what destroys nothing: {answer}"
    );
    desk.say(&call(3, "wipe", json!({"path": "<b>/srv</b>"}))).await;
    let answer = desk.heard().await;
    let text =
        answer["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();
    assert_eq!(answer["result"]["isError"].as_bool().unwrap_or(false), text != "done");
    let (ended, records) = desk.leave().await;
    assert_eq!(ended, Ended::ClientLeft);
    (text, records)
}

fn reasons(records: &[Value]) -> Vec<&str> {
    records
        .iter()
        .filter(|record| record["kind"] == "refused")
        .filter_map(|record| record["reason"].as_str())
        .collect()
}

// control-off: D-28: A destructive tool is called where nobody is to be asked.
#[tokio::test]
async fn where_nobody_is_to_be_asked_it_is_called() {
    assert_eq!(called(None).await.0, "done");
}

// control: D-28: A destructive tool is called when the person at the screen has agreed to this call, and else it is not.
#[tokio::test]
async fn a_destructive_call_waits_for_the_person() {
    for (does, buttons, said, reason) in [
        (Does::Presses("allow"), true, "done", None),
        (
            Does::Presses("refuse"),
            true,
            "refused: the person was asked, and did not agree",
            Some("not-agreed"),
        ),
        (
            Does::Presses("default"),
            true,
            "refused: the person was asked, and did not agree",
            Some("not-agreed"),
        ),
        (Does::ClosesIt, true, "refused: the person was asked, and did not agree", Some("not-agreed")),
        (
            Does::Presses("allow"),
            false,
            "refused: this tool destroys, and nobody can be asked",
            Some("nobody-to-ask"),
        ),
    ] {
        let bus = Bus::start();
        let shown = Arc::default();
        let screen = Screen { does, buttons, shown: Arc::clone(&shown) };
        let address = bus.address.as_str();
        let _served = zbus::connection::Builder::address(address)
            .serve_at(PATH, screen)
            .name(NAME)
            .build()
            .await
            .unwrap();
        let (text, records) = called(Some(Box::new(Desktop::at(address)))).await;
        assert!(text.starts_with(said), "{text}");
        assert_eq!(reasons(&records), reason.into_iter().collect::<Vec<_>>());
        let called = records.iter().any(|record| record["kind"] == "intent" && record["tool"] == "wipe");
        assert_eq!(called, reason.is_none(), "nothing reached the server");
        if buttons {
            let shown = shown.lock().unwrap().clone();
            let about = "The server marks this tool as destructive. It is called with: {\"path\":\"&lt;b&gt;/srv&lt;/b&gt;\"}";
            assert_eq!(shown, [("May `wipe` of `kid` be called?".to_owned(), about.to_owned())]);
        }
    }
}

// control: D-28: Where there is no desktop, a destructive tool is refused, and the record says why.
#[tokio::test]
async fn without_a_desktop_it_is_refused() {
    let (text, records) = called(Some(Box::new(Desktop::at("unix:path=/nonexistent/bus")))).await;
    assert!(text.contains("nobody can be asked"), "{text}");
    assert_eq!(reasons(&records), ["nobody-to-ask"]);
}

// control: D-21: At a terminal nothing but the word that was asked for is an answer, and nothing that was typed before the question.
#[tokio::test]
async fn a_terminal_asks_too() {
    for (typed, agreed) in [("yes\n", true), ("y\n", false), ("\n", false), ("no\n", false)] {
        let master =
            rustix::pty::openpt(rustix::pty::OpenptFlags::RDWR | rustix::pty::OpenptFlags::NOCTTY).unwrap();
        rustix::pty::grantpt(&master).unwrap();
        rustix::pty::unlockpt(&master).unwrap();
        let device = rustix::pty::ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        // Held open: without a reader a terminal forgets what is typed.
        let _held = std::fs::File::options().read(true).write(true).open(&device).unwrap();
        let mut master = std::fs::File::from(master);
        master.write_all(b"yes\n").unwrap();
        let person = tokio::task::spawn_blocking(move || {
            let mut seen = String::new();
            let mut read = [0; 1024];
            while !seen.contains("Type yes") {
                let length = master.read(&mut read).unwrap();
                seen.push_str(&String::from_utf8_lossy(&read[..length]));
            }
            master.write_all(typed.as_bytes()).unwrap();
            (master, seen)
        });
        let (text, records) = called(Some(Box::new(Terminal::at(device)))).await;
        let (_master, seen) = person.await.unwrap();
        assert!(seen.contains("May `wipe` of `kid` be called?"), "{seen}");
        assert_eq!(text == "done", agreed, "{typed:?}: {text}");
        assert_eq!(reasons(&records).len(), usize::from(!agreed));
    }
}
