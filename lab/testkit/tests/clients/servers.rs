//! The servers behind the door: seven that run by themselves, three that the door starts.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use doorward_testkit::{Client, Connection, DoorPlan, Kit, Lab, Program, bare, initialize};
use http::Uri;
use serde_json::{Value, json};

use crate::Revision;
use crate::Revision::{Legacy, Modern};

/// A server as the suite knows it.
#[derive(Debug)]
pub(crate) struct Server {
    /// Its name in the configuration.
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    /// In which version it comes is said by the pins; none for our own.
    pub(crate) package: Option<&'static str>,
    pub(crate) transport: &'static str,
    /// What it speaks; nobody tells the door.
    pub(crate) speaks: &'static [Revision],
    pub(crate) tool: &'static str,
    /// What the tool's answer must hold.
    pub(crate) answers: &'static str,
    /// A tool that asks a person, and what it must answer when the person has said `Ada`.
    pub(crate) asks: Option<(&'static str, &'static str)>,
    /// A tool that tells of its progress, and the steps that it must tell.
    pub(crate) steps: Option<(&'static str, &'static [u8])>,
    /// A tool that waits until its caller gives up, and one that says whether this was noticed.
    pub(crate) waits: Option<(&'static str, &'static str)>,
}

const EVERYTHING: &str = "@modelcontextprotocol/server-everything";
const FILESYSTEM: &str = "@modelcontextprotocol/server-filesystem";
const SAID: &str = "said through the door";
const WRITTEN: &str = "written behind the door";
const OPERATION: &str = "trigger-long-running-operation";

const fn everything_over(name: &'static str, transport: &'static str) -> Server {
    Server {
        name,
        title: "server-everything",
        package: Some(EVERYTHING),
        transport,
        speaks: &[Legacy],
        tool: "echo",
        answers: SAID,
        asks: Some(("trigger-elicitation-request", "Name: Ada")),
        steps: Some((OPERATION, &[1, 2, 3, 4])),
        waits: None,
    }
}

const fn fastmcp_over(name: &'static str, transport: &'static str) -> Server {
    Server {
        name,
        title: "FastMCP",
        package: Some("fastmcp"),
        transport,
        speaks: &[Legacy, Modern],
        tool: "add",
        answers: "42",
        asks: Some(("greet", "Hello, Ada!")),
        steps: Some(("count", &[1, 2, 3])),
        waits: Some(("wait", "noticed")),
    }
}

const fn fixture(name: &'static str, mode: &'static str, speaks: &'static [Revision]) -> Server {
    Server {
        name,
        title: mode,
        package: None,
        transport: "HTTP",
        speaks,
        tool: "test_simple_text",
        answers: "a simple text response",
        asks: Some(("test_input_required_result_elicitation", "Hello, Ada!")),
        steps: Some(("test_tool_with_progress", &[0, 50, 100])),
        waits: Some(("test_slow", "test_slow_noticed")),
    }
}

pub(crate) const SERVERS: [Server; 10] = [
    everything_over("everything-http", "HTTP"),
    everything_over("everything-stdio", "stdio"),
    everything_over("everything-sse", "HTTP+SSE"),
    Server {
        name: "filesystem",
        title: "server-filesystem",
        package: Some(FILESYSTEM),
        transport: "stdio",
        speaks: &[Legacy],
        tool: "read_text_file",
        answers: WRITTEN,
        asks: None,
        steps: None,
        waits: None,
    },
    fastmcp_over("fastmcp-http", "HTTP"),
    fastmcp_over("fastmcp-stdio", "stdio"),
    Server { speaks: &[Legacy], ..fastmcp_over("fastmcp-sse", "HTTP+SSE") },
    fixture("fixture-dual", "dual", &[Legacy, Modern]),
    fixture("fixture-legacy", "legacy", &[Legacy]),
    fixture("fixture-modern", "modern", &[Modern]),
];

impl Server {
    /// What a client does here, as its driver reads it: tools with their arguments. `key` is the client's own.
    pub(crate) fn wanted(&self, url: &str, folder: &Path, key: &str) -> Value {
        let operation = json!({ "duration": 0.2, "steps": 4 });
        let steps = self.steps.map(|(tool, _)| (tool, if tool == OPERATION { operation } else { json!({}) }));
        let about = json!({ "key": key });
        json!({
            "server": self.name,
            "url": url,
            "tool": (self.tool, self.arguments(folder)),
            "asks": self.asks.map(|(tool, _)| (tool, json!({}))),
            "steps": steps,
            "slow": self.waits.map(|(tool, _)| (tool, &about)),
            "noticed": self.waits.map(|(_, tool)| (tool, &about)),
        })
    }

    /// The arguments of the plain call.
    pub(crate) fn arguments(&self, folder: &Path) -> Value {
        match self.tool {
            "echo" => json!({ "message": SAID }),
            "read_text_file" => json!({ "path": document(folder) }),
            "add" => json!({ "a": 2, "b": 40 }),
            _ => json!({}),
        }
    }
}

