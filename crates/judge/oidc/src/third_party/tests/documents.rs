use proptest::prelude::*;

use super::*;

#[test]
fn a_challenge_is_read_among_others() {
    let parse = |header: &str| Challenge::parse(header);
    let full = parse(
        r#"Basic realm="a, Bearer scope=\"x\"", Negotiate YII==, bearer resource_metadata="https://a.example/m", scope="read  write" , error=insufficient_scope,claims="eyJ9", error_description="a \"b\"", Bearer scope="second""#,
    )
    .unwrap();
    assert_eq!(full.resource_metadata.as_deref(), Some("https://a.example/m"));
    assert_eq!(full.scopes, Some(vec!["read".to_owned(), "write".to_owned()]));
    assert_eq!((full.error.as_deref(), full.claims.as_deref()), (Some("insufficient_scope"), Some("eyJ9")));
    assert_eq!(parse("Bearer"), Some(Challenge::default()));
    assert_eq!(parse(r#"Bearer scope="""#), Some(Challenge::default()));
    for bad in [
        "",
        "Basic realm=x",
        r#"Bearer scope="a" scope="b""#,
        r#"Bearer scope="a", Scope="b""#,
        r#"Bearer scope="a"#,
        "Bearer scope=, a=b c",
        "Bearer scope=a b=c",
        "Bearer \"x\"",
        "Bearer scope=\"a\nb\"",
        &format!("Bearer scope=\"{}\"", "a".repeat(16 * 1024)),
    ] {
        assert_eq!(parse(bad), None, "{bad}");
    }
}

// control: U-01: a server's metadata is asked for where its challenge says, and must be the server's own
#[test]
fn metadata_of_another_resource_is_refused() {
    let urls = |challenged| resource_metadata_urls(SERVER, challenged, false);
    let known = [
        "https://tasks.example/.well-known/oauth-protected-resource/mcp",
        "https://tasks.example/.well-known/oauth-protected-resource",
    ];
    assert_eq!(urls(Some("https://tasks.example/m")), ["https://tasks.example/m"]);
    assert_eq!(urls(None), known);
    assert_eq!(urls(Some("/relative")), known);
    assert_eq!(urls(Some("http://169.254.169.254/")), known);
    assert_eq!(resource_metadata_urls("https://tasks.example/", None, false), known[1..]);

    let at = |place: &str, body: &str| {
        ResourceMetadata::read(SERVER, place, Bytes::copy_from_slice(body.as_bytes()), false)
    };
    let read = |body: &str| at(known[0], body);
    let good = r#"{"resource":"https://tasks.example/mcp/","authorization_servers":["https://as.example","https://b.example"],"scopes_supported":["read","a b",1,"write"]}"#;
    let expected = ResourceMetadata {
        // To the letter: a token that is asked for by another spelling is one for another resource.
        resource: "https://tasks.example/mcp/".to_owned(),
        issuer: ISSUER.to_owned(),
        scopes: vec!["read".to_owned(), "write".to_owned()],
    };
    assert_eq!(read(good), Ok(expected));
    for (body, error) in [
        (r#"[]"#, ResourceError::NotJson),
        (r#"{"resource":"https://tasks.example/mcp","resource":"x"}"#, ResourceError::NotJson),
        (&good.replace("mcp/", "mcp2"), ResourceError::OtherResource),
        (&good.replace("/mcp/", ""), ResourceError::OtherResource),
        (&good.replace("tasks", "Tasks"), ResourceError::OtherResource),
        (r#"{"authorization_servers":["https://as.example"]}"#, ResourceError::OtherResource),
        (&good.replace("https://as.example", "http://as.example"), ResourceError::NoIssuer),
        (&good.replace("https://as.example", "https://as.example?x"), ResourceError::NoIssuer),
        (r#"{"resource":"https://tasks.example/mcp","authorization_servers":[]}"#, ResourceError::NoIssuer),
    ] {
        assert_eq!(read(body), Err(error), "{body}");
    }
    // Who speaks for the whole origin may name it, and nobody else may.
    let whole = good.replace("/mcp/", "");
    assert_eq!(at(known[1], &whole).map(|found| found.resource), Ok("https://tasks.example".to_owned()));
    for place in
        [known[0], "https://tasks.example/m", "https://evil.example/.well-known/oauth-protected-resource"]
    {
        assert_eq!(at(place, &whole), Err(ResourceError::OtherResource), "{place}");
    }
    let elsewhere = good.replace("tasks.example/mcp/", "evil.example");
    assert_eq!(at(known[1], &elsewhere), Err(ResourceError::OtherResource));
}

// control: U-02: the metadata of an issuer is asked for at the addresses of the specification, in its order
#[test]
fn the_order_of_addresses_is_the_specifications() {
    let root = [
        "https://as.example/.well-known/oauth-authorization-server",
        "https://as.example/.well-known/openid-configuration",
    ];
    assert_eq!(metadata_urls(ISSUER, false), root);
    assert_eq!(metadata_urls("https://as.example/", false), root);
    assert_eq!(
        metadata_urls("https://as.example/t/1", false),
        [
            "https://as.example/.well-known/oauth-authorization-server/t/1",
            "https://as.example/.well-known/openid-configuration/t/1",
            "https://as.example/t/1/.well-known/openid-configuration",
        ]
    );
    for bad in
        ["", "as.example", "http://as.example", "https://as.example?x", "https://as.example#x", "https://a@b"]
    {
        assert!(metadata_urls(bad, false).is_empty(), "{bad}");
    }
}

// control: U-03: metadata counts only for the issuer that it was asked for by, byte for byte
#[test]
fn metadata_of_another_issuer_is_refused() {
    for named in
        ["https://as.example/", "https://AS.example", "https://as.example:443", "https://evil.example", ""]
    {
        let read = AsMetadata::read(ISSUER, metadata(named, "").into(), false);
        assert_eq!(read, Err(MetadataError::OtherIssuer), "{named}");
    }
    assert!(AsMetadata::read(ISSUER, metadata(ISSUER, "").into(), false).is_ok());
}

// control: U-04: an authorization server that does not promise S256 is not used
#[test]
fn without_s256_there_is_no_sign_in() {
    for methods in [r#"["plain"]"#, "[]", r#""S256""#, "null", r#"["s256"]"#] {
        let body = metadata(ISSUER, "").replace(r#"["S256"]"#, methods);
        assert_eq!(AsMetadata::read(ISSUER, body.into(), false), Err(MetadataError::NoS256), "{methods}");
    }
}

// control: U-12: an address that somebody is sent to is https, and never one that runs
#[test]
fn endpoints_are_https_and_never_run() {
    for (url, plain, lab) in [
        ("https://as.example/x", true, true),
        ("https://as.example:8443/x?tenant=1", true, true),
        ("http://127.0.0.1:1234/x", false, true),
        ("http://localhost/x", false, true),
        ("http://[::1]:1/x", false, true),
        ("http://as.example/x", false, false),
        ("http://127.0.0.1.evil.example/x", false, false),
        ("http://localhost@evil.example/x", false, false),
        ("https://as.example@evil.example/x", false, false),
        ("https://as.example:0/x", false, false),
        ("https://as.example:99999/x", false, false),
        ("https:///x", false, false),
        ("https://as.example/\\\\evil", false, false),
        ("https://as.example/#x", false, false),
        ("https://as.example/a b", false, false),
        ("HTTPS://as.example/x", false, false),
        ("javascript:alert(1)//https://as.example", false, false),
        ("data:text/html,x", false, false),
        ("file:///etc/passwd", false, false),
        ("vbscript:x", false, false),
        ("/authorize", false, false),
        ("", false, false),
    ] {
        for (lab, expected) in [(false, plain), (true, lab)] {
            let body = metadata(ISSUER, "").replace("https://as.example/authorize", url);
            assert_eq!(AsMetadata::read(ISSUER, body.into(), lab).is_ok(), expected, "{url} {lab}");
            let register = format!(r#","registration_endpoint":"{url}""#);
            let body = metadata(ISSUER, &register);
            assert_eq!(AsMetadata::read(ISSUER, body.into(), lab).is_ok(), expected, "{url} {lab}");
        }
    }
}

#[test]
fn a_token_answer_is_read_and_nothing_less() {
    let good =
        r#"{"access_token":"a","token_type":"bearer","expires_in":60,"refresh_token":"r","scope":"read"}"#;
    let read = tokens(good).ok().unwrap();
    assert_eq!((read.access.expose().as_str(), read.expires_in.unwrap().as_secs()), ("a", 60));
    assert_eq!((read.refresh.unwrap().expose().as_str(), read.scopes), ("r", Some(vec!["read".to_owned()])));
    let least = tokens(r#"{"access_token":"a","token_type":"Bearer"}"#).ok().unwrap();
    assert!(least.refresh.is_none() && least.expires_in.is_none() && least.scopes.is_none());
    for (body, error) in [
        ("<html>", TokensError::NotJson),
        (r#"{"access_token":"a","access_token":"b","token_type":"Bearer"}"#, TokensError::NotJson),
        (r#"{"access_token":"a"}"#, TokensError::NotBearer),
        (r#"{"access_token":"a","token_type":"DPoP"}"#, TokensError::NotBearer),
        (r#"{"token_type":"Bearer"}"#, TokensError::NoToken),
        (r#"{"access_token":"","token_type":"Bearer"}"#, TokensError::NoToken),
        (r#"{"access_token":"a\r\nX-Role: admin","token_type":"Bearer"}"#, TokensError::NoToken),
        (r#"{"access_token":"a","token_type":"Bearer","refresh_token":1}"#, TokensError::NoToken),
        (r#"{"access_token":"a","token_type":"Bearer","expires_in":0}"#, TokensError::Lifetime),
        (r#"{"access_token":"a","token_type":"Bearer","expires_in":"60"}"#, TokensError::Lifetime),
    ] {
        assert_eq!(tokens(body).err(), Some(error), "{body}");
    }
}

proptest! {
    #[test]
    fn no_foreign_text_panics(text in "\\PC{0,200}", bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Challenge::parse(&text);
        let _ = Challenge::parse(&format!("Bearer {text}"));
        let _ = (metadata_urls(&text, true), resource_metadata_urls(&text, Some(&text), true));
        let _ = (ResourceMetadata::read(&text, &text, bytes.clone().into(), true), AsMetadata::read(&text, bytes.clone().into(), true));
        let _ = (read_tokens(bytes.clone().into()), Grant::from_record(&bytes), Pending::from_record(&bytes), Client::from_record(&bytes));
    }

    #[test]
    fn what_is_quoted_is_read_back(value in "[ -~]{1,60}") {
        let escaped = value.replace('\\', "\\\\").replace('"', "\\\"");
        let header = format!("Digest a=b, Bearer realm=\"x\", claims=\"{escaped}\", error=e");
        let challenge = Challenge::parse(&header).unwrap();
        prop_assert_eq!(challenge.claims, Some(value));
        prop_assert_eq!(challenge.error.as_deref(), Some("e"));
    }
}
