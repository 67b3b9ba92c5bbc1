//! Tokens by audience: a server asks, and gets what was named for it of who signed in, and nothing else.

use std::io::{BufRead as _, Read as _, Write as _};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use doorward_accounts::{
    Accounts, AccountsConfig, Ask, Cache, InsecureKeyBeside, Interactive, Screen, Shown,
};
use doorward_emulator::{Clock, Control, Emulator, Options, Running, Seed};
use doorward_engine::EraRule;
use doorward_entra::{Sleeper, Stopwatch};
use doorward_guard::{Allowed, Ended, Tokens};
use doorward_net::{Connector, ConnectorConfig, Origin};
use doorward_oauth::Cloud;
use doorward_oidc::public::{Allow, Scopes};
use doorward_types::{ClientId, TenantId};
use serde_json::{Value, json};

use crate::desk::{Desk, With, call};

const CONTOSO: &str = "c0175050-0000-4000-8000-000000000001";
const GUARD: &str = "90a2d000-0000-4000-8000-0000000000c7";

/// Not a test: a server whose one tool asks for a token, with the header it was given or another one, and tells what came.
#[test]
#[ignore = "a server that the other tests start"]
fn asks() {
    for line in std::io::stdin().lock().lines() {
        let message: Value = serde_json::from_str(&line.unwrap()).unwrap();
        let result = match message["method"].as_str() {
            Some("initialize") => json!({"protocolVersion": "2025-11-25", "capabilities": {"tools": {}},
                "serverInfo": {"name": "asks", "version": "1"}}),
            Some("tools/list") => json!({"tools": [{"name": "ask", "inputSchema": {"type": "object"}}]}),
            Some("tools/call") => {
                let arguments = &message["params"]["arguments"];
                let variable = |name: &str| std::env::var(name).unwrap();
                let (endpoint, header) = (variable("IDENTITY_ENDPOINT"), variable("IDENTITY_HEADER"));
                let said = match arguments["query"].as_str() {
                    Some(query) => asked(&endpoint, arguments["header"].as_str().unwrap_or(&header), query),
                    None => format!("{endpoint} {header}"),
                };
                json!({"content": [{"type": "text", "text": said}]})
            }
            _ if message["id"].is_null() => continue,
            _ => json!({}),
        };
        let answer = json!({"jsonrpc": "2.0", "id": message["id"], "result": result});
        writeln!(std::io::stdout(), "{answer}").unwrap();
    }
}

/// Status and body of an answer.
fn asked(endpoint: &str, header: &str, query: &str) -> String {
    let (authority, path) = endpoint.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = std::net::TcpStream::connect(authority).unwrap();
    write!(
        stream,
        "GET /{path}?{query} HTTP/1.1\r\nHost: {authority}\r\nX-IDENTITY-HEADER: {header}\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    format!("{} {body}", head.split(' ').nth(1).unwrap())
}

/// Somebody with a second device.
struct Someone(Control);

impl Screen for Someone {
    fn open(&self, _url: &str) -> Result<(), String> {
        Err("no display".to_owned())
    }

    fn show(&self, code: &Shown) {
        self.0.approve_device(&code.code, "alice").unwrap();
    }
}

/// Entra, and the sign-ins of a machine.
struct House {
    lab: Running,
    accounts: Accounts,
    scopes: Scopes,
    _folder: tempfile::TempDir,
}

impl House {
    async fn with_alice() -> Self {
        let options = Options {
            seed: Seed::contoso().unwrap(),
            listen: "127.0.0.1:0".parse().unwrap(),
            data_dir: None,
            clock: Clock::system(),
        };
        let lab = Emulator::start(options).await.unwrap();
        let connector = Connector::new(ConnectorConfig {
            extra_roots_pem: vec![lab.ca_pem.clone().into_bytes()],
            lab_origins: vec![Origin::parse(&lab.authority).unwrap()],
            ..ConnectorConfig::default()
        })
        .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let (tenant, client_id) = (TenantId::parse(CONTOSO).unwrap(), ClientId::parse(GUARD).unwrap());
        let began = Instant::now();
        let accounts = Accounts::new(
            Arc::new(connector),
            Stopwatch::of(move || began.elapsed()),
            AccountsConfig {
                cloud: Cloud::lab(&lab.authority, &lab.graph),
                cache: Cache::open(
                    &folder.path().join("tokens"),
                    &tenant,
                    &client_id,
                    Arc::new(InsecureKeyBeside),
                )
                .unwrap(),
                tenant,
                client_id,
                allow: Allow::default(),
                broker: None,
                screen: Arc::new(Someone(lab.control().clone())),
                now: Arc::new(|| SystemTime::now().into()),
                sleeper: Sleeper::of(|_| tokio::task::yield_now()),
            },
        );
        let scopes = Scopes::of([format!("{}/User.Read", lab.graph)]);
        let ask = Ask { account: None, scopes: &scopes, refused: None, interactive: Interactive::Device };
        accounts.sign_in(&ask).await.unwrap();
        Self { lab, accounts, scopes, _folder: folder }
    }

    /// A guard around a server that may ask for Graph.
    async fn guard(&self) -> Desk {
        let ask = Ask { account: None, scopes: &self.scopes, refused: None, interactive: Interactive::Never };
        let who = self.accounts.token(&ask).await.unwrap().account.person;
        let allowed =
            Allowed::parse(&[format!("{}/User.Read", self.lab.graph)], &ClientId::parse(GUARD).unwrap())
                .unwrap();
        let tokens = Tokens { accounts: self.accounts.clone(), account: who.object.to_string(), allowed };
        Desk::with(
            "tokens::asks",
            EraRule::Legacy,
            With { tokens: Some(tokens), data_off: true, ..With::default() },
        )
        .await
    }
}

async fn told(desk: &mut Desk, arguments: Value) -> (u16, Value) {
    desk.say(&call(7, "ask", arguments)).await;
    let answer = desk.heard().await;
    let text = answer["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{answer}"));
    let (status, body) = text.split_once(' ').unwrap();
    (status.parse().unwrap(), serde_json::from_str(body).unwrap())
}

