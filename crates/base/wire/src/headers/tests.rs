use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::frame::Frame;
use crate::json::{Limits, Tree};
use crate::method::{Era, MODERN};

fn tree(text: &str) -> Tree {
    Tree::parse(Bytes::copy_from_slice(text.as_bytes()), &Limits::default()).unwrap()
}

fn call(arguments: &str) -> Frame {
    let text = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"göte","arguments":{arguments}}}}}"#
    );
    Frame::parse(Bytes::from(text), &Limits::default()).unwrap()
}

#[test]
fn the_examples_of_the_specification() {
    for (text, header) in [
        ("us-west1", "us-west1"),
        ("Hello, 世界", "=?base64?SGVsbG8sIOS4lueVjA==?="),
        (" padded ", "=?base64?IHBhZGRlZCA=?="),
        ("line1\nline2", "=?base64?bGluZTEKbGluZTI=?="),
        ("=?base64?literal?=", "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="),
        ("=?base64?=", "=?base64?PT9iYXNlNjQ/PQ==?="),
        ("", ""),
    ] {
        assert_eq!(encode_value(text), header);
        assert_eq!(decode_value(header.as_bytes()).unwrap(), text);
    }
}

proptest! {
    #[test]
    fn every_text_comes_back_and_travels_safely(text in any::<String>()) {
        let header = encode_value(&text);
        prop_assert!(header.bytes().all(|byte| matches!(byte, b'\t' | 0x20..=0x7e)));
        prop_assert_eq!(decode_value(header.as_bytes()).unwrap(), text);
    }

    #[test]
    fn arbitrary_values_never_panic(raw in prop::collection::vec(any::<u8>(), 0..60)) {
        let _ = decode_value(&raw);
        let _ = decode_value(&[b"=?base64?".as_slice(), &raw, b"?="].concat());
    }
}

const SCHEMA: &str = r#"{"type":"object","properties":{
    "region":{"type":"string","x-mcp-header":"Region"},
    "limit":{"type":"integer","x-mcp-header":"Limit"},
    "where":{"type":"object","properties":{"dry":{"type":["boolean","null"],"x-mcp-header":"Dry-Run"}}},
    "x-mcp-header":{"type":"string","default":{"x-mcp-header":"not an annotation"}}}}"#;

fn mirrored() -> Vec<ParamHeader> {
    x_mcp_headers(tree(SCHEMA).root()).unwrap()
}

#[test]
fn annotations_are_found_where_parameters_are() {
    let found: Vec<_> = mirrored().into_iter().map(|header| (header.name, header.path.join("."))).collect();
    let expected = [("dry-run", "where.dry"), ("limit", "limit"), ("region", "region")];
    assert_eq!(found, expected.map(|(name, path)| (name.to_owned(), path.to_owned())));
}

