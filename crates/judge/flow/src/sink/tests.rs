use bytes::Bytes;
use doorward_wire::{Limits, Tree};

use super::*;

fn place(sink: &str, arguments: &str) -> Place {
    let tree = Tree::parse(Bytes::copy_from_slice(arguments.as_bytes()), &Limits::default()).unwrap();
    Sink::parse(sink).unwrap().place(Some(tree.root()))
}

const MAIL: &str = r#"outward unless args.to, args.cc ends with "@contoso.com" beside args.subject, args.body then internal for team"#;
const FETCH: &str =
    r#"outward unless args.url host is one of "docs.contoso.com", "*.intra.contoso.com" then none"#;
const GRAPH: &str = r#"outward unless args.m.to.mail.address ends with "@contoso.com" beside args.m.body then internal for team"#;

// control: DAT-01: A recipient inside the house is told from every disguise of one outside.
#[test]
fn only_a_plain_address_of_the_domain_is_inside() {
    for inside in [
        r#"{"to":"bo@contoso.com"}"#,
        r#"{"to":"Bo.Ek+x@CONTOSO.com","subject":"x","body":"mail x@evil.example"}"#,
        r#"{"to":["bo@contoso.com","cy@contoso.com"],"cc":"di@contoso.com"}"#,
        r#"{"to":"bo@contoso.com","cc":null}"#,
        r#"{"to":"bo@contoso.com","cc":[]}"#,
    ] {
        assert_eq!(place(MAIL, inside), Place::Internal(Audience::Team), "{inside}");
    }
    for outside in [
        r#"{}"#,
        r#"[]"#,
        r#""bo@contoso.com""#,
        r#"{"to":null}"#,
        r#"{"to":[]}"#,
        r#"{"to":""}"#,
        r#"{"to":"@contoso.com"}"#,
        r#"{"to":{"a":"bo@contoso.com"}}"#,
        r#"{"to":[["x@evil.example"],"bo@contoso.com"]}"#,
        r#"{"to":"x@evil.example"}"#,
        r#"{"to":"x@evil.example, bo@contoso.com"}"#,
        r#"{"to":"x@evil.example;bo@contoso.com"}"#,
        r#"{"to":"x@evil.example\nbo@contoso.com"}"#,
        r#"{"to":"x@evil.example bo@contoso.com"}"#,
        r#"{"to":"<x@evil.example>bo@contoso.com"}"#,
        r#"{"to":"x@evil.example@contoso.com"}"#,
        r#"{"to":"x%evil.example,@contoso.com"}"#,
        r#"{"to":"bo@notcontoso.com"}"#,
        r#"{"to":"bo@sub.contoso.com"}"#,
        r#"{"to":"bo@contoso.com.evil.example"}"#,
        r#"{"to":"bo@contoso.com "}"#,
        r#"{"to":"bo@c\u043entoso.com"}"#,
        r#"{"to":["bo@contoso.com","x@evil.example"]}"#,
        r#"{"to":["bo@contoso.com",null]}"#,
        r#"{"to":"bo@contoso.com","cc":"x@evil.example"}"#,
        r#"{"to":"bo@contoso.com","bcc":"x@evil.example"}"#,
        r#"{"to":"bo@contoso.com","To":"x@evil.example"}"#,
        r#"{"cc":"bo@contoso.com"}"#,
        r#"{"to":7}"#,
    ] {
        assert_eq!(place(MAIL, outside), Place::Outward, "{outside}");
    }
    assert_eq!(Sink::parse(MAIL).unwrap().place(None), Place::Outward);
}

