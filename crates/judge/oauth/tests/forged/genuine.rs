//! The tokens that must pass, and that nothing near them does.

use doorward_oauth::{CallerKind, Expectation, Groups, Tenants, TokenError, verify};
use doorward_types::{ObjectId, TenantId, Timestamp};
use proptest::prelude::*;

use super::forge::{APP, CLIENT, GROUP, Keys, NOW, OTHER_TENANT, PERSON, TENANT};
use super::forge::{app_only, expectation, header, now, v1, v2, with};

// control: TOK-01, TOK-02: a genuine token makes an identity with exactly what it says
#[test]
fn genuine_tokens_pass_and_say_who_calls() {
    let keys = Keys::generate();
    let judge = |token: &str, expected: &Expectation| verify(token, &keys.published, expected, now());

    let person = judge(&keys.good(&v2()), &expectation()).unwrap();
    assert_eq!((person.tenant().as_str(), person.object().as_str()), (TENANT, PERSON));
    assert_eq!((person.client().as_str(), person.kind()), (CLIENT, CallerKind::User));
    assert_eq!(person.scopes().iter().map(|s| &**s).collect::<Vec<_>>(), ["tools.read", "mcp.access"]);
    assert_eq!(person.roles().iter().map(|s| &**s).collect::<Vec<_>>(), ["Reader"]);
    assert_eq!(*person.groups(), Groups::Listed([ObjectId::parse(GROUP).unwrap()].into()));
    assert_eq!(person.expires(), Timestamp::from_secs(NOW + 3600), "the skew is not added");
    assert_eq!(person.issued_at(), Timestamp::from_secs(NOW - 300));
    assert_eq!((&**person.kid(), person.token_id()), ("k1", Some("AbCdEf")));
    assert!(person.capable_of_claims_challenge());

    let old = judge(&keys.good(&v1()), &expectation()).unwrap();
    assert_eq!((old.client().as_str(), old.kind()), (CLIENT, CallerKind::User));
    judge(&keys.good(&v1().text("aud", APP)), &expectation()).unwrap();

    let service = with(|e| {
        e.allow_app_only = true;
        e.required_role = vec!["Service".to_owned()];
    });
    let app = judge(&keys.good(&app_only()), &service).unwrap();
    assert_eq!((app.kind(), app.scopes().len(), app.groups()), (CallerKind::App, 0, &Groups::Absent));
}

// control: TOK-02: tokens at the edge of their time pass within the skew, and not past it
#[test]
fn the_skew_is_granted_and_no_more() {
    let keys = Keys::generate();
    for (claims, passes) in [
        (v2().set("exp", NOW - 59), true),
        (v2().set("exp", NOW - 60), false),
        (v2().set("nbf", NOW + 60), true),
        (v2().set("nbf", NOW + 61), false),
        (v2().set("iat", NOW + 60), true),
        (v2().set("exp", NOW - 300 + 28 * 3600), true),
    ] {
        assert_eq!(verify(&keys.good(&claims), &keys.published, &expectation(), now()).is_ok(), passes);
    }
}

// control: TOK-02: every form of overage asks Graph, and the address in the token is never taken
#[test]
fn an_overage_is_seen_in_every_form() {
    let keys = Keys::generate();
    let sources = r#"{"src1":{"endpoint":"https://evil.example/steal"}}"#;
    for claims in [
        v2().without("groups").set("_claim_names", r#"{"groups":"src1"}"#).set("_claim_sources", sources),
        v2().set("_claim_names", r#"{"groups":"src1"}"#),
        v2().without("groups").set("hasgroups", "true"),
        v2().without("groups").set("groups:src1", "\"https://evil.example\""),
    ] {
        let identity = verify(&keys.good(&claims), &keys.published, &expectation(), now()).unwrap();
        assert_eq!(*identity.groups(), Groups::Overage);
    }
    let none = keys.good(&v2().without("groups").set("hasgroups", "false"));
    assert_eq!(*verify(&none, &keys.published, &expectation(), now()).unwrap().groups(), Groups::Absent);
}

#[test]
fn keys_for_every_tenant_or_for_this_one_may_sign_and_x5t_does_no_harm() {
    let keys = Keys::generate();
    for header in [
        header().text("kid", "k-bare"),
        header().text("x5t", "k1"),
        header().without("typ"),
        header().text("typ", "at+jwt"),
    ] {
        verify(&keys.token(&header, &v2()), &keys.published, &expectation(), now()).unwrap();
    }
    let other = format!("https://login.microsoftonline.com/{OTHER_TENANT}/v2.0");
    let foreign = v2().text("tid", OTHER_TENANT).text("iss", &other);
    let both = with(|e| {
        e.tenants = Tenants::Many([TENANT, OTHER_TENANT].map(|t| TenantId::parse(t).unwrap()).into());
    });
    verify(&keys.token(&header().text("kid", "k-other"), &foreign), &keys.published, &both, now()).unwrap();
    verify(&keys.good(&v2()), &keys.published, &both, now()).unwrap();
}

#[test]
fn only_a_genuine_token_that_is_not_enough_is_insufficient() {
    assert!(TokenError::MissingScope.is_insufficient() && TokenError::MissingRole.is_insufficient());
    for error in [TokenError::BadSignature, TokenError::WrongAudience, TokenError::AppOnlyNotAllowed] {
        assert!(!error.is_insufficient(), "{error}");
    }
}

// control: TOK-02: no change of any byte of a genuine token leaves it genuine
#[test]
fn any_changed_byte_unmakes_a_token() {
    let keys = Keys::generate();
    let good = keys.good(&v2());
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(4000));
    runner
        .run(&(0..good.len(), any::<u8>()), |(at, byte)| {
            let mut bytes = good.clone().into_bytes();
            prop_assume!(bytes[at] != byte);
            bytes[at] = byte;
            let Ok(text) = String::from_utf8(bytes) else { return Ok(()) };
            prop_assert!(verify(&text, &keys.published, &expectation(), now()).is_err());
            Ok(())
        })
        .unwrap();
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,200}", parts in proptest::array::uniform3("[A-Za-z0-9_-]{0,80}")) {
        let none = |text: &str| verify(text, &Nothing, &expectation(), now()).is_err();
        prop_assert!(none(&text));
        prop_assert!(none(&parts.join(".")));
    }
}

struct Nothing;

impl doorward_oauth::KeyLookup for Nothing {
    fn key(&self, _: &str) -> Option<&doorward_oauth::Key> {
        None
    }
}
