//! `docs/clients.md`, written from the cells that passed.

use std::fmt::Write;
use std::path::Path;

use doorward_testkit::Kit;

use crate::servers::{SERVERS, Server};
use crate::visit::{CLIENTS, Client};

const TOP: &str = "\
# Real clients, real servers

`cargo xtask test clients` writes this page from what it sees (with `UPDATE_DOCS=1`), and fails when it is stale. The
programs are their makers' own, unmodified; one door stands between them, with tokens of the lab's. Nobody tells it what
a server speaks.

A ✓ means: the client agreed with the door on the revision of its row, listed the tools and called one; without a token it
was refused with 401. The SDK clients were refused, too, once the token was taken away within a session. ⇄ says that the
server does not speak that revision, and the door translates. Besides:

- **E**: a tool asked the person (elicitation), the client answered, and the tool went on with the answer;
- **P**: the client heard of every step of the tool's progress, in order;
- **C**: the client gave a call up (cancellation), and the server noticed.

";

const BELOW: &str = "
Where a letter is missing, one side has no such thing: the Inspector's command line declares no capabilities, prints results
alone and ends with its call; server-filesystem asks nobody and is done at once; server-everything finishes what it began
when it is told that nobody waits, and shows nobody that it was told. mcp-remote is given its token when it starts, and so
cannot lose it. *auto* clients take 2026-07-28 where they find it, which is before every server here. For HTTP+SSE, the
transport of 2024-11-05, the configuration opens the door (`sse_clients`, `transport = \"http+sse\"`).
";

/// Writes the page, or compares it with what stands in the repository.
pub(crate) fn check(kit: &Kit) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/clients.md");
    let page = page(kit);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, page).expect("the page can be written");
        return;
    }
    let stands = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(stands, page, "docs/clients.md is stale; run: UPDATE_DOCS=1 cargo xtask test clients");
}

fn page(kit: &Kit) -> String {
    let speaks =
        |server: &Server| server.speaks.iter().map(|each| each.as_str()).collect::<Vec<_>>().join(" and ");
    let head = SERVERS.iter().map(|server| {
        let name = match server.package {
            Some(package) => format!("{} {}", server.title, kit.version(package)),
            None => "conformance fixture".to_owned(),
        };
        format!(" {name}, {}: {} |", server.transport, speaks(server))
    });
    let mut page = format!("{TOP}| client | speaks |{}\n|---|---|", head.collect::<String>());
    page.push_str(&"---|".repeat(SERVERS.len()));
    for client in &CLIENTS {
        let (name, mode) = client.title.split_once(", ").unwrap_or((client.title, ""));
        let comma = if mode.is_empty() { "" } else { ", " };
        let (version, revision) = (kit.version(client.package), client.revision.as_str());
        let cells = SERVERS.iter().map(|server| format!(" {} |", cell(client, server)));
        let _infallible =
            write!(page, "\n| {name} {version}{comma}{mode} | {revision} |{}", cells.collect::<String>());
    }
    page.push('\n');
    page.push_str(BELOW);
    page
}

/// What was seen of two of them: the suite has failed if any of it was not.
fn cell(client: &Client, server: &Server) -> String {
    let mut cell = "✓".to_owned();
    if !server.speaks.contains(&client.revision) {
        cell.push_str(" ⇄");
    }
    for (letter, has) in
        [(" E", server.asks.is_some()), (" P", server.steps.is_some()), (" C", server.waits.is_some())]
    {
        if client.converses() && has {
            cell.push_str(letter);
        }
    }
    cell
}
