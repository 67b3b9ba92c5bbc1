use std::time::Duration;

use doorward_emulator::{Fault, MintRequest, TokenKind};
use serde_json::{Value, json};

use crate::support::{DOOR, GRAPH, Lab, VSCODE, changed, part};

const BASE: [(&str, &str); 5] = [
    ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
    ("requested_token_use", "on_behalf_of"),
    ("client_id", DOOR),
    ("client_secret", "door-secret-for-the-lab"),
    ("scope", "https://graph.microsoft.com/.default offline_access"),
];

#[tokio::test]
async fn the_door_calls_graph_for_a_person() {
    let lab = Lab::start().await;
    let assertion = lab.control().mint(&MintRequest::user("alice")).unwrap();
    let body = lab.token(&[&BASE[..], &[("assertion", &assertion)]].concat()).await.json();
    assert!(body["refresh_token"].is_string());
    let token = body["access_token"].as_str().unwrap();
    let claims = part(token, 1);
    assert_eq!((&claims["aud"], &claims["appid"]), (&json!(GRAPH), &json!(DOOR)));
    assert_eq!(claims["scp"], "User.Read GroupMember.Read.All");
    assert_eq!(lab.graph("/v1.0/me", token).await.json()["displayName"], "Alice Archer");
}

#[tokio::test]
async fn assertions_are_refused_for_every_flaw() {
    let lab = Lab::start().await;
    let mint = |request: MintRequest| lab.control().mint(&request).unwrap();
    let good = mint(MintRequest::user("alice"));
    let forged = format!("{}AAAA", &good[..good.len() - 4]);
    let expired = MintRequest { lifetime: Some(0), ..MintRequest::user("alice") };
    let id = MintRequest { kind: TokenKind::Id, client: String::from("door"), ..MintRequest::user("alice") };
    let unknown_key = MintRequest { kid: Some(String::from("x")), ..MintRequest::user("alice") };
    for (what, assertion, code, error) in [
        ("not a token", String::from("x"), 50_027, "invalid_request"),
        ("forged", forged, 50_013, "invalid_grant"),
        ("unknown key", mint(unknown_key), 50_013, "invalid_grant"),
        ("Graph token", mint(MintRequest::user("alice").resource("graph")), 50_013, "invalid_grant"),
        ("sibling's token", mint(MintRequest::user("alice").resource("sibling")), 500_131, "invalid_grant"),
        ("expired", mint(expired), 500_133, "invalid_grant"),
        ("app-only", mint(MintRequest::app("daemon")), 7_000_114, "invalid_grant"),
        ("ID token", mint(id), 50_013, "invalid_grant"),
        ("other tenant", mint(MintRequest::user("mallory")), 50_013, "invalid_grant"),
        ("issuer", mint(MintRequest::user("alice").claim("iss", json!("x"))), 50_013, "invalid_grant"),
        ("nobody", mint(MintRequest::user("alice").claim("oid", Value::Null)), 50_034, "invalid_grant"),
        ("blocked person", mint(MintRequest::user("frank")), 50_057, "invalid_grant"),
    ] {
        let answer = lab.token(&[&BASE[..], &[("assertion", &assertion)]].concat()).await;
        answer.refused(what, 400, error, code);
    }
}

#[tokio::test]
async fn requests_are_refused_for_every_flaw() {
    let lab = Lab::start().await;
    let good = lab.control().mint(&MintRequest::user("alice")).unwrap();
    let public = vec![("client_id", VSCODE), ("client_secret", "")];
    for (what, changes, status, error, code) in [
        ("no assertion", vec![("assertion", "")], 400, "invalid_request", 900_144),
        ("no use", vec![("requested_token_use", "")], 400, "invalid_request", 900_144),
        ("other use", vec![("requested_token_use", "x")], 400, "invalid_request", 90_023),
        ("no scope", vec![("scope", "")], 400, "invalid_request", 900_144),
        ("no secret", vec![("client_secret", "")], 401, "invalid_client", 7_000_218),
        ("wrong secret", vec![("client_secret", "x")], 401, "invalid_client", 7_000_215),
        ("public client", public, 401, "invalid_client", 7_000_218),
        (
            "no consent",
            vec![("scope", "api://vault.contoso.example/vault.read")],
            400,
            "invalid_grant",
            65_001,
        ),
        ("bare scope", vec![("scope", "items.read")], 400, "invalid_client", 650_053),
    ] {
        let mut all = vec![("assertion", good.as_str())];
        all.retain(|_| !changes.iter().any(|(name, _)| *name == "assertion"));
        all.extend(changes);
        lab.token(&changed(&BASE, &all)).await.refused(what, status, error, code);
    }
    let common = [&BASE[..], &[("assertion", &good)]].concat();
    lab.post("/common/oauth2/v2.0/token", &common, &[]).await.refused(
        "common",
        400,
        "invalid_request",
        50_059,
    );
}

#[tokio::test]
async fn conditional_access_comes_back_as_a_claims_challenge() {
    let lab = Lab::start().await;
    let plain = lab.control().mint(&MintRequest::user("alice")).unwrap();
    lab.control().fault(Fault::RequireMfa { resource: String::from("graph") });
    let refused = lab.token(&[&BASE[..], &[("assertion", &plain)]].concat()).await;
    refused.refused("policy", 400, "interaction_required", 50_079);
    assert_eq!(refused.json()["suberror"], "basic_action");
    let claims: Value = serde_json::from_str(refused.json()["claims"].as_str().unwrap()).unwrap();
    assert!(claims["access_token"]["polids"]["values"][0].is_string());
    let strong = lab.control().mint(&MintRequest::user("alice").claim("acrs", json!(["c1"]))).unwrap();
    assert_eq!(lab.token(&[&BASE[..], &[("assertion", &strong)]].concat()).await.status, 200);
}

#[tokio::test]
async fn consent_and_revocation_reach_the_next_api() {
    let lab = Lab::start().await;
    let good = lab.control().mint(&MintRequest::user("alice")).unwrap();
    let sibling = "api://51b11000-0000-4000-8000-0000000000d2";
    let (own, other) = (format!("{sibling}/items.read"), format!("{sibling}/mcp.access"));
    let ask = |scope| changed(&BASE, &[("scope", scope), ("assertion", good.as_str())]);
    assert_eq!(lab.token(&ask(&own)).await.status, 200);
    let refused = lab.token(&ask(&other)).await;
    refused.refused("not consented", 400, "invalid_grant", 65_001);
    assert_eq!(refused.json()["suberror"], "consent_required");
    lab.control().consent("alice", "door", "sibling", &["mcp.access"]).unwrap();
    assert_eq!(lab.token(&ask(&other)).await.status, 200);
    lab.control().advance(Duration::from_secs(10));
    lab.control().revoke_user("alice").unwrap();
    lab.token(&ask(&own)).await.refused("revoked", 400, "invalid_grant", 50_173);
}
