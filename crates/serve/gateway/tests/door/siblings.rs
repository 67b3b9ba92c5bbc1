//! Tokens of one server at its sibling's path (D-12), and people whose groups do not fit into a token.

use doorward_emulator::{Fault, MintRequest};
use http::StatusCode;
use serde_json::json;

use crate::client::{Client, initialize};
use crate::support::{House, Plan, strangers};

const SIBLINGS: &str = r#"
[[server]]
name = "own"
url = "{echo}"
client_id = "51b11000-0000-4000-8000-0000000000d2"
[[server]]
name = "scoped"
url = "{echo}"
required_scope = "tools.read"
"#;

const POLICIES: &str = r#"
@id("readers")
permit (principal in Role::"Reader", action, resource);
"#;

async fn siblings() -> House {
    House::with(Plan { policies: POLICIES, more: SIBLINGS, ..Plan::default() }).await.acquainted().await
}

fn tokens(house: &House) -> [(&'static str, String); 3] {
    let scoped =
        |scope: &str| MintRequest { scopes: Some(vec![scope.to_owned()]), ..MintRequest::user("alice") };
    [
        ("echo", house.mint(&scoped("mcp.access"))),
        ("own", house.mint(&MintRequest::user("alice").resource("sibling"))),
        ("scoped", house.mint(&scoped("tools.read"))),
    ]
}

// control: D-12, TPT-05, A-05: a token opens the server it was given for and none of its siblings, whichever way it is tried first
#[tokio::test]
async fn a_token_opens_its_own_server_and_no_sibling() {
    let house = siblings().await;
    for round in 0..2 {
        for (of, token) in tokens(&house) {
            for path in ["echo", "own", "scoped"] {
                let client = Client::new(house.door.address, Some(token.clone())).at(&format!("/{path}/mcp"));
                let heard = client.post(&initialize(json!({}))).await;
                let wanted = match (of, path) {
                    (of, path) if of == path => StatusCode::OK,
                    // The same registration: genuine there, and merely not enough.
                    ("echo", "scoped") | ("scoped", "echo") => StatusCode::FORBIDDEN,
                    _ => StatusCode::UNAUTHORIZED,
                };
                assert_eq!(heard.status, wanted, "round {round}: a token of {of} at {path}");
                assert_eq!(heard.headers.contains_key("mcp-session-id"), wanted == StatusCode::OK);
            }
        }
    }
    let log = house.close().await;
    let reasons = strangers(&log);
    assert_eq!(reasons.get("wrong-audience"), Some(&8));
    assert_eq!(reasons.get("missing-scope"), Some(&4));
}

// control: SES-01, D-12: a session of one server does not exist at its sibling, not even for its owner
#[tokio::test]
async fn a_session_of_one_server_is_unknown_at_its_sibling() {
    let house = siblings().await;
    // One token that opens both, so that nothing but the session's own server stands in the way.
    let mut alice = house.client("alice");
    alice.hello().await;
    assert!(alice.session.is_some());
    let heard = alice.at("/scoped/mcp").call("echo", json!({"text": "x", "n": 1})).await;
    assert_eq!((heard.status, &heard.json()["error"]["code"]), (StatusCode::NOT_FOUND, &json!(-32001)));
    assert_eq!(house.refusals(), ["session-foreign"]);
    assert_eq!(house.records("alarm").len(), 1);
    assert_eq!(alice.call("echo", json!({"text": "x", "n": 1})).await.status, StatusCode::OK);
}

// control-off: D-12: behind the door the two are one server, and the session of one path works on the other
#[tokio::test]
async fn without_the_door_one_session_serves_every_path() {
    let house = siblings().await;
    let mut direct = Client { address: house.echo.addr, path: "/mcp".to_owned(), token: None, session: None };
    direct.hello().await;
    let any = direct.with_token(Some(house.mint(&MintRequest::user("alice").resource("sibling"))));
    assert_eq!(any.call("echo", json!({"text": "x", "n": 1})).await.status, StatusCode::OK);
}

// control: AUT-01, spine-l: the groups of a person with too many for a token are asked of Graph, and decide
#[tokio::test]
async fn a_person_with_too_many_groups_is_judged_by_all_of_them() {
    let house = House::new().await.acquainted().await;
    let mut carol = house.client("carol");
    assert_eq!(carol.hello().await.status, StatusCode::OK);
    let called = carol.call("fail", json!({})).await;
    assert!(
        called.response().to_string().contains("This tool always fails."),
        "admins may: {:?}",
        called.body
    );
    let asked = house.emulator.control().transcript();
    assert!(asked.iter().any(|request| request.path.contains("getMemberObjects")));
}

// control: AUT-01: while Graph is away such a person is told to come back, and nobody guesses
#[tokio::test]
async fn while_groups_cannot_be_read_the_door_stays_closed() {
    let house = House::new().await.acquainted().await;
    house.emulator.control().fault(Fault::GraphDown { times: 100 });
    let carol = house.client("carol");
    for _ in 0..3 {
        let heard = carol.post(&initialize(json!({}))).await;
        assert_eq!(heard.status, StatusCode::SERVICE_UNAVAILABLE, "{:?}", heard.body);
        assert!(heard.headers.contains_key("retry-after"));
    }
    assert_eq!(house.echo.transcript(), []);
    // She is known: her refusals are chained under her name, and do not count as a stranger's knocks.
    assert_eq!(house.refusals(), ["groups-unavailable"; 3]);
    house.emulator.control().clear_faults();
    assert!(strangers(&house.close().await).is_empty());
}
