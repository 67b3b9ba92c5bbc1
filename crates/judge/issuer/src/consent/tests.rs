//! What a consent covers.

use doorward_types::ServerName;

use super::*;
use crate::testing::{CHALLENGE, CRM, NOW, REDIRECT, id, person};

fn consent(redirect: &str) -> Consent {
    Consent {
        person: person('1'),
        client: id("dwc-1"),
        client_name: Some("Claude".to_owned()),
        redirect: redirect.to_owned(),
        resource: CRM.to_owned(),
        scopes: vec!["tools.read".to_owned(), "tools.write".to_owned()],
        given: NOW,
    }
}

fn request(redirect: &str) -> Request {
    Request {
        client: id("dwc-1"),
        redirect: redirect.to_owned(),
        state: None,
        challenge: CHALLENGE.to_owned(),
        resource: CRM.to_owned(),
        server: ServerName::parse("crm").unwrap(),
        scopes: vec!["tools.read".to_owned()],
        login_hint: None,
        dpop_jkt: None,
    }
}

// control: CDP-01, CDP-02, D-13: a consent covers its client, address, resource and scopes, and nothing more
#[test]
fn consent_covers_exactly_what_was_agreed_to() {
    let given = consent(REDIRECT);
    assert!(given.covers(&request(REDIRECT)));
    for other in [
        Request { client: id("dwc-2"), ..request(REDIRECT) },
        Request { redirect: "https://evil.example/cb".to_owned(), ..request(REDIRECT) },
        Request { redirect: format!("{REDIRECT}/"), ..request(REDIRECT) },
        Request { resource: "https://mcp.contoso.com/hr/mcp".to_owned(), ..request(REDIRECT) },
        Request { scopes: vec!["tools.read".to_owned(), "tools.admin".to_owned()], ..request(REDIRECT) },
    ] {
        assert!(!given.covers(&other), "{other:?}");
    }
    let native = consent("http://127.0.0.1:33418/cb");
    assert!(native.covers(&request("http://127.0.0.1:50000/cb")));
    assert!(!native.covers(&request("http://127.0.0.1:50000/other")));
    assert!(!native.covers(&request("http://localhost:33418/cb")));
}

#[test]
fn a_consent_is_read_as_it_was_stored() {
    for consent in [consent(REDIRECT), Consent { client_name: None, scopes: vec![], ..consent("a\"b") }] {
        assert_eq!(Consent::from_record(&consent.to_record()), Ok(consent));
    }
    assert!(Consent::from_record(br#"{"v":"consent/1","tid":7}"#).is_err());
}
