//! With what the door comes to servers: its own identity, a secret from a file, a secret from a vault; and what happens
//! while the vault is away.

use doorward_emulator::MintRequest;
use doorward_gateway::BuildError;
use doorward_servers::protected;
use http::StatusCode;

use crate::client::signature;
use crate::downstream::claims;
use crate::sign_in::{API, IDENTITY, SECRET, Yard, documents, echo, echo_server};

/// While the vault that holds its key cannot be reached no door opens, new or old, and it says why.
#[tokio::test]
async fn without_its_vault_a_door_stays_shut_and_says_so() {
    let (yard, server) = (Yard::new().await, echo_server().await);
    let tables = format!("[sign_in]\nentra_tokens = \"none\"\n{}", yard.vault());
    let config = || yard.config(IDENTITY, &tables, &[("echo", server.url(), "")]);
    let control = yard.emulator.control();
    for start in ["first", "second"] {
        control.vault_outage(true);
        let error = match yard.open(config()).await {
            Ok(_) => panic!("the {start} start opened a door without its vault"),
            Err(error) => error,
        };
        assert!(matches!(error, BuildError::Store(_)), "{error}");
        let text = error.to_string();
        let vault = yard.emulator.vault.strip_prefix("https://").unwrap();
        assert!(text.contains("the vault cannot be opened") && text.contains(vault), "{text}");
        assert!(std::net::TcpStream::connect(yard.address).is_err(), "nothing listens");
        control.vault_outage(false);
        let door = yard.open(config()).await.unwrap_or_else(|error| panic!("{start}: {error}"));
        door.stop().await;
    }
}

// control: TPT-01, REM-01: a server is called with the credential that is configured for it, and never with what the caller brought
#[tokio::test]
async fn servers_see_the_configured_credential_and_never_the_callers() {
    let yard = Yard::new().await;
    let lock = protected::Options { audience: Some(API.to_owned()), ..protected::Options::default() };
    let own = protected::start(lock).await.unwrap();
    let filed = protected::start(protected::Options::default()).await.unwrap();
    let vaulted = echo_server().await;
    let own_lines = format!("credential = {{ workload = \"api://{API}/.default\" }}");
    let vault_lines = format!(
        "credential = {{ key_vault_secret = \"{}/secrets/upstream-key\", header = \"X-Api-Key\", prefix = \"\" }}",
        yard.emulator.vault
    );
    let servers = [
        ("own", own.server.url(), own_lines.as_str()),
        ("filed", filed.server.url(), "credential = { secret_file = \"keys/upstream\" }"),
        ("vaulted", vaulted.url(), vault_lines.as_str()),
    ];
    let _door = yard.open(yard.config(SECRET, "", &servers)).await.unwrap_or_else(|error| panic!("{error}"));
    let token = yard.emulator.control().mint(&MintRequest::user("alice")).unwrap();
    for heard in [
        documents(&yard.client("own", &token)).await,
        documents(&yard.client("filed", &token)).await,
        echo(&yard.client("vaulted", &token)).await,
    ] {
        assert_eq!(heard.status, StatusCode::OK);
        assert!(heard.response()["result"].is_object(), "{:?}", heard.body);
    }
    assert!(!own.bearers().is_empty() && !filed.bearers().is_empty());
    for bearer in own.bearers() {
        let claims = claims(&bearer);
        assert_eq!(claims["aud"], API);
        assert_eq!(claims["azp"], "d0012000-0000-4000-8000-0000000000d1", "the door itself: {claims}");
        assert!(claims.get("scp").is_none(), "nobody's deputy: {claims}");
    }
    assert!(filed.bearers().iter().all(|bearer| bearer == "secret-of-the-upstream"));
    let keyed = vaulted.transcript();
    let call = keyed.iter().find(|request| request.method().as_deref() == Some("tools/call")).unwrap();
    assert_eq!(call.header("x-api-key"), Some("a-secret-from-the-vault-of-the-lab"));
    let seen = [own.server.transcript(), filed.server.transcript(), keyed].concat();
    assert!(seen.iter().all(|request| !request.contains(signature(&token))));
    assert!(yard.emulator.control().transcript().iter().all(|request| !request.contains(signature(&token))));
    let log = yard.log();
    for secret in [signature(&token), "secret-of-the-upstream", "a-secret-from-the-vault-of-the-lab"] {
        assert!(!log.contains(secret), "a secret is in the log");
    }
}
