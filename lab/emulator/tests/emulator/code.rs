use std::time::Duration;

use doorward_emulator::Fault;
use serde_json::json;

use crate::support::{Answer, Browser, CONTOSO, DOOR, Lab, VSCODE, changed, part};

pub(crate) const REDIRECT: &str = "http://localhost:8400/";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// A request as a native client sends it; the challenge is that of RFC 7636, appendix B.
pub(crate) const REQUEST: [(&str, &str); 8] = [
    ("client_id", VSCODE),
    ("response_type", "code"),
    ("redirect_uri", REDIRECT),
    ("scope", "openid offline_access api://d0012000-0000-4000-8000-0000000000d1/mcp.access"),
    ("state", "the state & more"),
    ("nonce", "n-1"),
    ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
    ("code_challenge_method", "S256"),
];

const REDEMPTION: [(&str, &str); 4] = [
    ("grant_type", "authorization_code"),
    ("client_id", VSCODE),
    ("redirect_uri", REDIRECT),
    ("code_verifier", VERIFIER),
];

/// Signs a person in and returns the code.
pub(crate) async fn code(lab: &Lab, user: &str, changes: &[(&str, &str)]) -> String {
    let mut browser = Browser::new(lab);
    let request = changed(&REQUEST, changes);
    let form = browser.open(CONTOSO, &request).await;
    let answer = browser.sign_in(&form, &format!("{user}@contoso.onmicrosoft.com")).await;
    let uri = request.iter().find(|(name, _)| *name == "redirect_uri").unwrap().1;
    answer.redirected(uri)["code"].clone()
}

/// Redeems a code as VS Code.
pub(crate) async fn redeem(lab: &Lab, code: &str, changes: &[(&str, &str)]) -> Answer {
    let mut changes = changes.to_vec();
    changes.push(("code", code));
    lab.token(&changed(&REDEMPTION, &changes)).await
}

#[tokio::test]
async fn a_code_becomes_tokens() {
    let lab = Lab::start().await;
    let text = code(&lab, "alice", &[]).await;
    let answer = redeem(&lab, &text, &[("client_info", "1")]).await;
    assert_eq!(answer.header("cache-control"), "no-store, no-cache");
    let body = answer.json();
    assert_eq!((&body["token_type"], &body["expires_in"]), (&json!("Bearer"), &json!(4499)));
    assert_eq!(body["scope"], format!("api://{DOOR}/mcp.access"));
    assert!(body["refresh_token"].is_string() && body["client_info"].is_string());
    let keys = format!("/{CONTOSO}/discovery/v2.0/keys");
    let claims = lab.verified(body["access_token"].as_str().unwrap(), &keys).await.unwrap();
    assert_eq!((&claims["scp"], &claims["aud"]), (&json!("mcp.access"), &json!(DOOR)));
    assert!(claims.get("xms_cc").is_none());
    let id = lab.verified(body["id_token"].as_str().unwrap(), &keys).await.unwrap();
    assert_eq!((&id["nonce"], &id["aud"]), (&json!("n-1"), &json!(VSCODE)));

    let capable = r#"{"access_token":{"xms_cc":{"values":["cp1"]}}}"#;
    let text = code(&lab, "alice", &[("scope", &format!("api://{DOOR}/.default"))]).await;
    let body = redeem(&lab, &text, &[("claims", capable)]).await.json();
    let claims = part(body["access_token"].as_str().unwrap(), 1);
    assert_eq!(claims["xms_cc"], json!(["cp1"]));
    assert_eq!(claims["scp"], "tools.read mcp.access", "all that was granted");
    assert!(body.get("refresh_token").is_none() && body.get("id_token").is_none());
}

#[tokio::test]
async fn a_v1_api_gets_v1_tokens_whatever_the_endpoint() {
    let lab = Lab::start().await;
    let scope = "https://legacy.contoso.example/mcp/mcp.access";
    let text = code(&lab, "alice", &[("scope", scope)]).await;
    let claims = part(redeem(&lab, &text, &[]).await.json()["access_token"].as_str().unwrap(), 1);
    assert_eq!(
        (&claims["ver"], &claims["aud"]),
        (&json!("1.0"), &json!("https://legacy.contoso.example/mcp"))
    );
    assert_eq!(claims["appid"], VSCODE);
}

#[tokio::test]
async fn codes_are_refused_for_every_wrong_circumstance() {
    let lab = Lab::start().await;
    let two = format!("api://{DOOR}/mcp.access User.Read");
    let slash = format!("api://{DOOR}/");
    for (what, changes, status, error, code) in [
        ("no code", vec![("code", "")], 400, "invalid_request", 900_144),
        ("made-up code", vec![("code", "1.made-up")], 400, "invalid_grant", 70_000),
        ("no redirect", vec![("redirect_uri", "")], 400, "invalid_request", 900_144),
        ("other redirect", vec![("redirect_uri", "http://localhost:8401/")], 400, "invalid_grant", 500_112),
        ("no verifier", vec![("code_verifier", "")], 400, "invalid_grant", 50_148),
        ("wrong verifier", vec![("code_verifier", "x")], 400, "invalid_grant", 501_481),
        (
            "other client",
            vec![("client_id", "04b07795-8ddb-461a-bbee-02f9e1bf7b46")],
            400,
            "invalid_grant",
            70_000,
        ),
        ("unknown client", vec![("client_id", "x")], 400, "unauthorized_client", 700_016),
        ("no client", vec![("client_id", "")], 400, "invalid_request", 900_144),
        ("a public client with a secret", vec![("client_secret", "x")], 401, "invalid_client", 700_025),
        ("two APIs", vec![("scope", two.as_str())], 400, "invalid_scope", 700_022),
        ("resource with a slash", vec![("resource", slash.as_str())], 400, "invalid_target", 9_010_010),
        ("a scope not consented to", vec![("scope", "GroupMember.Read.All")], 400, "invalid_grant", 65_001),
        ("grant type", vec![("grant_type", "password")], 400, "unsupported_grant_type", 70_003),
        ("no grant type", vec![("grant_type", "")], 400, "invalid_request", 900_144),
    ] {
        let text = self::code(&lab, "alice", &[]).await;
        let mut all = vec![("code", text.as_str())];
        all.retain(|_| !changes.iter().any(|(name, _)| *name == "code"));
        all.extend(changes);
        lab.token(&changed(&REDEMPTION, &all)).await.refused(what, status, error, code);
    }
}

