//! The first run: the visit that a newcomer takes, and what `up` prints for them to use.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests: a panic here is a failed test"
)]

use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use doorward_testkit::{Client, command, initialize, run, within};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout};

/// What begins a colour on a terminal, and disfigures a file.
const ESCAPE: char = '\u{1b}';

// control: spine-a: the visit ends well in under ten seconds, every refusal on it being a real one
#[tokio::test]
async fn the_tour_ends_well_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let began = Instant::now();
    let tour = run(folder.path(), ["up", "--tour"]).await;
    let took = began.elapsed();
    assert_eq!(tour.code, Some(0), "{}\n{}", tour.out, tour.err);
    assert!(took < Duration::from_secs(10), "the visit took {took:?}");
    assert!(!tour.out.contains(ESCAPE), "colours in a pipe: {}", tour.out);
    assert!(!tour.err.contains(ESCAPE), "colours in a pipe: {}", tour.err);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "the visit cleans up after itself");

    let lines: Vec<&str> = tour.out.lines().collect();
    let titles = lines.windows(2).filter(|pair| pair[0].is_empty()).map(|pair| pair[1]);
    let scenes: Vec<usize> = titles.filter_map(scene).collect();
    assert_eq!(scenes, (1..=scenes.len()).collect::<Vec<_>>(), "scenes are counted");
    assert!(scenes.len() >= 10, "{}", tour.out);
    for shown in [
        "✗ 404 Session not found",
        "✗ 401 ",
        "no policy permits",
        "intact to checkpoint",
        "That was the visit",
    ] {
        assert!(tour.out.contains(shown), "the visit does not show `{shown}`:\n{}", tour.out);
    }
}

/// The number that begins a scene's title.
fn scene(line: &str) -> Option<usize> {
    line.trim_start().split_once(' ')?.0.parse().ok()
}

// control: spine-a: what `up` prints to be pasted works as it stands
#[tokio::test]
async fn what_up_prints_works() {
    let folder = tempfile::tempdir().unwrap();
    let mut up = Up::start(folder.path()).await;

    let command = up.line("doorward lab token").trim_end_matches(')');
    let token = run(folder.path(), arguments(command)).await;
    assert_eq!(token.code, Some(0), "{}", token.err);

    let curl = up.line("curl http");
    let pasted = pasted(curl);
    assert!(curl.contains("\"Authorization: Bearer $TOKEN\""), "{curl}");
    let client = Client::new(pasted.address, "library").with_token(token.out.trim());
    let answer = client.send(client.request(http::Method::POST, pasted.body)).await.unwrap();
    assert_eq!(answer.status, http::StatusCode::OK, "{:?}", answer.body);
    assert!(answer.header("mcp-session-id").is_some(), "the door opened a session");
    let nobody = Client::new(pasted.address, "library");
    assert_eq!(nobody.post(&initialize()).await.unwrap().status, http::StatusCode::UNAUTHORIZED);

    let record = run(folder.path(), arguments(up.line("doorward audit tail"))).await;
    assert_eq!(record.code, Some(0), "{}", record.err);
    assert!(record.out.contains("initialize"), "the record shows what was just done: {}", record.out);
    assert!(up.stop().await.success(), "told to close, it closes well");
}

/// The door that `up` opened, and what it printed by then.
struct Up {
    child: Child,
    printed: Vec<String>,
    _rest: Lines<BufReader<ChildStdout>>,
}

impl Up {
    async fn start(folder: &Path) -> Self {
        let mut command = command(folder);
        command.args(["up", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut printed = Vec::new();
        while printed.last().is_none_or(|line: &String| !line.starts_with("Ctrl-C")) {
            let line = within("`up` to say where everything is", lines.next_line()).await.unwrap();
            printed.push(line.unwrap_or_else(|| panic!("`up` ended early: {printed:?}")));
        }
        Self { child, printed, _rest: lines }
    }

    /// What stands behind `start` in the line that has it, `start` included.
    fn line(&self, start: &str) -> &str {
        let found = self.printed.iter().find_map(|line| line.find(start).and_then(|at| line.get(at..)));
        found.unwrap_or_else(|| panic!("`up` does not print `{start}`: {:?}", self.printed))
    }

    async fn stop(&mut self) -> ExitStatus {
        let pid = Pid::from_raw(self.child.id().expect("it runs").cast_signed()).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
        within("`up` to close", self.child.wait()).await.unwrap()
    }
}

fn arguments(line: &str) -> impl Iterator<Item = &str> {
    line.split_whitespace().skip(1)
}

/// What a printed `curl` command sends, and where.
struct Pasted {
    address: std::net::SocketAddr,
    body: String,
}

fn pasted(curl: &str) -> Pasted {
    let between = |from: &str, to: &str| {
        let (_, rest) = curl.split_once(from).unwrap_or_else(|| panic!("no `{from}` in {curl}"));
        rest.split_once(to).unwrap_or_else(|| panic!("no `{to}` in {rest}")).0.to_owned()
    };
    let address = between("http://", "/library/mcp").parse().unwrap();
    Pasted { address, body: between("-d '", "'") }
}
