//! A server that works with people's own accounts elsewhere: each connects theirs on the door's pages, once, and the door
//! calls the server with it. Whoever has none is told where to go.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "helpers of tests: a panic here is a failed test"
)]

use std::path::Path;

use doorward_emulator::{Fault, Misdeed};
use doorward_testkit::{Client, DoorPlan, DoorProcess, Kit, Lab, Person, call};
use serde_json::{Value, json};

const POLICIES: &str = r#"
permit (principal in Role::"Reader", action == Action::"notes/whoami", resource);
"#;

/// A person with a browser of their own, and the name they have elsewhere.
fn person(kit: &Kit, folder: &Path, ca: &Path, name: &str) -> Person {
    let upn = format!("{name}@contoso.onmicrosoft.com");
    let person = Person::new(kit, folder, ca, &upn, "correct-horse");
    let plan = folder.join("person.json");
    let text = std::fs::read_to_string(&plan).expect("it was written by us");
    let mut plan_of: Value = serde_json::from_str(&text).expect("it was written by us");
    plan_of["fields"]["name"] = json!(format!("{name}-elsewhere"));
    std::fs::write(&plan, plan_of.to_string()).expect("the folder is ours");
    person
}

/// Asks the server who the caller is, in a session of its own; returns the whole answer.
async fn whoami(door: &DoorProcess, token: &str) -> Value {
    let mut client: Client = door.client("notes").with_token(token);
    let hello = client.hello().await.expect("the door answers");
    let answer = hello.response().expect("JSON-RPC");
    if answer.get("error").is_some() {
        return answer;
    }
    let heard = client.post(&call(7, "whoami", &json!({}))).await.expect("the door answers");
    heard.response().expect("JSON-RPC")
}

// control: U-08, U-13: each person's own account is used for the server it was connected for; nobody else's ever is, and no token of the door's or of Entra's reaches the third party
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_person_connects_an_account_of_their_own() {
    let kit = Kit::install(env!("CARGO_TARGET_TMPDIR")).await;
    let lab = Lab::start().await;
    let ca = lab.emulator.ca_file.clone().expect("the lab has a folder");
    let third_party = lab.emulator.third_party.clone();
    let mut plan = DoorPlan::before("notes", &format!("{third_party}/mcp"), POLICIES)
        .signing_in(&lab, "entra_tokens = \"all\"");
    plan.servers.push_str("credential = { user_grant = true }\n");
    let door = DoorProcess::open(&lab, &plan).await;
    let (alice, bob) = (lab.token("alice"), lab.token("bob"));
    lab.emulator.control().set_token_lifetime(Some(std::time::Duration::from_secs(20)));
    let page = format!("http://{}/account/connect/notes", door.address);

    let before = whoami(&door, &alice).await.to_string();
    assert!(before.contains(&page), "who has no account is told where to connect one: {before}");

    // An authorization server that answers in another's name is not believed, and nothing is connected.
    let browser = person(&kit, &lab.folder().join("alice"), &ca, "alice");
    let mix_up = Fault::ThirdParty { does: Misdeed::IssuerOther };
    lab.emulator.control().fault(mix_up.clone());
    let visit = browser.visit(&page).await;
    assert!(visit.text.contains("another authorization server"), "{}", visit.text);
    lab.emulator.control().disarm(&mix_up);
    assert!(whoami(&door, &alice).await.to_string().contains(&page), "still nothing is connected");

    let visit = browser.visit(&page).await;
    assert!(visit.title.starts_with("The account is connected"), "{visit:?}");
    let mine = whoami(&door, &alice).await;
    assert!(mine.to_string().contains("alice-elsewhere"), "{mine}\n{}", door.log());
    let theirs = whoami(&door, &bob).await.to_string();
    assert!(theirs.contains(&page) && !theirs.contains("alice"), "bob is not alice: {theirs}");

    // What comes and goes at the third party is its own: neither a token of Entra's nor one of the door's.
    let seen = lab.emulator.control().transcript();
    let asked = seen.iter().filter(|recorded| recorded.service == "third-party");
    assert!(asked.clone().count() > 5);
    for recorded in asked {
        assert!(!recorded.contains(&alice) && !recorded.contains(&bob), "{recorded:?}");
    }

    // Its tokens live for less than the door trusts them, so each use refreshed; once that is refused, the person is told.
    lab.emulator.control().fault(Fault::ThirdParty { does: Misdeed::RefusesRefresh });
    let ended = whoami(&door, &alice).await.to_string();
    assert!(ended.contains(&page), "taken back on the other side: {ended}");
    assert!(door.stop().await.success());
}
