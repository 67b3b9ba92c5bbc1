//! A call that waits for its person's yes, and who else would like to give it.

use doorward_testkit::Client;
use http::StatusCode;
use serde_json::{Value, json};

use crate::house::{GOOD, House, Plan};
use crate::web::Browser;

/// A house in which calls are asked about: what its servers say is untrusted, what they answer confidential, and what they are sent
/// leaves.
pub(crate) async fn labelled() -> House {
    let tables = "[flow]\nmode = \"enforce\"\n".to_owned();
    House::door(&Plan { tables, ..Plan::default() }).await
}

pub(crate) struct Waiting {
    pub(crate) client: Client,
    pub(crate) url: String,
}

pub(crate) async fn call(client: &Client, text: &str) -> Value {
    let params = json!({"name": "echo", "arguments": {"text": text, "n": 1}});
    let heard =
        client.post(&json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params})).await;
    heard.unwrap().response().unwrap()
}

/// Alice's client has called, and is told where that is answered.
pub(crate) async fn waiting(house: &House) -> Waiting {
    let good = house.ask(&house.register("Good", GOOD).await);
    let tokens = house.sign_in(&mut house.browser(), "alice", &good).await;
    let mut client = house.client("echo", &tokens.access);
    client.hello().await.unwrap();
    let held = call(&client, "second").await.to_string();
    let (_, rest) = held.split_once("/account/approvals/").unwrap_or_else(|| panic!("{held}{}", house.log()));
    let reference: String = rest.chars().take_while(char::is_ascii_hexdigit).collect();
    Waiting { client, url: format!("{}/account/approvals/{reference}", house.origin) }
}

async fn alone(house: &House) -> Browser {
    Browser::new(house.web.clone(), &house.lab.emulator.authority, std::slice::from_ref(&house.origin))
}

// control: D-21: the person whose call it is sees what would be sent, after a fresh sign-in, and their yes opens that call once
#[tokio::test]
async fn a_person_approves_their_call_on_the_page() {
    let house = labelled().await;
    let Waiting { client, url } = waiting(&house).await;
    let mut alice = alone(&house).await;
    let page = alice.walk(&url, "alice", false).await;
    assert_eq!(page.status, Some(StatusCode::OK), "{}{}", page.words(), house.log());
    assert!(page.text.contains("second") && page.words().contains("May this be sent?"), "{}", page.words());
    let form = page.form("/account/approvals").unwrap_or_else(|| panic!("{}", page.words()));
    // From another site the same form decides nothing.
    let mut pairs: Vec<_> = form.hidden.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    pairs.push(("answer", "approve"));
    let to = format!("{}/account/approvals", house.origin);
    let foreign = alice.submit_from_elsewhere(&to, &pairs, false).await;
    assert_eq!(foreign.status, Some(StatusCode::FORBIDDEN), "{}", foreign.words());
    assert_eq!(call(&client, "second").await["result"]["isError"], true);
    let done = alice.submit(&page, &form, &[("answer", "approve")]).await;
    assert!(done.words().contains("Approved"), "{}", done.words());
    let sent = call(&client, "second").await;
    assert!(sent["result"]["isError"] != true && sent.to_string().contains("second"), "{sent}");
    assert_eq!(call(&client, "second").await["result"]["isError"], true, "once");
}

// control: D-21: somebody else who was sent the link learns nothing and decides nothing, and it is an alarm
#[tokio::test]
async fn somebody_else_opens_the_link() {
    let house = labelled().await;
    let Waiting { client, url } = waiting(&house).await;
    let mut bob = alone(&house).await;
    let page = bob.walk(&url, "bob", false).await;
    assert_eq!(page.status, Some(StatusCode::NOT_FOUND), "{}", page.words());
    assert!(!page.text.contains("second"), "{}", page.words());
    assert!(house.records().contains("approval-opened-by-another"));
    // What was made up is answered the same.
    let made_up = format!("{}/account/approvals/{}", house.origin, "0".repeat(32));
    assert_eq!(bob.walk(&made_up, "bob", false).await.text, page.text);
    assert_eq!(call(&client, "second").await["result"]["isError"], true);
}

// control: D-21: a person who refuses has refused: the same call is not asked about again
#[tokio::test]
async fn a_person_refuses_their_call() {
    let house = labelled().await;
    let Waiting { client, url } = waiting(&house).await;
    let mut alice = alone(&house).await;
    let page = alice.walk(&url, "alice", false).await;
    let form = page.form("/account/approvals").unwrap_or_else(|| panic!("{}", page.words()));
    let done = alice.submit(&page, &form, &[("answer", "refuse")]).await;
    assert!(done.words().contains("Refused"), "{}", done.words());
    assert_eq!(call(&client, "second").await["result"]["isError"], true);
    // The form is used up.
    let again = alice.submit(&page, &form, &[("answer", "approve")]).await;
    assert!(!again.words().contains("Approved"), "{}", again.words());
    assert_eq!(call(&client, "second").await["result"]["isError"], true);
}
