use doorward_servers::{Running, echo};

use super::*;
use crate::target::Target;

const CALL: &str = r#"{"jsonrpc":"2.0","id":__ID__,"method":"tools/call","params":{"name":"echo","arguments":{"text":"m-__ID__","n":1}}}"#;

async fn server() -> Running {
    echo::start_with(echo::Options::default()).await.unwrap()
}

fn options(server: &Running, body: &str) -> Options {
    Options {
        connections: 3,
        measure: Duration::from_millis(50),
        warmup: Duration::from_millis(5),
        body: body.to_owned(),
        session: true,
        ..Options::to(Target::parse(&server.url()).unwrap())
    }
}

#[tokio::test]
async fn right_answers_are_counted_and_timed() {
    let server = server().await;
    let expect = vec!["\"m-__ID__\"".to_owned()];
    let outcome = run(Options { expect, ..options(&server, CALL) }).await.unwrap();
    assert_eq!((outcome.errors, outcome.first_error.as_deref()), (0, None));
    assert!(outcome.latencies.count() > 0 && outcome.total >= outcome.latencies.count() as u64 + 6);
    let line = outcome.json(Duration::from_millis(50));
    assert!(
        line["rps"].as_f64().unwrap() > 0.0 && line["p50_us"].as_f64() <= line["p99_us"].as_f64(),
        "{line}"
    );
}

#[tokio::test]
async fn wrong_answers_are_errors() {
    let server = server().await;
    let marker = run(Options { expect: vec!["absent".to_owned()], ..options(&server, CALL) }).await.unwrap();
    assert!(marker.errors > 0 && marker.latencies.count() == 0);
    assert!(marker.first_error.unwrap().starts_with("absent is missing"));
    let lost = run(Options { session: false, ..options(&server, CALL) }).await.unwrap();
    assert!(lost.first_error.unwrap().contains("status 400"));
}

#[tokio::test]
async fn events_are_counted() {
    let server = server().await;
    let body = r#"{"jsonrpc":"2.0","id":__ID__,"method":"tools/call","params":{"name":"burst","arguments":{"events":20}}}"#;
    let sse = |events| Options { mode: Mode::Sse, events, ..options(&server, body) };
    assert_eq!(run(sse(21)).await.unwrap().errors, 0);
    let short = run(sse(20)).await.unwrap();
    assert!(short.first_error.unwrap().starts_with("21 events instead of 20"));
}

#[test]
fn an_id_must_stand_alone() {
    assert!(answers(br#"{"jsonrpc":"2.0","id":12,"result":{}}"#, "12"));
    assert!(answers(br#"{"result":{},"id":12}"#, "12"));
    assert!(!answers(br#"{"id":123}"#, "12"));
    assert!(!answers(br#"{"id":"12"}"#, "12"));
    assert!(!answers(b"", "12"));
}

#[test]
fn an_event_without_data_does_not_count() {
    for (body, events) in [
        ("", 0),
        ("data: {}\n\n", 1),
        ("data:\n\n", 0),
        ("id: a\nretry: 1000\ndata:\n\nid: b\ndata: {}\n\ndata: {}\n\n", 2),
    ] {
        assert_eq!(count_events(body.as_bytes()), events, "{body:?}");
    }
}
