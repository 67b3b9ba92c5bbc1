//! A person's way through the door's own pages in a real browser, on a telephone and on a desk, by keyboard only. The
//! pictures stay in the target folder, for people to look at. In `console`, people who decide for others; in `login`, a person's
//! way in on their own machine.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests: a panic here is a failed test"
)]

#[path = "browser/console.rs"]
mod console;
#[path = "browser/login.rs"]
mod login;

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use doorward_servers::{Eras, echo};
use doorward_testkit::{DoorPlan, DoorProcess, Kit, Lab, bare};
use serde_json::{Value, json};

const CLIENT: &str = r#"
id = "garden-assistant"
name = "Garden Assistant"
redirect_uris = ["http://127.0.0.1/callback"]
"#;

const POLICIES: &str = r#"permit (principal in Role::"Reader", action, resource);"#;

/// What the server asks alice to open.
fn question(host: &str) -> String {
    let params = json!({
        "mode": "url", "elicitationId": "e-1", "url": format!("http://{host}/orders/7?confirm=yes"),
        "message": "Please confirm your order of twelve rose bushes before we send it.",
    });
    json!({"jsonrpc": "2.0", "id": "q", "method": "elicitation/create", "params": params}).to_string()
}

/// Two ways of a dozen pages, each looked at twice, by a browser that shares the machine with other tests.
const PATIENCE: Duration = Duration::from_secs(150);

/// What the driver looks at, at each width, in the light and in the dark.
const PAGES: [&str; 6] = ["consent", "entra", "account", "open", "withdrawn", "error"];

// control: entra-c: a person refuses, allows, signs in, finds what was allowed and withdraws it, in Chromium at 360 and 1280 px, by keyboard; the pages are guarded, accessible and cannot be framed
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_finds_their_way_in_and_out_by_keyboard_at_any_width() {
    let kit = Kit::install(env!("CARGO_TARGET_TMPDIR")).await;
    let lab = Lab::start().await;
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let options = echo::Options { listen, eras: Eras::Legacy, transcript: false };
    let server = echo::start_with(options).await.expect("the server starts");
    let plan = DoorPlan::before("library", &server.url(), POLICIES);
    let plan = plan.signing_in(&lab, "entra_tokens = \"all\"").with_client(CLIENT);
    let door = DoorProcess::open(&lab, &plan).await;

    let mut client = door.client("library").with_token(lab.token("alice"));
    client.hello().await.expect("the door answers");
    let question = client.hears(async {
        for session in server.sessions() {
            server.push(&session, question(&server.addr.to_string())).await;
        }
    });
    let question = question.await.expect("the server's question comes");

    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("a folder in the target folder");
    let screenshots = target.join("screenshots");
    let _none = std::fs::remove_dir_all(&screenshots);
    let plan = json!({
        "issuer": format!("http://{}", door.address), "resource": door.url("library"),
        "client_id": "garden-assistant", "scope": "mcp.access",
        "username": "alice@contoso.onmicrosoft.com", "password": "correct-horse",
        "chromium": "/usr/bin/chromium", "screenshots": screenshots, "open": question["params"]["url"],
    });
    let file = lab.folder().join("browser.json");
    std::fs::write(&file, plan.to_string()).expect("the folder is ours");
    let mut driver = bare(kit.node());
    driver.arg(kit.script("browser.mjs")).arg(&file).env("HOME", lab.folder());
    driver.stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, driver.output()).await.expect("the browser does not hang");
    let output = output.expect("node can be started");

    let told = [&output.stdout[..], &output.stderr[..]].concat();
    let told = format!("{}\n{}", String::from_utf8_lossy(&told), door.log());
    let seen: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    assert!(seen["problems"] == json!([]), "problems: {:#}\n{told}", seen["problems"]);
    for page in PAGES {
        for width in [360, 1280] {
            for scheme in ["light", "dark"] {
                let picture = screenshots.join(format!("{page}-{width}-{scheme}.png"));
                assert!(
                    picture.metadata().is_ok_and(|file| file.len() > 1_000),
                    "{} is missing",
                    picture.display()
                );
            }
        }
    }
    assert!(door.stop().await.success(), "the door closes well");
}
