//! Servers that are called on behalf of people who come with Entra's own tokens.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use doorward_emulator::{Fault, MintRequest};
use doorward_gateway::Running;
use doorward_servers::protected::{self, Demand, Protected};
use http::StatusCode;
use http::header::WWW_AUTHENTICATE;
use serde_json::Value;

use crate::client::{Client, Heard, signature};
use crate::sign_in::{API, SECRET, Yard, documents};

const ALICE: &str = "a11ce000-0000-4000-8000-000000000001";

/// What an access token says, believed.
pub(crate) fn claims(token: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

struct Scene {
    yard: Yard,
    server: Protected,
    _door: Running,
}

impl Scene {
    /// A door before one server that takes tokens for itself alone.
    async fn new() -> Self {
        let yard = Yard::new().await;
        let lock = protected::Options { audience: Some(API.to_owned()), ..protected::Options::default() };
        let server = protected::start(lock).await.unwrap();
        let lines = format!("credential = {{ on_behalf_of = \"api://{API}/items.read\" }}");
        let config = yard.config(SECRET, "", &[("library", server.server.url(), &lines)]);
        let door = yard.open(config).await.unwrap_or_else(|error| panic!("{error}"));
        Self { yard, server, _door: door }
    }

    fn token(&self, capable: bool) -> String {
        let request = MintRequest { capable, ..MintRequest::user("alice") };
        self.yard.emulator.control().mint(&request).unwrap()
    }

    async fn call(&self, token: &str) -> Heard {
        documents(&self.yard.client("library", token)).await
    }
}

// control: TPT-06, TPT-01, A-08: the server gets a token of its own for whoever calls; what they came with goes to Entra as the proof to be exchanged, and to nobody else
#[tokio::test]
async fn a_persons_token_is_exchanged_and_reaches_nobody_but_entra() {
    let scene = Scene::new().await;
    let token = scene.token(false);
    let called = scene.call(&token).await;
    assert_eq!(called.status, StatusCode::OK);
    assert!(called.response()["result"].is_object(), "{:?}", called.body);
    let bearers = scene.server.bearers();
    assert!(!bearers.is_empty());
    for bearer in &bearers {
        assert_ne!(*bearer, token);
        let claims = claims(bearer);
        assert_eq!((&claims["aud"], &claims["oid"]), (&Value::from(API), &Value::from(ALICE)));
        assert_eq!(claims["scp"], "items.read", "no wider than asked for");
    }
    let seen = scene.server.server.transcript();
    assert!(seen.iter().all(|request| !request.contains(signature(&token))));
    let asked = scene.yard.emulator.control().transcript();
    let with: Vec<_> = asked.iter().filter(|request| request.contains(signature(&token))).collect();
    assert_eq!(with.len(), 1, "exchanged once");
    for request in with {
        assert_eq!((request.service.as_str(), request.path.ends_with("/oauth2/v2.0/token")), ("entra", true));
        let holding: Vec<_> =
            request.body.split('&').filter(|pair| pair.contains(signature(&token))).collect();
        assert_eq!(holding, [format!("assertion={token}")]);
        assert!(request.headers.values().all(|value| !value.contains(signature(&token))));
    }
    assert!(!scene.yard.log().contains(signature(&token)));
}

// control-off: TPT-01, A-08: a server that is called with the callers' own tokens can come back with them and is let in as the person
#[tokio::test]
async fn a_token_passed_on_lets_the_server_in_as_the_person() {
    let scene = Scene::new().await;
    let greedy = protected::start(protected::Options::default()).await.unwrap();
    let naive = Client::new(greedy.server.addr, Some(scene.token(false))).at("/mcp");
    assert_eq!(documents(&naive).await.status, StatusCode::OK, "what a gateway does that passes tokens on");
    let caught = greedy.bearers().remove(0);
    assert!(scene.call(&caught).await.response()["result"].is_object());
}

/// Calls with a client that hands challenges on and with one that does not, and compares what they hear.
async fn challenged(scene: &Scene, step: &str) {
    let capable = scene.call(&scene.token(true)).await;
    assert_eq!(capable.status, StatusCode::UNAUTHORIZED, "{:?}", capable.body);
    let challenge = capable.headers[WWW_AUTHENTICATE].to_str().unwrap();
    assert!(challenge.contains(r#"error="insufficient_claims""#), "{challenge}");
    let claims = challenge.split(r#"claims=""#).nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let claims: Value = serde_json::from_slice(&STANDARD.decode(claims).unwrap()).unwrap();
    assert_eq!(claims["access_token"]["acrs"]["value"], step, "{claims}");
    let plain = scene.call(&scene.token(false)).await;
    assert_eq!(plain.status, StatusCode::FORBIDDEN, "{:?}", plain.body);
    assert!(!plain.headers.contains_key(WWW_AUTHENTICATE), "it would try the same token for ever");
}

// control: D-16: a step that Entra wants before it exchanges is handed to a client that says it can meet it, and told to any other in words
#[tokio::test]
async fn a_step_that_entra_wants_goes_to_clients_that_can_meet_it() {
    let scene = Scene::new().await;
    let control = scene.yard.emulator.control();
    let fault =
        Fault::RequireContext { resource: "sibling".to_owned(), context: "c1".to_owned(), user: None };
    control.fault(fault.clone());
    challenged(&scene, "c1").await;
    assert!(scene.server.bearers().is_empty(), "without the exchange nothing goes to the server");
    control.disarm(&fault);
    assert!(scene.call(&scene.token(false)).await.response()["result"].is_object());
}

// control: D-16: a step that the server itself wants is handed on the same way, and the refused token is not tried again
#[tokio::test]
async fn a_step_that_the_server_wants_goes_the_same_way() {
    let scene = Scene::new().await;
    let wanted = r#"{"access_token":{"acrs":{"essential":true,"value":"c2"}}}"#;
    scene.server.demand(Demand::Claims(wanted.to_owned()));
    challenged(&scene, "c2").await;
    let bearers = scene.server.bearers();
    assert_eq!(bearers.len(), 2, "once for each call");
    scene.server.demand(Demand::Nothing);
    assert!(scene.call(&scene.token(false)).await.response()["result"].is_object());
}
