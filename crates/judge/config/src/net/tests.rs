use super::*;

#[test]
fn origins_have_one_spelling() {
    for (written, text) in [
        ("https://MCP.Contoso.com", "https://mcp.contoso.com"),
        ("https://mcp.contoso.com/", "https://mcp.contoso.com"),
        ("HTTPS://mcp.contoso.com:443", "https://mcp.contoso.com"),
        ("http://127.0.0.1:80", "http://127.0.0.1"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("https://[0:0:0:0:0:0:0:1]:8443", "https://[::1]:8443"),
    ] {
        assert_eq!(origin(written).unwrap().as_str(), text, "{written}");
    }
    assert!(origin("http://[::1]").unwrap().is_loopback_address());
    assert!(origin("http://127.9.9.9").unwrap().is_loopback_address());
    assert!(!origin("http://localhost").unwrap().is_loopback_address());
    assert!(origin("http://localhost").unwrap().is_loopback());
    assert_eq!(origin("https://a.b:8443").unwrap().authority(), "a.b:8443");
}

#[test]
fn urls_that_two_parsers_could_read_differently_are_refused() {
    for bad in [
        "",
        "mcp.contoso.com",
        "ftp://a",
        "https://",
        "https:///x",
        "https://a b",
        "https://a\\b",
        "https://a\u{e9}",
        "https://user@a",
        "https://user:pw@a",
        "https://a#b",
        "https://a:0",
        "https://a:65536",
        "https://a:",
        "https://a:+1",
        "https://a:80:80",
        "https://.a",
        "https://a..b",
        "https://a.",
        "https://[::1",
        "https://[::1]x",
        "https://[127.0.0.1]",
        "https://127.1",
        "https://0x7f.0.0.1",
        "https://2130706433",
        "https://127.0.0.256",
        "https://127.0.0.0x1",
        "https://a%2eb",
        "https://a\t",
        "https://a\n",
    ] {
        assert!(url(bad).is_err(), "{bad:?}");
    }
    assert!(origin("https://a/b").is_err());
    assert!(origin("https://a?b").is_err());
    assert!(origin("null").is_err());
    assert!(origin("*").is_err());
}

#[test]
fn paths_and_queries_stay_as_written() {
    for (written, text) in
        [("https://a", "/"), ("https://a?q=1", "/?q=1"), ("https://a/MCP?x=%2F", "/MCP?x=%2F")]
    {
        assert_eq!(url(written).unwrap().path_and_query(), text);
    }
}

#[test]
fn networks_hold_what_they_say() {
    let ten = network("10.1.0.0/16").unwrap();
    for (address, inside) in [
        ("10.1.0.0", true),
        ("10.1.255.255", true),
        ("10.2.0.0", false),
        ("::ffff:10.1.2.3", true),
        ("fd00::1", false),
    ] {
        assert_eq!(ten.contains(address.parse().unwrap()), inside, "{address}");
    }
    let unique_local = network("fd00::/8").unwrap();
    assert!(unique_local.contains("fdff::1".parse().unwrap()));
    assert!(!unique_local.contains("fe80::1".parse().unwrap()));
    assert!(!unique_local.contains("10.1.0.0".parse().unwrap()));
    assert!(network("10.1.2.3/32").unwrap().contains("10.1.2.3".parse().unwrap()));
    assert!(!network("10.1.2.3/32").unwrap().contains("10.1.2.2".parse().unwrap()));
    assert!(network("::1/128").unwrap().contains("::1".parse().unwrap()));
}

#[test]
fn networks_that_are_unclear_or_everybody_are_refused() {
    for bad in [
        "",
        "10.0.0.0",
        "10.0.0.1/8",
        "0.0.0.0/0",
        "::/0",
        "10.0.0.0/33",
        "fd00::/129",
        "10.0.0.0/-1",
        "a/8",
        "fd00::1/8",
    ] {
        assert!(network(bad).is_err(), "{bad}");
    }
}

#[test]
fn addresses_name_the_way_out() {
    assert_eq!(address("localhost:80").unwrap_err().help, "write \"127.0.0.1:80\"");
    assert_eq!(address(":80").unwrap_err().help, "write \"0.0.0.0:80\" for every IPv4 address");
    assert_eq!(address("8443").unwrap_err().help, "write \"127.0.0.1:8443\"");
    assert!(address("[::1]:0").is_ok());
}
