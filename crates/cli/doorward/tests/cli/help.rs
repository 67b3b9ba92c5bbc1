//! What every command says of itself, and the page that is made of it.

use crate::{ROOT, assert_snapshot, run};

#[test]
fn the_help_of_every_command_is_what_it_was() {
    let commands = commands();
    assert!(commands.len() > 20, "{commands:?}");
    for (name, help) in commands {
        assert_snapshot(&format!("help {name}").replace(' ', "-"), &help);
    }
}

#[test]
fn the_page_of_the_command_line_is_made_from_the_helps() {
    let path = format!("{ROOT}/docs/cli.md");
    let page = page();
    if ["UPDATE_DOCS", "BLESS"].iter().any(|name| std::env::var_os(name).is_some()) {
        std::fs::write(&path, &page).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == page,
        "docs/cli.md is stale: UPDATE_DOCS=1 cargo test -p doorward --test cli writes it"
    );
}

#[test]
fn what_is_no_command_ends_with_code_2_and_a_way_out() {
    let unknown = run(&["polcy"]).ends(2);
    assert!(unknown.err.contains("policy"), "{}", unknown.err);
    run(&[]).ends(2);
}

/// Every command with its help, each before those below it.
fn commands() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open: Vec<Vec<String>> = vec![Vec::new()];
    while let Some(path) = open.pop() {
        let args: Vec<&str> = path.iter().map(String::as_str).chain(["--help"]).collect();
        let help = run(&args).ends(0).out;
        for name in subcommands(&help).into_iter().rev() {
            open.push(path.iter().cloned().chain([name]).collect());
        }
        let name: Vec<&str> = ["doorward"].into_iter().chain(path.iter().map(String::as_str)).collect();
        found.push((name.join(" "), help));
    }
    found
}

fn subcommands(help: &str) -> Vec<String> {
    let list = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let named = list
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    named.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

fn page() -> String {
    let mut page = String::from(
        "# The command line

Every command prints for people: in colour where the terminal has it, plain with `--no-color` or where the output is
piped. With `--json` it prints JSON for machines. What is asked for goes to standard output; notes and failures go to
standard error, and every failure says what to do about it.

Exit codes: 0 done, 1 a check failed or a door could not be opened, 2 the command line or a file is wrong.

This page is made from what the commands say of themselves; a test keeps the two the same.
",
    );
    for (name, help) in commands() {
        let level = "#".repeat(1 + name.split(' ').count().min(2));
        // A second way to use a command is marked, so that it is not read as a command to type.
        let help = help.replace("\n       doorward ", "\n   or: doorward ");
        page.push_str(&format!("\n{level} `{name}`\n\n```text\n{}\n```\n", help.trim_end()));
    }
    page
}
