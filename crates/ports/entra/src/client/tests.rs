use doorward_types::Secret;

use super::*;
use crate::script::Script;

const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
const APP: &str = "11111111-2222-3333-4444-555555555555";
const URL: &str = "https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/oauth2/v2.0/token";
const TOKEN: &str = r#"{"token_type":"Bearer","expires_in":3599,"access_token":"hush-token"}"#;

fn client(script: &Script) -> EntraClient {
    let config = EntraConfig {
        cloud: Cloud::named("public").unwrap(),
        client_id: ClientId::parse(APP).unwrap(),
        credential: ClientCredential::Secret(Secret::new("hush-secret".to_owned())),
    };
    EntraClient::new(Arc::new(script.clone()), config, script.stopwatch())
}

fn scopes() -> Vec<String> {
    vec![format!("{APP}/.default"), "offline_access".to_owned()]
}

// control: IDC-10: fifty who need the same token cause one request, and it is kept until its last minutes
#[tokio::test]
async fn fifty_callers_cause_one_request() {
    let script = Script::new();
    script.answer(URL, 200, TOKEN);
    let entra = client(&script);
    let all = (0..50).map(|_| {
        let entra = entra.clone();
        tokio::spawn(async move {
            entra.app_token(TENANT, "api://x/.default").await.map(|token| token.expose().clone())
        })
    });
    for one in all.collect::<Vec<_>>() {
        assert_eq!(one.await.unwrap().unwrap(), "hush-token");
    }
    assert_eq!(script.seen().len(), 1);
    script.advance(Duration::from_secs(3300));
    entra.app_token(TENANT, "api://x/.default").await.unwrap();
    assert_eq!(script.seen().len(), 1, "asked again in its last minutes");
}

// control: TPT-06: an exchange names its scope in full, says that it is on behalf of somebody, and proves who asks
#[tokio::test]
async fn an_exchange_says_what_it_is() {
    let script = Script::new();
    script.answer(URL, 200, TOKEN);
    client(&script)
        .on_behalf_of_grant(TENANT, &Secret::new("proof".to_owned()), "api://crm/.default")
        .await
        .unwrap();
    let body = &script.seen()[0].body;
    for part in [
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer",
        "requested_token_use=on_behalf_of",
        "assertion=proof",
        "scope=api%3A%2F%2Fcrm%2F.default",
        "client_secret=hush-secret",
        "xms_cc",
    ] {
        assert!(body.contains(part), "{part}: {body}");
    }
    assert!(!body.contains("resource="), "Entra refuses it (AADSTS9010010)");
}

// control: REM-07: a refresh names its scopes, without which Entra refuses an application that asks for itself (90009)
#[tokio::test]
async fn a_refresh_names_its_scopes() {
    let script = Script::new();
    script.answer(URL, 200, TOKEN);
    client(&script).refresh(TENANT, &Secret::new("0.A".to_owned()), &scopes(), None).await.unwrap();
    assert!(
        script.seen()[0]
            .body
            .contains("scope=11111111-2222-3333-4444-555555555555%2F.default%20offline_access")
    );
}

#[tokio::test]
async fn a_refusal_keeps_its_code_and_its_claims() {
    let script = Script::new();
    let body = r#"{"error":"interaction_required","error_description":"AADSTS50079: hush","error_codes":[50079],"claims":"{\"access_token\":{}}"}"#;
    script.answer(URL, 400, body);
    let Err(error) = client(&script).refresh(TENANT, &Secret::new("0.A".to_owned()), &scopes(), None).await
    else {
        panic!("refused")
    };
    assert_eq!(error.code(), Some(50079));
    assert_eq!(error.refusal().unwrap().claims.as_deref(), Some(r#"{"access_token":{}}"#));
    assert_eq!(error.to_string(), "Entra refuses: interaction_required AADSTS50079");
}

// control: RAT-01: a pause that Entra asks for is kept by everybody, to the second
#[tokio::test]
async fn a_pause_is_shared_and_exact() {
    let script = Script::new();
    script.answer_with(URL, 429, &[("retry-after", "7")], "");
    let entra = client(&script);
    let ask = || entra.app_token(TENANT, "api://x/.default");
    assert_eq!(ask().await.err(), Some(EntraError::Throttled { retry_in: Duration::from_secs(7) }));
    script.answer(URL, 200, TOKEN);
    script.advance(Duration::from_secs(6));
    assert_eq!(ask().await.err(), Some(EntraError::Throttled { retry_in: Duration::from_secs(1) }));
    assert_eq!(script.seen().len(), 1, "nobody knocks meanwhile");
    script.advance(Duration::from_secs(1));
    assert!(ask().await.is_ok());
}

// control: RAT-01: a pause without a length doubles each time, a little longer for some than for others
#[tokio::test]
async fn a_pause_without_a_length_doubles() {
    let script = Script::new();
    script.answer(URL, 429, "");
    let entra = client(&script);
    let ask = || entra.app_token(TENANT, "api://x/.default");
    let paused = async || match ask().await.err() {
        Some(EntraError::Throttled { retry_in }) => {
            script.advance(Duration::from_secs(retry_in.as_secs() + 1));
            retry_in.as_secs_f64()
        }
        other => panic!("{other:?}"),
    };
    for expected in [5.0, 10.0, 20.0, 40.0] {
        let seconds = paused().await;
        assert!((expected..expected + 1.3).contains(&seconds), "{seconds}");
    }
    // A success begins anew.
    script.answer(URL, 200, r#"{"token_type":"Bearer","expires_in":1,"access_token":"t"}"#);
    assert!(ask().await.is_ok());
    script.answer(URL, 503, "");
    assert!((5.0..6.3).contains(&paused().await));
}

#[tokio::test]
async fn each_request_has_an_id_of_its_own() {
    let script = Script::new();
    script.answer(URL, 400, "");
    let entra = client(&script);
    for _ in 0..2 {
        assert!(entra.app_token(TENANT, "api://x/.default").await.is_err());
        script.advance(Duration::from_secs(1));
    }
    let ids: Vec<_> = script.seen().iter().map(|seen| seen.headers["client-request-id"].clone()).collect();
    assert_ne!(ids[0], ids[1]);
    for id in ids {
        assert!(ClientId::parse(id.to_str().unwrap()).is_ok(), "{id:?} is no GUID");
        assert_eq!(id.as_bytes()[14], b'4');
    }
}

// control: TOK-07: no error of the way to Entra holds what was sent or received
#[tokio::test]
async fn no_error_holds_a_secret() {
    let script = Script::new();
    let entra = client(&script);
    for (status, body) in [(500, "hush"), (400, "hush"), (200, "hush"), (302, "hush"), (429, "hush")] {
        script.answer(URL, status, body);
        script.advance(Duration::from_secs(10));
        let Err(error) =
            entra.refresh(TENANT, &Secret::new("hush-refresh".to_owned()), &scopes(), None).await
        else {
            panic!("{status}")
        };
        assert!(!format!("{error} {error:?}").contains("hush"), "{error:?}");
    }
}
