//! The official runner, and what every leg of it has in common.

use std::process::Stdio;
use std::time::Duration;

use doorward_testkit::{Kit, bare, within};
use tokio::process::Command;

/// What the suite plays is all permitted.
pub(crate) const POLICIES: &str = r#"@id("readers") permit (principal in Role::"Reader", action, resource);"#;

/// The suite takes a minute; more is a hang.
pub(crate) const PATIENCE: Duration = Duration::from_secs(300);

/// The runner, to be told what to do.
pub(crate) fn runner(kit: &Kit) -> Command {
    let mut runner = bare(kit.node());
    runner.arg(kit.module("@modelcontextprotocol/conformance/dist/index.js"));
    runner.stdin(Stdio::null()).kill_on_drop(true);
    runner
}

/// The scenarios that a revision requires of one side, `Client` or `Server`.
pub(crate) async fn required(kit: &Kit, side: &str, revision: &str) -> Vec<String> {
    let mut runner = runner(kit);
    runner.args(["list", "--requirements", revision]);
    let output = within("the runner's list", runner.output()).await.expect("the runner can be started");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let title = format!("{side} scenarios");
    let of_side = text.lines().skip_while(|line| !line.starts_with(&title)).skip(1);
    let names = of_side.map_while(|line| line.trim().strip_prefix("- "));
    names.map(|name| name.split(' ').next().unwrap_or_default().to_owned()).collect()
}
