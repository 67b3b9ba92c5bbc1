//! What it costs to look at a message: `cargo run --release -p doorward-dlp --example treat_speed`.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a tool for developers")]
#![expect(clippy::disallowed_methods, reason = "it measures")]

use std::time::Instant;

use bytes::Bytes;
use doorward_dlp::{Direction, Facts, Finder, Handling, Scope, Tool, Vault, treat};
use doorward_types::{Secret, ServerName};
use doorward_wire::{Limits, Tree, quote};

fn main() {
    let started = Instant::now();
    let finder = Finder::shared();
    println!("{:>8} µs  the rules are made ready", started.elapsed().as_micros());
    let prose = "The build of the parser went through; see line 42 of README.md for what was left out. ";
    let rows = r#"{"id":1842,"name":"Berg","since":"2024-03-01T10:00:00Z","total":129.5,"open":true},"#;
    let image: String =
        (0..1 << 20).map(|at| char::from(b'A' + u8::try_from(at * 7 % 26).unwrap())).collect();
    for (what, text) in [
        ("a short answer", format!("[{}]", quote(prose))),
        ("16 KiB of prose", format!("[{}]", quote(&prose.repeat(190)))),
        ("16 KiB of rows", format!("[{}1]", rows.repeat(190))),
        ("16 KiB of rows in a string", format!("[{}]", quote(&format!("[{}1]", rows.repeat(190))))),
        ("1 MiB of prose", format!("[{}]", quote(&prose.repeat(12_000)))),
        ("1 MiB that looks like an image", format!("[{}]", quote(&image))),
        (
            "1 MiB of what begins like secrets",
            format!("[{}]", quote(&"password=\"ghp_eyJ://".repeat(52_000))),
        ),
    ] {
        let tree = Tree::parse(Bytes::from(text), &Limits::default()).unwrap();
        let server = ServerName::parse("files").unwrap();
        let vault = Vault::new(&Secret::new([7; 32]), 100);
        let scope = Scope { server: &server, owner: "anna" };
        let facts = Facts::new(Direction::Result, Tool::answering("read_file", None), scope);
        let handling = Handling::default();
        let mut best = u128::MAX;
        for _ in 0..20 {
            let started = Instant::now();
            let treated = treat(finder, tree.root(), &facts, &handling, &vault);
            best = best.min(started.elapsed().as_nanos());
            assert_eq!(treated.unread, 0);
        }
        let kib = tree.bytes().len() as u128 / 1024;
        println!("{:>8.1} µs  {what}, {} µs/KiB", best as f64 / 1e3, best / 1_000 / kib.max(1));
    }
}
