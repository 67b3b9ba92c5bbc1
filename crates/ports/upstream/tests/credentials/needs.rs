//! A server needs something of the person first: they hear it in a form that their client understands.

use doorward_engine::{Challenge, EraRule, Need, UpstreamError, UpstreamFault};
use serde_json::{Value, json};

use crate::house::{Got, House, Plan, hello};
use crate::server::text;

const CLAIMS: &str = r#"{"access_token":{"acrs":{"essential":true,"value":"c1"}}}"#;
const PAGE: &str = "https://mcp.contoso.com/account/connect/crm";

async fn house(era: EraRule) -> House {
    House::new(Plan { era, ..Plan::default() }, |heard| text(heard, "done")).await
}

fn need(house: &House, need: Need) {
    let error =
        UpstreamError { need: Some(need), ..UpstreamError::new(UpstreamFault::Refused, "for the log") };
    *house.purse.empty.lock().unwrap() = Some(error);
}

async fn called(house: &House, person: u8, needed: Need) -> Got {
    house.call(person, "echo").await;
    need(house, needed);
    house.call(person, "echo").await
}

// control: D-16: a claims challenge goes to a client that hands it on to Entra; any other is told in words, and not sent round in circles
#[tokio::test]
async fn a_further_step_is_asked_of_those_who_can_take_it() {
    let house = house(EraRule::Modern).await;
    let got = called(&house, 2, Need::Claims(CLAIMS.to_owned())).await;
    assert_eq!((got.status, &got.challenge), (401, &Some(Challenge::Claims(CLAIMS.to_owned()))));

    let got = called(&house, 1, Need::Claims(CLAIMS.to_owned())).await;
    assert_eq!((got.status, &got.challenge), (403, &None));
    let said = got.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(
        said.contains("further step") && !said.contains("acrs") && !said.contains("for the log"),
        "{said}"
    );
}

// control: D-16: who can no longer be acted for is sent to sign in again
#[tokio::test]
async fn a_lost_grant_is_a_reason_to_sign_in_again() {
    let house = house(EraRule::Modern).await;
    let got = called(&house, 1, Need::SignInAgain).await;
    assert_eq!((got.status, &got.challenge), (401, &Some(Challenge::InvalidToken)));
}

async fn legacy(house: &House, capabilities: &Value) -> (Got, Got) {
    let opened = house.legacy(1, None, "initialize", hello(capabilities)).await;
    let session = opened.session.clone().unwrap();
    let call = || json!({"name": "echo", "arguments": {}});
    assert!(house.legacy(1, Some(&session), "tools/call", call()).await.json()["result"].is_object());
    let connect = || Need::Connect { url: PAGE.to_owned() };
    need(house, connect());
    let called = house.legacy(1, Some(&session), "tools/call", call()).await;
    need(house, connect());
    (called, house.legacy(1, Some(&session), "prompts/list", json!({})).await)
}

// control: L-09: a client of 2025-11-25 that opens addresses gets one to open, every other reads it where it reads
#[tokio::test]
async fn an_account_is_connected_in_the_form_that_a_client_understands() {
    let house = house(EraRule::Legacy).await;
    let (called, listed) = legacy(&house, &json!({"elicitation": {"url": {}}})).await;
    for got in [&called, &listed] {
        assert_eq!(got.status, 200);
        let error = &got.json()["error"];
        assert_eq!(error["code"], -32042);
        let asked = &error["data"]["elicitations"][0];
        assert_eq!((asked["mode"].as_str(), asked["url"].as_str()), (Some("url"), Some(PAGE)));
        assert_eq!(asked["elicitationId"].as_str().map(str::len), Some(32));
    }
    let id = |got: &Got| got.json()["error"]["data"]["elicitations"][0]["elicitationId"].clone();
    assert_ne!(id(&called), id(&listed));

    for capabilities in [json!({}), json!({"elicitation": {"form": {}}})] {
        let (called, listed) = legacy(&house, &capabilities).await;
        let result = &called.json()["result"];
        assert_eq!(result["isError"], true);
        assert!(result["content"][0]["text"].as_str().unwrap().contains(PAGE));
        let error = &listed.json()["error"];
        assert_eq!(error["code"], 4030);
        assert!(error["message"].as_str().unwrap().contains(PAGE));
    }
}

// control: L-09: the newer revision has no such code: a client that opens addresses is asked to, any other reads it in the result
#[tokio::test]
async fn a_modern_client_is_asked_or_reads_the_address() {
    let house = house(EraRule::Modern).await;
    let got = called(&house, 1, Need::Connect { url: PAGE.to_owned() }).await;
    let result = &got.json()["result"];
    assert_eq!(result["resultType"], "input_required", "{result}");
    let asked = &result["inputRequests"]["doorward-connect"];
    assert_eq!((&asked["method"], &asked["params"]["url"]), (&json!("elicitation/create"), &json!(PAGE)));

    let answered = json!({"doorward-connect": {"action": "accept"}});
    let params = json!({"name": "echo", "arguments": {}, "inputResponses": answered});
    assert_eq!(house.modern(1, "tools/call", params).await.json()["result"]["content"][0]["text"], "done");
    let sent = house.server.named("tools/call");
    assert!(!sent.last().unwrap().contains("doorward-connect"), "the server never asked it");

    need(&house, Need::Connect { url: PAGE.to_owned() });
    let declares = json!({"io.modelcontextprotocol/clientCapabilities": {}});
    let params = json!({"name": "echo", "arguments": {}, "_meta": declares});
    let result = &house.modern(1, "tools/call", params).await.json()["result"];
    assert_eq!((&result["isError"], &result["resultType"]), (&json!(true), &json!("complete")));
    assert!(result["content"][0]["text"].as_str().unwrap().contains(PAGE));
}
