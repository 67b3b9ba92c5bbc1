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
