//! Client ids, documents and registrations, honest and evil.

use std::sync::Arc;

use bytes::Bytes;
use doorward_types::ClientId;
use proptest::prelude::*;

use super::*;
use crate::redirect::{RedirectError, RedirectRules};
use crate::testing::{NOW, Signer, after, client, id};

const URL: &str = "https://client.example/oauth/client.json";

fn rules() -> RedirectRules {
    RedirectRules { schemes: vec!["cursor".to_owned()] }
}

fn document(members: &str) -> Result<Client, DocumentError> {
    let text = format!(
        r#"{{"client_id":"{URL}","client_name":"An Example","redirect_uris":["https://client.example/cb"]{members}}}"#
    );
    read_document(URL, Bytes::from(text), &rules())
}

fn register(members: &str) -> Result<Registration, RegistrationError> {
    let text = format!(r#"{{"redirect_uris":["http://localhost:3000/cb"]{members}}}"#);
    read_registration(Bytes::from(text), &rules())
}

// control: IDC-08, A-11: only an https address with a path, in its one spelling, names a document
#[test]
fn client_ids_say_where_to_look() {
    for text in [URL, "https://vscode.dev/oauth/client-metadata.json", "https://client.example:8443/a"] {
        assert_eq!(client_id_form(text), Ok(ClientIdForm::Document(text.to_owned())), "{text}");
    }
    for text in ["dwc-1a2b3c", "my-client", "11111111-2222-3333-4444-555555555555"] {
        assert_eq!(client_id_form(text), Ok(ClientIdForm::Other), "{text}");
    }
    for (text, expected) in [
        ("", ClientIdError::Characters),
        ("a b", ClientIdError::Characters),
        ("é", ClientIdError::Characters),
        ("http://client.example/client.json", ClientIdError::NotHttps),
        ("HTTPS://client.example/client.json", ClientIdError::NotHttps),
        ("https:/client.example/client.json", ClientIdError::NotHttps),
        ("file:///etc/passwd", ClientIdError::NotHttps),
        ("gopher://client.example/x", ClientIdError::NotHttps),
        ("https://client.example", ClientIdError::NoPath),
        ("https://client.example/", ClientIdError::NoPath),
        ("https://client.example/a?b=c", ClientIdError::Query),
        ("https://client.example/a#b", UrlError::Fragment.into()),
        ("https://user@client.example/a", UrlError::Userinfo.into()),
        ("https://client.example/../a", UrlError::Path.into()),
        ("https://client.example/%2e%2e/a", UrlError::Path.into()),
        ("https://169.254.169.254/latest", UrlError::Host.into()),
        ("https://[::1]/a", UrlError::Host.into()),
        ("https://0x7f.1/a", UrlError::Host.into()),
        ("https://Client.example/a", UrlError::Host.into()),
        ("https://client.example\\@evil.example/a", UrlError::Character.into()),
    ] {
        assert_eq!(client_id_form(text), Err(expected), "{text}");
    }
}

#[test]
fn an_honest_document_is_read() {
    // As VS Code publishes it, with grants that mean nothing here.
    let text = r#"{"client_name":"Visual Studio Code","client_uri":"https://code.visualstudio.com",
        "grant_types":["authorization_code","refresh_token","urn:ietf:params:oauth:grant-type:device_code"],
        "response_types":["code"],"redirect_uris":["https://vscode.dev/redirect","http://127.0.0.1/","http://127.0.0.1:33418/"],
        "token_endpoint_auth_method":"none","application_type":"native",
        "client_id":"https://vscode.dev/oauth/client-metadata.json"}"#;
    let url = "https://vscode.dev/oauth/client-metadata.json";
    let client = read_document(url, Bytes::from(text), &RedirectRules::default()).unwrap();
    assert_eq!((client.id.as_str(), client.name.as_deref()), (url, Some("Visual Studio Code")));
    assert_eq!(client.origin, ClientOrigin::Document);
    assert_eq!(client.grants, Grants { code: true, refresh: true, client_credentials: false });
    assert!(matches!(client.auth, ClientAuth::Public) && !client.is_loopback_only());
    assert_eq!(client.redirects.len(), 3);
}

