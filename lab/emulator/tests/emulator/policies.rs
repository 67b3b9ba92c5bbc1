use std::time::Duration;

use doorward_emulator::{Fault, MintRequest};
use serde_json::{Value, json};

use crate::support::{Answer, Browser, CONTOSO, DOOR, Lab, changed, part};

/// The door's own way to sign people in, on a port that nobody registered.
const BACK: &str = "http://127.0.0.1:43210/oauth/callback";
const SCOPE: &str = "openid profile offline_access d0012000-0000-4000-8000-0000000000d1/mcp.access";
const STEP_UP: &str =
    r#"{"access_token":{"acrs":{"essential":true,"value":"c1"},"xms_cc":{"values":["cp1"]}}}"#;
const REQUEST: [(&str, &str); 7] = [
    ("client_id", DOOR),
    ("response_type", "code"),
    ("redirect_uri", BACK),
    ("scope", SCOPE),
    ("state", "s"),
    ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
    ("code_challenge_method", "S256"),
];

async fn redeem(lab: &Lab, code: &str) -> Answer {
    lab.token(&[
        ("grant_type", "authorization_code"),
        ("client_id", DOOR),
        ("client_secret", "door-secret-for-the-lab"),
        ("redirect_uri", BACK),
        ("code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
        ("code", code),
    ])
    .await
}

async fn renew(lab: &Lab, token: &str, scope: &str) -> Answer {
    let base = [
        ("grant_type", "refresh_token"),
        ("client_id", DOOR),
        ("client_secret", "door-secret-for-the-lab"),
        ("refresh_token", token),
        ("scope", scope),
    ];
    lab.token(&changed(&base, &[("scope", scope)])).await
}

async fn on_behalf_of(lab: &Lab, assertion: &str) -> Answer {
    lab.token(&[
        ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
        ("requested_token_use", "on_behalf_of"),
        ("client_id", DOOR),
        ("client_secret", "door-secret-for-the-lab"),
        ("scope", "https://graph.microsoft.com/User.Read"),
        ("assertion", assertion),
    ])
    .await
}

#[tokio::test]
async fn a_context_is_satisfied_on_the_page_alone_and_then_reaches_the_next_api() {
    let lab = Lab::start().await;
    let policy =
        |user| Fault::RequireContext { resource: String::from("graph"), context: String::from("c1"), user };
    lab.control().fault(policy(Some(String::from("bob"))));
    let plain = lab.control().mint(&MintRequest::user("alice")).unwrap();
    assert_eq!(on_behalf_of(&lab, &plain).await.status, 200, "it concerns somebody else");
    lab.control().fault(policy(None));
    let refused = on_behalf_of(&lab, &plain).await;
    refused.refused("policy", 400, "interaction_required", 50_079);
    let claims: Value = serde_json::from_str(refused.json()["claims"].as_str().unwrap()).unwrap();
    assert_eq!(claims["access_token"]["acrs"]["value"], "c1");

    let mut browser = Browser::new(&lab);
    let form = browser.open(CONTOSO, &changed(&REQUEST, &[("claims", STEP_UP)])).await;
    let factor = browser.sign_in(&form, "alice@contoso.onmicrosoft.com").await;
    let back = browser.press(&factor, "approve", &[]).await.redirected(BACK);
    let body = redeem(&lab, &back["code"]).await.json();
    let strong = body["access_token"].as_str().unwrap();
    assert_eq!(part(strong, 1)["acrs"], json!(["c1"]));
    assert_eq!(part(strong, 1)["xms_cc"], json!(["cp1"]), "the capability was announced");
    assert_eq!(on_behalf_of(&lab, strong).await.status, 200);
    let refresh = body["refresh_token"].as_str().unwrap();
    assert_eq!(renew(&lab, refresh, "https://graph.microsoft.com/User.Read").await.status, 200);
}

#[tokio::test]
async fn a_client_that_is_its_own_api_names_its_scopes_at_each_refresh() {
    let lab = Lab::start().await;
    let mut browser = Browser::new(&lab);
    let form = browser.open(CONTOSO, &REQUEST).await;
    let back = browser.sign_in(&form, "alice@contoso.onmicrosoft.com").await.redirected(BACK);
    let body = redeem(&lab, &back["code"]).await.json();
    let refresh = body["refresh_token"].as_str().unwrap();
    renew(&lab, refresh, "").await.refused("no scope", 400, "invalid_request", 90_009);
    renew(&lab, refresh, "mcp.access offline_access").await.refused("bare", 400, "invalid_client", 650_053);
    assert_eq!(renew(&lab, refresh, SCOPE).await.status, 200);

    let id = part(body["id_token"].as_str().unwrap(), 1);
    for claim in ["sid", "login_hint", "auth_time"] {
        assert!(id.get(claim).is_some(), "{claim}: {id}");
    }

    // The same token after a revocation, a block, and three months.
    lab.control().disable_user("alice", true).unwrap();
    renew(&lab, refresh, SCOPE).await.refused("blocked", 400, "invalid_grant", 50_057);
    lab.control().disable_user("alice", false).unwrap();
    lab.control().revoke_user("alice").unwrap();
    renew(&lab, refresh, SCOPE).await.refused("revoked", 400, "invalid_grant", 50_173);
    lab.control().advance(Duration::from_secs(91 * 24 * 3600));
    renew(&lab, refresh, SCOPE).await.refused("expired", 400, "invalid_grant", 700_082);
}

#[tokio::test]
async fn the_doors_addresses_are_its_own_but_for_the_port() {
    let lab = Lab::start().await;
    let open = async |uri| {
        let mut browser = Browser::new(&lab);
        browser.open(CONTOSO, &changed(&REQUEST, &[("redirect_uri", uri)])).await.status.as_u16()
    };
    for good in ["http://127.0.0.1:1/oauth/callback", "http://localhost:65000/oauth/callback"] {
        assert_eq!(open(good).await, 200, "{good}");
    }
    for bad in [
        "http://127.0.0.1:1/oauth/callback/",
        "http://127.0.0.1:1/oauth/callback?x=1",
        "https://127.0.0.1:1/oauth/callback",
        "http://127.0.0.2:1/oauth/callback",
        "http://127.0.0.1:1@evil.example/oauth/callback",
    ] {
        assert_eq!(open(bad).await, 400, "{bad}");
    }
}

#[tokio::test]
async fn where_people_may_not_consent_asking_for_it_ends_on_a_page() {
    let lab = Lab::start().await;
    lab.control().fault(Fault::UserConsentDisabled { tenant: String::from("contoso") });
    let mut browser = Browser::new(&lab);
    let form = browser.open(CONTOSO, &changed(&REQUEST, &[("prompt", "consent")])).await;
    let page = browser.sign_in(&form, "alice@contoso.onmicrosoft.com").await;
    assert_eq!(page.status, 400);
    assert!(page.body.contains("AADSTS90094: "), "{}", page.body);
    let mut browser = Browser::new(&lab);
    let form = browser.open(CONTOSO, &REQUEST).await;
    let back = browser.sign_in(&form, "alice@contoso.onmicrosoft.com").await.redirected(BACK);
    assert!(back.contains_key("code"), "what an administrator consented to needs no question");
}
