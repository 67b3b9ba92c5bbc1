use doorward_emulator::{Clock, Fault, IDENTITY_HEADER, MintRequest, Options, Seed};
use doorward_types::Timestamp;
use serde_json::json;

use crate::support::{Answer, CONTOSO, DOOR, Lab, NOON, part, query};

const IMDS: &str = "/metadata/identity/oauth2/token";
const CLIENT: &str = "d0011d00-0000-4000-8000-0000000000f0";
const OBJECT: &str = "d0010b1e-0000-4000-8000-0000000000f1";
const RESOURCE_ID: &str = "/subscriptions/50b50000-0000-4000-8000-000000000001/resourcegroups/door/providers/Microsoft.ManagedIdentity/userAssignedIdentities/door-identity";
const EXCHANGE: &str = "api://AzureADTokenExchange";

async fn imds(lab: &Lab, pairs: &[(&str, &str)], headers: &[(&str, &str)]) -> Answer {
    lab.at(&lab.running.identity, "GET", &format!("{IMDS}?{}", query(pairs)), headers, "").await
}

#[tokio::test]
async fn the_metadata_service_hands_out_tokens_of_the_identity_that_is_named() {
    let lab = Lab::start().await;
    for selector in [("client_id", CLIENT), ("object_id", OBJECT), ("msi_res_id", RESOURCE_ID)] {
        let asked = [("api-version", "2018-02-01"), ("resource", EXCHANGE), selector];
        let body = imds(&lab, &asked, &[("metadata", "true")]).await.json();
        for member in ["expires_in", "expires_on", "not_before", "resource", "token_type", "access_token"] {
            assert!(body[member].is_string(), "{member}: {body}");
        }
        let claims = part(body["access_token"].as_str().unwrap(), 1);
        assert_eq!((&claims["oid"], &claims["sub"]), (&json!(OBJECT), &json!(OBJECT)));
        assert_eq!(claims["iss"], lab.url(&format!("/{CONTOSO}/v2.0")));
        assert_eq!(claims["aud"], "fb60f99c-7a34-4190-8149-302f77469936");
    }
    // Without a selector it is the machine's own.
    let asked = [("api-version", "2018-02-01"), ("resource", "https://graph.microsoft.com/")];
    let body = imds(&lab, &asked, &[("metadata", "true")]).await.json();
    let claims = part(body["access_token"].as_str().unwrap(), 1);
    assert_eq!(claims["oid"], "3ac41e0b-0000-4000-8000-0000000000f3");
    // A v1.0 token repeats what was asked, with the slash.
    assert_eq!(claims["aud"], "https://graph.microsoft.com/");
}

#[tokio::test]
async fn the_metadata_service_refuses_strangers_and_errors() {
    let lab = Lab::start().await;
    let good = [("api-version", "2018-02-01"), ("resource", EXCHANGE), ("client_id", CLIENT)];
    let meta = ("metadata", "true");
    for (what, pairs, headers, error, description) in [
        ("no header", good.to_vec(), vec![], "bad_request_102", "Required metadata header not specified"),
        ("forwarded", good.to_vec(), vec![meta, ("x-forwarded-for", "10.0.0.1")], "bad_request_103", ""),
        ("no version", good[1..].to_vec(), vec![meta], "invalid_request", ""),
        ("no resource", vec![good[0], good[2]], vec![meta], "invalid_request", ""),
        (
            "nobody",
            vec![good[0], good[1], ("client_id", DOOR)],
            vec![meta],
            "invalid_request",
            "Identity not found",
        ),
        ("two selectors", [&good[..], &[("object_id", OBJECT)]].concat(), vec![meta], "invalid_request", ""),
        (
            "no such API",
            vec![good[0], ("resource", "https://x.example"), good[2]],
            vec![meta],
            "invalid_resource",
            "",
        ),
        (
            "a scope",
            vec![good[0], ("resource", "api://AzureADTokenExchange/.default"), good[2]],
            vec![meta],
            "invalid_resource",
            "",
        ),
    ] {
        let answer = imds(&lab, &pairs, &headers).await;
        assert_eq!(answer.status, 400, "{what}");
        assert_eq!(answer.json()["error"], error, "{what}");
        assert!(answer.json()["error_description"].as_str().unwrap().contains(description), "{what}");
    }
    for status in [404, 410, 429, 500] {
        lab.control().fault(Fault::Identity { times: 1, status });
        assert_eq!(imds(&lab, &good, &[meta]).await.status, status);
    }
    assert_eq!(imds(&lab, &good, &[meta]).await.status, 200);
}

