use doorward_emulator::{Fault, MintRequest, TokenKind};
use http::StatusCode;
use serde_json::json;

use crate::support::{CONTOSO, DOOR, Lab, NOON, VSCODE, part};

#[tokio::test]
async fn metadata_has_what_entra_has_and_lacks_what_entra_lacks() {
    let lab = Lab::start().await;
    for segment in [CONTOSO, "contoso.onmicrosoft.com"] {
        let document = lab.get(&format!("/{segment}/v2.0/.well-known/openid-configuration")).await.json();
        assert_eq!(document["issuer"], lab.url(&format!("/{CONTOSO}/v2.0")));
        assert_eq!(document["jwks_uri"], lab.url(&format!("/{CONTOSO}/discovery/v2.0/keys")));
        assert_eq!(document["token_endpoint"], lab.url(&format!("/{CONTOSO}/oauth2/v2.0/token")));
        for absent in [
            "code_challenge_methods_supported",
            "registration_endpoint",
            "grant_types_supported",
            "revocation_endpoint",
            "introspection_endpoint",
        ] {
            assert!(document.get(absent).is_none(), "{absent}");
        }
    }
    for segment in ["common", "organizations"] {
        let document = lab.get(&format!("/{segment}/v2.0/.well-known/openid-configuration")).await.json();
        assert_eq!(document["issuer"], lab.url("/{tenantid}/v2.0"));
        let keys = lab.get(&format!("/{segment}/discovery/v2.0/keys")).await.json();
        assert_eq!(keys["keys"][0]["issuer"], lab.url("/{tenantid}/v2.0"));
    }
    let old = lab.get(&format!("/{CONTOSO}/.well-known/openid-configuration")).await.json();
    assert_eq!(old["issuer"], lab.url(&format!("/sts/{CONTOSO}/")));
    assert_eq!(lab.get("/.well-known/oauth-authorization-server").await.status, StatusCode::NOT_FOUND);
    let unknown = lab.get("/nowhere.example/v2.0/.well-known/openid-configuration").await;
    assert_eq!(unknown.status, StatusCode::BAD_REQUEST);
    assert_eq!(unknown.json()["error_codes"], json!([90002]));
}

#[tokio::test]
async fn keys_name_their_issuer_and_carry_their_certificate() {
    let lab = Lab::start().await;
    let keys = lab.get(&format!("/{CONTOSO}/discovery/v2.0/keys")).await.json();
    let key = &keys["keys"][0];
    assert_eq!(key["issuer"], lab.url(&format!("/{CONTOSO}/v2.0")));
    assert_eq!(key["kid"], key["x5t"]);
    assert_eq!((&key["kty"], &key["use"]), (&json!("RSA"), &json!("sig")));
    assert!(key["x5c"][0].as_str().unwrap().starts_with("MII"));
    assert!(key.get("d").is_none() && key.get("p").is_none(), "no private half is published");
}

#[tokio::test]
async fn instance_discovery_points_at_the_authority() {
    let lab = Lab::start().await;
    let endpoint = lab.url(&format!("/{CONTOSO}/oauth2/v2.0/authorize"));
    let path = format!("/common/discovery/instance?api-version=1.1&authorization_endpoint={endpoint}");
    let document = lab.get(&path).await.json();
    assert_eq!(
        document["tenant_discovery_endpoint"],
        lab.url(&format!("/{CONTOSO}/v2.0/.well-known/openid-configuration"))
    );
    let foreign = "/common/discovery/instance?authorization_endpoint=https://login.evil.example/x/authorize";
    assert_eq!(lab.get(foreign).await.json()["error"], "invalid_instance");
}

#[tokio::test]
async fn minted_tokens_verify_and_hold_the_claims_of_their_version() {
    let lab = Lab::start().await;
    let keys = format!("/{CONTOSO}/discovery/v2.0/keys");
    let two = lab.control().mint(&MintRequest::user("alice")).unwrap();
    let claims = lab.verified(&two, &keys).await.unwrap();
    assert_eq!(claims["iss"], lab.url(&format!("/{CONTOSO}/v2.0")));
    assert_eq!((&claims["aud"], &claims["azp"]), (&json!(DOOR), &json!(VSCODE)));
    assert_eq!((&claims["ver"], &claims["azpacr"]), (&json!("2.0"), &json!("0")));
    assert_eq!((&claims["scp"], &claims["roles"]), (&json!("tools.read mcp.access"), &json!(["Reader"])));
    assert_eq!(claims["exp"], NOON + 75 * 60);
    assert!(claims.get("idtyp").is_none() && claims.get("appid").is_none());
    assert!(part(&two, 0).get("x5t").is_none());

    let one = lab.control().mint(&MintRequest::user("alice").resource("legacy")).unwrap();
    let claims = lab.verified(&one, &format!("/{CONTOSO}/discovery/keys")).await.unwrap();
    assert_eq!(claims["iss"], lab.url(&format!("/sts/{CONTOSO}/")));
    assert_eq!((&claims["ver"], &claims["appid"]), (&json!("1.0"), &json!(VSCODE)));
    assert!(claims.get("azp").is_none() && claims.get("preferred_username").is_none());
    assert_eq!(part(&one, 0)["x5t"], part(&one, 0)["kid"]);

    let app = lab.control().mint(&MintRequest::app("daemon")).unwrap();
    let claims = lab.verified(&app, &keys).await.unwrap();
    assert_eq!((&claims["idtyp"], &claims["roles"]), (&json!("app"), &json!(["Service"])));
    assert_eq!(claims["oid"], claims["sub"]);
    assert!(claims.get("scp").is_none() && claims.get("name").is_none());
    let quiet = lab.control().mint(&MintRequest::app("daemon").resource("legacy")).unwrap();
    assert!(part(&quiet, 1).get("idtyp").is_none(), "only a resource that lists the optional claim gets it");

    let id = lab.control().mint(&MintRequest { kind: TokenKind::Id, ..MintRequest::user("alice") }).unwrap();
    let claims = lab.verified(&id, &keys).await.unwrap();
    assert_eq!(claims["aud"], VSCODE);
    assert!(claims.get("scp").is_none());
}

