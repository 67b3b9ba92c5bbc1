use proptest::prelude::*;

use super::*;
use crate::json::ParseErrorKind;

fn parse(text: &str) -> Result<Frame, FrameError> {
    Frame::parse(Bytes::copy_from_slice(text.as_bytes()), &Limits::default())
}

const CALL: &str = r#"{ "jsonrpc":"2.0", "id":7, "method":"tools/call","params":{"name":"echo","arguments":{"n":1e400},"_meta":{"progressToken":"p","x":[1.0]}}, "extra" : 123456789012345678901234567890 }"#;

#[test]
fn the_three_shapes() {
    let call = parse(CALL).unwrap();
    assert_eq!(
        (call.kind(), call.known_method(), call.method()),
        (FrameKind::Request, Method::ToolsCall, Some("tools/call"))
    );
    assert_eq!(call.id(), Some(&Id::Number(7)));
    assert!(call.params().unwrap().get("name").unwrap().is_str("echo"));
    assert!(call.progress_token().unwrap().is_str("p"));

    let note = parse(
        r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":3,"progress":1}}"#,
    )
    .unwrap();
    assert_eq!((note.kind(), note.id()), (FrameKind::Notification, None));
    assert_eq!(note.progress_token().unwrap().as_i64(), Some(3));

    let answer = parse(r#"{"jsonrpc":"2.0","id":"a","result":null}"#).unwrap();
    assert_eq!((answer.kind(), answer.method()), (FrameKind::Response, None));
    assert!(answer.result().unwrap().is_null() && answer.error().is_none());

    let fault =
        parse(r#"{"jsonrpc":"2.0","id":"a","error":{"code":-32602,"message":"no","data":[]}}"#).unwrap();
    assert_eq!(fault.error().unwrap().get("code").unwrap().as_i64(), Some(-32602));
}

#[test]
fn a_name_is_the_same_however_it_is_escaped() {
    let frame = parse(r#"{"jsonrpc":"2.0","id":1,"m\u0065thod":"tools\/call"}"#).unwrap();
    assert_eq!((frame.known_method(), frame.method()), (Method::ToolsCall, Some("tools/call")));
    let other = parse(r#"{"jsonrpc":"2.0","id":1,"method":"vendor\/x"}"#).unwrap();
    assert_eq!((other.known_method(), other.method()), (Method::Other, Some("vendor/x")));
}

#[test]
fn only_servers_may_answer_without_an_id() {
    let limits = Limits::default();
    for text in [
        r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"x"}}"#,
        r#"{"jsonrpc":"2.0","error":{"code":-32700,"message":"x"}}"#,
    ] {
        assert_eq!(parse(text).unwrap_err(), FrameError::BadId);
        let (frame, _) = Frame::parse_result(Bytes::copy_from_slice(text.as_bytes()), &limits).unwrap();
        assert_eq!((frame.kind(), frame.id()), (FrameKind::Response, None));
        let mut edits = Edits::new();
        edits.replace(frame.error().unwrap().get("message").unwrap().span(), "\"y\"");
        assert!(frame.edited(&edits).unwrap().error().unwrap().get("message").unwrap().is_str("y"));
    }
    let result = Bytes::from_static(br#"{"jsonrpc":"2.0","id":null,"result":{}}"#);
    assert_eq!(Frame::parse_result(result, &limits).unwrap_err(), FrameError::BadId);
}

// control: D-02: unknown members, odd spacing and numbers no float can hold survive as they came
#[test]
fn an_untouched_frame_goes_on_byte_for_byte() {
    let source = Bytes::copy_from_slice(CALL.as_bytes());
    let frame = Frame::parse(source.clone(), &Limits::default()).unwrap();
    assert_eq!(frame.bytes().as_ptr(), source.as_ptr());
    assert_eq!(frame.bytes(), &source);
}

#[test]
fn ids_and_tokens_are_spliced_and_nothing_else_moves() {
    let frame = parse(CALL).unwrap();
    let id = Id::from("g-\"1");
    let spliced = rewrite_id(&frame, &id);
    assert_eq!(spliced, CALL.replace("\"id\":7", "\"id\":\"g-\\\"1\""));
    assert_eq!(frame.with_id(&id).unwrap().bytes(), &spliced);
    assert_eq!(rewrite_progress_token(&frame, &Id::from(9)), CALL.replace("\"p\"", "9"));
    let both = CALL.replace("\"id\":7", "\"id\":8").replace("\"p\"", "9");
    assert_eq!(rewrite_ids(&frame, Some(&Id::from(8)), Some(&Id::from(9))), both);
    // The id may stand behind the token.
    let reordered = r#"{"jsonrpc":"2.0","method":"ping","params":{"_meta":{"progressToken":1}},"id":2}"#;
    let spliced = rewrite_ids(&parse(reordered).unwrap(), Some(&Id::from(20)), Some(&Id::from(10)));
    assert_eq!(spliced, reordered.replace(":2}", ":20}").replace(":1}", ":10}"));
    let note = parse(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).unwrap();
    assert_eq!(rewrite_id(&note, &id), note.bytes());
}

#[test]
fn edits_are_read_as_strictly_as_anything_else() {
    let frame = parse(CALL).unwrap();
    let method = frame.root().get("method").unwrap().span();
    for (text, fault) in [
        ("1", FrameError::BadMethod),
        ("\"a\",\"id\":9", FrameError::Json(ParseError { kind: ParseErrorKind::DuplicateMember, at: 0 })),
        ("\"a\",\"result\":{}", FrameError::Ambiguous),
    ] {
        let mut edits = Edits::new();
        edits.replace(method, text);
        match (frame.edited(&edits).unwrap_err(), fault) {
            (FrameError::Json(found), FrameError::Json(wanted)) => assert_eq!(found.kind, wanted.kind),
            (found, wanted) => assert_eq!(found, wanted),
        }
    }
}

#[test]
fn ids_are_integers_and_strings_only() {
    for (text, id) in [
        ("0", Some(Id::Number(0))),
        ("-9223372036854775808", Some(Id::Number(i64::MIN))),
        ("9223372036854775807", Some(Id::Number(i64::MAX))),
        ("\"\"", Some(Id::from(""))),
        ("\"\\u0031\"", Some(Id::from("1"))),
        ("9223372036854775808", None),
        ("1.0", None),
        ("1e0", None),
        ("null", None),
        ("[]", None),
    ] {
        let tree = Tree::parse(Bytes::from_static(text.as_bytes()), &Limits::default()).unwrap();
        assert_eq!(Id::of(tree.root()), id, "{text}");
        if let Some(id) = id {
            let back = Tree::parse(Bytes::from(id.to_json()), &Limits::default()).unwrap();
            assert_eq!(Id::of(back.root()), Some(id));
        }
    }
    assert_ne!(Id::from(1), Id::from("1"));
}

proptest! {
    #[test]
    fn a_mutated_call_never_panics_and_passes_unchanged_or_not_at_all(
        at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()
    ) {
        let mut bytes = CALL.as_bytes().to_vec();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        for candidate in [bytes.clone(), bytes[..cut.index(bytes.len())].to_vec()] {
            if let Ok(frame) = Frame::parse(candidate.clone().into(), &Limits::default()) {
                prop_assert_eq!(frame.bytes().as_ref(), candidate.as_slice());
                let renamed = Frame::parse(rewrite_id(&frame, &Id::from(5)), &Limits::default()).unwrap();
                prop_assert_eq!(renamed.method(), frame.method());
            }
            let _ = Frame::parse_result(candidate.into(), &Limits::default());
        }
    }
}
