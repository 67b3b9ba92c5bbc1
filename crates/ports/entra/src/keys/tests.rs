use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward_types::TenantId;

use super::*;
use crate::script::Script;

const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
const AUTHORITY: &str = "https://login.microsoftonline.com";

fn tenants() -> Tenants {
    Tenants::One(TenantId::parse(TENANT).unwrap())
}

fn discovery_url(segment: &str) -> String {
    format!("{AUTHORITY}/{segment}/v2.0/.well-known/openid-configuration")
}

fn keys_url(segment: &str) -> String {
    format!("{AUTHORITY}/{segment}/discovery/v2.0/keys")
}

fn discovery(issuer: &str, jwks_uri: &str) -> String {
    format!(r#"{{"issuer":"{issuer}","jwks_uri":"{jwks_uri}"}}"#)
}

fn jwks(kids: &[&str]) -> String {
    let modulus = URL_SAFE_NO_PAD.encode([0xc5; 256]);
    let key = |kid: &&str| format!(r#"{{"kty":"RSA","use":"sig","kid":"{kid}","n":"{modulus}","e":"AQAB"}}"#);
    format!(r#"{{"keys":[{}]}}"#, kids.iter().map(key).collect::<Vec<_>>().join(","))
}

/// Publishes keys the way Entra does for one tenant.
fn publish(script: &Script, kids: &[&str]) {
    let issuer = format!("{AUTHORITY}/{TENANT}/v2.0");
    script.answer(&discovery_url(TENANT), 200, discovery(&issuer, &keys_url(TENANT)));
    script.answer(&keys_url(TENANT), 200, jwks(kids));
}

fn keys_of(script: &Script, tenants: &Tenants) -> Keys {
    Keys::new(Arc::new(script.clone()), &Cloud::named("public").unwrap(), tenants, script.stopwatch())
}

fn minutes(count: u64) -> Duration {
    Duration::from_secs(count * 60)
}

#[tokio::test]
async fn keys_come_by_way_of_the_discovery_document_and_hourly() {
    let script = Script::new();
    publish(&script, &["a"]);
    let keys = keys_of(&script, &tenants());
    assert!(keys.current().is_empty(), "before the first refresh nothing verifies");
    assert_eq!(keys.refresh_due().await, Refreshed::Changed);
    assert_eq!(
        script.lines(),
        [format!("GET {}", discovery_url(TENANT)), format!("GET {}", keys_url(TENANT))]
    );
    assert!(keys.current().has("a"));

    script.advance(minutes(59));
    assert_eq!(keys.refresh_due().await, Refreshed::NotDue);
    script.advance(minutes(1));
    assert_eq!(keys.refresh_due().await, Refreshed::Unchanged);
    publish(&script, &["b"]);
    script.advance(minutes(60));
    assert_eq!(keys.refresh_due().await, Refreshed::Changed);
    assert!(!keys.current().has("a"), "a removed key is gone");
}

// control: TOK-03: an unknown key causes a refresh at once, and a flood of them one in five minutes
#[tokio::test]
async fn a_flood_of_unknown_keys_causes_one_refresh_in_five_minutes() {
    let script = Script::new();
    publish(&script, &["a"]);
    let keys = keys_of(&script, &tenants());
    keys.refresh_due().await;
    publish(&script, &["a", "b"]);
    script.seen();
    assert!(keys.refresh_for("b").await, "a rollover is noticed at once");
    assert_eq!(script.lines().len(), 2);
    for n in 0..1000 {
        assert!(!keys.refresh_for(&format!("forged-{n}")).await);
    }
    assert_eq!(script.lines().len(), 0);
    script.advance(minutes(5));
    assert!(!keys.refresh_for("forged").await);
    assert!(!keys.refresh_for("forged").await);
    assert_eq!(script.lines().len(), 2);
    assert!(keys.refresh_for("a").await, "a key at hand needs no refresh");
    assert_eq!(script.lines().len(), 0);
}

// control: TOK-03: while Entra is away the last good keys stay in use, and their age is told
#[tokio::test]
async fn the_last_good_keys_stay_while_entra_is_away() {
    let script = Script::new();
    publish(&script, &["a"]);
    let keys = keys_of(&script, &tenants());
    keys.refresh_due().await;
    script.down();
    for _ in 0..25 {
        script.advance(minutes(60));
        assert!(matches!(keys.refresh_due().await, Refreshed::Failed(KeysError::Unreachable { .. })));
        assert_eq!(keys.refresh_due().await, Refreshed::NotDue, "failures are not repeated at once");
        assert!(!keys.refresh_for("b").await);
        assert!(keys.current().has("a"));
    }
    let health = keys.health();
    assert_eq!((health.keys, health.stale, health.age), (1, true, Some(minutes(25 * 60))));
    assert!(health.problem.is_some());
    publish(&script, &["b"]);
    script.advance(minutes(1));
    assert_eq!(keys.refresh_due().await, Refreshed::Changed);
    assert_eq!(keys.health(), Health { keys: 1, age: Some(Duration::ZERO), stale: false, problem: None });
}

#[tokio::test]
async fn without_any_key_attempts_come_every_ten_seconds() {
    let script = Script::new();
    let keys = keys_of(&script, &tenants());
    assert!(matches!(keys.refresh_due().await, Refreshed::Failed(_)));
    assert!(!keys.refresh_for("a").await);
    assert_eq!(script.lines().len(), 1);
    publish(&script, &["a"]);
    script.advance(Duration::from_secs(10));
    assert!(keys.refresh_for("a").await);
}

// control: TOK-02: keys are taken from the expected issuer's document and the authority's origin only
#[tokio::test]
async fn other_issuers_and_other_origins_bring_no_keys() {
    let ours = format!("{AUTHORITY}/{TENANT}/v2.0");
    for (issuer, jwks_uri) in [
        ("https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0", keys_url(TENANT)),
        ("https://login.microsoftonline.com/{tenantid}/v2.0", keys_url(TENANT)),
        (&format!("{ours}/"), keys_url(TENANT)),
        (&ours, "https://evil.example/keys".to_owned()),
        (&ours, "http://login.microsoftonline.com/keys".to_owned()),
        (&ours, "https://login.microsoftonline.com:8443/keys".to_owned()),
        (&ours, "https://login.microsoftonline.com@evil.example/keys".to_owned()),
        (&ours, "https://login.microsoftonline.com.evil.example/keys".to_owned()),
        (&ours, "/keys".to_owned()),
    ] {
        let script = Script::new();
        script.answer(&discovery_url(TENANT), 200, discovery(issuer, &jwks_uri));
        script.answer(&jwks_uri, 200, jwks(&["evil"]));
        let keys = keys_of(&script, &tenants());
        let outcome = keys.refresh_due().await;
        assert!(
            matches!(outcome, Refreshed::Failed(KeysError::WrongIssuer { .. } | KeysError::ForeignKeys(_))),
            "{issuer} {jwks_uri}: {outcome:?}"
        );
        assert!(keys.current().is_empty());
        assert_eq!(script.lines().len(), 1, "the keys were not even asked for");
    }
}

#[tokio::test]
async fn unusable_documents_leave_the_keys_as_they_are() {
    let script = Script::new();
    publish(&script, &["a"]);
    let keys = keys_of(&script, &tenants());
    keys.refresh_due().await;
    let issuer = format!("{AUTHORITY}/{TENANT}/v2.0");
    let twice = format!(r#"{{"issuer":"{issuer}","issuer":"{issuer}","jwks_uri":"{}"}}"#, keys_url(TENANT));
    for (url, status, body) in [
        (keys_url(TENANT), 200, r#"{"keys":[]}"#.to_owned()),
        (keys_url(TENANT), 200, "<html>".to_owned()),
        (keys_url(TENANT), 503, jwks(&["b"])),
        (keys_url(TENANT), 302, jwks(&["b"])),
        (discovery_url(TENANT), 200, "{}".to_owned()),
        (discovery_url(TENANT), 200, twice),
        (discovery_url(TENANT), 404, "{}".to_owned()),
    ] {
        publish(&script, &["b"]);
        script.answer(&url, status, body.clone());
        script.advance(minutes(61));
        assert!(matches!(keys.refresh_due().await, Refreshed::Failed(_)), "{url} {status} {body}");
        assert!(keys.current().has("a") && !keys.current().has("b"), "{url} {status} {body}");
    }
}

#[tokio::test]
async fn many_tenants_share_the_document_of_all_organizations() {
    let script = Script::new();
    let issuer = format!("{AUTHORITY}/{{tenantid}}/v2.0");
    script.answer(&discovery_url("organizations"), 200, discovery(&issuer, &keys_url("organizations")));
    script.answer(&keys_url("organizations"), 200, jwks(&["a", "b"]));
    let keys = keys_of(&script, &Tenants::Many([TenantId::parse(TENANT).unwrap()].into()));
    assert_eq!(keys.refresh_due().await, Refreshed::Changed);
    assert_eq!(keys.health().keys, 2);
}

// control: TOK-03: a caller who names an unknown key and hangs up wastes no refresh; many at once cause one
#[tokio::test]
async fn one_refresh_serves_all_who_wait_and_outlives_those_who_leave() {
    let script = Script::new();
    publish(&script, &["a"]);
    let keys = keys_of(&script, &tenants());
    keys.refresh_due().await;
    publish(&script, &["a", "b"]);
    script.seen();
    script.hold();
    let leaver = tokio::spawn({
        let keys = keys.clone();
        async move { keys.refresh_for("b").await }
    });
    while script.count() == 0 {
        tokio::task::yield_now().await;
    }
    leaver.abort();
    let waiters: Vec<_> = (0..50)
        .map(|_| {
            let keys = keys.clone();
            tokio::spawn(async move { keys.refresh_for("b").await })
        })
        .collect();
    script.release();
    for waiter in waiters {
        assert!(waiter.await.unwrap());
    }
    assert_eq!(script.lines().len(), 2, "one discovery, one key set");
}
