use serde_json::json;

use super::*;
use crate::testing::{Reply, post, send};

const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#;

fn token(aud: Value) -> String {
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("Bearer {}.{}.x", part(json!({"alg": "none"})), part(json!({ "aud": aud })))
}

#[tokio::test]
async fn only_tokens_of_its_own_come_in_and_all_are_remembered() {
    let options = Options {
        audience: Some(String::from("api://crm")),
        authorization_servers: vec![String::from("https://as.example")],
        scopes: vec![String::from("crm.read")],
        graph: None,
    };
    let protected = start(options).await.unwrap();
    let url = protected.server.url();
    let good = token(json!(["x", "api://crm"]));
    for (what, sent, status) in [
        ("nothing", None, 401),
        ("rubbish", Some(String::from("Bearer x")), 401),
        ("another's", Some(token(json!("api://door"))), 401),
        ("basic", Some(String::from("Basic eDp5")), 401),
        ("its own", Some(good.clone()), 200),
    ] {
        let headers: Vec<(&str, &str)> = sent.iter().map(|sent| ("authorization", sent.as_str())).collect();
        assert_eq!(post(&url, &headers, CALL).await.status, status, "{what}");
    }
    assert_eq!(protected.bearers().len(), 3);
    let challenge = post(&url, &[], CALL).await.headers["www-authenticate"].to_str().unwrap().to_owned();
    assert!(challenge.contains(&protected.metadata_url()) && challenge.contains("crm.read"), "{challenge}");
    let metadata = Reply::read(send("GET", &protected.metadata_url(), &[], "").await).await.json();
    assert_eq!(
        (&metadata["resource"], &metadata["authorization_servers"][0]),
        (&json!(url), &json!("https://as.example"))
    );
}

#[tokio::test]
async fn it_demands_more_when_it_is_told_to() {
    let protected = start(Options::default()).await.unwrap();
    let ask = async || post(&protected.server.url(), &[("authorization", "Bearer opaque")], CALL).await;
    assert_eq!(ask().await.status, 200, "without an audience an opaque token opens");
    for (demand, status, holds) in [
        (Demand::Another, 401, "error=\"invalid_token\""),
        (Demand::Claims(String::from("{}")), 401, "error=\"insufficient_claims\", claims=\"e30=\""),
        (Demand::Scope(String::from("crm.write")), 403, "error=\"insufficient_scope\", scope=\"crm.write\""),
    ] {
        protected.demand(demand);
        let reply = ask().await;
        assert_eq!(reply.status, status);
        assert!(reply.headers["www-authenticate"].to_str().unwrap().contains(holds), "{reply:?}");
    }
    protected.demand(Demand::Nothing);
    assert_eq!(ask().await.status, 200);
}