fn grants(records: &[Value]) -> Vec<String> {
    let grants = records.iter().filter(|record| record["kind"] == "grant");
    grants
        .map(|record| format!("{} {}", record["grant"].as_str().unwrap(), record["reason"].as_str().unwrap()))
        .collect()
}

// control: TOK-02: A local server gets a token for the audience it asks for, if that was named for it, and every token is recorded
#[tokio::test]
async fn a_server_gets_what_was_named_for_it() {
    let house = House::with_alice().await;
    let mut desk = house.guard().await;
    desk.hello().await;
    let graph = house.lab.graph.clone();
    for _ in 0..2 {
        let (status, body) =
            told(&mut desk, json!({ "query": format!("api-version=2019-08-01&resource={graph}") })).await;
        assert_eq!((status, &body["token_type"], &body["resource"]), (200, &json!("Bearer"), &json!(graph)));
        let claims = body["access_token"].as_str().unwrap().split('.').nth(1).unwrap().to_owned();
        let claims = base64_of(&claims);
        assert_eq!(claims["aud"], json!("00000003-0000-0000-c000-000000000000"), "{claims}");
        assert!(claims["scp"].as_str().unwrap().contains("User.Read"), "{claims}");
        let expires: i64 = body["expires_on"].as_str().unwrap().parse().unwrap();
        // Counted from before the answer: never later than Entra's own reckoning.
        let ends = claims["exp"].as_i64().unwrap();
        assert!((ends - 60..=ends).contains(&expires), "{expires} {ends}");
    }
    // Another API, the guard's own application, a scope: none of them was named.
    for resource in ["https://vault.azure.net", GUARD, "https://graph.microsoft.com/User.Read", ""] {
        let (status, body) = told(&mut desk, json!({ "query": format!("resource={resource}") })).await;
        assert_eq!((status, &body["error"]), (403, &json!("audience-not-allowed")), "{resource}: {body}");
    }
    // Another program of this machine, or a page in a browser, does not know the header.
    let (status, body) =
        told(&mut desk, json!({ "query": format!("resource={graph}"), "header": "0" })).await;
    assert_eq!((status, &body["error"]), (401, &json!("unauthorized")));
    assert!(body.get("access_token").is_none());
    let (ended, records) = desk.leave().await;
    assert_eq!(ended, Ended::ClientLeft);
    let refused = "token-refused audience-not-allowed: https://vault.azure.net";
    assert_eq!(grants(&records), [format!("token-given {graph}"), refused.to_owned()]);
}

// control: LOC-08: What Graph demands reaches Entra, once; a person who is needed is not asked by a server.
#[tokio::test]
async fn a_revoked_person_gives_no_tokens() {
    let house = House::with_alice().await;
    let mut desk = house.guard().await;
    desk.hello().await;
    let graph = house.lab.graph.clone();
    house.lab.control().clear_transcript();
    let claims =
        "%7B%22access_token%22%3A%7B%22nbf%22%3A%7B%22essential%22%3Atrue%2C%22value%22%3A%221%22%7D%7D%7D";
    let query = format!("resource={graph}&claims={claims}");
    assert_eq!(told(&mut desk, json!({ "query": query })).await.0, 200);
    let (status, body) = told(&mut desk, json!({ "query": query })).await;
    assert_eq!(
        (status, &body["error"]),
        (429, &json!("too-often")),
        "in a loop it would lock the person out"
    );
    let asked =
        house.lab.control().transcript().iter().filter(|entry| entry.path.ends_with("/token")).count();
    assert_eq!(asked, 1);
    house.accounts.sign_out(None).await.unwrap();
    let (status, body) = told(&mut desk, json!({ "query": format!("resource={graph}") })).await;
    assert_eq!((status, &body["error"]), (403, &json!("sign-in-needed")));
    assert!(!body.to_string().contains("alice"), "{body}");
    desk.leave().await;
}

// control: LOC-07: Where nobody may use this machine's servers any more, their servers get no tokens, whatever the cache still holds.
#[tokio::test]
async fn whoever_is_gone_gives_no_tokens() {
    let house = House::with_alice().await;
    let mut desk = house.guard().await;
    desk.hello().await;
    desk.say(&call(7, "ask", json!({}))).await;
    let answer = desk.heard().await;
    let found = answer["result"]["content"][0]["text"].as_str().unwrap().to_owned();
    let query = format!("resource={}", house.lab.graph);
    // The server asks by itself, whatever its client does.
    let asks = move || {
        let (found, query) = (found.clone(), query.clone());
        tokio::task::spawn_blocking(move || {
            let (endpoint, header) = found.split_once(' ').unwrap();
            asked(endpoint, header, &query)
        })
    };
    assert!(asks().await.unwrap().starts_with("200 "));
    desk.seat.take(None);
    assert!(asks().await.unwrap().starts_with("403 "));
}

fn base64_of(part: &str) -> Value {
    use base64::Engine as _;
    let bytes = base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(part).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}
