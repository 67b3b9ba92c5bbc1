use std::sync::Mutex;
use std::time::Duration;

use super::*;
use crate::script::Script;

const AUDIENCE: &str = "api://AzureADTokenExchange";
const IDENTITY: &str = "99999999-2222-3333-4444-555555555555";
const IMDS: &str = "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource=api%3A%2F%2FAzureADTokenExchange";
/// 2026-11-20T12:00:00Z
const NOW: Timestamp = Timestamp::from_secs(1_795_176_000);

/// As Microsoft documents it: every value a string. It ends in an hour.
const TOKEN: &str = r#"{"access_token":"hush.to.ken","client_id":"x","refresh_token":"","expires_in":"3600",
    "expires_on":"1795179600","not_before":"1795176000","resource":"api://AzureADTokenExchange","token_type":"Bearer"}"#;

type Pauses = Arc<Mutex<Vec<u64>>>;

/// An identity whose pauses pass at once, and a record of them. When `recovers` of them are over, it answers.
fn identity(script: &Script, source: IdentitySource, recovers: usize) -> (ManagedIdentity, Pauses) {
    let pauses = Pauses::default();
    let (record, watched) = (Arc::clone(&pauses), script.clone());
    let sleeper = Sleeper::of(move |span: Duration| {
        watched.advance(span);
        let mut record = record.lock().unwrap();
        record.push(span.as_secs());
        if record.len() == recovers {
            watched.answer(IMDS, 200, TOKEN);
        }
        async {}
    });
    let config = IdentityConfig { source, client_id: None, lab: None, clock: script.stopwatch(), sleeper };
    (ManagedIdentity::new(Arc::new(script.clone()), config), pauses)
}

fn with_id(script: &Script, source: IdentitySource) -> ManagedIdentity {
    let config = IdentityConfig {
        source,
        client_id: Some(ClientId::parse(IDENTITY).unwrap()),
        lab: None,
        clock: script.stopwatch(),
        sleeper: Sleeper::of(|_| async {}),
    };
    ManagedIdentity::new(Arc::new(script.clone()), config)
}

fn app_service() -> IdentitySource {
    IdentitySource::AppService {
        endpoint: "http://localhost:4141/msi/token".to_owned(),
        header: Secret::new("hush-header".to_owned()),
    }
}

