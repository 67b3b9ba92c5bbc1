use bytes::Bytes;

use super::*;
use crate::json::Limits;

fn frame(text: &str) -> Frame {
    Frame::parse(Bytes::copy_from_slice(text.as_bytes()), &Limits::default()).unwrap()
}

fn request(method: &str, params: &str) -> Frame {
    frame(&format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#))
}

#[test]
fn an_envelope_is_whole_or_malformed() {
    let whole = request(
        "tools/list",
        r#"{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"roots":{}},"io.modelcontextprotocol/logLevel":"info"}}"#,
    );
    let EnvelopeState::Present(envelope) = envelope(&whole) else { panic!("absent") };
    assert_eq!(envelope.protocol_version, "2026-07-28");
    assert!(envelope.client_capabilities.get("roots").is_some());
    assert!(envelope.client_info.is_none());
    assert_eq!(envelope.log_level.as_deref(), Some("info"));
    for (meta, absent) in [
        ("{}", true),
        (r#""x""#, true),
        (r#"{"progressToken":1}"#, true),
        (r#"{"io.modelcontextprotocol/protocolVersion":1}"#, false),
        (r#"{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}"#, false),
        (
            r#"{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":[]}"#,
            false,
        ),
    ] {
        let frame = request("tools/list", &format!("{{\"_meta\":{meta}}}"));
        let state = super::envelope(&frame);
        assert_eq!(matches!(state, EnvelopeState::Absent), absent, "{meta}: {state:?}");
        assert!(!matches!(state, EnvelopeState::Present(_)), "{meta}");
    }
}

#[test]
fn calls_gets_and_reads_name_their_object() {
    let call = request("tools/call", r#"{"name":"ec\u0068o","arguments":{"a":1}}"#);
    let tool = tool_call(&call).unwrap();
    assert_eq!((tool.name.as_ref(), tool.arguments.unwrap().len()), ("echo", 1));
    assert!(prompt_get(&call).is_none());
    assert_eq!(prompt_get(&request("prompts/get", r#"{"name":"p"}"#)).unwrap().name, "p");
    assert!(tool_call(&request("tools/call", r#"{"name":7}"#)).is_none());
    let without_id = frame(r#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"echo"}}"#);
    assert!(tool_call(&without_id).is_none(), "a call dressed as a notification is not a call");
    assert_eq!(resource_uri(&request("resources/read", r#"{"uri":"file:///a"}"#)).unwrap(), "file:///a");
    assert_eq!(resource_uri(&request("tools/call", r#"{"uri":"file:///a"}"#)), None);
    for (method, params, name) in [
        ("tools/call", r#"{"name":"n","uri":"u"}"#, Some("n")),
        ("prompts/get", r#"{"name":"n"}"#, Some("n")),
        ("resources/read", r#"{"name":"n","uri":"u"}"#, Some("u")),
        ("tasks/get", r#"{"taskId":"t"}"#, Some("t")),
        ("tools/list", r#"{"name":"n"}"#, None),
    ] {
        assert_eq!(routing_name(&request(method, params)).as_deref(), name, "{method}");
    }
}

#[test]
fn completions_name_a_prompt_or_a_resource() {
    let of = |reference: &str| request("completion/complete", &format!("{{\"ref\":{reference}}}"));
    assert!(
        matches!(completion_ref(&of(r#"{"type":"ref/prompt","name":"p"}"#)), Some(CompletionRef::Prompt(name)) if name == "p")
    );
    assert!(
        matches!(completion_ref(&of(r#"{"type":"ref/resource","uri":"u"}"#)), Some(CompletionRef::Resource(uri)) if uri == "u")
    );
    assert!(completion_ref(&of(r#"{"type":"ref/tool","name":"p"}"#)).is_none());
}

#[test]
fn cancellation_and_subscription_ids_are_found() {
    let cancel = frame(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"r"}}"#);
    assert_eq!(cancelled_id(&cancel), Some(Id::from("r")));
    let note = frame(
        r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":4}}}"#,
    );
    assert_eq!(subscription_id(&note).and_then(Id::of), Some(Id::from(4)));
}

const LIST: &str = r#"{"jsonrpc":"2.0","id":1,"result":{ "tools":[ {"name":"a","inputSchema":{"type":"object"}} , {"name":"b","x-unknown":1.50},{"title":"nameless"} , {"name":"c"} ],"nextCursor":"" }}"#;

#[test]
fn lists_are_read() {
    let list = frame(LIST);
    let result = list.result().unwrap();
    let tools: Vec<_> =
        tools_of(result).map(|tool| (tool.name.into_owned(), tool.input_schema.is_some())).collect();
    assert_eq!(tools, [("a".into(), true), ("b".into(), false), ("c".into(), false)]);
    assert_eq!(next_cursor(result).as_deref(), Some(""));
    assert_eq!(
        prompts_of(result).count() + resources_of(result).count() + resource_templates_of(result).count(),
        0
    );
}

#[test]
fn refused_items_are_cut_and_the_rest_stays_byte_for_byte() {
    let list = frame(LIST);
    assert!(retain_items(&list, "tools", |_| true).is_none());
    assert!(retain_items(&list, "prompts", |_| false).is_none());
    let only_b =
        retain_items(&list, "tools", |tool| tool.get("name").is_some_and(|name| name.is_str("b"))).unwrap();
    let expected =
        r#"{"jsonrpc":"2.0","id":1,"result":{ "tools":[ {"name":"b","x-unknown":1.50} ],"nextCursor":"" }}"#;
    assert_eq!(only_b, expected);
    let none = retain_items(&list, "tools", |_| false).unwrap();
    assert!(frame(std::str::from_utf8(&none).unwrap()).result().unwrap().get("tools").unwrap().is_empty());
}
