//! Dynamic registrations: no secret, no address but those asked for, an answer and an error that are JSON.

use bytes::Bytes;
use doorward_issuer::client::{Client, ClientAuth, ClientOrigin, read_registration, registration_answer};
use doorward_issuer::redirect::RedirectRules;
use doorward_types::{ClientId, Timestamp};
use doorward_wire::{Limits, Tree};

pub(crate) fn run(data: &[u8]) {
    let tree = |text: &[u8]| Tree::parse(Bytes::copy_from_slice(text), &Limits::default()).unwrap();
    let rules = RedirectRules::default();
    let registration = match read_registration(Bytes::copy_from_slice(data), &rules) {
        Ok(registration) => registration,
        Err(error) => {
            let body = tree(error.body().as_bytes());
            assert!(body.root().get("error").unwrap().is_str(error.code()));
            return;
        }
    };
    let now = Timestamp::from_secs(1_795_176_000);
    let client = registration.client(ClientId::registered("dwc-1").unwrap(), now);
    assert!(matches!(client.auth, ClientAuth::Public) && client.origin == ClientOrigin::Dynamic);
    assert!(client.grants.code && !client.grants.client_credentials && client.roles.is_empty());
    let asked = tree(data);
    let listed: Vec<_> = asked.root().get("redirect_uris").unwrap().items().collect();
    assert!((1..=8).contains(&listed.len()));
    let answer = tree(registration_answer(&client, &registration, now).as_bytes());
    let registered: Vec<_> = answer.root().get("redirect_uris").unwrap().items().collect();
    assert_eq!(registered.len(), client.redirects.len());
    for redirect in &client.redirects {
        assert!(listed.iter().any(|uri| uri.is_str(redirect.as_str())));
        assert!(registered.iter().any(|uri| uri.is_str(redirect.as_str())));
        assert!(registration.application_type != Some("web") || redirect.as_str().starts_with("https:"));
    }
    assert!(answer.root().get("client_secret").is_none());
    assert!(answer.root().get("token_endpoint_auth_method").unwrap().is_str("none"));
    let record = client.to_record();
    assert_eq!(Client::from_record(&record).unwrap().to_record(), record);
}
