use std::collections::BTreeMap;

use doorward_emulator::{Fault, Misdeed, THIRD_PARTY_CLIENT, THIRD_PARTY_SECRET};
use serde_json::{Value, json};

use crate::support::{Answer, Lab, changed, query};

const BACK: &str = "http://127.0.0.1:7000/oauth/upstream/callback";
/// RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

async fn get(lab: &Lab, path: &str) -> Answer {
    lab.at(&lab.running.third_party, "GET", path, &[], "").await
}

async fn post(lab: &Lab, path: &str, pairs: &[(&str, &str)]) -> Answer {
    lab.at(&lab.running.third_party, "POST", path, &[FORM], &query(pairs)).await
}

fn request(resource: &str) -> Vec<(&'static str, String)> {
    [
        ("response_type", "code"),
        ("client_id", THIRD_PARTY_CLIENT),
        ("redirect_uri", BACK),
        ("state", "s1"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("resource", resource),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .to_vec()
}

async fn open(lab: &Lab, changes: &[(&'static str, &str)]) -> Answer {
    let resource = format!("{}/mcp", lab.running.third_party);
    let base = request(&resource);
    let base: Vec<(&str, &str)> = base.iter().map(|(name, value)| (*name, value.as_str())).collect();
    get(lab, &format!("/authorize?{}", query(&changed(&base, changes)))).await
}

async fn allow(lab: &Lab, page: &Answer) -> BTreeMap<String, String> {
    let visit = page.body.split("name=\"visit\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    post(lab, "/authorize", &[("visit", visit), ("name", "ada"), ("action", "allow")]).await.redirected(BACK)
}

async fn redeem(lab: &Lab, code: &str, changes: &[(&'static str, &str)]) -> Answer {
    let resource = format!("{}/mcp", lab.running.third_party);
    let base = [
        ("grant_type", "authorization_code"),
        ("client_id", THIRD_PARTY_CLIENT),
        ("client_secret", THIRD_PARTY_SECRET),
        ("redirect_uri", BACK),
        ("code", code),
        ("code_verifier", VERIFIER),
        ("resource", &resource),
    ];
    post(lab, "/token", &changed(&base, changes)).await
}

async fn whoami(lab: &Lab, token: &str) -> Answer {
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": "whoami" } });
    let bearer = format!("Bearer {token}");
    lab.at(&lab.running.third_party, "POST", "/mcp", &[("authorization", &bearer)], &call.to_string()).await
}

#[tokio::test]
async fn a_person_lets_a_client_in_until_it_is_revoked() {
    let lab = Lab::start().await;
    let challenge = whoami(&lab, "x").await;
    assert_eq!(challenge.status, 401);
    assert!(challenge.header("www-authenticate").contains("/.well-known/oauth-protected-resource/mcp"));
    let metadata = get(&lab, "/.well-known/oauth-authorization-server").await.json();
    assert_eq!(metadata["issuer"], lab.running.third_party.as_str());
    let back = allow(&lab, &open(&lab, &[]).await).await;
    assert_eq!((back["state"].as_str(), &back["iss"]), ("s1", &lab.running.third_party));
    let first = redeem(&lab, &back["code"], &[]).await.json();
    let answer = whoami(&lab, first["access_token"].as_str().unwrap()).await.json();
    assert_eq!(answer["result"]["content"][0]["text"], "ada (items.read)");
    let text = |body: &Value, name: &str| body[name].as_str().unwrap().to_owned();
    let renew = |token: String| {
        let lab = &lab;
        async move { redeem(lab, "", &[("grant_type", "refresh_token"), ("refresh_token", &token)]).await }
    };
    let second = renew(text(&first, "refresh_token")).await.json();
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    assert_eq!(renew(text(&first, "refresh_token")).await.json()["error"], "invalid_grant", "used before");
    assert_eq!(renew(text(&second, "refresh_token")).await.json()["error"], "invalid_grant", "family ended");
    assert_eq!(whoami(&lab, &text(&second, "access_token")).await.status, 401);
}

#[tokio::test]
async fn requests_and_codes_are_refused_for_every_flaw() {
    let lab = Lab::start().await;
    for (what, change) in [
        ("client", ("client_id", "nobody")),
        ("redirect", ("redirect_uri", "https://evil.example/")),
        ("longer redirect", ("redirect_uri", "http://127.0.0.1:7000/oauth/upstream/callback/x")),
        ("host", ("redirect_uri", "http://127.0.0.1:7000@evil.example/oauth/upstream/callback")),
    ] {
        assert_eq!(open(&lab, &[change]).await.status, 400, "{what}");
    }
    for change in [("code_challenge_method", "plain"), ("code_challenge", ""), ("response_type", "token")] {
        assert!(open(&lab, &[change]).await.redirected(BACK).contains_key("error"), "{change:?}");
    }
    for (what, change) in [
        ("verifier", ("code_verifier", "x")),
        ("no verifier", ("code_verifier", "")),
        ("redirect", ("redirect_uri", "http://127.0.0.1:7001/oauth/upstream/callback")),
        ("resource", ("resource", "https://other.example/mcp")),
        ("secret", ("client_secret", "x")),
        ("no secret", ("client_secret", "")),
    ] {
        let back = allow(&lab, &open(&lab, &[]).await).await;
        let answer = redeem(&lab, &back["code"], &[change]).await;
        assert!(answer.status.is_client_error(), "{what}");
    }
    let back = allow(&lab, &open(&lab, &[]).await).await;
    let good = redeem(&lab, &back["code"], &[]).await.json();
    assert_eq!(redeem(&lab, &back["code"], &[]).await.json()["error"], "invalid_grant", "twice");
    assert_eq!(
        whoami(&lab, good["access_token"].as_str().unwrap()).await.status,
        401,
        "and the first is void"
    );
    let elsewhere = allow(&lab, &open(&lab, &[("resource", "https://other.example/mcp")]).await).await;
    let other = redeem(&lab, &elsewhere["code"], &[("resource", "https://other.example/mcp")]).await.json();
    assert_eq!(
        whoami(&lab, other["access_token"].as_str().unwrap()).await.status,
        401,
        "for another audience"
    );
}

#[tokio::test]
async fn a_client_registers_itself() {
    let lab = Lab::start().await;
    let register = async |body: Value| {
        lab.at(
            &lab.running.third_party,
            "POST",
            "/register",
            &[("content-type", "application/json")],
            &body.to_string(),
        )
        .await
    };
    let uri = "http://127.0.0.1:9/cb";
    let public = register(json!({ "redirect_uris": [uri], "token_endpoint_auth_method": "none" })).await;
    assert_eq!(public.status, 201);
    assert_eq!(public.json()["client_secret"], Value::Null);
    let id = public.json()["client_id"].as_str().unwrap().to_owned();
    assert_eq!(open(&lab, &[("client_id", &id), ("redirect_uri", uri)]).await.status, 200);
    assert_eq!(open(&lab, &[("client_id", &id)]).await.status, 400, "another's address");
    assert!(register(json!({ "redirect_uris": [uri] })).await.json()["client_secret"].is_string());
    assert_eq!(register(json!({})).await.json()["error"], "invalid_redirect_uri");
}

#[tokio::test]
async fn it_misbehaves_on_demand() {
    let lab = Lab::start().await;
    let with = |does| {
        lab.control().clear_faults();
        lab.control().fault(Fault::ThirdParty { does });
    };
    let metadata = async || get(&lab, "/.well-known/oauth-authorization-server").await.json();
    with(Misdeed::WrongIssuer);
    assert_eq!(metadata().await["issuer"], "https://other.example");
    with(Misdeed::NoProofKey);
    assert_eq!(metadata().await["code_challenge_methods_supported"], Value::Null);
    with(Misdeed::NoRegistration);
    assert_eq!(metadata().await["registration_endpoint"], Value::Null);
    with(Misdeed::ScriptEndpoint);
    assert!(metadata().await["authorization_endpoint"].as_str().unwrap().starts_with("javascript:"));
    with(Misdeed::InwardEndpoint);
    assert!(metadata().await["token_endpoint"].as_str().unwrap().starts_with("http://169.254.169.254/"));
    with(Misdeed::IssuerMissing);
    assert!(!allow(&lab, &open(&lab, &[]).await).await.contains_key("iss"));
    with(Misdeed::IssuerOther);
    assert_eq!(allow(&lab, &open(&lab, &[]).await).await["iss"], "https://other.example");
    with(Misdeed::RefusesPeople);
    assert_eq!(open(&lab, &[]).await.redirected(BACK)["error"], "access_denied");
    with(Misdeed::TokenEndpointBroken);
    let back = allow(&lab, &open(&lab, &[]).await).await;
    assert_eq!(redeem(&lab, &back["code"], &[]).await.status, 500);
    with(Misdeed::RefusesRefresh);
    let first = redeem(&lab, &back["code"], &[]).await.json();
    let refresh =
        [("grant_type", "refresh_token"), ("refresh_token", first["refresh_token"].as_str().unwrap())];
    assert_eq!(redeem(&lab, "", &refresh).await.json()["error"], "invalid_grant");
    lab.control().disarm(&Fault::ThirdParty { does: Misdeed::RefusesRefresh });
    assert_eq!(redeem(&lab, "", &refresh).await.status, 200);
}