// control: IDC-08: a document speaks for its own address alone, holds no secret and sends codes nowhere unfit
#[test]
fn evil_documents_are_refused() {
    use DocumentError as E;
    let read = |url: &str, text: &str| read_document(url, Bytes::from(text.to_owned()), &rules()).err();
    let of = |id: &str| {
        format!(r#"{{"client_id":"{id}","client_name":"x","redirect_uris":["https://a.example/"]}}"#)
    };
    for id in [
        "https://client.example/oauth/client.json/",
        "https://client.example/oauth/Client.json",
        "https://vscode.dev/oauth/client-metadata.json",
        "",
    ] {
        assert_eq!(read(URL, &of(id)), Some(E::OtherClient), "{id}");
    }
    assert_eq!(
        read("http://client.example/a", &of("http://client.example/a")),
        Some(ClientIdError::NotHttps.into())
    );
    assert_eq!(read("plain", &of("plain")), Some(ClientIdError::NotHttps.into()));
    for text in ["", "[]", "<html>", r#"{"client_id":"a","client_id":"b"}"#, &" ".repeat(17 * 1024)] {
        assert_eq!(read(URL, text), Some(E::NotJson));
    }
    for (members, expected) in [
        (r#","client_secret":"x""#, E::Secret),
        (r#","client_secret_expires_at":0"#, E::Secret),
        (r#","token_endpoint_auth_method":"client_secret_basic""#, E::AuthMethod),
        (r#","token_endpoint_auth_method":"tls_client_auth""#, E::AuthMethod),
        (r#","token_endpoint_auth_method":["none"]"#, E::Member("token_endpoint_auth_method")),
        (
            r#","token_endpoint_auth_method":"private_key_jwt","jwks_uri":"https://a.example/k""#,
            E::KeysElsewhere,
        ),
        (r#","token_endpoint_auth_method":"private_key_jwt""#, E::Member("jwks")),
        (r#","token_endpoint_auth_method":"private_key_jwt","jwks":{"keys":[]}"#, KeysError::Count.into()),
        (r#","token_endpoint_auth_method":"private_key_jwt","jwks":[]"#, KeysError::NotASet.into()),
        (
            r#","token_endpoint_auth_method":"private_key_jwt","jwks":{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}"#,
            KeysError::Unusable.into(),
        ),
        (r#","grant_types":["client_credentials"]"#, E::NoCode),
        (r#","grant_types":"authorization_code""#, E::Member("grant_types")),
        (r#","response_types":["token"]"#, E::NoCode),
    ] {
        assert_eq!(document(members).err(), Some(expected), "{members}");
    }
    let uris = |list: &str| {
        let text = format!(r#"{{"client_id":"{URL}","client_name":"x","redirect_uris":{list}}}"#);
        read_document(URL, Bytes::from(text), &rules()).map(|client| client.redirects.len())
    };
    assert_eq!(uris("[]"), Err(E::Redirects));
    assert_eq!(uris(r#""https://a.example/""#), Err(E::Redirects));
    assert_eq!(uris(r#"["https://a.example/",7]"#), Err(E::Redirects));
    assert_eq!(
        uris(r#"["https://a.example/","http://a.example/"]"#),
        Err(E::Redirect(RedirectError::Insecure))
    );
    assert_eq!(uris(r#"["javascript:alert(1)"]"#), Err(E::Redirect(UrlError::Path.into())));
    assert_eq!(uris(r#"["evil:/cb"]"#), Err(E::Redirect(RedirectError::SchemeNotAllowed)));
    assert_eq!(uris(r#"["windsurf://x.y/cb","https://a.example/"]"#), Ok(1));
    let nameless =
        format!(r#"{{"client_id":"{URL}","client_name":"\u200b","redirect_uris":["https://a.example/"]}}"#);
    assert_eq!(read(URL, &nameless), Some(E::NoName));
}

// control-off: IDC-08: a reader that trusts the document's own word makes any host another's client
#[test]
fn a_naive_reader_takes_the_documents_word() {
    let text = r#"{"client_id":"https://vscode.dev/oauth/client-metadata.json","client_name":"Visual Studio Code","redirect_uris":["https://evil.example/cb"]}"#;
    let tree = doorward_wire::Tree::parse(Bytes::from(text), &doorward_wire::Limits::default()).unwrap();
    let naive = tree.root().get("client_id").and_then(|id| id.as_str());
    assert_eq!(naive.as_deref(), Some("https://vscode.dev/oauth/client-metadata.json"));
    let judged = read_document("https://evil.example/c.json", Bytes::from(text), &rules());
    assert_eq!(judged.err(), Some(DocumentError::OtherClient));
}

#[test]
fn keys_stand_in_the_document() {
    let jwk = Signer::p256().jwk(r#","kid":"one""#);
    let members = format!(r#","token_endpoint_auth_method":"private_key_jwt","jwks":{{"keys":[{jwk}]}}"#);
    let client = document(&members).unwrap();
    let ClientAuth::Keys(keys) = &client.auth else { panic!("no keys") };
    assert_eq!(
        (keys.named(Some("one")).count(), keys.named(None).count(), keys.named(Some("two")).count()),
        (1, 1, 0)
    );
    let private = members.replace(r#","kid""#, r#","d":"c2VjcmV0","kid""#);
    assert_eq!(document(&private).err(), Some(DocumentError::Keys(KeysError::Unusable)));
}

// control: IDC-09, A-13: whoever registers gets an id and no secret, and only addresses that are fit
#[test]
fn registrations_are_read_and_answered() {
    let registration = register(
        r#","client_name":"MCP \u202eInspector","token_endpoint_auth_method":"client_secret_post","grant_types":["authorization_code"],"application_type":"native","scope":"x","jwks_uri":"https://a.example""#,
    )
    .unwrap();
    let client = registration.client(id("dwc-1"), after(60));
    assert!(matches!(client.auth, ClientAuth::Public) && client.is_loopback_only());
    assert_eq!(client.origin, ClientOrigin::Dynamic);
    assert_eq!(
        registration_answer(&client, &registration, NOW),
        concat!(
            r#"{"client_id":"dwc-1","client_id_issued_at":1795176000,"client_name":"MCP Inspector","application_type":"native","#,
            r#""redirect_uris":["http://localhost:3000/cb"],"grant_types":["authorization_code"],"#,
            r#""response_types":["code"],"token_endpoint_auth_method":"none"}"#
        )
    );
    assert!(register("").unwrap().grants.refresh);
    let nulls = r#","client_name":null,"grant_types":null,"software_statement":null,"application_type":null"#;
    assert!(register(nulls).unwrap().grants.refresh);
}

#[test]
fn unfit_registrations_are_refused_as_rfc_7591_says() {
    use RegistrationError as E;
    for (members, expected, code) in [
        (r#","software_statement":"eyJ""#, E::Statement, "unapproved_software_statement"),
        (r#","application_type":"web""#, E::NotWeb, "invalid_redirect_uri"),
        (r#","application_type":"other""#, E::Member("application_type"), "invalid_client_metadata"),
        (r#","client_name":7"#, E::Member("client_name"), "invalid_client_metadata"),
        (
            r#","token_endpoint_auth_method":1"#,
            E::Member("token_endpoint_auth_method"),
            "invalid_client_metadata",
        ),
        (r#","grant_types":["password"]"#, E::NoCode, "invalid_client_metadata"),
        (r#","grant_types":[1]"#, E::Member("grant_types"), "invalid_client_metadata"),
        (r#","redirect_uris":[]"#, E::NotJson, "invalid_client_metadata"),
    ] {
        let error = register(members).err().unwrap();
        assert_eq!((error.clone(), error.code()), (expected, code), "{members}");
    }
    let nine = format!(r#"{{"redirect_uris":[{}]}}"#, [r#""https://a.example/""#; 9].join(","));
    assert_eq!(read_registration(Bytes::from(nine), &rules()).err(), Some(E::Redirects));
    let evil = read_registration(Bytes::from(r#"{"redirect_uris":["http://evil.example/"]}"#), &rules())
        .err()
        .unwrap();
    assert_eq!(
        evil.body(),
        r#"{"error":"invalid_redirect_uri","error_description":"in `redirect_uris`: http is for 127.0.0.1, [::1] and localhost only; use https"}"#
    );
}

#[test]
fn a_client_is_read_as_it_was_stored() {
    let jwk = Signer::rsa().jwk("");
    let keys = ClientKeys::parse(Bytes::from(format!(r#"{{"keys":[{jwk}]}}"#))).unwrap();
    for auth in
        [ClientAuth::Public, ClientAuth::Secret(SecretHash::of(b"s3cret")), ClientAuth::Keys(Arc::new(keys))]
    {
        let mut client = Client { auth, roles: vec!["Reader".to_owned()], ..client("dwc-1") };
        for expires in [None, Some(NOW)] {
            client.expires = expires;
            let record = client.to_record();
            let read = Client::from_record(&record).unwrap();
            assert_eq!(read.to_record(), record);
            assert_eq!((&read.id, &read.redirects, read.expires), (&client.id, &client.redirects, expires));
            if let ClientAuth::Secret(hash) = &read.auth {
                assert!(hash.matches(b"s3cret") && !hash.matches(b"s3creT"));
            }
        }
    }
    for bad in [&b""[..], b"{}", br#"{"v":"family/1"}"#, br#"{"v":"client/1","id":"a"}"#] {
        assert!(Client::from_record(bad).is_err());
    }
}

proptest! {
    #[test]
    fn no_document_makes_a_client_of_another_address(text in "\\{(\"[a-z_]{1,12}\":(\"[ -~]{0,20}\"|\\[\\]|1),?){0,4}\\}") {
        if let Ok(client) = read_document(URL, Bytes::from(text), &rules()) {
            prop_assert_eq!(client.id, ClientId::registered(URL).unwrap());
        }
    }
}
