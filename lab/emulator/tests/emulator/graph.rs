use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use doorward_emulator::{Fault, MintRequest};
use serde_json::{Value, json};

use crate::support::{Answer, Lab, part};

const CAROL: &str = "ca201000-0000-4000-8000-000000000003";

fn token(lab: &Lab, user: &str, scopes: &[&str]) -> String {
    let scopes = Some(scopes.iter().map(|scope| (*scope).to_owned()).collect());
    lab.control().mint(&MintRequest { scopes, ..MintRequest::user(user).resource("graph") }).unwrap()
}

async fn members(lab: &Lab, path: &str, token: &str, body: &Value) -> Answer {
    let bearer = format!("Bearer {token}");
    lab.post_json(&format!("/graph/v1.0{path}/getMemberObjects"), &[("authorization", &bearer)], body).await
}

fn refused(what: &str, answer: &Answer, status: u16, code: &str) {
    assert_eq!(
        (answer.status.as_u16(), &answer.json()["error"]["code"]),
        (status, &json!(code)),
        "{what}: {answer:?}"
    );
    assert!(answer.json()["error"]["innerError"]["request-id"].is_string(), "{what}");
}

#[tokio::test]
async fn me_is_the_person_of_the_token() {
    let lab = Lab::start().await;
    let token = token(&lab, "alice", &["User.Read"]);
    let me = lab.graph("/v1.0/me", &token).await;
    let body = me.json();
    assert_eq!(body["userPrincipalName"], "alice@contoso.onmicrosoft.com");
    assert_eq!((&body["givenName"], &body["jobTitle"]), (&json!("Alice"), &Value::Null));
    assert!(!me.header("request-id").is_empty());
    let some = lab.graph("/v1.0/me?$select=displayName,userType", &token).await.json();
    assert_eq!(some.as_object().unwrap().len(), 3, "{some}");
    refused("property", &lab.graph("/v1.0/me?$select=shoeSize", &token).await, 400, "BadRequest");
    assert_eq!(lab.graph("/oidc/userinfo", &token).await.json()["name"], "Alice Archer");
    refused("elsewhere", &lab.graph("/v1.0/planets", &token).await, 400, "BadRequest");
}

#[tokio::test]
async fn groups_beyond_the_token_are_read_here() {
    let lab = Lab::start().await;
    let all = json!({ "securityEnabledOnly": true });
    let carol = token(&lab, "carol", &["User.Read"]);
    let mine = members(&lab, "/me", &carol, &all).await.json();
    assert_eq!(mine["value"].as_array().unwrap().len(), 252);
    let app = lab.control().mint(&MintRequest::app("door").resource("graph")).unwrap();
    assert_eq!(members(&lab, &format!("/users/{CAROL}"), &app, &all).await.json()["value"], mine["value"]);
    refused("no body", &members(&lab, "/me", &carol, &json!({})).await, 400, "Request_BadRequest");
    let weak = token(&lab, "alice", &["User.Read"]);
    let other = members(&lab, &format!("/users/{CAROL}"), &weak, &all).await;
    refused("somebody else's", &other, 403, "Authorization_RequestDenied");
    let missing = members(&lab, "/users/00000000-0000-4000-8000-000000000000", &app, &all).await;
    refused("nobody", &missing, 404, "Request_ResourceNotFound");
    let foreign = members(&lab, "/users/3a110270-0000-4000-8000-000000000007", &app, &all).await;
    refused("another tenant's", &foreign, 404, "Request_ResourceNotFound");
    let roleless = lab.control().mint(&MintRequest::app("daemon").resource("graph")).unwrap();
    let denied = members(&lab, &format!("/users/{CAROL}"), &roleless, &all).await;
    refused("no role", &denied, 403, "Authorization_RequestDenied");
}

#[tokio::test]
async fn tokens_are_refused_for_every_flaw() {
    let lab = Lab::start().await;
    let good = token(&lab, "alice", &["User.Read"]);
    let expired = MintRequest { lifetime: Some(0), ..MintRequest::user("alice").resource("graph") };
    let unhashed = MintRequest {
        header: json!({"nonce": null}).as_object().unwrap().clone(),
        ..MintRequest::user("alice")
    };
    for (what, token) in [
        ("none", String::new()),
        ("not a token", String::from("x")),
        ("forged", format!("{}AAAA", &good[..good.len() - 4])),
        ("the door's token", lab.control().mint(&MintRequest::user("alice")).unwrap()),
        ("expired", lab.control().mint(&expired).unwrap()),
        ("the door's token without nonce", lab.control().mint(&unhashed).unwrap()),
        (
            "issuer",
            lab.control()
                .mint(&MintRequest::user("alice").resource("graph").claim("iss", json!("x")))
                .unwrap(),
        ),
    ] {
        let answer = lab.graph("/v1.0/me", &token).await;
        refused(what, &answer, 401, "InvalidAuthenticationToken");
        assert!(
            answer.header("www-authenticate").starts_with("Bearer realm=\"\", authorization_uri="),
            "{what}"
        );
    }
    let app = lab.control().mint(&MintRequest::app("door").resource("graph")).unwrap();
    refused("an application has no me", &lab.graph("/v1.0/me", &app).await, 400, "BadRequest");
    let weak = token(&lab, "alice", &["openid"]);
    refused("no scope", &lab.graph("/v1.0/me", &weak).await, 403, "Authorization_RequestDenied");
}

#[tokio::test]
async fn revocation_takes_effect_at_once() {
    let lab = Lab::start().await;
    let old = token(&lab, "alice", &["User.Read"]);
    assert_eq!(lab.graph("/v1.0/me", &old).await.status, 200);
    lab.control().revoke_user("alice").unwrap();
    let answer = lab.graph("/v1.0/me", &old).await;
    refused("revoked", &answer, 401, "InvalidAuthenticationToken");
    let challenge = answer.header("www-authenticate");
    let claims = challenge.split("claims=\"").nth(1).unwrap().trim_end_matches('"');
    let claims: Value = serde_json::from_slice(&STANDARD.decode(claims).unwrap()).unwrap();
    assert!(claims["access_token"]["nbf"]["value"].is_string());
    lab.control().advance(Duration::from_secs(1));
    let new = token(&lab, "alice", &["User.Read"]);
    assert_eq!(lab.graph("/v1.0/me", &new).await.status, 200);
    assert_eq!(part(&new, 1)["ver"], "1.0");
}

#[tokio::test]
async fn throttling_says_when_to_come_back() {
    let lab = Lab::start().await;
    let token = token(&lab, "alice", &["User.Read"]);
    lab.control().fault(Fault::ThrottleGraph { times: 2, retry_after: 7 });
    for _ in 0..2 {
        let answer = lab.graph("/v1.0/me", &token).await;
        refused("throttled", &answer, 429, "TooManyRequests");
        assert_eq!((answer.header("retry-after"), answer.header("ratelimit-reset")), ("7", "7"));
    }
    assert_eq!(lab.graph("/v1.0/me", &token).await.status, 200);
    lab.control().fault(Fault::GraphDown { times: 1 });
    let down = lab.graph("/v1.0/me", &token).await;
    refused("down", &down, 503, "serviceNotAvailable");
    assert_eq!(down.header("retry-after"), "");
}