#[tokio::test]
async fn app_service_wants_its_header() {
    let lab = Lab::start().await;
    let path = format!(
        "/msi/token?{}",
        query(&[("api-version", "2019-08-01"), ("resource", EXCHANGE), ("client_id", CLIENT)])
    );
    let ask = async |headers: &[(&str, &str)]| lab.at(&lab.running.identity, "GET", &path, headers, "").await;
    assert_eq!(ask(&[]).await.status, 401);
    assert_eq!(ask(&[("x-identity-header", "x")]).await.status, 401);
    let body = ask(&[("x-identity-header", IDENTITY_HEADER)]).await.json();
    assert_eq!(body["client_id"], CLIENT);
    assert!(body["expires_on"].as_str().unwrap().parse::<i64>().unwrap() > NOON);
}

#[tokio::test]
async fn arc_wants_the_content_of_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let lab = Lab::with(Options {
        seed: Seed::contoso().unwrap(),
        listen: "127.0.0.1:0".parse().unwrap(),
        data_dir: Some(folder.path().to_owned()),
        clock: Clock::manual(Timestamp::from_secs(NOON)),
    })
    .await;
    let asked = [("api-version", "2021-02-01"), ("resource", "https://vault.azure.net")];
    let refused = imds(&lab, &asked, &[("metadata", "true")]).await;
    assert_eq!(refused.status, 401);
    let file = refused.header("www-authenticate").strip_prefix("Basic realm=").unwrap();
    assert!(file.starts_with(folder.path().to_str().unwrap()) && file.ends_with(".key"), "{file}");
    let secret = std::fs::read_to_string(file).unwrap();
    let wrong = imds(&lab, &asked, &[("metadata", "true"), ("authorization", "Basic x")]).await;
    assert_eq!(wrong.status, 401);
    let sent = format!("Basic {secret}");
    let body = imds(&lab, &asked, &[("metadata", "true"), ("authorization", &sent)]).await.json();
    assert_eq!(part(body["access_token"].as_str().unwrap(), 1)["aud"], "https://vault.azure.net");
    let again = imds(&lab, &asked, &[("metadata", "true"), ("authorization", &sent)]).await;
    assert_eq!(again.status, 401, "a file is good once");
}

#[tokio::test]
async fn a_managed_identity_stands_for_the_secret_of_an_application() {
    let lab = Lab::start().await;
    let identity = |resource: &str, client: &'static str| {
        let asked = [("api-version", "2018-02-01"), ("resource", resource), ("client_id", client)]
            .map(|it| (it.0, it.1.to_owned()));
        let lab = &lab;
        async move {
            let asked: Vec<(&str, &str)> =
                asked.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let body = imds(lab, &asked, &[("metadata", "true")]).await.json();
            body["access_token"].as_str().unwrap().to_owned()
        }
    };
    let redeem = |assertion: String| {
        let lab = &lab;
        async move {
            lab.token(&[
                ("grant_type", "client_credentials"),
                ("client_id", DOOR),
                ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
                ("client_assertion", &assertion),
                ("scope", "https://graph.microsoft.com/.default"),
            ])
            .await
        }
    };
    let good = identity(EXCHANGE, CLIENT).await;
    assert_eq!(redeem(good.clone()).await.status, 200);
    let sibling = "api://51b11000-0000-4000-8000-0000000000d2";
    let machine = "3ac41e00-0000-4000-8000-0000000000f2";
    redeem(identity(sibling, CLIENT).await).await.refused("another API", 401, "invalid_client", 700_212);
    redeem(identity(EXCHANGE, machine).await).await.refused(
        "another identity",
        401,
        "invalid_client",
        700_213,
    );
    let mint = |request: MintRequest| lab.control().mint(&request.resource("token-exchange")).unwrap();
    let upper = MintRequest::app("door-identity").claim("sub", json!(OBJECT.to_uppercase()));
    redeem(mint(upper)).await.refused("other letters", 401, "invalid_client", 700_213);
    let elsewhere = MintRequest::app("door-identity").claim("iss", json!(lab.url("/x/v2.0")));
    redeem(mint(elsewhere)).await.refused("another issuer", 401, "invalid_client", 700_211);
    let person = MintRequest::app("door-identity").claim("scp", json!("x"));
    redeem(mint(person)).await.refused("a person's token", 401, "invalid_client", 700_229);
    let (head, _) = good.rsplit_once('.').unwrap();
    redeem(format!("{head}.AAAA")).await.refused("forged", 401, "invalid_client", 50_013);
}
