//! Client-id documents: a document makes a client of its own address alone, without a secret; what is stored is read back.

use bytes::Bytes;
use doorward_issuer::client::{Client, ClientAuth, ClientOrigin, clean_name, read_document};
use doorward_issuer::redirect::{RedirectRules, RedirectUri};
use doorward_wire::{Limits, Tree};

const URL: &str = "https://client.example/c.json";

pub(crate) fn run(data: &[u8]) {
    let rules = RedirectRules { schemes: vec!["cursor".to_owned()] };
    let client = match read_document(URL, Bytes::copy_from_slice(data), &rules) {
        Ok(client) => client,
        Err(error) => {
            assert!(!error.to_string().contains(char::is_control), "a reason that steers a terminal");
            return;
        }
    };
    let tree = Tree::parse(Bytes::copy_from_slice(data), &Limits::default()).unwrap();
    let root = tree.root();
    assert!(
        root.get("client_id").unwrap().is_str(URL)
            && root.get("client_secret").is_none_or(|secret| secret.is_null())
    );
    assert_eq!((client.id.as_str(), client.origin), (URL, ClientOrigin::Document));
    let name = client.name.clone().unwrap();
    assert_eq!(clean_name(&name).as_ref(), Some(&name));
    let listed: Vec<String> =
        root.get("redirect_uris").unwrap().items().map(|uri| uri.as_str().unwrap().into_owned()).collect();
    assert!(!client.redirects.is_empty() && client.redirects.len() <= listed.len());
    for redirect in &client.redirects {
        assert!(listed.iter().any(|text| text == redirect.as_str()));
        assert_eq!(RedirectUri::register(redirect.as_str(), &rules).as_ref(), Ok(redirect));
    }
    assert!(!matches!(client.auth, ClientAuth::Secret(_)));
    assert!(client.grants.code && !client.grants.client_credentials && client.roles.is_empty());
    let record = client.to_record();
    assert_eq!(Client::from_record(&record).unwrap().to_record(), record);
}
