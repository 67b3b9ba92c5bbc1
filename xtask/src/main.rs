//! The project's own chores: `cargo xtask COMMAND`. Run by people and by CI; no product code depends on it, and it
//! depends on nothing but a JSON reader, so that it is built in seconds.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool speaks to its terminal")]

mod bench;
mod controls;
mod fuzz;
mod learn;
mod sources;
mod test;
mod tidy;
mod workspace;

use std::path::PathBuf;
use std::process::ExitCode;

const HELP: &str = "cargo xtask COMMAND

  test [SUITE…]             everything that must hold before a change lands; or only the named suites
  test --list               the suites and their budgets
  tidy                      the rules of the house: floors, purity, witnesses, dependencies, pages
  controls [--check]        writes docs/controls.md from the tests; --check only says whether it is stale
  bench [ROW…] [--quick]    what the door costs beside a plain proxy; --rounds N, --seconds S, --json FILE
  fuzz [TARGET] [MINUTES]   fuzzes one parser, or each in turn
  eval [--list] [--brief] [--cost]   what inspection finds in lab/corpora, and what it flags wrongly; --list names the rows
  train                     learns the weights of inspection anew and writes them into its crate";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let root = root();
    let result = match words.as_slice() {
        ["tidy"] => tidy::run(&root),
        ["controls"] => controls::run(&root, false),
        ["controls", "--check"] => controls::run(&root, true),
        ["test", suites @ ..] => test::run(&root, suites),
        ["bench", rest @ ..] => bench::run(&root, rest),
        ["fuzz", rest @ ..] => fuzz::run(&root, rest),
        ["eval", rest @ ..] => learn::run(&root, "eval", rest),
        ["train"] => learn::run(&root, "train", &[]),
        [] | ["help" | "--help" | "-h"] => {
            println!("{HELP}");
            Ok(())
        }
        _ => Err(format!("there is no such command: {}\n\n{HELP}", words.join(" "))),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

/// The repository, wherever the command was typed.
fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().map_or(here.clone(), PathBuf::from)
}
