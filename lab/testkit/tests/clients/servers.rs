//! The servers behind the door: two that run by themselves, three that the door starts.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use doorward_testkit::{DoorPlan, Kit, Lab, Program, bare};
use serde_json::{Value, json};

use crate::Revision;
use crate::Revision::{Legacy, Modern};

/// A server as the suite knows it.
#[derive(Debug)]
pub(crate) struct Server {
    /// Its name in the configuration.
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) package: &'static str,
    pub(crate) transport: &'static str,
    /// What it speaks as it stands behind the door: a child is told its revision.
    pub(crate) speaks: &'static [Revision],
    pub(crate) tool: &'static str,
    /// What the tool's answer must hold.
    pub(crate) answers: &'static str,
}

const EVERYTHING: &str = "@modelcontextprotocol/server-everything";
const FILESYSTEM: &str = "@modelcontextprotocol/server-filesystem";
const SAID: &str = "said through the door";
const WRITTEN: &str = "written behind the door";

pub(crate) const SERVERS: [Server; 5] = [
    Server {
        name: "everything-http",
        title: "server-everything",
        package: EVERYTHING,
        transport: "HTTP",
        speaks: &[Legacy],
        tool: "echo",
        answers: SAID,
    },
    Server {
        name: "everything-stdio",
        title: "server-everything",
        package: EVERYTHING,
        transport: "stdio",
        speaks: &[Legacy],
        tool: "echo",
        answers: SAID,
    },
    Server {
        name: "filesystem",
        title: "server-filesystem",
        package: FILESYSTEM,
        transport: "stdio",
        speaks: &[Legacy],
        tool: "read_text_file",
        answers: WRITTEN,
    },
    Server {
        name: "fastmcp-http",
        title: "FastMCP",
        package: "fastmcp",
        transport: "HTTP",
        speaks: &[Legacy, Modern],
        tool: "add",
        answers: "42",
    },
    Server {
        name: "fastmcp-stdio",
        title: "FastMCP",
        package: "fastmcp",
        transport: "stdio",
        speaks: &[Modern],
        tool: "add",
        answers: "42",
    },
];

impl Server {
    /// The arguments of the call.
    pub(crate) fn arguments(&self, folder: &Path) -> Value {
        match self.tool {
            "echo" => json!({ "message": SAID }),
            "read_text_file" => json!({ "path": document(folder) }),
            _ => json!({ "a": 2, "b": 40 }),
        }
    }
}

/// The servers that run by themselves, and the folder of the one that reads files.
pub(crate) struct Servers {
    everything: (Program, SocketAddr),
    fastmcp: (Program, SocketAddr),
    files: PathBuf,
}

impl Servers {
    /// Starts the servers that are reached over HTTP.
    pub(crate) async fn start(kit: &Kit, lab: &Lab) -> Self {
        let files = files(lab.folder());
        std::fs::create_dir_all(&files).expect("the folder is ours");
        std::fs::write(document(lab.folder()), WRITTEN).expect("the folder is ours");
        let everything = Program::on_free_port("listening on port", |address| {
            let mut command = bare(kit.node());
            // It has no option for the address, and listens on all.
            command.arg(everything(kit)).arg("streamableHttp").env("PORT", address.port().to_string());
            command
        });
        let fastmcp = Program::on_free_port("Uvicorn running on", |address| {
            let mut command = bare(kit.python());
            command.arg(kit.script("fastmcp_server.py")).arg("http").arg(address.port().to_string());
            command
        });
        let (everything, fastmcp) = tokio::join!(everything, fastmcp);
        Self { everything, fastmcp, files }
    }

    /// Ends them.
    pub(crate) async fn stop(self) {
        self.everything.0.kill().await;
        self.fastmcp.0.kill().await;
    }

    /// One door before all of them. Its one policy lets readers do everything: what is tried here is the way.
    pub(crate) fn plan(&self, kit: &Kit) -> DoorPlan {
        let remote =
            |name: &str, address: SocketAddr| table(name, &format!("url = \"http://{address}/mcp\""));
        let child = |name: &str, command: &[PathBuf], more: &str| {
            let words: Vec<String> =
                command.iter().map(|word| format!("{:?}", word.display().to_string())).collect();
            table(name, &format!("command = [{}]\n{more}", words.join(", ")))
        };
        let stdio = PathBuf::from("stdio");
        let filesystem = kit.module(&format!("{FILESYSTEM}/dist/index.js"));
        let servers = [
            remote("everything-http", self.everything.1),
            child("everything-stdio", &[kit.node(), everything(kit), stdio.clone()], ""),
            child("filesystem", &[kit.node(), filesystem, self.files.clone()], ""),
            remote("fastmcp-http", self.fastmcp.1),
            child(
                "fastmcp-stdio",
                &[kit.python(), kit.script("fastmcp_server.py"), stdio],
                "era = \"modern\"",
            ),
        ];
        DoorPlan {
            policies: r#"@id("readers") permit (principal in Role::"Reader", action, resource);"#.to_owned(),
            servers: servers.concat(),
            origins: [self.everything.1, self.fastmcp.1].map(|address| format!("http://{address}")).to_vec(),
            // One token visits every server here.
            top: "shared_audience = true".to_owned(),
            ..DoorPlan::default()
        }
    }
}

fn table(name: &str, rest: &str) -> String {
    format!("[[server]]\nname = \"{name}\"\n{rest}\n")
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
