//! Codes: stolen, injected, replayed, late.

use proptest::prelude::*;

use super::*;
use crate::testing::{CHALLENGE, CRM, NOW, REDIRECT, VERIFIER, after, id, person};

fn record() -> CodeRecord {
    CodeRecord {
        grant: GrantId([7; 16]),
        client: id("dwc-1"),
        redirect: REDIRECT.to_owned(),
        challenge: CHALLENGE.to_owned(),
        resource: CRM.to_owned(),
        scopes: vec!["tools.read".to_owned()],
        person: person('1'),
        expires: after(60),
        dpop_jkt: None,
        redeemed: false,
    }
}

fn asked(client: &ClientId) -> CodeRequest<'_> {
    CodeRequest {
        client,
        redirect_uri: Some(REDIRECT),
        verifier: Some(VERIFIER),
        resource: Some(CRM),
        jkt: None,
    }
}

// control: D-14, CDP-05: a code is worth something to its client, address, verifier, resource and key alone, once, for a minute
#[test]
fn a_code_is_bound_to_everything_it_was_issued_for() {
    let (client, other) = (id("dwc-1"), id("dwc-2"));
    let good = asked(&client);
    assert_eq!(redeem(&record(), &good, NOW), Ok(()));
    assert_eq!(redeem(&record(), &CodeRequest { resource: None, ..good }, NOW), Ok(()));
    assert_eq!(redeem(&record(), &CodeRequest { jkt: Some("any"), ..good }, NOW), Ok(()));
    for (asked, expected, code) in [
        (CodeRequest { client: &other, ..good }, CodeError::OtherClient, "invalid_grant"),
        (CodeRequest { redirect_uri: None, ..good }, CodeError::OtherRedirect, "invalid_grant"),
        (
            CodeRequest { redirect_uri: Some("http://127.0.0.1/cb"), ..good },
            CodeError::OtherRedirect,
            "invalid_grant",
        ),
        (CodeRequest { verifier: None, ..good }, CodeError::NoVerifier, "invalid_request"),
        (CodeRequest { verifier: Some(CHALLENGE), ..good }, CodeError::Verifier, "invalid_grant"),
        (CodeRequest { verifier: Some("short"), ..good }, CodeError::Verifier, "invalid_grant"),
        (
            CodeRequest { resource: Some("https://mcp.contoso.com/hr/mcp"), ..good },
            CodeError::OtherResource,
            "invalid_target",
        ),
    ] {
        assert_eq!(redeem(&record(), &asked, NOW), Err(expected));
        assert_eq!(expected.code(), code);
    }
    assert_eq!(redeem(&record(), &good, after(60)), Err(CodeError::Expired));
    let bound = CodeRecord { dpop_jkt: Some(CHALLENGE.to_owned()), ..record() };
    assert_eq!(redeem(&bound, &good, NOW), Err(CodeError::OtherKey));
    assert_eq!(redeem(&bound, &CodeRequest { jkt: Some("x"), ..good }, NOW), Err(CodeError::OtherKey));
    assert_eq!(redeem(&bound, &CodeRequest { jkt: Some(CHALLENGE), ..good }, NOW), Ok(()));
}

// control: D-14: a second redemption shows, whoever tries it and however late
#[test]
fn a_replay_is_seen_before_anything_else() {
    let redeemed = CodeRecord { redeemed: true, ..record() };
    let (client, thief) = (id("dwc-1"), id("evil"));
    let nothing =
        CodeRequest { client: &thief, redirect_uri: None, verifier: None, resource: None, jkt: None };
    assert_eq!(redeem(&redeemed, &asked(&client), NOW), Err(CodeError::Replayed));
    assert_eq!(redeem(&redeemed, &nothing, after(600)), Err(CodeError::Replayed));
}

// control-off: IDC-06, D-14: where a missing verifier passes, a stolen code is a session
#[test]
fn a_naive_server_gives_a_thief_the_session() {
    // As the samples do it: the challenge is compared only if both are there, and the client not at all (W7).
    let naive = |record: &CodeRecord, asked: &CodeRequest<'_>| {
        !record.redeemed && asked.verifier.is_none_or(|verifier| sha256(verifier) == record.challenge)
    };
    let thief = id("evil");
    let stolen = CodeRequest { client: &thief, verifier: None, ..asked(&thief) };
    assert!(naive(&record(), &stolen));
    assert!(redeem(&record(), &stolen, NOW).is_err());
}

#[test]
fn a_code_is_read_as_it_was_stored() {
    for record in [
        record(),
        CodeRecord { redeemed: true, dpop_jkt: Some(CHALLENGE.to_owned()), scopes: vec![], ..record() },
    ] {
        assert_eq!(CodeRecord::from_record(&record.to_record()), Ok(record));
    }
    assert_eq!(CodeRecord::from_record(b"{"), Err(RecordError::NotJson));
    assert_eq!(CodeRecord::from_record(br#"{"v":"code/2"}"#), Err(RecordError::OtherKind("code/1")));
    assert_eq!(CodeRecord::from_record(br#"{"v":"code/1"}"#), Err(RecordError::Member("grant")));
}

proptest! {
    #[test]
    fn one_verifier_fits_its_challenge(text in "[A-Za-z0-9._~-]{40,132}", other in "[A-Za-z0-9._~ -]{43}") {
        let client = id("dwc-1");
        let record = CodeRecord { challenge: sha256(&text), ..record() };
        let ask = |verifier| redeem(&record, &CodeRequest { verifier: Some(verifier), ..asked(&client) }, NOW);
        prop_assert_eq!(ask(&text).is_ok(), (43..=128).contains(&text.len()));
        prop_assert!(text == other || ask(&other).is_err());
    }
}
