use std::time::Duration;

use doorward_emulator::Fault;
use serde_json::json;

use crate::code::{code, redeem};
use crate::support::{CONTOSO, DOOR, GRAPH, Lab, VSCODE, changed, part};

const DAY: Duration = Duration::from_secs(24 * 3600);

async fn refresh_token(lab: &Lab, user: &str) -> String {
    let text = code(lab, user, &[]).await;
    redeem(lab, &text, &[]).await.json()["refresh_token"].as_str().unwrap().to_owned()
}

fn request<'a>(token: &'a str, changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let base = [("grant_type", "refresh_token"), ("client_id", VSCODE), ("refresh_token", token)];
    changed(&base, changes)
}

#[tokio::test]
async fn a_refresh_token_is_replaced_and_the_old_one_stays_good() {
    let lab = Lab::start().await;
    let first = refresh_token(&lab, "alice").await;
    let second = lab.token(&request(&first, &[])).await.json();
    assert_ne!(second["refresh_token"], first.as_str());
    assert_eq!(lab.token(&request(&first, &[])).await.status, 200, "Entra does not take it away");
    assert_eq!(lab.token(&request(second["refresh_token"].as_str().unwrap(), &[])).await.status, 200);
}

#[tokio::test]
async fn a_refresh_token_is_good_for_every_api_that_was_consented_to() {
    let lab = Lab::start().await;
    let token = refresh_token(&lab, "alice").await;
    let graph = lab.token(&request(&token, &[("scope", "User.Read")])).await.json();
    assert_eq!(part(graph["access_token"].as_str().unwrap(), 1)["aud"], GRAPH);
    let sibling = "api://51b11000-0000-4000-8000-0000000000d2/mcp.access";
    let sibling = lab.token(&request(&token, &[("scope", sibling)])).await.json();
    assert_eq!(
        part(sibling["access_token"].as_str().unwrap(), 1)["aud"],
        "51b11000-0000-4000-8000-0000000000d2"
    );
}

#[tokio::test]
async fn refreshes_are_refused_for_every_wrong_circumstance() {
    let lab = Lab::start().await;
    let token = refresh_token(&lab, "alice").await;
    let own = format!("{VSCODE}/x");
    let two = format!("api://{DOOR}/mcp.access User.Read");
    for (what, changes, status, error, code) in [
        ("no token", vec![("refresh_token", "")], 400, "invalid_request", 900_144),
        ("made-up token", vec![("refresh_token", "1.x")], 400, "invalid_grant", 70_000),
        (
            "other client",
            vec![("client_id", "04b07795-8ddb-461a-bbee-02f9e1bf7b46")],
            400,
            "invalid_grant",
            70_000,
        ),
        ("a bare scope is Graph's", vec![("scope", "mcp.access")], 400, "invalid_client", 650_053),
        ("a scope of itself that it lacks", vec![("scope", own.as_str())], 400, "invalid_client", 650_053),
        ("broken scope", vec![("scope", "api://x/")], 400, "invalid_scope", 70_011),
        ("unknown API", vec![("scope", "api://x/y")], 400, "invalid_resource", 500_011),
        ("two APIs", vec![("scope", two.as_str())], 400, "invalid_scope", 700_022),
        (
            "no consent",
            vec![("scope", "api://vault.contoso.example/vault.read")],
            400,
            "invalid_grant",
            65_001,
        ),
    ] {
        lab.token(&request(&token, &changes)).await.refused(what, status, error, code);
    }
    let elsewhere = lab.post("/fabrikam.onmicrosoft.com/oauth2/v2.0/token", &request(&token, &[]), &[]).await;
    elsewhere.refused("other tenant", 400, "invalid_grant", 50_020);
}

#[tokio::test]
async fn an_application_asks_for_itself_by_its_id_alone() {
    let lab = Lab::start().await;
    let by_name = [
        ("grant_type", "client_credentials"),
        ("client_id", DOOR),
        ("client_secret", "door-secret-for-the-lab"),
        ("scope", "api://d0012000-0000-4000-8000-0000000000d1/.default"),
    ];
    lab.token(&by_name).await.refused("by URI", 400, "invalid_request", 90_009);
    let by_id = changed(&by_name, &[("scope", "d0012000-0000-4000-8000-0000000000d1/.default")]);
    assert_eq!(lab.token(&by_id).await.status, 200);
}

#[tokio::test]
async fn refresh_tokens_end_by_age_revocation_and_blocking() {
    let lab = Lab::start().await;
    let token = refresh_token(&lab, "alice").await;
    lab.control().advance(DAY * 90 - Duration::from_secs(1));
    assert_eq!(lab.token(&request(&token, &[])).await.status, 200);
    lab.control().advance(Duration::from_secs(1));
    lab.token(&request(&token, &[])).await.refused("90 days", 400, "invalid_grant", 700_082);

    let token = refresh_token(&lab, "alice").await;
    lab.control().revoke_user("alice").unwrap();
    let refused = lab.token(&request(&token, &[])).await;
    refused.refused("revoked", 400, "invalid_grant", 50_173);
    assert_eq!(refused.json()["suberror"], "bad_token");
    lab.control().advance(Duration::from_secs(1));
    let token = refresh_token(&lab, "alice").await;
    assert_eq!(lab.token(&request(&token, &[])).await.status, 200, "a new sign-in is good");
    lab.control().disable_user("alice", true).unwrap();
    lab.token(&request(&token, &[])).await.refused("blocked", 400, "invalid_grant", 50_057);
}

#[tokio::test]
async fn a_policy_that_appears_later_asks_the_person_back() {
    let lab = Lab::start().await;
    let token = refresh_token(&lab, "alice").await;
    lab.control().fault(Fault::RequireMfa { resource: DOOR.to_owned() });
    let refused = lab.token(&request(&token, &[])).await;
    refused.refused("policy", 400, "interaction_required", 50_079);
    let claims: serde_json::Value = serde_json::from_str(refused.json()["claims"].as_str().unwrap()).unwrap();
    assert_eq!(claims["access_token"]["polids"]["essential"], json!(true));
    lab.control().clear_faults();
    assert_eq!(lab.token(&request(&token, &[])).await.status, 200);
}

#[tokio::test]
async fn a_single_page_application_has_a_day_and_must_stay_in_the_browser() {
    let lab = Lab::start().await;
    let (spa, uri) = ("59a00000-0000-4000-8000-0000000000c2", "https://inspector.contoso.example/callback");
    let own = [("client_id", spa), ("redirect_uri", uri)];
    let text = code(&lab, "alice", &own).await;
    let path = format!("/{CONTOSO}/oauth2/v2.0/token");
    let origin = [("origin", "https://inspector.contoso.example")];
    let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let pairs =
        [("grant_type", "authorization_code"), own[0], own[1], ("code", &text), ("code_verifier", verifier)];
    let token = lab.post(&path, &pairs, &origin).await.json()["refresh_token"].as_str().unwrap().to_owned();
    let pairs = request(&token, &own[..1]);
    lab.token(&pairs).await.refused("outside", 400, "invalid_request", 9_002_327);
    assert_eq!(lab.post(&path, &pairs, &origin).await.status, 200);
    lab.control().advance(DAY);
    lab.post(&path, &pairs, &origin).await.refused("a day", 400, "invalid_grant", 700_084);
}
