//! The door as a client: behind it stand the suite's own servers and authorization servers, and the client that they see
//! and judge is the door.

use std::process::Stdio;
use std::sync::Arc;

use doorward_testkit::{Kit, Lab, Person};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::keeper::Keeper;
use crate::results::{read, told};
use crate::runner::{PATIENCE, required, runner};

/// The revisions, and how many scenarios each requires of clients.
const REVISIONS: [(&str, usize); 2] = [("2025-11-25", 18), ("2026-07-28", 32)];

/// Scenarios at a time: each waits more than it works.
const AT_ONCE: usize = 3;

// control: eras-b: as a client the door does all that the official suite asks of one, in both revisions, signing in to the suite's authorization servers included
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_door_is_a_client_that_the_suite_finds_nothing_in() {
    let kit = Arc::new(Kit::install(env!("CARGO_TARGET_TMPDIR")).await);
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let mut scenarios = JoinSet::new();
    for (revision, count) in REVISIONS {
        let names = required(&kit, "Client", revision).await;
        assert_eq!(names.len(), count, "{revision}: {names:?}");
        for name in names {
            let (kit, turns) = (Arc::clone(&kit), Arc::clone(&turns));
            scenarios.spawn(async move {
                let _turn = turns.acquire_owned().await.expect("it is not closed");
                (
                    revision,
                    play(&kit, &name, revision).await.map_err(|why| format!("{revision} {name}: {why}")),
                )
            });
        }
    }
    let all = scenarios.join_all().await;
    for (revision, count) in REVISIONS {
        let good = all.iter().filter(|(of, played)| *of == revision && played.is_ok()).count();
        println!("{revision} as a client: {good} of {count}");
    }
    let bad: Vec<_> = all.into_iter().filter_map(|(_, played)| played.err()).collect();
    assert!(bad.is_empty(), "{} went wrong:\n{}", bad.len(), bad.join("\n\n"));
}

/// Plays one scenario, with a lab and a person of its own.
async fn play(kit: &Kit, name: &str, revision: &str) -> Result<(), String> {
    let lab = Lab::start().await;
    let ca = lab.emulator.ca_file.clone().expect("the lab has a folder");
    let person =
        Person::new(kit, &lab.folder().join("alice"), &ca, "alice@contoso.onmicrosoft.com", "correct-horse");
    let results = lab.folder().join("results");
    let mut suite = runner(kit);
    let script = kit.script("conformance_client.mjs");
    suite.args(["client", "--command", &format!("{} {}", kit.node().display(), script.display())]);
    suite.args(["--scenario", name, "--spec-version", revision, "--force", "--timeout", "60000", "-o"]);
    let keeper = Keeper::of(lab, person).await;
    suite.arg(&results).env("KEEPER", format!("http://{}", keeper.address));
    suite.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = suite.spawn().expect("the runner can be started");
    keeper.knows(child.id().expect("it runs"));
    let ended = tokio::time::timeout(PATIENCE, child.wait_with_output()).await;
    let output = ended.expect("the runner ends").expect("it is our child");
    let all = read(&results);
    let good = output.status.success() && all.len() == 1 && all.iter().all(|one| one.is_good());
    let faults = told(&all);
    // Before the lab is gone, and with it what they wrote.
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let client =
        std::fs::read_to_string(results.join(all.first().map_or("", |one| &one.name)).join("stdout.txt"));
    let log = keeper.close().await;
    if good {
        return Ok(());
    }
    let tail: Vec<&str> = said.lines().rev().take(40).collect();
    let tail: Vec<&str> = tail.into_iter().rev().collect();
    Err(format!("{faults}{}\nthe client: {}\nthe door: {log}", tail.join("\n"), client.unwrap_or_default()))
}
