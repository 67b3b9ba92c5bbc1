use bytes::Bytes;

use super::*;
use crate::json::{Limits, Tree};

fn frame(text: &str) -> Frame {
    Frame::parse(Bytes::copy_from_slice(text.as_bytes()), &Limits::default()).unwrap()
}

fn tree(text: &str) -> Tree {
    Tree::parse(Bytes::copy_from_slice(text.as_bytes()), &Limits::default()).unwrap()
}

const SENDER: Sender<'_> =
    Sender { capabilities: r#"{"roots":{}}"#, client_info: Some(r#"{"name":"c"}"#), log_level: None };
const ENVELOPE: &str = r#""io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"roots":{}},"io.modelcontextprotocol/clientInfo":{"name":"c"}"#;

#[test]
fn a_request_gets_an_envelope_and_keeps_the_rest() {
    for (sent, params) in [
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#, format!(r#"{{"_meta":{{{ENVELOPE}}}}}"#)),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":"a"}}"#,
            format!(r#"{{"cursor":"a","_meta":{{{ENVELOPE}}}}}"#),
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"progressToken":7,"v/x":[1.0]}}}"#,
            format!(r#"{{"_meta":{{"progressToken":7,"v/x":[1.0],{ENVELOPE}}}}}"#),
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":null}}"#,
            format!(r#"{{"_meta":{{{ENVELOPE}}}}}"#),
        ),
    ] {
        let modern = to_modern(&frame(sent), &SENDER).unwrap();
        assert_eq!(modern.params().unwrap().raw(), params, "{sent}");
    }
}

// control: D-01: what a client of a session puts into the place of its envelope does not stand for what it declared
#[test]
fn a_client_does_not_write_its_own_envelope() {
    let sent = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/clientCapabilities":{"sampling":{}},"io.modelcontextprotocol/logLevel":"debug"}}}"#;
    let modern = to_modern(&frame(sent), &SENDER).unwrap();
    let meta = modern.params().unwrap().get("_meta").unwrap();
    assert_eq!(meta.get(META_CLIENT_CAPABILITIES).unwrap().raw(), SENDER.capabilities);
    assert!(meta.get(META_LOG_LEVEL).is_none());
}

#[test]
fn an_old_server_sees_nothing_of_envelope_and_rounds() {
    let sent = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"t","arguments":{{"a":1e2}},"inputResponses":{{"e":{{}}}},"requestState":"x","_meta":{{{ENVELOPE},"io.modelcontextprotocol/logLevel":"info","progressToken":"p","traceparent":"t"}}}}}}"#
    );
    let legacy = to_legacy(&frame(&sent)).unwrap();
    assert_eq!(
        legacy.params().unwrap().raw(),
        r#"{"name":"t","arguments":{"a":1e2},"_meta":{"progressToken":"p","traceparent":"t"}}"#
    );
}

#[test]
fn a_result_is_trimmed_to_what_an_old_client_takes() {
    for (method, result, trimmed) in [
        (
            Method::ToolsCall,
            r#"{"resultType":"complete","content":[],"structuredContent":[1],"_meta":{"io.modelcontextprotocol/serverInfo":{},"v":1}}"#,
            r#"{"content":[],"_meta":{"v":1}}"#,
        ),
        (
            Method::ToolsCall,
            r#"{"content":[],"structuredContent":{"a":1},"resultType":"complete"}"#,
            r#"{"content":[],"structuredContent":{"a":1}}"#,
        ),
        (
            Method::ToolsList,
            r#"{"ttlMs":5,"cacheScope":"public","tools":[{"name":"a","outputSchema":{"type":"array"}},{"name":"b","outputSchema":{"type":"object"}}]}"#,
            r#"{"tools":[{"name":"a"},{"name":"b","outputSchema":{"type":"object"}}]}"#,
        ),
    ] {
        let tree = tree(result);
        let mut edits = Edits::new();
        result_to_legacy(tree.root(), method, &mut edits);
        assert_eq!(edits.apply(&tree).unwrap(), trimmed);
    }
}

#[test]
fn greetings_are_told_in_the_words_of_the_other_revision() {
    let discovered = tree(
        r#"{"supportedVersions":["2026-07-28"],"capabilities":{"tools":{"listChanged":true},"extensions":{"x":{}}},"instructions":"be \"kind\"","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"n","version":"1","title":"N"}}}"#,
    );
    assert_eq!(
        initialize_of(discovered.root(), "2025-06-18", "files"),
        r#"{"protocolVersion":"2025-06-18","capabilities":{"tools":{"listChanged":true}},"serverInfo":{"name":"n","version":"1","title":"N"},"instructions":"be \"kind\""}"#
    );
    assert_eq!(
        initialize_of(tree("{}").root(), "2025-11-25", "files"),
        r#"{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"files","version":"0"}}"#
    );
    let initialized = tree(
        r#"{"protocolVersion":"2025-11-25","capabilities":{"tools":{},"tasks":{"list":{}}},"serverInfo":{"name":"n","version":"1"}}"#,
    );
    assert_eq!(
        discover_of(initialized.root()),
        r#"{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"ttlMs":0,"cacheScope":"private","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"n","version":"1"}}}"#
    );
}
