use std::sync::Arc;

use super::*;
use crate::script::Script;
use doorward_net::{Sleeper, Stopwatch};

const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
const APP: &str = "11111111-2222-3333-4444-555555555555";
/// 2026-11-20T12:00:00Z
const NOW: Timestamp = Timestamp::from_secs(1_795_176_000);

async fn proof(credential: &ClientCredential) -> Result<Vec<(&'static str, String)>, CredentialError> {
    let cloud = Cloud::named("public").unwrap();
    let made = credential.proof(&cloud, TENANT, &ClientId::parse(APP).unwrap(), NOW).await?;
    Ok(made.into_iter().map(|(name, value)| (name, value.expose().clone())).collect())
}

#[tokio::test]
async fn a_secret_goes_out_as_such() {
    let made = proof(&ClientCredential::Secret(Secret::new("hush".to_owned()))).await.unwrap();
    assert_eq!(made, [("client_secret", "hush".to_owned())]);
}

// control: REM-02, MSI-04: the token file of the platform is read anew each time, and it is all that goes out
#[tokio::test]
async fn a_token_file_is_read_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    let credential = ClientCredential::WorkloadIdentity(WorkloadIdentity::new(&path));
    for token in ["a.b.c", "d.e.f"] {
        std::fs::write(&path, format!("{token}\n")).unwrap();
        let made = proof(&credential).await.unwrap();
        assert_eq!(
            made,
            [("client_assertion_type", ASSERTION_TYPE.to_owned()), ("client_assertion", token.to_owned())]
        );
    }
}

// control: TOK-07, MSI-04: a file that holds no token is refused by name, and nothing of it is repeated
#[tokio::test]
async fn a_token_file_without_a_token_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    let credential = ClientCredential::WorkloadIdentity(WorkloadIdentity::new(&path));
    let missing = proof(&credential).await.unwrap_err();
    assert!(matches!(missing, CredentialError::Unreadable { .. }), "{missing}");
    let large = "hush.".repeat(20_000);
    for bad in ["", "  \n", "hush", "hush.hush", "hush.hush.hush\nhush", "hush.hush.\u{fc}", &large] {
        std::fs::write(&path, bad).unwrap();
        let error = proof(&credential).await.unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(matches!(error, CredentialError::NoToken { .. }), "{text}");
        assert!(text.contains("token") && !text.contains("hush"), "{text}");
    }
    std::fs::write(&path, [0xff, 0xfe]).unwrap();
    assert!(matches!(proof(&credential).await, Err(CredentialError::NoToken { .. })));
}

// control: REM-02, MSI-03: the machine's token is asked for in the cloud's own audience and goes out as an assertion
#[tokio::test]
async fn the_machines_token_is_the_proof() {
    for (cloud, audience) in [
        ("public", "api://AzureADTokenExchange"),
        ("usgov", "api://AzureADTokenExchangeUSGov"),
        ("china", "api://AzureADTokenExchangeChina"),
    ] {
        let script = Script::new();
        let url = format!(
            "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource={}",
            doorward_oidc::percent(audience)
        );
        script.answer(&url, 200, r#"{"access_token":"m.i.t","expires_in":"3599","token_type":"Bearer"}"#);
        let config = IdentityConfig {
            source: IdentitySource::Imds,
            client_id: None,
            lab: None,
            clock: Stopwatch::system(),
            sleeper: Sleeper::of(|_| async {}),
        };
        let identity = ManagedIdentity::new(Arc::new(script.clone()), config);
        let credential = ClientCredential::ManagedIdentity(identity);
        let cloud = Cloud::named(cloud).unwrap();
        let made = credential.proof(&cloud, TENANT, &ClientId::parse(APP).unwrap(), NOW).await.unwrap();
        let [(kind, urn), (name, value)] = &made[..] else { panic!("two members") };
        assert_eq!((*kind, urn.expose().as_str()), ("client_assertion_type", ASSERTION_TYPE));
        assert_eq!((*name, value.expose().as_str()), ("client_assertion", "m.i.t"));
    }
}
