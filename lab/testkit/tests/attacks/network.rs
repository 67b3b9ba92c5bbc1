//! What is done through the door's own reach: addresses that it fetches, names that turn, keys that it looks up.

use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward_emulator::Document;
use http::StatusCode;
use serde_json::json;

use crate::house::{App, DOOR_APP, EVIL, GOOD, House, Outcome, Plan, TENANT, trial, trial_in};
use crate::web::{Page, write};

/// Asks as the client of an address.
async fn knock(house: &House, id: &str) -> Page {
    let ask = house.ask(&App { id: id.to_owned(), redirect: EVIL.to_owned() });
    house.browser().open(&house.authorize(&ask)).await
}

/// Whether somebody behind the door was reached.
fn reached(house: &House) -> Outcome {
    let asked = house.lab.emulator.control().transcript();
    let inside = |service: &str| matches!(service, "identity" | "vault" | "documents" | "third-party");
    match asked.iter().find(|request| inside(&request.service)) {
        Some(request) => Ok(format!("{} {}", request.service, request.path)),
        None => Err("nobody was reached".to_owned()),
    }
}

// control: entra-d, B-05: an address that a stranger names leads nowhere inside, however it is written (S35)
#[tokio::test]
async fn a_client_id_that_leads_inside() {
    // Without the exception for the lab's site of documents: the machine itself is what must not be reached.
    trial(async |house: &House| {
        let emulator = &house.lab.emulator;
        let control = emulator.control();
        let token = "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https://vault.azure.net";
        let inside = format!("{}{token}", emulator.identity);
        let port = emulator.documents.rsplit(':').next().unwrap();
        let identity_port = emulator.identity.rsplit(':').next().unwrap();
        house.document("inside.json", Document::client("Inside", &[EVIL]));
        let mut addresses = vec![
            inside,
            format!("{}/inside.json", emulator.documents),
            format!("https://localhost:{port}/inside.json"),
        ];
        if house.is_product() {
            let hosts = [
                "169.254.169.254",
                "10.0.0.1",
                "192.168.0.1",
                "172.16.0.1",
                "100.64.0.1",
                "0.0.0.0",
                "0",
                "127.1",
                "2130706433",
                "0x7f000001",
                "0x7f.1",
                "017700000001",
                "[::1]",
                "[::]",
                "[::ffff:127.0.0.1]",
                "[fe80::1]",
                "[fd00:ec2::254]",
                "localhost",
                "localhost.",
                "LOCALHOST",
                "127.0.0.1.",
                "a@127.0.0.1",
                "metadata.google.internal",
                "xn--127",
                "127.0.0.1%2f.example",
                "１２７.0.0.1",
            ];
            for host in hosts {
                for scheme in ["https", "http", "HTTPS", "file", "gopher"] {
                    addresses.push(format!("{scheme}://{host}:{port}/inside.json"));
                    addresses.push(format!("{scheme}://{host}:{identity_port}{token}"));
                }
            }
            addresses.push("https://169.254.169.254/metadata/instance".to_owned());
            addresses.push(format!("file:///proc/self/environ?{port}"));
        }
        let since = Instant::now();
        control.clear_transcript();
        for address in addresses {
            let page = knock(house, &address).await;
            if house.is_product() {
                let status = page.status.unwrap_or_else(|| panic!("{address}: {}", page.url));
                let known = [StatusCode::BAD_REQUEST, StatusCode::TOO_MANY_REQUESTS];
                assert!(known.contains(&status), "{address}: {}", page.words());
                // Nothing of what was found out is told: which ports are open is nobody's business.
                assert!(
                    !page.text.contains("refused") && !page.text.contains("os error"),
                    "{}",
                    page.words()
                );
            }
        }
        assert!(since.elapsed().as_secs() < 60, "nothing was waited for");
        reached(house)
    })
    .await;
}

