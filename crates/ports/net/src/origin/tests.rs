use super::*;

#[test]
fn an_origin_has_one_spelling() {
    for (url, printed) in [
        ("https://login.microsoftonline.com", "https://login.microsoftonline.com"),
        ("https://Login.MicrosoftOnline.com:443/a/b?c", "https://login.microsoftonline.com"),
        ("HTTPS://x", "https://x"),
        ("http://127.0.0.1:8080/mcp", "http://127.0.0.1:8080"),
        ("http://localhost:80", "http://localhost"),
        ("http://x:443", "http://x:443"),
        ("https://[::1]:8443/x", "https://[::1]:8443"),
        ("https://[0:0:0:0:0:0:0:1]", "https://[::1]"),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
        ("https://a_b.example", "https://a_b.example"),
        ("https://x/@evil.example", "https://x"),
    ] {
        let origin = Origin::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"));
        assert_eq!(origin.to_string(), printed, "{url}");
        assert_eq!(Origin::parse(printed).unwrap(), origin);
    }
}

// control: U-11: a URL that programs read differently names no origin
#[test]
fn ambiguous_urls_are_refused() {
    use OriginError::{Host, NotAUrl, Port, Scheme, UserInfo};
    for (url, error) in [
        ("", NotAUrl),
        ("/path", NotAUrl),
        ("example.com", NotAUrl),
        ("//example.com", NotAUrl),
        ("https://", NotAUrl),
        ("https://b\u{fc}cher.example", NotAUrl),
        ("https://\u{ff11}27.0.0.1", NotAUrl),
        ("https://a b", NotAUrl),
        ("https://x\r\nHost: y", NotAUrl),
        ("https://good.example\\@evil.example", NotAUrl),
        ("ftp://x", Scheme),
        ("file://x/etc/passwd", Scheme),
        ("https://good.example@evil.example", UserInfo),
        ("https://user:pw@x", UserInfo),
        ("https://@x", UserInfo),
        ("https://x:0", Port),
        ("https://x:65536", Port),
        ("https://127.1", Host),
        ("https://2130706433", Host),
        ("https://0x7f000001", Host),
        ("https://0177.0.0.1", Host),
        ("https://127.0.0.0x1", Host),
        ("https://x.", Host),
        ("https://.x", Host),
        ("https://a..b", Host),
        ("https://-a.example", Host),
        ("https://a%2eb", Host),
        ("https://[::1%25eth0]", Host),
        ("https://[::ffff]x", Host),
    ] {
        match Origin::parse(url) {
            Ok(origin) => panic!("{url:?} became {origin}"),
            // The URI parser refuses some of these before we do; what matters is that none becomes an origin.
            Err(got) => assert!(got == error || got == NotAUrl, "{url:?}: {got:?} instead of {error:?}"),
        }
    }
    let long = format!("https://{}", "a".repeat(64));
    assert_eq!(Origin::parse(&long), Err(Host));
}
