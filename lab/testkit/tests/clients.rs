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

use doorward_testkit::{DoorProcess, Kit, Lab};
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use servers::{SERVERS, Server, Servers};
use visit::{CLIENTS, Client, Visit};

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

/// A client and a server that speak a revision in common, and the newest they do.
#[derive(Debug, Clone, Copy)]
struct Cell {
    client: &'static Client,
    server: &'static Server,
    revision: Revision,
}

/// Every client with every server that it has a revision in common with.
fn cells() -> Vec<Cell> {
    let pairs = CLIENTS.iter().flat_map(|client| SERVERS.iter().map(move |server| (client, server)));
    let common = |(client, server): (&'static Client, &'static Server)| {
        let both = client.speaks.iter().filter(|revision| server.speaks.contains(revision));
        both.max().map(|revision| Cell { client, server, revision: *revision })
    };
    pairs.filter_map(common).collect()
}

// control: real clients list and call with a token; without one both are refused with 401, in a session that had one too
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_clients_reach_real_servers_with_a_token_and_not_without() {
    let kit = Arc::new(Kit::install(env!("CARGO_TARGET_TMPDIR")).await);
    let lab = Lab::start().await;
    let servers = Servers::start(&kit, &lab).await;
    let door = DoorProcess::open(&lab, &servers.plan(&kit)).await;
    let token = lab.token("alice");
    wake(&door, &token).await;

    let visit = Visit { kit: Arc::clone(&kit), folder: lab.folder().to_owned(), token: token.clone() };
    let failed = visit_all(&visit, &door).await;
    assert!(failed.is_empty(), "{} cells failed:\n{}\n{}", failed.len(), failed.join("\n"), door.log());

    let log = door.log();
    assert!(door.stop().await.success(), "the door closes well:\n{log}");
    servers.stop().await;
    record::check(&lab, &cells(), &token, &log).await;
    page::check(&kit, &cells());
}

/// Has every child started before a client comes: the Python client waits ten seconds for its first answer and then takes
/// the server for an old one, and on a busy machine a child may need longer to start.
async fn wake(door: &DoorProcess, token: &str) {
    for server in &SERVERS {
        let mut caller = door.client(server.name).with_token(token);
        let heard = if server.speaks.contains(&Revision::Modern) {
            caller.send(caller.modern(1, "tools/list", json!({}))).await
        } else {
            caller.hello().await
        };
        let heard = heard.expect("the door answers");
        assert_eq!(heard.status, 200, "{} does not start: {:?}\n{}", server.name, heard.body, door.log());
    }
}

/// Visits every cell, a few at a time, and returns what went wrong.
async fn visit_all(visit: &Visit, door: &DoorProcess) -> Vec<String> {
    let at_once = std::thread::available_parallelism().map_or(2, usize::from) + 1;
    let places = Arc::new(Semaphore::new(at_once));
    let mut visits = JoinSet::new();
    for cell in cells() {
        let (visit, places, url) = (visit.clone(), Arc::clone(&places), door.url(cell.server.name));
        visits.spawn(async move {
            let _place = places.acquire().await.expect("never closed");
            let seen = visit.cell(cell, &url).await;
            seen.map_err(|error| format!("{} before {}: {error}", cell.client.title, cell.server.name))
        });
    }
    visits.join_all().await.into_iter().filter_map(Result::err).collect()
}
