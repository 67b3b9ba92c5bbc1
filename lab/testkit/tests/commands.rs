//! Every `doorward` command that the pages name exists, with the flags they name. A page that promises a command is a
//! promise to whoever types it.

#![expect(clippy::unwrap_used, reason = "helpers of tests: a panic here is a failed test")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use doorward_testkit::{Ran, program, run};

/// A command as a page names it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Named {
    page: PathBuf,
    line: usize,
    words: Vec<String>,
}

#[tokio::test]
async fn every_command_that_a_page_names_exists() {
    let folder = tempfile::tempdir().unwrap();
    let named: Vec<Named> = pages().iter().flat_map(|page| commands(page, &PROGRAM)).collect();
    let mut wrong = Vec::new();
    for Named { page, line, words } in &named {
        // With `--help` last everything before it is read and checked, and nothing is done.
        // Behind two dashes stands another program's command.
        let own = words.split(|word| word == "--").next().unwrap_or_default();
        let asked = run(folder.path(), own.iter().map(String::as_str).chain(["--help"])).await;
        if asked.code != Some(0) || !asked.out.contains("Usage:") {
            wrong.push(format!("{}:{line}: doorward {}\n{}", page.display(), words.join(" "), asked.err));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} commands do not exist:\n{}",
        wrong.len(),
        named.len(),
        wrong.join("\n")
    );
    assert!(named.len() >= 8, "the pages name commands, and this test found only {named:?}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "asking for help leaves nothing behind");
}

#[tokio::test]
async fn a_command_that_does_not_exist_is_told_with_a_way_out() {
    let folder = tempfile::tempdir().unwrap();
    for (typed, meant) in
        [(&["serv"][..], "serve"), (&["audit", "verfy"], "verify"), (&["up", "--tuor"], "--tour")]
    {
        let Ran { code, err, .. } = run(folder.path(), typed).await;
        assert_eq!(code, Some(2), "{typed:?}: {err}");
        assert!(err.contains(meant), "{typed:?}: {err}");
    }
}

/// The same for the chores of the workspace, and for the suites that one of them runs by name.
#[test]
fn every_chore_that_a_page_names_exists() {
    // It was built beside the program under test.
    let chores = |arguments: &[&str]| {
        let mut xtask = Command::new(program().with_file_name("xtask"));
        let said = xtask.current_dir(root()).args(arguments).output().unwrap();
        String::from_utf8(said.stdout).unwrap()
    };
    let (known, suites) = (chores(&["help"]), chores(&["test", "--list"]));
    let (known, suites) = (first_words(&known), first_words(&suites));
    let named: Vec<Named> = pages().iter().flat_map(|page| commands(page, &CHORES)).collect();
    assert!(named.len() >= 8, "the pages name chores, and this test found only {named:?}");
    for Named { page, line, words } in &named {
        let context = format!("{}:{line}: cargo xtask {}", page.display(), words.join(" "));
        let (chore, rest) = words.split_first().expect(&context);
        assert!(known.contains(&chore.as_str()), "{context}: there is {known:?}");
        let suite = rest.iter().find(|word| *chore == "test" && !word.starts_with("--") && **word != "NAME");
        assert!(suite.is_none_or(|suite| suites.contains(&suite.as_str())), "{context}: there is {suites:?}");
    }
}

fn first_words(text: &str) -> Vec<&str> {
    text.lines().filter_map(|line| line.split_whitespace().next()).collect()
}

/// The two commands of a fresh machine stand in the README, each on a line of its own.
#[tokio::test]
async fn the_readme_has_the_two_commands() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    for command in ["cargo run --release -- up", "cargo xtask test"] {
        assert!(readme.lines().any(|line| line.trim() == command), "README.md does not say: {command}");
    }
    let alias = std::fs::read_to_string(root().join(".cargo/config.toml")).unwrap();
    assert!(alias.contains("xtask = "), "`cargo xtask` is an alias of the workspace");
}

