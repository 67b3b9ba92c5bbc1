//! Clients of other people, unmodified, that were only told an address: they find the door's authorization server,
//! introduce themselves, send a person there, and stay signed in while their tokens run out every two seconds. And
//! wherever the whole run left a trace, no secret stands in it.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "helpers of tests: a panic here is a failed test"
)]

#[path = "signin/canaries.rs"]
mod canaries;
#[path = "signin/clients.rs"]
mod clients;

use std::net::SocketAddr;
use std::sync::Arc;

use doorward_emulator::Document;
use doorward_servers::sample;
use doorward_testkit::{DoorPlan, DoorProcess, Kit, Lab};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use clients::{CLIENTS, Cell, Introduction, Seen, Visit};

const POLICIES: &str = r#"
permit (principal in Role::"Reader", action == Action::"library/list_documents", resource);
"#;

/// Short enough to expire while one waits, and Entra is asked again at each refresh.
const SIGN_IN: &str = r#"
registration = "on"
access_token = "2s"
recheck = "1s"
"#;

/// Where the clients listen; the port of loopback is theirs to choose (RFC 8252, 7.3).
const REDIRECTS: [&str; 3] =
    ["http://127.0.0.1/callback", "http://localhost/callback", "http://localhost/oauth/callback"];

// control: entra-a, entra-g: ten ways of five clients, one of them with proofs of possession, sign in and refresh three times; no token, code, secret or key of a whole run of sign-ins and refreshes stands in a log, an audit record, a row or what a client was given
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_clients_sign_in_and_stay_signed_in_and_no_secret_is_left_anywhere() {
    let kit = Arc::new(Kit::install(env!("CARGO_TARGET_TMPDIR")).await);
    let lab = Lab::start().await;
    let server = sample::start(SocketAddr::from(([127, 0, 0, 1], 0))).await.expect("the sample starts");
    let plan = DoorPlan::before("library", &server.url(), POLICIES).signing_in(&lab, SIGN_IN);
    let door = DoorProcess::open(&lab, &plan).await;
    let document =
        lab.emulator.control().put_document("client.json", Document::client("A client", &REDIRECTS));

    let visit = Visit {
        kit,
        folder: lab.folder().join("clients"),
        ca: lab.emulator.ca_file.clone().expect("the lab has a folder"),
        url: door.url("library"),
        document,
    };
    let (seen, failed) = visit_all(&visit).await;
    assert!(failed.is_empty(), "{} cells failed:\n{}\n{}", failed.len(), failed.join("\n"), door.log());

    let issuer = door.url("").replace("//mcp", "");
    assert!(door.stop().await.success(), "the door closes well");
    drop(server);
    canaries::search(&lab, &issuer, &seen);
}

/// Visits with every client in each of its ways, a few at a time; returns what they saw, and what went wrong.
async fn visit_all(visit: &Visit) -> (Vec<Seen>, Vec<String>) {
    let at_once = std::thread::available_parallelism().map_or(2, usize::from) + 1;
    let places = Arc::new(Semaphore::new(at_once));
    let mut visits = JoinSet::new();
    let ways = [Introduction::Registration, Introduction::Document];
    for cell in CLIENTS.iter().flat_map(|client| ways.map(|way| Cell { client, way })) {
        let (visit, places) = (visit.clone(), Arc::clone(&places));
        visits.spawn(async move {
            let _place = places.acquire().await.expect("never closed");
            visit.cell(cell).await.map_err(|error| format!("{}, {:?}: {error}", cell.client.title, cell.way))
        });
    }
    let (mut seen, mut failed) = (Vec::new(), Vec::new());
    for ended in visits.join_all().await {
        match ended {
            Ok(one) => seen.push(one),
            Err(error) => failed.push(error),
        }
    }
    (seen, failed)
}
