use doorward_emulator::{Fault, MintRequest};
use serde_json::json;

use crate::support::{Answer, Lab};

fn token(lab: &Lab, app: &str) -> String {
    let request = MintRequest::app(app).resource("key-vault").claim("aud", json!("https://vault.azure.net"));
    format!("Bearer {}", lab.control().mint(&request).unwrap())
}

async fn get(lab: &Lab, path: &str, token: &str) -> Answer {
    lab.at(&lab.running.vault, "GET", &format!("{path}?api-version=7.4"), &[("authorization", token)], "")
        .await
}

#[tokio::test]
async fn who_may_reads_secrets_and_hears_why_not() {
    let lab = Lab::start().await;
    let good = token(&lab, "door-identity");
    let secret = get(&lab, "/secrets/upstream-key", &good).await.json();
    assert_eq!(secret["value"], "a-secret-from-the-vault-of-the-lab");
    assert!(
        secret["id"].as_str().unwrap().starts_with(&format!("{}/secrets/upstream-key/", lab.running.vault))
    );
    assert!(get(&lab, "/secrets/expired-key", &good).await.json()["attributes"]["exp"].is_i64());
    for (what, path, token, status, code) in [
        ("absent", "/secrets/nothing", good.clone(), 404, "SecretNotFound"),
        ("disabled", "/secrets/disabled-key", good.clone(), 403, "Forbidden"),
        ("absent key", "/keys/nothing", good.clone(), 404, "KeyNotFound"),
        ("not admitted", "/secrets/upstream-key", token(&lab, "daemon"), 403, "Forbidden"),
        ("no token", "/secrets/upstream-key", String::new(), 401, "Unauthorized"),
        ("rubbish", "/secrets/upstream-key", String::from("Bearer x"), 401, "Unauthorized"),
        (
            "another API's",
            "/secrets/upstream-key",
            format!("Bearer {}", lab.control().mint(&MintRequest::app("daemon")).unwrap()),
            401,
            "Unauthorized",
        ),
    ] {
        let answer = get(&lab, path, &token).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["error"]["code"]),
            (status, &json!(code)),
            "{what}"
        );
        let challenged = answer.header("www-authenticate").contains("resource=\"https://vault.azure.net\"");
        assert_eq!(challenged, status == 401, "{what}");
    }
    let bare =
        lab.at(&lab.running.vault, "GET", "/secrets/upstream-key", &[("authorization", &good)], "").await;
    assert_eq!(bare.status, 400, "no api-version");
}

#[tokio::test]
async fn keys_wrap_and_sign_and_stay_inside() {
    let lab = Lab::start().await;
    let good = token(&lab, "door");
    let kid = get(&lab, "/keys/doorward", &good).await.json()["key"]["kid"].as_str().unwrap().to_owned();
    let path = kid.strip_prefix(&lab.running.vault).unwrap().to_owned();
    let operate = |operation: &'static str, body: serde_json::Value| {
        let (lab, path, good) = (&lab, &path, &good);
        async move {
            let path = format!("{path}/{operation}?api-version=7.4");
            lab.at(&lab.running.vault, "POST", &path, &[("authorization", good)], &body.to_string()).await
        }
    };
    let wrapped = operate("wrapkey", json!({ "alg": "RSA-OAEP-256", "value": "c2VjcmV0" })).await.json();
    assert_eq!(wrapped["kid"], kid.as_str());
    let value = wrapped["value"].clone();
    let plain = operate("unwrapkey", json!({ "alg": "RSA-OAEP-256", "value": value })).await.json();
    assert_eq!(plain["value"], "c2VjcmV0");
    let (digest, other) = ("A".repeat(43), format!("B{}", "A".repeat(42)));
    let signed = operate("sign", json!({ "alg": "PS256", "value": digest })).await.json();
    assert_eq!(signed["kid"], kid.as_str());
    for (digest, verdict) in [(digest, true), (other, false)] {
        let body = json!({ "alg": "PS256", "digest": digest, "value": signed["value"] });
        assert_eq!(operate("verify", body).await.json(), json!({ "value": verdict }));
    }
    for (what, operation, body, status) in [
        ("algorithm", "wrapkey", json!({ "alg": "RSA1_5", "value": "c2VjcmV0" }), 400),
        ("not wrapped here", "unwrapkey", json!({ "alg": "RSA-OAEP-256", "value": "c2VjcmV0" }), 400),
        ("another use", "sign", json!({ "alg": "RSA-OAEP-256", "value": "c2VjcmV0" }), 400),
        ("no digest", "sign", json!({ "alg": "PS256", "value": "c2VjcmV0" }), 400),
        ("nothing to compare", "verify", json!({ "alg": "PS256", "value": "c2VjcmV0" }), 400),
        ("not permitted", "decrypt", json!({ "alg": "RSA-OAEP-256", "value": "c2VjcmV0" }), 403),
    ] {
        assert_eq!(operate(operation, body).await.status, status, "{what}");
    }
    lab.control().fault(Fault::ThrottleVault { times: 1, retry_after: 3 });
    assert_eq!(get(&lab, "/keys/doorward", &good).await.header("retry-after"), "3");
    lab.control().vault_outage(true);
    assert_eq!(get(&lab, "/keys/doorward", &good).await.status, 503);
    assert_eq!(get(&lab, "/keys/doorward", &good).await.status, 503);
    lab.control().vault_outage(false);
    assert_eq!(get(&lab, "/keys/doorward", &good).await.status, 200);
    assert!(lab.control().transcript().iter().any(|it| it.service == "vault" && it.contains(&good)));
}