fn with_documents() -> Plan {
    Plan { documents: true, ..Plan::default() }
}

// control: entra-d, IDC-08: a document that redirects is none: what it leads to is not asked (S35)
#[tokio::test]
async fn a_document_that_redirects() {
    trial_in(&with_documents(), async |house: &House| {
        let emulator = &house.lab.emulator;
        let control = emulator.control();
        let inside = format!("{}/metadata/identity/oauth2/token?resource=x", emulator.identity);
        let page_at = house.document("away.json", Document::redirect(inside));
        control.clear_transcript();
        let page = knock(house, &page_at).await;
        let asked = control.transcript();
        assert!(asked.iter().any(|request| request.service == "documents"), "{}", page.words());
        match asked.iter().any(|request| request.service == "identity") {
            true => Ok("the identity endpoint was asked".to_owned()),
            false => Err(page.words()),
        }
    })
    .await;
}

// control: entra-d, IDC-08: a document that is too large, too slow or no document costs a moment and is none (S35)
#[tokio::test]
async fn a_document_that_does_not_end() {
    let house = House::door(&with_documents()).await;
    let good = Document::client("Large", &[EVIL]);
    let cases = [
        Document { padding: 64 << 20, ..good.clone() },
        Document { padding: 16 * 1024, ..good.clone() },
        Document { content_type: "text/html".to_owned(), ..good.clone() },
        Document { status: 404, ..good.clone() },
        Document::json("{\"client_id\":".repeat(2_000)),
        Document { delay: 30_000, ..good.clone() },
    ];
    for (number, document) in cases.into_iter().enumerate() {
        let id = house.document(&format!("bad-{number}.json"), document);
        let since = Instant::now();
        let page = knock(&house, &id).await;
        assert_eq!(page.status, Some(StatusCode::BAD_REQUEST), "{number}: {}", page.words());
        assert!(since.elapsed().as_secs() < 15, "{number}: {:?}", since.elapsed());
    }
    let id = house.document("good.json", good);
    assert_eq!(knock(&house, &id).await.status, Some(StatusCode::OK), "and the door goes on");
}

// control: entra-d, IDC-08: a document is fetched once for many who ask, and only so many for one place (S35)
#[tokio::test]
async fn a_document_is_asked_for_again_and_again() {
    let house = House::door(&with_documents()).await;
    let control = house.lab.emulator.control();
    let fetched = || control.transcript().iter().filter(|request| request.service == "documents").count();
    let id = house.document("once.json", Document::client("Once", &[EVIL]));
    for _ in 0..20 {
        assert_eq!(knock(&house, &id).await.status, Some(StatusCode::OK));
    }
    assert_eq!(fetched(), 1);
    for number in 0..60 {
        knock(&house, &house.document(&format!("many-{number}.json"), Document::client("Many", &[EVIL])))
            .await;
    }
    assert!(fetched() <= 31, "the door is nobody's way to knock elsewhere: {}", fetched());
}

// control: entra-d, REM-13: a name that turns to the door's address is answered by nothing of the door's (S36)
#[tokio::test]
async fn a_name_is_rebound() {
    let why = trial(async |house: &House| {
        let good = house.ask(&house.register("Good", GOOD).await);
        let tokens = house.sign_in(&mut house.browser(), "alice", &good).await;
        let bearer = format!("Bearer {}", tokens.access);
        let paths = [
            ("GET", "/.well-known/oauth-authorization-server"),
            ("GET", "/.well-known/oauth-protected-resource/mcp"),
            ("GET", "/.well-known/oauth-protected-resource/echo/mcp"),
            ("GET", "/authorize?x=y"),
            ("GET", "/account"),
            ("GET", "/oauth/jwks"),
            ("POST", "/register"),
            ("POST", "/token"),
            ("POST", "/mcp"),
            ("POST", "/echo/mcp"),
        ];
        let mut won = Vec::new();
        for (verb, path) in paths {
            let headers = [
                ("host", "rebound.evil.example"),
                ("authorization", bearer.as_str()),
                ("content-type", "application/json"),
                ("accept", "application/json, text/event-stream"),
            ];
            let body =
                if verb == "POST" { doorward_testkit::initialize().to_string() } else { String::new() };
            let heard = house.web.send(verb, &format!("{}{path}", house.origin), &headers, body).await;
            if house.is_product() {
                assert_eq!(heard.status, StatusCode::FORBIDDEN, "{verb} {path}: {heard:?}");
            }
            won.extend(heard.status.is_success().then_some(path));
        }
        if won.is_empty() { Err("403".to_owned()) } else { Ok(won.join(" ")) }
    })
    .await;
    assert_eq!(why, "403");
}

