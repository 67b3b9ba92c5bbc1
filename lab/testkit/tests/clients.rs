//! Programs of other people, unmodified, on both sides of the door: MCP clients that were never told of a gateway, and
//! servers that were never told of a token. Which ones, and in which version, `docs/clients.md` says; this suite
//! writes that page (`UPDATE_DOCS=1`) and holds it to what it sees.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "helpers of tests: a panic here is a failed test"
)]

#[path = "clients/page.rs"]
mod page;
#[path = "clients/record.rs"]
mod record;
#[path = "clients/servers.rs"]
mod servers;
#[path = "clients/visit.rs"]
mod visit;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use doorward_testkit::{DoorProcess, Kit, Lab};
use serde_json::json;

use servers::{SERVERS, Servers};
use visit::{CLIENTS, Visit};

/// A revision of the protocol, the older first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Revision {
    Legacy,
    Modern,
}

impl Revision {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Legacy => "2025-11-25",
            Self::Modern => "2026-07-28",
        }
    }
}

/// Readers of whom each goes with one client at a time: what a person's clients do at once meets in that person's children.
const PEOPLE: [&str; 3] = ["alice", "bob", "grace"];

// control, eras-e: real clients list, call, are asked, hear of progress and give up with a token, whatever each side speaks; without one both are refused with 401, in a session that had one too
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_clients_reach_real_servers_with_a_token_and_not_without() {
    let kit = Arc::new(Kit::install(env!("CARGO_TARGET_TMPDIR")).await);
    let lab = Lab::start().await;
    let servers = Servers::start(&kit, &lab).await;
    servers.speak_as_told().await;
    let door = DoorProcess::open(&lab, &servers.plan(&kit)).await;
    let tokens = PEOPLE.map(|name| lab.token(name));
    wake(&door, &tokens).await;

    let failed = visit_all(&kit, &lab, &door, &tokens).await;
    assert!(failed.is_empty(), "{} cells failed:\n{}\n{}", failed.len(), failed.join("\n"), door.log());

    let log = door.log();
    assert!(door.stop().await.success(), "the door closes well:\n{log}");
    servers.stop().await;
    record::check(&lab, &tokens, &log).await;
    page::check(&kit);
}

/// Has the door tell apart what the servers speak, and each person's children started, before a client comes: the Python
/// client waits ten seconds for its first answer and then takes the server for an old one, and on a busy machine a child may
/// need longer to start.
async fn wake(door: &DoorProcess, tokens: &[String]) {
    for server in &SERVERS {
        for token in tokens {
            let caller = door.client(server.name).with_token(token);
            let heard = caller.send(caller.modern(1, "server/discover", json!({}))).await;
            let heard = heard.expect("the door answers");
            assert_eq!(heard.status, 200, "{} does not start: {:?}\n{}", server.name, heard.body, door.log());
        }
    }
}

/// Sends every client to every server, as many at a time as there are people, and returns what went wrong.
async fn visit_all(kit: &Arc<Kit>, lab: &Lab, door: &DoorProcess, tokens: &[String; 3]) -> Vec<String> {
    let clients = AtomicUsize::new(0);
    let [first, second, third] = tokens.each_ref().map(|token| async {
        let visit = Visit { kit: Arc::clone(kit), folder: lab.folder().to_owned(), token: token.clone() };
        let mut failed = Vec::new();
        while let Some(client) = CLIENTS.get(clients.fetch_add(1, Ordering::Relaxed)) {
            failed.extend(visit.all(client, |server| door.url(server)).await);
        }
        failed
    });
    let (first, second, third) = tokio::join!(first, second, third);
    [first, second, third].concat()
}