#[tokio::test]
async fn too_many_groups_become_the_overage_claim() {
    let lab = Lab::start().await;
    let carol = part(&lab.control().mint(&MintRequest::user("carol")).unwrap(), 1);
    assert!(carol.get("groups").is_none());
    assert_eq!(carol["_claim_names"], json!({"groups": "src1"}));
    let endpoint = carol["_claim_sources"]["src1"]["endpoint"].as_str().unwrap();
    assert!(endpoint.starts_with("https://graph.windows.net/"), "{endpoint}");
    let bob = part(&lab.control().mint(&MintRequest::user("bob")).unwrap(), 1);
    assert_eq!(bob["groups"].as_array().unwrap().len(), 2);
    let sibling = part(&lab.control().mint(&MintRequest::user("bob").resource("sibling")).unwrap(), 1);
    assert!(sibling.get("groups").is_none(), "this API did not ask for groups");
}

#[tokio::test]
async fn rollover_keeps_the_old_key_until_it_is_withdrawn() {
    let lab = Lab::start().await;
    let keys = format!("/{CONTOSO}/discovery/v2.0/keys");
    let old = lab.control().mint(&MintRequest::user("alice")).unwrap();
    let kid = lab.control().rollover().unwrap();
    let new = lab.control().mint(&MintRequest::user("alice")).unwrap();
    assert_eq!(part(&new, 0)["kid"], kid.as_str());
    assert!(lab.verified(&old, &keys).await.is_some() && lab.verified(&new, &keys).await.is_some());
    lab.control().remove_old_keys();
    assert!(lab.verified(&old, &keys).await.is_none() && lab.verified(&new, &keys).await.is_some());
}

#[tokio::test]
async fn graph_tokens_do_not_verify_for_anybody_else() {
    let lab = Lab::start().await;
    let token = lab.control().mint(&MintRequest::user("alice").resource("graph")).unwrap();
    assert!(part(&token, 0)["nonce"].is_string());
    assert!(lab.verified(&token, &format!("/{CONTOSO}/discovery/v2.0/keys")).await.is_none());
}

#[tokio::test]
async fn a_minted_token_can_be_wrong_in_every_way_a_test_wants() {
    let lab = Lab::start().await;
    let request = MintRequest {
        lifetime: Some(5),
        kid: Some(String::from("../../etc/passwd")),
        scopes: Some(vec![String::from("tools.write")]),
        ..MintRequest::user("alice").claim("aud", json!(["x"])).claim("oid", json!(null))
    };
    let token = lab.control().mint(&request).unwrap();
    assert_eq!(part(&token, 0)["kid"], "../../etc/passwd");
    let claims = part(&token, 1);
    assert_eq!((&claims["aud"], &claims["scp"]), (&json!(["x"]), &json!("tools.write")));
    assert_eq!(claims["exp"], NOON + 5);
    assert!(claims.get("oid").is_none());
    for request in
        [MintRequest::user("nobody"), MintRequest::app("nothing"), MintRequest::user("bob").resource("x")]
    {
        assert!(lab.control().mint(&request).unwrap_err().to_string().contains("is called"));
    }
}

#[tokio::test]
async fn keys_and_discovery_fail_when_told_to() {
    let lab = Lab::start().await;
    lab.control().fault(Fault::JwksDown { times: 1 });
    lab.control().fault(Fault::DiscoveryDown { times: 1 });
    let keys = format!("/{CONTOSO}/discovery/v2.0/keys");
    let document = format!("/{CONTOSO}/v2.0/.well-known/openid-configuration");
    assert_eq!(lab.get(&keys).await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(lab.get(&document).await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(lab.get(&keys).await.status, StatusCode::OK);
    assert_eq!(lab.get(&document).await.status, StatusCode::OK);
}