/// A token that names a key and is otherwise as Entra's.
fn with_key(house: &House, kid: &str) -> String {
    let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = part(json!({"alg": "RS256", "typ": "JWT", "kid": kid}));
    let issuer = format!("{}/{TENANT}/v2.0", house.lab.emulator.authority);
    let claims = part(json!({"iss": issuer, "aud": DOOR_APP, "tid": TENANT, "exp": 4_000_000_000_u64}));
    format!("{header}.{claims}.{}", URL_SAFE_NO_PAD.encode([7; 256]))
}

// control: entra-d, TOK-03: keys that nobody has do not make the door ask Entra again and again (S37)
#[tokio::test]
async fn keys_are_asked_for_in_a_flood() {
    let plan = Plan {
        sign_in: "entra_tokens = \"all\"\n".to_owned(),
        other: "required_scope = \"tools.read\"".to_owned(),
        ..Plan::default()
    };
    let house = House::door(&plan).await;
    let control = house.lab.emulator.control();
    let fetched = || control.transcript().iter().filter(|request| request.path.contains("/keys")).count();
    // Somebody comes in first, so that the door has its keys.
    assert_eq!(house.call(0, &house.lab.token("alice")).await, StatusCode::OK);
    control.clear_transcript();
    for number in 0..150 {
        let status = house.call(0, &with_key(&house, &format!("nobodys-{number}"))).await;
        assert!([StatusCode::UNAUTHORIZED, StatusCode::TOO_MANY_REQUESTS].contains(&status), "{status}");
    }
    let paths: Vec<_> =
        control.transcript().into_iter().filter(|it| it.path.contains("/keys")).map(|it| it.path).collect();
    assert!(fetched() <= 1, "{paths:?} for 150 keys");
    // And somebody with a real token is still let in.
    assert_eq!(house.call(0, &house.lab.token("alice")).await, StatusCode::OK);

    // A verifier that looks up every key it does not know is a lever: one small request, one fetch.
    control.clear_transcript();
    let keys = format!("{}/{}/discovery/v2.0/keys", house.lab.emulator.authority, TENANT);
    for number in 0..20 {
        let heard = house.web.send("GET", &keys, &[], "").await;
        let known = String::from_utf8_lossy(&heard.body).into_owned();
        assert!(!known.contains(&format!("nobodys-{number}")));
    }
    assert_eq!(fetched(), 20);
}

// control: IDC-07: whoever is refused is not redirected, unless to an address that is the client's own
#[tokio::test]
async fn the_door_is_an_open_redirect() {
    let house = House::door(&Plan::default()).await;
    let good = house.register("Good", GOOD).await;
    for (client, redirect) in
        [(good.id.as_str(), EVIL), ("nobody", EVIL), ("nobody", GOOD), (good.id.as_str(), "")]
    {
        let query = write(&[("client_id", client), ("redirect_uri", redirect), ("response_type", "token")]);
        let page = house.browser().open(&format!("{}/authorize?{query}", house.origin)).await;
        assert_eq!(page.status, Some(StatusCode::BAD_REQUEST), "{client} {redirect}: {}", page.words());
    }
}
