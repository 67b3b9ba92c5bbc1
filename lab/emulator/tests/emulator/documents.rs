use doorward_emulator::Document;
use serde_json::json;

use crate::support::{Answer, Lab};

async fn get(lab: &Lab, url: &str) -> Answer {
    let path = url.strip_prefix(&lab.running.documents).unwrap();
    lab.at(&lab.running.documents, "GET", path, &[], "").await
}

#[tokio::test]
async fn documents_are_served_as_they_were_put() {
    let lab = Lab::start().await;
    let url = lab.control().put_document("client.json", Document::client("Bees", &["http://127.0.0.1/cb"]));
    let answer = get(&lab, &url).await;
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!((&answer.json()["client_id"], &answer.json()["client_name"]), (&json!(url), &json!("Bees")));
    let evil = Document {
        cache_control: Some(String::from("max-age=60")),
        content_type: String::from("text/html"),
        padding: 100_000,
        ..Document::json(r#"{"client_id":"https://other.example/client.json"}"#)
    };
    let url = lab.control().put_document("evil.json", evil);
    let answer = get(&lab, &url).await;
    assert_eq!((answer.header("content-type"), answer.header("cache-control")), ("text/html", "max-age=60"));
    assert!(answer.body.len() > 100_000);
    let url = lab.control().put_document("away", Document::redirect("http://169.254.169.254/metadata"));
    let answer = get(&lab, &url).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (302, "http://169.254.169.254/metadata"));
    assert_eq!(get(&lab, &format!("{}/nothing", lab.running.documents)).await.status, 404);
    let seen = lab.control().transcript();
    assert_eq!(seen.iter().filter(|it| it.service == "documents").count(), 4);
}

#[tokio::test]
async fn other_languages_put_documents_over_http() {
    let lab = Lab::start().await;
    let key = [("x-lab-control-key", lab.control().key()), ("content-type", "application/json")];
    let body = json!({ "body": "{\"client_id\":\"{self}\"}" }).to_string();
    let refused = lab.send("PUT", "/_lab/documents/a/b.json", &key[1..], &body).await;
    assert_eq!(refused.status, 401);
    let url = lab.send("PUT", "/_lab/documents/a/b.json", &key, &body).await.json()["url"].clone();
    assert_eq!(get(&lab, url.as_str().unwrap()).await.json()["client_id"], url);
}