/// The servers that run by themselves, and the folder of the one that reads files.
pub(crate) struct Servers {
    running: Vec<(&'static str, Program, SocketAddr)>,
    files: PathBuf,
}

impl Servers {
    /// Starts the servers that are reached over HTTP.
    pub(crate) async fn start(kit: &Kit, lab: &Lab) -> Self {
        let files = files(lab.folder());
        std::fs::create_dir_all(&files).expect("the folder is ours");
        std::fs::write(document(lab.folder()), WRITTEN).expect("the folder is ours");
        let mut running = Vec::new();
        for server in SERVERS.iter().filter(|server| server.transport != "stdio") {
            let old = server.transport == "HTTP+SSE";
            let ready = match server.title {
                "FastMCP" => "Uvicorn running on",
                "server-everything" if old => "running on",
                _ => "listening on",
            };
            let (program, address) = Program::on_free_port(ready, |address| {
                let port = address.port().to_string();
                match server.title {
                    "server-everything" => {
                        let mut command = bare(kit.node());
                        // It has no option for the address, and listens on all.
                        command
                            .arg(everything(kit))
                            .arg(if old { "sse" } else { "streamableHttp" })
                            .env("PORT", port);
                        command
                    }
                    "FastMCP" => {
                        let mut command = bare(kit.python());
                        let transport = if old { "sse" } else { "http" };
                        command.arg(kit.script("fastmcp_server.py")).args([transport, &port]);
                        command
                    }
                    mode => {
                        let mut command = bare(kit.node());
                        command.arg(kit.script("fixture_server.mjs")).args([&port, mode]);
                        command
                    }
                }
            })
            .await;
            running.push((server.name, program, address));
        }
        Self { running, files }
    }

    /// Holds what the table says of the servers to what they say themselves.
    pub(crate) async fn speak_as_told(&self) {
        // Over HTTP+SSE nothing else is spoken.
        for (name, _, address) in self.running.iter().filter(|(name, ..)| !name.ends_with("-sse")) {
            let caller = Client::new(*address, name);
            let asked = [
                (Legacy, caller.request(http::Method::POST, initialize().to_string())),
                (Modern, caller.modern(1, "server/discover", json!({}))),
            ];
            let mut speaks = Vec::new();
            for (revision, mut request) in asked {
                *request.uri_mut() = Uri::from_static("/mcp");
                let mut connection = Connection::open(*address).await.expect("the server runs");
                let heard = connection.send(request).await.expect("the server answers");
                if heard.response().is_ok_and(|response| response.get("result").is_some()) {
                    speaks.push(revision);
                }
            }
            let told = SERVERS.iter().find(|server| server.name == *name).map(|server| server.speaks);
            assert_eq!(told, Some(&speaks[..]), "{name}");
        }
    }

    /// Ends them.
    pub(crate) async fn stop(self) {
        for (_, program, _) in self.running {
            program.kill().await;
        }
    }

    /// One door before all of them. Its one policy lets readers do everything: what is tried here is the way.
    pub(crate) fn plan(&self, kit: &Kit) -> DoorPlan {
        let child = |name: &str, command: &[PathBuf]| {
            let words: Vec<String> =
                command.iter().map(|word| format!("{:?}", word.display().to_string())).collect();
            table(name, &format!("command = [{}]", words.join(", ")))
        };
        let stdio = PathBuf::from("stdio");
        let filesystem = kit.module(&format!("{FILESYSTEM}/dist/index.js"));
        let mut servers = vec![
            child("everything-stdio", &[kit.node(), everything(kit), stdio.clone()]),
            child("filesystem", &[kit.node(), filesystem, self.files.clone()]),
            child("fastmcp-stdio", &[kit.python(), kit.script("fastmcp_server.py"), stdio]),
        ];
        let remote = |(name, _, address): &(&str, Program, SocketAddr)| match name.ends_with("-sse") {
            true => table(name, &format!("url = \"http://{address}/sse\"\ntransport = \"http+sse\"")),
            false => table(name, &format!("url = \"http://{address}/mcp\"")),
        };
        servers.extend(self.running.iter().map(remote));
        DoorPlan {
            policies: r#"@id("readers") permit (principal in Role::"Reader", action, resource);"#.to_owned(),
            servers: servers.concat(),
            origins: self.running.iter().map(|(_, _, address)| format!("http://{address}")).collect(),
            // One token visits every server here.
            top: "shared_audience = true".to_owned(),
            ..DoorPlan::default()
        }
    }
}

fn table(name: &str, rest: &str) -> String {
    format!("[[server]]\nname = \"{name}\"\nsse_clients = true\n{rest}\n")
}

fn everything(kit: &Kit) -> PathBuf {
    kit.module(&format!("{EVERYTHING}/dist/index.js"))
}

fn files(folder: &Path) -> PathBuf {
    folder.join("files")
}

fn document(folder: &Path) -> PathBuf {
    files(folder).join("document.txt")
}
