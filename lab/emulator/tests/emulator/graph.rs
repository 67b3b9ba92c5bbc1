use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use doorward_emulator::{Fault, MintRequest};
use serde_json::{Value, json};

use crate::support::{Answer, DOOR, Lab, part, query};

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

#[tokio::test]
async fn registrations_are_for_who_may_read_them() {
    let lab = Lab::start().await;
    let filter = format!("/v1.0/applications?{}", query(&[("$filter", &format!("appId eq '{DOOR}'"))]));
    let app = |roles: &[&str]| {
        let roles = roles.iter().map(|role| (*role).to_owned()).collect();
        lab.control()
            .mint(&MintRequest { roles: Some(roles), ..MintRequest::app("door").resource("graph") })
            .unwrap()
    };
    let good = app(&["Application.Read.All"]);
    let found = lab.graph(&filter, &good).await.json()["value"][0].clone();
    assert_eq!((&found["appId"], &found["api"]["requestedAccessTokenVersion"]), (&json!(DOOR), &json!(2)));
    let uris = found["web"]["redirectUris"].as_array().unwrap();
    assert!(uris.contains(&json!("http://127.0.0.1/oauth/callback")), "{found}");
    let credentials =
        format!("/v1.0/applications/{}/federatedIdentityCredentials", found["id"].as_str().unwrap());
    let credentials = lab.graph(&credentials, &good).await.json();
    assert_eq!(credentials["value"][1]["subject"], "d0010b1e-0000-4000-8000-0000000000f1");
    let principals = filter.replace("applications", "servicePrincipals");
    assert_eq!(lab.graph(&principals, &good).await.json()["value"][0]["accountEnabled"], true);
    let nobody = format!("/v1.0/applications?{}", query(&[("$filter", "appId eq 'x'")]));
    assert_eq!(lab.graph(&nobody, &good).await.json()["value"], json!([]));
    assert_eq!(lab.graph("/v1.0/applications", &good).await.status, 400);
    assert_eq!(lab.graph(&filter, &app(&["GroupMember.Read.All"])).await.status, 403);
}

#[tokio::test]
async fn throttling_says_when_in_seconds_as_a_date_or_not_at_all() {
    let lab = Lab::start().await;
    let token = lab.control().mint(&MintRequest::user("grace").resource("graph")).unwrap();
    lab.control().fault(Fault::ThrottleGraph { times: 1, retry_after: 7 });
    lab.control().fault(Fault::ThrottleGraphUntil { times: 1, seconds: 30 });
    lab.control().fault(Fault::ThrottleGraphSilently { times: 1 });
    let path = format!("/v1.0/me?{}", query(&[("$select", "displayName,mail,userPrincipalName")]));
    for expected in ["7", "Fri, 20 Nov 2026 12:00:30 GMT", ""] {
        let answer = lab.graph(&path, &token).await;
        assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (429, expected));
    }
    let body = lab.graph(&path, &token).await.json();
    assert_eq!((&body["displayName"], &body["mail"]), (&json!("Grace Green"), &json!(null)));
    assert_eq!(body.get("id"), None, "only what was selected");
}
