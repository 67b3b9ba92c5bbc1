//! A server on the official package, directly and behind the door: the door may make no difference.

use std::path::Path;

use doorward_testkit::{DoorPlan, DoorProcess, Kit, Lab, Program, bare};

use crate::results::{Scenario, read, told};
use crate::runner::{PATIENCE, POLICIES, required, runner};
use crate::shim::Shim;

/// The revisions, and how many scenarios each requires of servers.
const REVISIONS: [(&str, usize); 2] = [("2025-11-25", 30), ("2026-07-28", 37)];

// control: eras-a: the official suite finds the same in a server behind the door as without it, in both revisions: nothing
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_behind_the_door_conforms_as_it_does_without() {
    let kit = Kit::install(env!("CARGO_TARGET_TMPDIR")).await;
    let lab = Lab::start().await;
    let (_fixture, url) = fixture(&kit, "dual").await;
    let plan = DoorPlan::before("fixture", &url, POLICIES).signing_in(&lab, "entra_tokens = \"all\"");
    let door = DoorProcess::open(&lab, &plan).await;
    let shim = Shim::before(door.address, "fixture", &lab.token("alice")).await;
    let through = format!("http://localhost:{}/mcp", shim.address.port());
    for (revision, count) in REVISIONS {
        let required = required(&kit, "Server", revision).await;
        assert_eq!(required.len(), count, "{revision}: {required:?}");
        for (way, url) in [("directly", &url), ("through the door", &through)] {
            let results = lab.folder().join(format!("{revision} {way}"));
            let (all, printed) = run(&kit, url, revision, &results).await;
            let (scored, besides): (Vec<_>, Vec<_>) =
                all.into_iter().partition(|one| required.iter().any(|name| one.is(name)));
            let good = |all: &[Scenario]| all.iter().filter(|one| one.is_good()).count();
            println!(
                "{revision} {way}: {} of {count}, and {} of {} that are not scored",
                good(&scored),
                good(&besides),
                besides.len()
            );
            let why = || format!("{revision} {way}:\n{}\n{printed}\n{}", told(&scored), door.log());
            assert!(scored.len() == count && good(&scored) == count, "{}", why());
        }
    }
    drop(shim);
    assert!(door.stop().await.success(), "the door closes well");
}

/// What of 2026-07-28 no bridge gets out of a server of 2025-11-25: its questions have no names, so that the one which the
/// suite expects is not there, and answers that come before the question belong to nothing; and what a tool needs of its
/// client such a server says in words, where the newer revision has a code for it.
const UNSERVED: [&str; 3] = [
    "input-required-result-basic-elicitation",
    "input-required-result-ignore-extra-params",
    "server-stateless",
];

/// Bridged: what the suite of one revision asks of a server that speaks only the other, and what of it no bridge can serve.
const BRIDGED: [(&str, &str, usize, &[&str]); 2] =
    [("2025-11-25", "modern", 30, &[]), ("2026-07-28", "legacy", 37, &UNSERVED)];

// control: eras-c: the official suite of either revision finds in a server of the other what it asks for, but for what no bridge can serve
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_of_the_other_revision_conforms_behind_the_door() {
    let kit = Kit::install(env!("CARGO_TARGET_TMPDIR")).await;
    let lab = Lab::start().await;
    for (revision, mode, count, unserved) in BRIDGED {
        // At another address it is another server, and of that one nothing was agreed to.
        let name = format!("fixture-{mode}");
        let (_fixture, url) = fixture(&kit, mode).await;
        let plan = DoorPlan::before(&name, &url, POLICIES).signing_in(&lab, "entra_tokens = \"all\"");
        let door = DoorProcess::open(&lab, &plan).await;
        let shim = Shim::before(door.address, &name, &lab.token("alice")).await;
        let through = format!("http://localhost:{}/mcp", shim.address.port());
        let required = required(&kit, "Server", revision).await;
        let (all, printed) = run(&kit, &through, revision, &lab.folder().join(mode)).await;
        let scored: Vec<_> = all.into_iter().filter(|one| required.iter().any(|name| one.is(name))).collect();
        let bad: Vec<_> = scored.iter().filter(|one| !one.is_good()).collect();
        println!("{revision} before a server that is {mode}: {} of {count}", count - bad.len());
        let why = || format!("{revision} {mode}:\n{}\n{printed}\n{}", told(&scored), door.log());
        let expected =
            bad.len() == unserved.len() && bad.iter().all(|one| unserved.iter().any(|name| one.is(name)));
        assert!(scored.len() == count && expected, "{}", why());
        drop(shim);
        assert!(door.stop().await.success(), "the door closes well");
    }
}

/// Runs what a revision requires of servers, and what it does not.
async fn run(kit: &Kit, url: &str, revision: &str, results: &Path) -> (Vec<Scenario>, String) {
    let mut runner = runner(kit);
    runner.args(["server", "--url", url, "--requirements", revision, "-o"]).arg(results);
    let ended = tokio::time::timeout(PATIENCE, runner.output()).await;
    let output = ended.expect("the runner ends").expect("the runner can be started");
    (read(results), String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Starts the server on the official package, speaking the revisions that `mode` names.
async fn fixture(kit: &Kit, mode: &str) -> (Program, String) {
    let (fixture, address) = Program::on_free_port("listening on", |address| {
        let mut command = bare(kit.node());
        command.arg(kit.script("fixture_server.mjs")).args([address.port().to_string().as_str(), mode]);
        command
    })
    .await;
    (fixture, format!("http://{address}/mcp"))
}
