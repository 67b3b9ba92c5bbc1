//! Trains the model of `inspect` and measures what it finds: `cargo xtask train`, `cargo xtask eval`.
#![expect(
    clippy::print_stdout,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "run by hand; it prints its figures and stops at the first surprise"
)]

mod corpus;
mod eval;
mod figures;
mod grammar;
mod mutate;
mod sets;
mod train;

use std::path::Path;

use sets::{Kind, Sets};

/// How far the odds are shifted, so that a half is where honest texts end: for definitions, and for content.
const SHIFT: [f32; 2] = [1.5, 1.5];

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
    let args: Vec<String> = std::env::args().skip(1).collect();
    let sets = Sets::load(&root);
    match args.first().map(String::as_str) {
        Some("train") => {
            let bytes: Vec<u8> = [Kind::Definition, Kind::Content]
                .into_iter()
                .flat_map(|kind| sets.train(kind, None, true).shifted(SHIFT[kind as usize]).to_bytes())
                .collect();
            let path = root.join("crates/judge/inspect/src/model.bin");
            std::fs::write(&path, &bytes).unwrap();
            println!("{} bytes written to {}", bytes.len(), path.display());
        }
        Some("eval") if args.iter().any(|word| word == "--cost") => eval::cost(&sets),
        Some("eval") => {
            let has = |word: &str| args.iter().any(|other| other == word);
            eval::run(&sets, SHIFT, has("--list"), has("--brief"));
        }
        _ => panic!("train, or eval [--list] [--brief] [--cost]"),
    }
}
