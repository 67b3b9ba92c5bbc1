use http_body_util::BodyExt as _;
use serde_json::json;

use super::*;
use crate::testing::{Reply, Response as Answer, initialize, post, send};

const CALL: &str = r#"{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"echo","arguments":{"text":"x","n":1}}}"#;

async fn call(evil: &Evil) -> Answer {
    send("POST", &evil.server.url(), &[], CALL).await
}

async fn reply(behaviour: Behaviour) -> Reply {
    Reply::read(call(&start(behaviour).await.unwrap()).await).await
}

#[tokio::test]
async fn it_is_honest_until_a_tool_is_called() {
    let evil = start(Behaviour::InvalidJson).await.unwrap();
    let session = initialize(&evil.server.url()).await;
    let list = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    let tools = post(&evil.server.url(), &[("mcp-session-id", &session)], list).await.json();
    assert_eq!(tools["result"]["tools"][0]["name"], "echo");
    assert_eq!(Reply::read(call(&evil).await).await.text, r#"{"jsonrpc":"2.0","id":"#);
    assert_eq!(evil.server.transcript().len(), 4);
}

#[tokio::test]
async fn answers_are_wrong_as_announced() {
    let text = |reply: &Reply| reply.json()["result"]["content"][0]["text"].clone();
    let foreign = reply(Behaviour::ForeignId).await.json();
    assert_eq!(foreign["id"], "never-asked");
    assert_eq!(reply(Behaviour::RetypedId).await.json()["id"], "5");
    assert_eq!(reply(Behaviour::NullId).await.json()["id"], json!(null));
    let twice = reply(Behaviour::DuplicateMembers).await.text;
    assert_eq!(twice.matches("\"result\"").count(), 2);
    assert!(reply(Behaviour::LoneSurrogate).await.text.contains(r#""\ud800""#));
    assert!(reply(Behaviour::Batch).await.json().is_array());
    let deep = reply(Behaviour::DeepJson(100)).await.text;
    assert!(deep.contains(&"[".repeat(100)) && !deep.contains(&"[".repeat(101)));
    let plain = reply(Behaviour::WrongContentType).await;
    assert_eq!(
        (plain.headers["content-type"].to_str().unwrap(), text(&plain)),
        ("text/plain", json!("harmless"))
    );
    assert_eq!(reply(Behaviour::EmptyBody).await.text, "");
    let body = call(&start(Behaviour::InvalidUtf8).await.unwrap()).await.collect().await.unwrap().to_bytes();
    assert!(body.contains(&0xff) && std::str::from_utf8(&body).is_err());
}

#[tokio::test]
async fn heads_are_wrong_as_announced() {
    let elsewhere = reply(Behaviour::Redirect("http://169.254.169.254/".to_owned())).await;
    assert_eq!(
        (elsewhere.status, &elsewhere.headers["location"]),
        (307, &"http://169.254.169.254/".parse().unwrap())
    );
    let html = reply(Behaviour::HtmlError).await;
    assert!(html.status == 500 && html.text.contains("stack-trace-canary"));
    let challenge = reply(Behaviour::Challenge).await;
    assert!(challenge.status == 401 && challenge.headers.contains_key("www-authenticate"));
    assert_eq!(reply(Behaviour::HugeHeader(20_000)).await.headers["x-evil"].len(), 20_000);
    assert!(reply(Behaviour::ManyHeaders(50)).await.headers.contains_key("x-evil-49"));
}

#[tokio::test]
async fn streams_are_wrong_as_announced() {
    let twice = reply(Behaviour::AnswersTwice).await.events();
    assert_eq!((&twice[0]["id"], &twice[1]["id"]), (&json!(5), &json!(5)));
    let asking = reply(Behaviour::RequestOnStream).await.events();
    assert_eq!((&asking[0]["method"], &asking[1]["id"]), (&json!("sampling/createMessage"), &json!(5)));
    assert_eq!(reply(Behaviour::UnknownNotification).await.events()[0]["method"], "notifications/evil");
    let unanswered = reply(Behaviour::EndsWithoutAnswer).await.events();
    assert_eq!(unanswered.len(), 1);
}

#[tokio::test]
async fn connections_break_as_announced() {
    for behaviour in [Behaviour::ClosesMidway, Behaviour::ClosesMidEvent] {
        let evil = start(behaviour.clone()).await.unwrap();
        assert!(call(&evil).await.collect().await.is_err(), "{behaviour:?}");
    }
}

#[tokio::test]
async fn what_has_no_end_is_noticed_to_be_abandoned() {
    for behaviour in [Behaviour::EndlessStream, Behaviour::EndlessEvent] {
        let evil = start(behaviour.clone()).await.unwrap();
        let mut response = call(&evil).await;
        for _ in 0..50 {
            assert!(response.frame().await.unwrap().unwrap().into_data().is_ok(), "{behaviour:?}");
        }
        drop(response);
        evil.server.until_streams(0).await;
    }
    let silent = start(Behaviour::NeverAnswers).await.unwrap();
    tokio::select! {
        _ = call(&silent) => panic!("it answered"),
        () = silent.server.until_calls(1) => {}
    }
    silent.server.until_calls(0).await;
}

#[tokio::test]
async fn a_huge_result_is_a_right_answer() {
    let answer = reply(Behaviour::HugeResult(100_000)).await.json();
    assert_eq!(answer["result"]["content"][0]["text"].as_str().map(str::len), Some(100_000));
}

#[tokio::test]
async fn a_trickle_is_a_byte_a_tick() {
    let evil = start(Behaviour::Trickle).await.unwrap();
    let mut response = call(&evil).await;
    let mut text = Vec::new();
    while !text.ends_with(b"}}") {
        evil.tick();
        let piece = response.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(piece.len(), 1);
        text.extend_from_slice(&piece);
    }
    assert!(serde_json::from_slice::<serde_json::Value>(&text).is_ok());
}

#[tokio::test]
async fn notifications_are_answered_by_the_one_that_does_so() {
    let evil = start(Behaviour::AnswersNotifications).await.unwrap();
    let answered =
        post(&evil.server.url(), &[], r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).await;
    assert_eq!((answered.status, &answered.json()["id"]), (200, &json!(0)));
}