// control: MSI-03: each platform is asked as it wants to be, with the header that no page and no proxy can set
#[tokio::test]
async fn each_platform_is_asked_its_own_way() {
    let script = Script::new();
    let url = format!("{IMDS}&client_id={IDENTITY}");
    script.answer(&url, 200, TOKEN);
    let token = with_id(&script, IdentitySource::Imds).token(AUDIENCE, NOW).await.unwrap();
    assert_eq!(token.expose(), "hush.to.ken");
    let seen = script.seen();
    assert_eq!(
        (seen[0].line.clone(), seen[0].headers["metadata"].as_bytes()),
        (format!("GET {url}"), &b"true"[..])
    );

    let url = format!(
        "http://localhost:4141/msi/token?api-version=2019-08-01&resource=api%3A%2F%2FAzureADTokenExchange&client_id={IDENTITY}"
    );
    // Only `expires_on`, and as a number in some versions.
    script.answer(&url, 200, r#"{"access_token":"a.b.c","expires_on":1795179600,"token_type":"Bearer"}"#);
    with_id(&script, app_service()).token(AUDIENCE, NOW).await.unwrap();
    let seen = script.seen();
    assert_eq!(seen[0].headers["x-identity-header"].as_bytes(), b"hush-header");
    assert!(seen[0].headers["x-identity-header"].is_sensitive() && !seen[0].headers.contains_key("metadata"));
}

// control: MSI-03: a token is kept until five minutes before its end, and not longer
#[tokio::test]
async fn a_token_is_kept_until_its_last_minutes() {
    let script = Script::new();
    script.answer(IMDS, 200, TOKEN);
    let (identity, _) = identity(&script, IdentitySource::Imds, 0);
    for (advance, requests) in [(0, 1), (3299, 1), (1, 2)] {
        script.advance(Duration::from_secs(advance));
        identity.token(AUDIENCE, NOW).await.unwrap();
        assert_eq!(script.count(), requests, "{advance}");
    }
}

// control: MSI-03: fifty who ask at once cause one request
#[tokio::test]
async fn who_asks_at_once_shares_a_request() {
    let script = Script::new();
    script.answer(IMDS, 200, TOKEN);
    script.hold();
    let identity = Arc::new(identity(&script, IdentitySource::Imds, 0).0);
    let all: Vec<_> = (0..50)
        .map(|_| {
            let identity = Arc::clone(&identity);
            tokio::spawn(
                async move { identity.token(AUDIENCE, NOW).await.map(|token| token.expose().clone()) },
            )
        })
        .collect();
    while script.count() == 0 {
        tokio::task::yield_now().await;
    }
    script.release();
    for one in all {
        assert_eq!(one.await.unwrap().unwrap(), "hush.to.ken");
    }
    assert_eq!(script.count(), 1);
}

// control: MSI-03: the tries and pauses are those that Azure documents, and a pause that it asks for is kept
#[tokio::test]
async fn what_may_recover_is_tried_as_documented() {
    let all = [2, 6, 14, 30];
    for status in [404, 429, 500, 503, 504] {
        for recovers in 1..=4 {
            let script = Script::new();
            script.answer(IMDS, status, "hush");
            let (identity, pauses) = identity(&script, IdentitySource::Imds, recovers);
            identity.token(AUDIENCE, NOW).await.unwrap();
            assert_eq!(*pauses.lock().unwrap(), all[..recovers], "{status}");
        }
        let script = Script::new();
        script.answer(IMDS, status, r#"{"error":"failure","error_description":"hush"}"#);
        let (identity, pauses) = identity(&script, IdentitySource::Imds, 0);
        let error = identity.token(AUDIENCE, NOW).await.err().unwrap();
        assert_eq!((script.count(), &pauses.lock().unwrap()[..]), (5, &all[..]), "five tries");
        let refusal = IdentityRefusal { status, code: Some("failure".to_owned()) };
        assert_eq!(
            error,
            CredentialError::Refused { endpoint: "http://169.254.169.254".to_owned(), refusal }
        );
    }
    let script = Script::new();
    script.answer(IMDS, 410, "");
    let (updated, pauses) = identity(&script, IdentitySource::Imds, 7);
    updated.token(AUDIENCE, NOW).await.unwrap();
    assert_eq!(*pauses.lock().unwrap(), [10; 7], "an update takes seventy seconds at most");
    let script = Script::new();
    script.answer(IMDS, 410, "");
    let (gone, pauses) = identity(&script, IdentitySource::Imds, 0);
    assert!(gone.token(AUDIENCE, NOW).await.is_err());
    assert_eq!(pauses.lock().unwrap().len(), 7);
    for (asked, pause) in [("1", 2), ("5", 5), ("3600", 60), ("soon", 2)] {
        let script = Script::new();
        script.answer_with(IMDS, 429, &[("retry-after", asked)], "");
        let (identity, pauses) = identity(&script, IdentitySource::Imds, 1);
        identity.token(AUDIENCE, NOW).await.unwrap();
        assert_eq!(*pauses.lock().unwrap(), [pause], "{asked}");
    }
}

// control: MSI-03: the time that tries took is no time in which the token may still be used
#[tokio::test]
async fn the_time_of_tries_counts() {
    let script = Script::new();
    script.answer(IMDS, 503, "");
    let (identity, _) = identity(&script, IdentitySource::Imds, 4);
    identity.token(AUDIENCE, NOW).await.unwrap();
    script.seen();
    script.advance(Duration::from_secs(3300 - 52 - 1));
    identity.token(AUDIENCE, NOW).await.unwrap();
    assert_eq!(script.count(), 0);
    script.advance(Duration::from_secs(1));
    identity.token(AUDIENCE, NOW).await.unwrap();
    assert_eq!(script.count(), 1);
}

// control: MSI-03, TOK-07: what cannot recover is not tried again, says what to do, and repeats nothing of the answer
#[tokio::test]
async fn each_refusal_says_what_to_do() {
    let script = Script::new();
    let cases = [
        (
            400,
            r#"{"error":"invalid_request","error_description":"hush: Identity not found"}"#,
            "az vm identity assign",
        ),
        (400, r#"{"error":"hush hush"}"#, "400 -;"),
        (401, "hush", "IDENTITY_HEADER"),
        (403, "hush", "IDENTITY_HEADER"),
        (302, "hush", "entra.credential.source"),
        (200, "hush", "it has no token"),
        (200, r#"{"token_type":"Bearer","access_token":"hush","expires_in":"x"}"#, "does not say when"),
        (200, r#"{"token_type":"Bearer","access_token":"hush"}"#, "does not say when"),
        (200, r#"{"token_type":"Bearer","access_token":"hush","expires_on":"1795176000"}"#, "ended already"),
        (200, r#"{"token_type":"Bearer","access_token":"hush","expires_on":"-1"}"#, "does not say when"),
        (200, r#"{"token_type":"Bearer","access_token":"hu\nsh","expires_in":"3600"}"#, "it has no token"),
        (200, r#"{"token_type":"Bearer","access_token":"","expires_in":"3600"}"#, "it has no token"),
        (200, r#"{"token_type":"pop","access_token":"hush","expires_in":"3600"}"#, "no bearer token"),
    ];
    for (status, body, expected) in cases {
        script.answer(IMDS, status, body);
        let (identity, pauses) = identity(&script, IdentitySource::Imds, 0);
        let error = identity.token(AUDIENCE, NOW).await.err().unwrap();
        let text = format!("{error} {error:?}");
        let expected = if status == 200 && body == "hush" { "no bearer token" } else { expected };
        assert!(text.contains(expected) && text.contains("169.254.169.254"), "{text}");
        assert!(!text.contains("hush") && pauses.lock().unwrap().is_empty(), "{text}");
    }
    script.down();
    let (down, _) = identity(&script, IdentitySource::Imds, 0);
    let error = down.token(AUDIENCE, NOW).await.err().unwrap();
    assert!(matches!(error, CredentialError::Unreachable { .. }), "{error}");
    let (down, _) = identity(&script, app_service(), 0);
    let error = down.token(AUDIENCE, NOW).await.err().unwrap();
    assert!(!format!("{error} {error:?}").contains("hush"), "{error}");
}

// control: MSI-03: Azure Arc's agent is answered with its key file, and with no file that is not one
#[tokio::test]
async fn the_agent_of_arc_is_answered_with_its_own_file_alone() {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("tokens");
    std::fs::create_dir(&keys).unwrap();
    std::fs::write(keys.join("a.key"), "hush-key\n").unwrap();
    std::fs::write(folder.path().join("outside.key"), "hush-outside").unwrap();
    let url = "http://localhost:40342/metadata/identity/oauth2/token?api-version=2021-02-01&resource=api%3A%2F%2FAzureADTokenExchange";
    for (path, answered) in [
        (keys.join("a.key"), true),
        (folder.path().join("outside.key"), false),
        (keys.join("../outside.key"), false),
        (keys.join("missing.key"), false),
    ] {
        let script = Script::new();
        script.answer_with(url, 401, &[("www-authenticate", &format!("Basic realm={}", path.display()))], "");
        let config = IdentityConfig {
            source: IdentitySource::Arc { endpoint: ARC_ENDPOINT.to_owned() },
            client_id: None,
            lab: Some(IdentityLab { imds: String::new(), arc_keys: keys.clone() }),
            clock: script.stopwatch(),
            sleeper: Sleeper::of(|_| async {}),
        };
        let error =
            ManagedIdentity::new(Arc::new(script.clone()), config).token(AUDIENCE, NOW).await.err().unwrap();
        assert!(!format!("{error} {error:?}").contains("hush"), "{error}");
        let sent: Vec<_> = script.seen().into_iter().map(|seen| seen.authorization).collect();
        if answered {
            // The script has one answer for both, so the second is a refusal; what was sent is what counts.
            assert_eq!(sent, [None, Some("Basic hush-key".to_owned())]);
        } else {
            assert_eq!(sent, [None], "{}", path.display());
            assert!(matches!(error, CredentialError::ArcKey { .. }), "{error}");
        }
    }
}