#[tokio::test]
async fn a_code_works_once_and_not_for_long() {
    let lab = Lab::start().await;
    let text = code(&lab, "alice", &[]).await;
    redeem(&lab, &text, &[("code_verifier", "x")]).await.refused("a guess", 400, "invalid_grant", 501_481);
    assert_eq!(redeem(&lab, &text, &[]).await.status, 200, "a wrong guess does not spend the code");
    redeem(&lab, &text, &[]).await.refused("replay", 400, "invalid_grant", 54_005);
    let text = code(&lab, "alice", &[]).await;
    lab.control().advance(Duration::from_secs(600));
    redeem(&lab, &text, &[]).await.refused("late", 400, "invalid_grant", 70_008);
    let text = code(&lab, "alice", &[]).await;
    lab.control().revoke_user("alice").unwrap();
    redeem(&lab, &text, &[]).await.refused("revoked", 400, "invalid_grant", 50_173);
    let text = code(&lab, "bob", &[]).await;
    lab.control().disable_user("bob", true).unwrap();
    redeem(&lab, &text, &[]).await.refused("disabled", 400, "invalid_grant", 50_057);
}

#[tokio::test]
async fn pkce_plain_and_none_are_taken_as_entra_takes_them() {
    let lab = Lab::start().await;
    let plain =
        code(&lab, "alice", &[("code_challenge", VERIFIER), ("code_challenge_method", "plain")]).await;
    assert_eq!(redeem(&lab, &plain, &[]).await.status, 200);
    let none = [("code_challenge", ""), ("code_challenge_method", "")];
    let text = code(&lab, "alice", &none).await;
    redeem(&lab, &text, &[]).await.refused("downgrade", 400, "invalid_grant", 501_481);
    assert_eq!(redeem(&lab, &text, &[("code_verifier", "")]).await.status, 200);
}

#[tokio::test]
async fn browsers_may_redeem_for_single_page_applications_only() {
    let lab = Lab::start().await;
    let (spa, uri) = ("59a00000-0000-4000-8000-0000000000c2", "https://inspector.contoso.example/callback");
    let own = [("client_id", spa), ("redirect_uri", uri)];
    let text = code(&lab, "alice", &own).await;
    redeem(&lab, &text, &own).await.refused("no origin", 400, "invalid_request", 9_002_327);
    let path = format!("/{CONTOSO}/oauth2/v2.0/token");
    let origin = [("origin", "https://inspector.contoso.example")];
    let pairs = changed(&REDEMPTION, &[own[0], own[1], ("code", &text)]);
    assert_eq!(lab.post(&path, &pairs, &origin).await.status, 200);
    let text = code(&lab, "alice", &[]).await;
    let pairs = changed(&REDEMPTION, &[("code", &text)]);
    lab.post(&path, &pairs, &origin).await.refused("native from a page", 400, "invalid_request", 9_002_326);
}

#[tokio::test]
async fn the_endpoint_refuses_other_verbs_bodies_and_doubled_parameters() {
    let lab = Lab::start().await;
    let path = format!("/{CONTOSO}/oauth2/v2.0/token");
    lab.get(&path).await.refused("GET", 400, "invalid_request", 900_561);
    let json = lab.post_json(&path, &[], &json!({"grant_type": "refresh_token"})).await;
    json.refused("JSON", 400, "invalid_request", 900_144);
    let twice = [("grant_type", "refresh_token"), ("grant_type", "authorization_code")];
    lab.token(&twice).await.refused("doubled", 400, "invalid_request", 9_002_313);
    let id = "99999999-0000-4000-8000-000000000000";
    let answer = lab.post(&path, &[], &[("client-request-id", id)]).await;
    assert_eq!(answer.json()["correlation_id"], id);
    assert_eq!(answer.header("client-request-id"), id);
}

#[tokio::test]
async fn the_endpoint_fails_when_told_to() {
    let lab = Lab::start().await;
    let pairs = [("grant_type", "refresh_token")];
    lab.control().fault(Fault::TokenEndpointDown { times: 1 });
    lab.token(&pairs).await.refused("down", 503, "temporarily_unavailable", 90_033);
    lab.control().fault(Fault::ThrottleToken { times: 1, retry_after: 9 });
    let throttled = lab.token(&pairs).await;
    throttled.refused("throttled", 429, "temporarily_unavailable", 90_055);
    assert_eq!(throttled.header("retry-after"), "9");
    lab.control().fault(Fault::TokenError { times: 1, code: 53_003 });
    lab.token(&pairs).await.refused("blocked", 400, "invalid_grant", 53_003);
    lab.token(&pairs).await.refused("no fault left", 400, "invalid_request", 900_144);
}
