// The ladder's rows stand in tests/hostile.rs; here is what a table of requests does not show.

use bytes::Bytes;

use super::*;
use crate::headers::ParamMismatch;

#[test]
fn refusals_without_an_id_have_no_id_member() {
    let refusal = LadderError::invalid(None, "session-missing");
    assert_eq!(
        refusal.body(),
        r#"{"jsonrpc":"2.0","error":{"code":-32600,"message":"Mcp-Session-Id is required: begin with initialize"}}"#
    );
}

#[test]
fn a_refused_version_is_told_back_quoted_and_cut() {
    let hostile = format!("\"}},\"x\":{}", "9".repeat(500));
    let body = LadderError::version(Some(&crate::Id::from("a\nb")), &hostile).body();
    let tree = Tree::parse(Bytes::from(body), &Limits::default()).unwrap();
    let requested = tree.root().path(&["error", "data", "requested"]).unwrap().as_str().unwrap();
    assert_eq!(requested.chars().count(), 64);
    assert!(hostile.starts_with(requested.as_ref()));
    assert!(tree.root().get("id").unwrap().is_str("a\nb"));
}

#[test]
fn a_mirrored_parameter_that_lies_is_a_header_mismatch() {
    let text = Bytes::from_static(br#"{"jsonrpc":"2.0","id":3,"method":"tools/call"}"#);
    let frame = Frame::parse(text, &Limits::default()).unwrap();
    let mismatch = ParamMismatch { header: "region".into(), reason: "param-header-mismatch" };
    let refusal = LadderError::param_mismatch(&frame, &mismatch);
    assert_eq!((refusal.http_status, refusal.code, refusal.id), (400, -32020, Some(crate::Id::from(3))));
}

#[test]
fn removed_methods_name_the_version_to_speak() {
    let text = Bytes::from_static(br#"{"jsonrpc":"2.0","id":3,"method":"initialize"}"#);
    let frame = Frame::parse(text, &Limits::default()).unwrap();
    assert_eq!(
        LadderError::no_method(&frame, "method-removed").data.as_deref(),
        Some(r#"{"supported":["2026-07-28"]}"#)
    );
}

#[test]
fn verbs_are_exact() {
    assert_eq!(Verb::of("POST"), Some(Verb::Post));
    for other in ["post", "PUT", "HEAD", "OPTIONS", "PATCH", "TRACE", "CONNECT", ""] {
        assert_eq!(Verb::of(other), None, "{other}");
    }
}

#[test]
fn what_comes_without_headers_is_what_its_body_says() {
    let modern = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"c","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}"#;
    let hello = r#""protocolVersion":"2024-11-05","capabilities":{},"clientInfo":{"name":"c","version":"1"}"#;
    for (text, expected) in [
        (r#""id":1,"method":"tools/list""#.to_owned(), Ok(Era::Legacy)),
        (format!(r#""id":1,"method":"initialize","params":{{{hello}}}"#), Ok(Era::Legacy)),
        (r#""id":1,"result":{}"#.to_owned(), Ok(Era::Legacy)),
        (r#""method":"notifications/cancelled","params":{"requestId":1}"#.to_owned(), Ok(Era::Legacy)),
        (format!(r#""id":1,"method":"tools/list","params":{{{modern}}}"#), Ok(Era::Modern)),
        (format!(r#""method":"notifications/cancelled","params":{{"requestId":1,{modern}}}"#), Ok(Era::Modern)),
        // A call dressed as a notification would act without an answer, and a removed method buys no older rules.
        (format!(r#""method":"tools/call","params":{{{modern}}}"#), Err("modern-notification")),
        (r#""method":"tools/call""#.to_owned(), Err("request-without-id")),
        (format!(r#""id":1,"method":"initialize","params":{{{modern}}}"#), Err("method-removed")),
        (r#""id":1,"method":"initialize","params":{}"#.to_owned(), Err("initialize-malformed")),
        (
            r#""id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2099-01-01"}}"#
                .to_owned(),
            Err("version-unsupported"),
        ),
        (
            r#""id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":7}}"#
                .to_owned(),
            Err("envelope-malformed"),
        ),
    ] {
        let text = format!(r#"{{"jsonrpc":"2.0",{text}}}"#);
        let said = classify_piped(Bytes::from(text.clone()), &Limits::default());
        assert_eq!(said.map(|piped| piped.era).map_err(|error| error.reason), expected, "{text}");
    }
}
