//! Each hole is open. Entra is a script here; the suites put the lab's in its place.

use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::testing::{Reply, post, send};

/// Stands for Entra's token endpoint, for a metadata service, and for the server behind: it echoes what it is sent.
async fn everything() -> crate::listen::Listening {
    let count = Arc::new(AtomicU32::new(0));
    let handler = move |request: Request<Incoming>| {
        let count = count.clone();
        async move {
            let (parts, body) = whole(request).await.unwrap();
            let sent = String::from_utf8(body.to_vec()).unwrap();
            match parts.uri.path() {
                "/t/oauth2/v2.0/token" => {
                    let at = count.fetch_add(1, Ordering::SeqCst);
                    ok(
                        &json!({ "access_token": format!("entra-{at}"), "refresh_token": "rt", "scope": sent }),
                    )
                }
                "/inside" => {
                    ok(&json!({ "redirect_uris": ["https://evil.example/"], "client_name": "Inside" }))
                }
                "/away" => found(&format!("{}/inside", origin(&parts))),
                _ => ok(&json!(parts.headers["authorization"].to_str().unwrap())),
            }
        }
    };
    crate::listen::listen(([127, 0, 0, 1], 0).into(), handler).await.unwrap()
}

async fn naive(everything: &crate::listen::Listening, consent_page: bool) -> Naive {
    let base = format!("http://{}", everything.addr);
    start(Options {
        upstream: format!("{base}/mcp"),
        authority: base,
        tenant: String::from("t"),
        client_id: String::from("door"),
        client_secret: String::from("the-secret"),
        ca_pem: String::new(),
        consent_page,
    })
    .await
    .unwrap()
}

async fn get(naive: &Naive, path: &str) -> Reply {
    Reply::read(send("GET", &format!("{}{path}", naive.origin()), &[], "").await).await
}

async fn token(naive: &Naive, pairs: &[(&str, &str)]) -> Reply {
    post(&format!("{}/token", naive.origin()), &[], &form::write(pairs)).await
}

fn location(reply: &Reply) -> String {
    reply.headers["location"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_stranger_registers_takes_a_code_and_keeps_it() {
    let everything = everything().await;
    let naive = naive(&everything, false).await;
    let body = r#"{"redirect_uris":["https://good.example"],"client_name":"x"}"#;
    let client = post(&format!("{}/register", naive.origin()), &[], body).await.json()["client_id"].clone();
    let asked = [
        ("client_id", client.as_str().unwrap()),
        ("redirect_uri", "https://good.example.evil.example/"),
        ("state", "s"),
    ];
    let to = location(&get(&naive, &format!("/authorize?{}", form::write(&asked))).await);
    assert!(
        to.contains("client_id=door") && !to.contains("code_challenge"),
        "no page, straight to Entra: {to}"
    );
    let back = location(&get(&naive, "/oauth/callback?code=entras&state=visit-2").await);
    assert_eq!(back, "https://good.example.evil.example/?code=code-3&state=s");
    let redeem = [("grant_type", "authorization_code"), ("code", "code-3")];
    for _ in 0..2 {
        assert_eq!(token(&naive, &redeem).await.json()["access_token"], "entra-0", "twice, and no verifier");
    }
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", "refresh-4")];
    for _ in 0..2 {
        assert_eq!(token(&naive, &refresh).await.json()["refresh_token"], "refresh-4", "never another");
    }
    let minted = token(&naive, &[("grant_type", "client_credentials")]).await.json();
    assert!(minted["scope"].as_str().unwrap().contains("client_secret=the-secret"), "with our secret");
    let passed = post(&format!("{}/mcp", naive.origin()), &[("authorization", "Bearer callers")], "{}").await;
    assert_eq!(passed.json(), "Bearer callers");
}

#[tokio::test]
async fn a_document_leads_inside_and_its_name_is_html() {
    let everything = everything().await;
    let naive = naive(&everything, true).await;
    let id = format!("http://{}/away", everything.addr);
    let asked = [("client_id", id.as_str()), ("redirect_uri", "https://evil.example/")];
    let page = get(&naive, &format!("/authorize?{}", form::write(&asked))).await;
    assert!(page.text.contains("Let Inside in?"), "{}", page.text);
    assert!(
        !page.headers.contains_key("content-security-policy")
            && !page.headers.contains_key("x-frame-options")
    );
    let body = r#"{"redirect_uris":["https://evil.example"],"client_name":"<script>alert(1)</script>"}"#;
    let client = post(&format!("{}/register", naive.origin()), &[], body).await.json()["client_id"].clone();
    let asked = [("client_id", client.as_str().unwrap()), ("redirect_uri", "https://evil.example")];
    let page = get(&naive, &format!("/authorize?{}", form::write(&asked))).await;
    assert!(page.text.contains("<script>alert(1)</script>"));
    assert!(
        location(&get(&naive, "/approve?visit=visit-3").await).contains("/oauth2/v2.0/authorize?"),
        "any site may say yes"
    );
}
