//! The tasks extension: a server that has it, directly and behind the door.

use std::net::SocketAddr;
use std::path::Path;

use doorward_servers::tasks;
use doorward_testkit::{DoorPlan, DoorProcess, Kit, Lab};

use crate::results::{Scenario, read, told};
use crate::runner::{PATIENCE, POLICIES, runner};
use crate::shim::Shim;

/// What the suite has on tasks. It scores none of it.
const SCENARIOS: [&str; 9] = [
    "tasks-lifecycle",
    "tasks-capability-negotiation",
    "tasks-wire-fields",
    "tasks-request-state-removal",
    "tasks-mrtr-input",
    "tasks-request-headers",
    "tasks-dispatch-and-envelope",
    "tasks-required-task-error",
    "tasks-mrtr-composition",
];
/// This one skips its only check: the suite does not read the stream on which the news of tasks come now.
const SKIPPED: &str = "tasks-status-notifications";

// control: eras-d: the official suite finds tasks behind the door to be what they are without it, and nothing wrong with either
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_behind_the_door_conform_as_they_do_without() {
    let kit = Kit::install(env!("CARGO_TARGET_TMPDIR")).await;
    let lab = Lab::start().await;
    let server = tasks::start(SocketAddr::from(([127, 0, 0, 1], 0))).await.expect("the server starts");
    let plan = DoorPlan::before("tasks", &server.url(), POLICIES).signing_in(&lab, "entra_tokens = \"all\"");
    let door = DoorProcess::open(&lab, &plan).await;
    let shim = Shim::before(door.address, "tasks", &lab.token("alice")).await;
    let through = format!("http://localhost:{}/mcp", shim.address.port());
    for (way, url) in [("directly", server.url()), ("through the door", through)] {
        let results = lab.folder().join(way);
        let mut printed = String::new();
        for name in SCENARIOS.iter().chain([&SKIPPED]) {
            printed.push_str(&run(&kit, &url, name, &results).await);
        }
        let all = read(&results);
        let good = all.iter().filter(|one| one.is_good()).count();
        println!("tasks {way}: {good} of {}", all.len());
        let why = || format!("{way}:\n{}\n{printed}\n{}", told(&all), door.log());
        assert_eq!(all.len(), SCENARIOS.len() + 1, "{}", why());
        let one = |name: &str| {
            all.iter().find(|one| one.is(name)).unwrap_or_else(|| panic!("no {name}: {}", why()))
        };
        assert!(SCENARIOS.iter().all(|name| one(name).is_good()), "{}", why());
        let skipped: &Scenario = one(SKIPPED);
        assert!(skipped.faults().is_empty() && !skipped.is_shown(), "it is checked now: {}", why());
    }
    drop(shim);
    assert!(door.stop().await.success(), "the door closes well");
}

async fn run(kit: &Kit, url: &str, scenario: &str, results: &Path) -> String {
    let mut runner = runner(kit);
    runner
        .args([
            "server",
            "--url",
            url,
            "--spec-version",
            "2026-07-28",
            "--force",
            "--scenario",
            scenario,
            "-o",
        ])
        .arg(results);
    let ended = tokio::time::timeout(PATIENCE, runner.output()).await;
    let output = ended.expect("the runner ends").expect("the runner can be started");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