// control: T-21: a tool whose x-mcp-header annotations break a rule is invalid as a whole
#[test]
fn invalid_annotations_spoil_the_tool() {
    use BadToolHeaders::*;
    let property = |schema: &str| format!(r#"{{"properties":{{"a":{schema}}}}}"#);
    let string = |name: &str| property(&format!(r#"{{"type":"string","x-mcp-header":{name}}}"#));
    let long = string(&format!("\"{}\"", "a".repeat(129)));
    let many: Vec<_> =
        (0..65).map(|n| format!(r#""p{n}":{{"type":"string","x-mcp-header":"h{n}"}}"#)).collect();
    for (schema, fault) in [
        (string("\"\""), BadName),
        (string("\"a b\""), BadName),
        (string("\"a\\r\\nX: 1\""), BadName),
        (string("\"a:b\""), BadName),
        (string("\"é\""), BadName),
        (string("null"), BadName),
        (string("[\"a\"]"), BadName),
        (long, BadName),
        (property(r#"{"type":"number","x-mcp-header":"A"}"#), BadType),
        (property(r#"{"type":"object","x-mcp-header":"A"}"#), BadType),
        (property(r#"{"type":"array","x-mcp-header":"A"}"#), BadType),
        (property(r#"{"type":["string","integer"],"x-mcp-header":"A"}"#), BadType),
        (property(r#"{"type":["null"],"x-mcp-header":"A"}"#), BadType),
        (property(r#"{"x-mcp-header":"A"}"#), BadType),
        (r#"{"type":"string","x-mcp-header":"A"}"#.into(), NotReachable),
        (property(r#"{"type":"array","items":{"type":"string","x-mcp-header":"A"}}"#), NotReachable),
        (property(r#"{"oneOf":[{"type":"string","x-mcp-header":"A"}]}"#), NotReachable),
        (property(r#"{"not":{"type":"string","x-mcp-header":"A"}}"#), NotReachable),
        (r#"{"if":{"properties":{"a":{"type":"string","x-mcp-header":"A"}}}}"#.into(), NotReachable),
        (r#"{"$defs":{"d":{"type":"string","x-mcp-header":"A"}}}"#.into(), NotReachable),
        (r#"{"patternProperties":{"^x":{"type":"string","x-mcp-header":"A"}}}"#.into(), NotReachable),
        (r#"{"additionalProperties":{"type":"string","x-mcp-header":"A"}}"#.into(), NotReachable),
        (r#"{"properties":{"a":{"type":"string","x-mcp-header":"A"},"b":{"type":"string","x-mcp-header":"a"}}}"#.into(), DuplicateName),
        (format!("{{\"properties\":{{{}}}}}", many.join(",")), TooMany),
    ] {
        assert_eq!(x_mcp_headers(tree(&schema).root()), Err(fault), "{schema}");
    }
}

// control: T-22, T-19: a mirrored parameter must say what the arguments say, or the call is refused
#[test]
fn mirrored_parameters_are_checked_against_the_arguments() {
    let arguments = r#"{"region":"us-west1","limit":42,"where":{"dry":true}}"#;
    let good: [(&str, &[u8]); 3] = [("region", b"us-west1"), ("limit", b"42"), ("dry-run", b"true")];
    let swap = |at: usize, value: &'static [u8]| {
        let mut sent = good;
        sent[at].1 = value;
        sent.to_vec()
    };
    let (bare, fraction) = (r#"{"region":null,"where":{}}"#, r#"{"limit":42.5}"#);
    for (arguments, sent, outcome) in [
        (arguments, good.to_vec(), None),
        (arguments, swap(0, b" =?base64?dXMtd2VzdDE=?= "), None),
        (arguments, swap(1, b"42.0"), None),
        (arguments, [good.as_slice(), &[("vendor", b"\xff")]].concat(), None),
        (arguments, swap(0, b"us-west2"), Some("param-header-mismatch")),
        (arguments, swap(0, b"US-WEST1"), Some("param-header-mismatch")),
        (arguments, swap(1, b"42.1"), Some("param-header-mismatch")),
        (arguments, swap(1, b"4.2e1"), Some("param-header-mismatch")),
        (arguments, swap(1, b"forty-two"), Some("param-header-mismatch")),
        (arguments, swap(2, b"TRUE"), Some("param-header-mismatch")),
        (arguments, swap(2, b"1"), Some("param-header-mismatch")),
        (arguments, swap(0, b"=?base64?dXMtd2VzdDE?="), Some("param-header-base64")),
        (arguments, swap(0, b"=?base64?/w==?="), Some("param-header-utf8")),
        (arguments, swap(0, b"us-\xffwest1"), Some("param-header-character")),
        (arguments, good[1..].to_vec(), Some("param-header-missing")),
        (arguments, [good.as_slice(), &[("region", b"us-west1")]].concat(), Some("param-header-duplicated")),
        (arguments, [good.as_slice(), &[("REGION", b"us-west2")]].concat(), Some("param-header-duplicated")),
        (bare, Vec::new(), None),
        (bare, good[..1].to_vec(), Some("param-header-without-value")),
        ("[]", good[..1].to_vec(), Some("param-header-without-value")),
        (fraction, good[1..2].to_vec(), Some("param-header-mismatch")),
        (
            r#"{"limit":9007199254740993}"#,
            vec![("limit", b"9007199254740993".as_slice())],
            Some("param-header-mismatch"),
        ),
        (r#"{"region":["us-west1"]}"#, good[..1].to_vec(), Some("param-header-mismatch")),
    ] {
        let found = check_param_headers(&call(arguments), &mirrored(), &sent)
            .map_err(|mismatch| mismatch.reason)
            .err();
        assert_eq!(found, outcome, "{arguments} {sent:?}");
    }
}

// control: T-17, T-18, T-20: headers for the upstream are written from the judged body
#[test]
fn outbound_headers_come_from_the_body() {
    let frame = call(r#"{"region":" eu ","limit":42.0,"where":{"dry":false},"other":1}"#);
    let schema = tree(SCHEMA);
    let headers = outbound(&frame, Era::Modern, MODERN, Some(schema.root()));
    let expected = [
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "tools/call"),
        ("mcp-name", "=?base64?Z8O2dGU=?="),
        ("mcp-param-dry-run", "false"),
        ("mcp-param-limit", "42"),
        ("mcp-param-region", "=?base64?IGV1IA==?="),
    ];
    assert_eq!(headers, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let legacy = outbound(&frame, Era::Legacy, "2025-06-18", Some(schema.root()));
    assert_eq!(legacy, [("mcp-protocol-version".to_owned(), "2025-06-18".to_owned())]);
    let none = outbound(&call(r#"{"region":null,"limit":1e99}"#), Era::Modern, MODERN, Some(schema.root()));
    assert_eq!(none.len(), 3, "absent, null and beyond the safe range are omitted: {none:?}");
}

#[test]
fn what_is_written_is_what_is_accepted() {
    let frame = call(r#"{"region":"=?base64?x?=","limit":-7,"where":{"dry":true}}"#);
    let headers = outbound_with(&frame, Era::Modern, MODERN, &mirrored());
    let sent: Vec<_> = headers
        .iter()
        .filter_map(|(name, value)| Some((name.strip_prefix(PARAM_PREFIX)?, value.as_bytes())))
        .collect();
    assert_eq!(sent.len(), 3);
    check_param_headers(&frame, &mirrored(), &sent).unwrap();
}

#[test]
fn header_sets_notice_what_came_twice() {
    let set = HeaderSet::collect([
        ("mcp-method", b"a".as_slice()),
        ("accept", b"application/json"),
        ("mcp-param-x", b"1"),
        ("authorization", b"Bearer secret"),
        ("accept", b"text/event-stream"),
        ("mcp-param-x", b"2"),
        ("mcp-method", b"a"),
    ]);
    assert_eq!(set.routing().duplicated, Some("mcp-method"));
    assert_eq!(set.accept.as_deref(), Some(b"application/json, text/event-stream".as_slice()));
    assert_eq!(set.routing().params, [("x", b"1".as_slice()), ("x", b"2")]);
}