/// Every subcommand has a line that says what it is for, and its `--help` works.
#[tokio::test]
async fn every_command_explains_itself() {
    let folder = tempfile::tempdir().unwrap();
    let mut waiting = vec![Vec::<String>::new()];
    let mut seen = 0;
    while let Some(path) = waiting.pop() {
        let asked = run(folder.path(), path.iter().map(String::as_str).chain(["--help"])).await;
        assert_eq!(asked.code, Some(0), "doorward {path:?} --help: {}", asked.err);
        seen += 1;
        for line in listed(&asked.out) {
            let (name, what) = line.split_once(' ').unwrap_or((line, ""));
            assert!(!what.trim().is_empty(), "doorward {path:?} {name} says nothing about itself");
            waiting.push(path.iter().cloned().chain([name.to_owned()]).collect());
        }
    }
    assert!(seen > 12, "only {seen} commands were found");
}

/// The lines under `Commands:` in a help text.
fn listed(help: &str) -> impl Iterator<Item = &str> {
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    // Longer explanations go on further to the right.
    let commands = commands.take_while(|line| !line.is_empty());
    commands.filter_map(|line| line.strip_prefix("  ")).filter(|line| !line.starts_with(' '))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

fn pages() -> BTreeSet<PathBuf> {
    let markdown = |folder: PathBuf| {
        let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        files.filter(|path| path.extension().is_some_and(|extension| extension == "md"))
    };
    markdown(root()).chain(markdown(root().join("docs"))).collect()
}

/// The commands in the code of a page: in blocks, and between backticks.
fn commands(page: &Path, starts: &[&str]) -> Vec<Named> {
    let text = std::fs::read_to_string(page).unwrap();
    let mut fenced = false;
    let mut found = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
            continue;
        }
        let block = fenced || line.starts_with("    ");
        let pieces = if block { vec![line.trim()] } else { line.split('`').skip(1).step_by(2).collect() };
        found.extend(pieces.into_iter().filter_map(|code| arguments(code, starts)).map(|words| Named {
            page: page.to_owned(),
            line: number,
            words,
        }));
    }
    found
}

/// How a command line starts the program.
const PROGRAM: [&str; 2] = ["doorward ", "cargo run --release -- "];
/// How it starts a chore.
const CHORES: [&str; 1] = ["cargo xtask "];

/// The arguments of a command line that starts so; without comment, brackets of what is optional, and ellipses.
fn arguments(code: &str, starts: &[&str]) -> Option<Vec<String>> {
    let code = code.strip_prefix("$ ").unwrap_or(code);
    let arguments = starts.iter().find_map(|start| code.strip_prefix(start))?;
    let mut words = Vec::new();
    for (at, piece) in arguments.split('\'').enumerate() {
        // What stands between quotes is one word.
        if at % 2 == 1 {
            words.push(piece.to_owned());
            continue;
        }
        for word in piece.split_whitespace() {
            if ["#", "|", ">", "&&", ";"].contains(&word) {
                return Some(words);
            }
            words.extend(Some(word.trim_matches(['[', ']', '…']).to_owned()).filter(|word| !word.is_empty()));
        }
    }
    Some(words)
}

#[test]
fn commands_are_read_as_a_reader_would() {
    let read = |code: &str| arguments(code, &PROGRAM).map(|words| words.join(" "));
    assert_eq!(read("doorward audit verify # says how far").as_deref(), Some("audit verify"));
    assert_eq!(read("cargo run --release -- up --tour").as_deref(), Some("up --tour"));
    assert_eq!(read("doorward up [--tour]").as_deref(), Some("up --tour"));
    assert_eq!(read("doorward audit tail | less").as_deref(), Some("audit tail"));
    assert_eq!(
        arguments("doorward guard --sandbox 'net a b' -- x", &PROGRAM).unwrap(),
        ["guard", "--sandbox", "net a b", "--", "x"]
    );
    assert_eq!(read("doorward.toml"), None);
    assert_eq!(read("cargo xtask test"), None);
}
