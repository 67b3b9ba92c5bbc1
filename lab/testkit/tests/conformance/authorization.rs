//! The door as an authorization server.

use std::net::SocketAddr;
use std::process::Stdio;

use doorward_servers::sample;
use doorward_testkit::{DoorPlan, DoorProcess, Kit, Lab, Person, bare, free_port, within};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{ChildStdout, Command};

use crate::results::{Scenario, read, told};

/// A public one: with a secret the runner asks for a code all the same as a client that has none, since the door knows such.
const CLIENT: &str = r#"
id = "conformance"
name = "Conformance runner"
redirect_uris = ["http://127.0.0.1/callback"]
"#;

/// What the runner calls them; the folder of each ends in a date.
const SCENARIOS: [&str; 2] = ["authorization-code-grant", "authorization-server-metadata-endpoint"];

// control: entra-b: the official conformance suite finds nothing in the door's metadata and its authorization code grant, not even to warn of
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_official_suite_finds_nothing_to_warn_of() {
    let kit = Kit::install(env!("CARGO_TARGET_TMPDIR")).await;
    let lab = Lab::start().await;
    let server = sample::start(SocketAddr::from(([127, 0, 0, 1], 0))).await.expect("the sample starts");
    let plan = DoorPlan::before("library", &server.url(), "").signing_in(&lab, "").with_client(CLIENT);
    let door = DoorProcess::open(&lab, &plan).await;
    let ca = lab.emulator.ca_file.clone().expect("the lab has a folder");
    let person =
        Person::new(&kit, &lab.folder().join("alice"), &ca, "alice@contoso.onmicrosoft.com", "correct-horse");

    let results = lab.folder().join("results");
    let mut runner = bare(kit.node());
    runner.arg(kit.module("@modelcontextprotocol/conformance/dist/index.js")).arg("authorization");
    runner.args(["--url", &format!("http://{}", door.address), "--resource", &door.url("library")]);
    runner.args(["--client-id", "conformance"]);
    runner.args(["-p", &free_port().port().to_string(), "-o"]).arg(&results);
    let printed = run(runner, &person).await;

    let all = read(&results);
    let told = || format!("{}\n{printed}\n{}", told(&all), door.log());
    let names: Vec<&str> = all.iter().map(|scenario| scenario.name.as_str()).collect();
    let known = |scenario: &&str| names.iter().filter(|name| name.contains(*scenario)).count() == 1;
    assert!(names.len() == SCENARIOS.len() && SCENARIOS.iter().all(known), "{}", told());
    assert!(all.iter().all(|scenario| scenario.faults().is_empty()), "{}", told());
    assert!(all.iter().any(Scenario::is_shown), "{}", told());
    assert!(door.stop().await.success(), "the door closes well");
}

/// Lets the runner run to its end, and a person go wherever it asks them to.
async fn run(mut runner: Command, person: &Person) -> String {
    runner.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit()).kill_on_drop(true);
    let mut child = runner.spawn().expect("the runner can be started");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let mut printed = String::new();
    while let Some(line) = next(&mut lines).await {
        printed.push_str(&line);
        printed.push('\n');
        if line.starts_with("http") && line.contains("/authorize?") {
            let visit = person.visit(&line).await;
            // It would wait for five minutes.
            assert_eq!(visit.status, Some(200), "the way ends at {}: {}", visit.url, visit.text);
        }
    }
    let ended = within("the runner to end", child.wait()).await.expect("it is our child");
    format!("{ended}:\n{printed}")
}

async fn next(lines: &mut Lines<BufReader<ChildStdout>>) -> Option<String> {
    within("the runner to go on", lines.next_line()).await.expect("the runner prints UTF-8")
}