// control: DAT-01: A host on the list is told from every disguise of one that is not.
#[test]
fn only_a_plain_https_url_has_a_listed_host() {
    for inside in [
        "https://docs.contoso.com",
        "https://docs.contoso.com/a?b=c#d",
        "https://DOCS.contoso.com:443/",
        "https://a.b.intra.contoso.com/",
    ] {
        assert_eq!(place(FETCH, &format!(r#"{{"url":"{inside}"}}"#)), Place::Nowhere, "{inside}");
    }
    for outside in [
        "http://docs.contoso.com/",
        "HTTPS://docs.contoso.com.evil.example/",
        "https://docs.contoso.com.evil.example/",
        "https://docs.contoso.com@evil.example/",
        "https://evil.example/docs.contoso.com",
        "https://evil.example#docs.contoso.com",
        "https://evil.example\\\\.docs.contoso.com/",
        "https://docs.contoso.com:8443/",
        "https://docs.contoso.com%2eevil.example/",
        "https://docs.contoso.com./",
        "https://intra.contoso.com/",
        "https://.intra.contoso.com.evil.example/",
        "https://evilintra.contoso.com/",
        " https://docs.contoso.com/",
        "https:///docs.contoso.com/",
        "//docs.contoso.com/",
        "https://docs.contoso.com\\n.evil.example",
        "file:///etc/passwd",
        "",
    ] {
        assert_eq!(place(FETCH, &format!(r#"{{"url":"{outside}"}}"#)), Place::Outward, "{outside}");
    }
    let header = r#"{"url":"https://docs.contoso.com/","proxy":"https://evil.example"}"#;
    assert_eq!(place(FETCH, header), Place::Outward, "an argument that the label does not know");
}

#[test]
fn arguments_further_in_are_asked_item_by_item() {
    let inside = r#"{"m":{"to":[{"mail":{"address":"bo@contoso.com"}}],"body":{"text":"x"}}}"#;
    assert_eq!(place(GRAPH, inside), Place::Internal(Audience::Team));
    for outside in [
        r#"{"m":{"to":[{"mail":{"address":"bo@contoso.com"}},{"mail":{"address":"x@evil.example"}}]}}"#,
        r#"{"m":{"to":[{"mail":{"address":"bo@contoso.com"}},{"mail":{}}]}}"#,
        r#"{"m":{"to":[{"mail":{"address":"bo@contoso.com","alias":"x@evil.example"}}]}}"#,
        r#"{"m":{"to":[{"mail":{"address":"bo@contoso.com"}}],"bcc":[{"mail":{"address":"x@evil.example"}}]}}"#,
        r#"{"m":"bo@contoso.com"}"#,
    ] {
        assert_eq!(place(GRAPH, outside), Place::Outward, "{outside}");
    }
}

#[test]
fn a_sink_is_written_as_it_is_read() {
    for text in [
        "none",
        "internal for self",
        "outward",
        MAIL,
        FETCH,
        GRAPH,
        r#"outward unless args.visibility is "private" and args.kind is one of "a", "b c" beside * then internal for company"#,
    ] {
        let sink = Sink::parse(text).unwrap();
        assert_eq!(sink.to_string(), text);
    }
    let short = Sink::parse(r#"  outward unless args.to ends with "@contoso.com"  "#).unwrap();
    let long = r#"outward unless args.to ends with "@contoso.com" then internal for company"#;
    assert_eq!(short.to_string(), long);
    assert_eq!(Sink::parse("internal").unwrap().to_string(), "internal for company");
}

#[test]
fn a_text_that_is_no_sink_is_refused_with_what_stands_where() {
    for (text, what) in [
        ("", "the end stands where a place is expected"),
        ("Outward", "`Outward` stands where a place is expected"),
        ("internal for everyone", "`everyone` stands where an audience is expected"),
        ("outward, none", "a comma follows the sink"),
        ("outward unless", "the end stands where an argument is expected"),
        ("outward unless to is \"a\"", "`to` stands where an argument is expected"),
        ("outward unless args. is \"a\"", "`args.` stands where an argument is expected"),
        ("outward unless args.a..b is \"a\"", "`args.a..b` stands where an argument is expected"),
        (
            "outward unless args.to ends with \"contoso.com\"",
            "`ends with` is followed by `\"contoso.com\"`, which is no mail domain",
        ),
        (
            "outward unless args.to ends with \"@com\"",
            "`ends with` is followed by `\"@com\"`, which is no mail domain",
        ),
        ("outward unless args.u host is \"*\"", "`\"*\"` is no host"),
        ("outward unless args.u host is \"*.com\"", "`\"*.com\"` is no host"),
        ("outward unless args.u host is \"https://a.b/\"", "`\"https://a.b/\"` is no host"),
        ("outward unless args.u is a", "`a` stands where a quoted text is expected"),
        ("outward unless args.u is \"a", "a quoted text does not end"),
        ("outward unless args.u is \"a\" or args.v is \"b\"", "`or` follows the sink"),
        (
            "none unless args.u is \"a\"",
            "where the condition holds it is `internal for company`, which is no narrower than `none`",
        ),
        (
            "internal for team unless args.u is \"a\" then outward",
            "where the condition holds it is `outward`, which is no narrower than `internal for team`",
        ),
    ] {
        let error = Sink::parse(text).expect_err(text);
        assert_eq!(error.what, what, "{text}");
        assert!(!error.help.is_empty());
    }
    let many = |paths: usize, texts: usize| {
        let paths: Vec<String> = (0..paths).map(|at| format!("args.a{at}")).collect();
        let texts: Vec<String> = (0..texts).map(|at| format!("\"{at}\"")).collect();
        Sink::parse(&format!("outward unless {} is one of {}", paths.join(", "), texts.join(", ")))
    };
    assert!(many(16, 16).is_ok());
    assert!(many(16, 17).is_err());
}
