//! `docs/clients.md`, written from the cells that passed.

use std::fmt::Write;
use std::path::Path;

use doorward_testkit::Kit;

use crate::Cell;
use crate::servers::SERVERS;
use crate::visit::CLIENTS;

const TOP: &str = "\
# Real clients, real servers

`cargo xtask test clients` writes this page from what it sees (with `UPDATE_DOCS=1`), and fails when it is stale. The
programs are their makers' own, unmodified; one door stands between them, with a token of the lab's.

A ✓ means: the client agreed on the protocol revision named, listed the tools and called one, with a token; without one,
both were refused with 401. The SDK clients were refused, too, once the token was taken away within a session. A – means
that the two have no revision in common: *legacy* clients speak 2025-11-25, *modern* ones 2026-07-28, *auto* ones the
newest that the server has, and a stdio server speaks what `era` says in the configuration.

";

/// Writes the page, or compares it with what stands in the repository.
pub(crate) fn check(kit: &Kit, cells: &[Cell]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/clients.md");
    let page = page(kit, cells);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, page).expect("the page can be written");
        return;
    }
    let stands = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(stands, page, "docs/clients.md is stale; run: UPDATE_DOCS=1 cargo xtask test clients");
}

fn page(kit: &Kit, cells: &[Cell]) -> String {
    let mut page = TOP.to_owned();
    page.push_str("| client |");
    for server in &SERVERS {
        let _infallible =
            write!(page, " {} {}, {} |", server.title, kit.version(server.package), server.transport);
    }
    page.push_str("\n|---|");
    page.push_str(&"---|".repeat(SERVERS.len()));
    for client in &CLIENTS {
        let (name, mode) = client.title.split_once(", ").unwrap_or((client.title, ""));
        let comma = if mode.is_empty() { "" } else { ", " };
        let _infallible = write!(page, "\n| {name} {}{comma}{mode} |", kit.version(client.package));
        for server in &SERVERS {
            let same = |cell: &&Cell| cell.client.title == client.title && cell.server.name == server.name;
            match cells.iter().find(same) {
                Some(cell) => page.push_str(&format!(" ✓ {} |", cell.revision.as_str())),
                None => page.push_str(" – |"),
            }
        }
    }
    page.push('\n');
    page
}
