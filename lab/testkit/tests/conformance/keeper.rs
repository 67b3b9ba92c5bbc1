//! Who opens doors for the client that the suite starts: the suite chooses the server only when it runs, and a door has to
//! be told of it in its configuration.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use doorward_testkit::{DoorPlan, DoorProcess, Lab, Person};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use crate::runner::POLICIES;

/// The address of a client metadata document by which the suite knows clients. Nothing fetches it.
const DOCUMENT: &str = "https://conformance-test.local/client-metadata.json";

const MODERN: &str = "2026-07-28";

/// One lab, with one door at most, for one client.
pub(crate) struct Keeper {
    pub(crate) address: SocketAddr,
    house: Arc<House>,
    task: JoinHandle<()>,
}

struct House {
    lab: Lab,
    person: Person,
    /// The process of the suite.
    suite: OnceLock<u32>,
    door: Mutex<Option<DoorProcess>>,
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Keeper {
    pub(crate) async fn of(lab: Lab, person: Person) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let address = listener.local_addr().expect("it is bound");
        let house = Arc::new(House { lab, person, suite: OnceLock::new(), door: Mutex::default() });
        let shared = Arc::clone(&house);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let house = Arc::clone(&shared);
                let service = service_fn(move |request| {
                    let house = Arc::clone(&house);
                    async move { house.answer(request).await }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { address, house, task }
    }

    /// Says who the suite is, once it runs.
    pub(crate) fn knows(&self, suite: u32) {
        self.house.suite.set(suite).expect("one suite for each keeper");
    }

    /// Closes the door, if one was opened, and returns what it has printed.
    pub(crate) async fn close(self) -> String {
        let Some(door) = self.house.door.lock().await.take() else { return "no door was opened".to_owned() };
        let log = door.log();
        assert!(door.stop().await.success(), "the door closes well: {log}");
        log
    }
}

impl House {
    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
        let path = request.uri().path().to_owned();
        let body = request.into_body().collect().await?.to_bytes();
        let asked: Value = serde_json::from_slice(&body).expect("our script writes JSON");
        let word = |name: &str| asked[name].as_str().unwrap_or_default();
        let answer = match path.as_str() {
            "/open" => self.open(word("url"), word("revision"), word("scenario"), &asked["context"]).await,
            "/visit" => self.person.visit(word("url")).await.all,
            _ => json!(null),
        };
        Ok(Response::new(Full::new(Bytes::from(answer.to_string()))))
    }

    /// Opens the door before a server of the suite's.
    async fn open(&self, url: &str, revision: &str, scenario: &str, context: &Value) -> Value {
        let suite = *self.suite.get().expect("the suite has begun");
        // A client of one revision must not ask for another: left to itself the door would find out which ones there are.
        let era = if revision == MODERN { "modern" } else { "legacy" };
        let mut plan = DoorPlan {
            policies: POLICIES.to_owned(),
            servers: format!("[[server]]\nname = \"mock\"\nurl = \"{url}\"\nera = \"{era}\"\n"),
            // One by one, and before anybody asks: what a server names later is not in reach because of that (D-19).
            origins: listening(suite).iter().map(|port| format!("http://localhost:{port}")).collect(),
            ..DoorPlan::default()
        };
        if scenario.starts_with("auth/") {
            let mut credential = "user_grant = true".to_owned();
            if scenario == "auth/basic-cimd" {
                credential.push_str(&format!(", client_document = \"{DOCUMENT}\""));
            }
            if let (Some(id), Some(secret), Some(issuer)) =
                (context["client_id"].as_str(), context["client_secret"].as_str(), context["issuer"].as_str())
            {
                plan.files.push(("keys/mock".to_owned(), secret.to_owned()));
                let known = format!(
                    ", issuer = \"{issuer}\", client_id = \"{id}\", client_secret_file = \"keys/mock\""
                );
                credential.push_str(&known);
            }
            plan.servers.push_str(&format!("credential = {{ {credential} }}\n"));
        }
        let plan = plan.signing_in(&self.lab, "entra_tokens = \"all\"");
        let door = DoorProcess::open(&self.lab, &plan).await;
        let answer = json!({ "url": door.url("mock"), "token": self.lab.token("alice") });
        *self.door.lock().await = Some(door);
        answer
    }
}

/// The ports on which a process listens, as the system tells them: asking the suite's servers for what they name would be
/// seen by them, and they would hold it for the client's doing.
fn listening(process: u32) -> BTreeSet<u16> {
    let folder = Path::new("/proc").join(process.to_string());
    let open = std::fs::read_dir(folder.join("fd")).expect("the process is ours");
    let files = open.flatten().filter_map(|file| std::fs::read_link(file.path()).ok());
    let sockets: BTreeSet<String> = files.map(|file| file.to_string_lossy().into_owned()).collect();
    let mut ports = BTreeSet::new();
    for table in ["net/tcp", "net/tcp6"] {
        let text = std::fs::read_to_string(folder.join(table)).expect("the system lists sockets");
        for line in text.lines().skip(1) {
            // sl, local address, remote address, state, queues, timer, retransmits, uid, timeout, inode
            let words: Vec<&str> = line.split_whitespace().collect();
            if let [_, local, _, "0A", _, _, _, _, _, inode, ..] = words[..]
                && sockets.contains(&format!("socket:[{inode}]"))
                && let Some(port) = local.rsplit(':').next().and_then(|hex| u16::from_str_radix(hex, 16).ok())
            {
                ports.insert(port);
            }
        }
    }
    ports
}
