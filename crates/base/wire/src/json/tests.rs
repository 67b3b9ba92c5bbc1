use bytes::Bytes;
use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> Result<Tree, ParseError> {
    Tree::parse(Bytes::copy_from_slice(text.as_bytes()), &Limits::default())
}

fn fault(text: &str) -> (ParseErrorKind, usize) {
    let error = parse(text).expect_err(text);
    (error.kind, error.at)
}

#[test]
fn values_read_as_written() {
    let tree = parse(r#" {"s":"a\n\u00e9\ud83d\ude00","i":-12,"f":1.50,"big":123456789012345678901234567890,"t":true,"n":null,"l":[1,[],{}]} "#).unwrap();
    let root = tree.root();
    assert_eq!(root.len(), 7);
    assert_eq!(root.get("s").unwrap().as_str().unwrap(), "a\né😀");
    assert_eq!(root.get("i").unwrap().as_i64(), Some(-12));
    assert_eq!(root.get("f").unwrap().as_i64(), None);
    assert_eq!(root.get("f").unwrap().number_text(), Some("1.50"));
    assert_eq!(root.get("big").unwrap().as_i64(), None);
    assert_eq!(root.get("big").unwrap().raw(), "123456789012345678901234567890");
    assert_eq!(root.get("t").unwrap().as_bool(), Some(true));
    assert!(root.get("n").unwrap().is_null());
    let list = root.get("l").unwrap();
    assert_eq!(
        list.items().map(|item| item.kind()).collect::<Vec<_>>(),
        [Kind::Number, Kind::Array, Kind::Object]
    );
    assert_eq!(list.span().range().len(), list.raw().len());
    assert!(root.get("missing").is_none());
    assert!(root.path(&["l", "x"]).is_none());
}

#[test]
fn strings_without_escapes_are_borrowed() {
    let tree = parse(r#"["plain","esc\/aped"]"#).unwrap();
    let borrowed: Vec<bool> = tree
        .root()
        .items()
        .map(|item| matches!(item.as_str(), Some(std::borrow::Cow::Borrowed(_))))
        .collect();
    assert_eq!(borrowed, [true, false]);
}

#[test]
fn names_are_found_decoded() {
    let tree = parse(r#"{"\u006eame":"x"}"#).unwrap();
    assert!(tree.root().get("name").unwrap().is_str("x"));
    assert_eq!(tree.root().members().next().unwrap().0, "name");
}

// control: NET-08, INJ-15: what two readers could take differently is refused, at the byte where it stands
#[test]
fn faults_point_at_their_byte() {
    use ParseErrorKind::*;
    for (text, kind, at) in [
        ("", UnexpectedEnd, 0),
        ("[1,]", Syntax, 3),
        ("{\"a\":1,}", Syntax, 7),
        ("[1] x", TrailingBytes, 4),
        ("{\"a\":1,\"a\":2}", DuplicateMember, 7),
        ("{\"a\":1,\"b\":{\"c\":1,\"\\u0063\":2}}", DuplicateMember, 18),
        ("\"\\ud800\"", LoneSurrogate, 1),
        ("\"a\u{1}\"", Syntax, 2),
        ("[01]", Syntax, 2),
        ("\u{feff}1", Syntax, 0),
        ("\"abc", UnexpectedEnd, 4),
    ] {
        assert_eq!(fault(text), (kind, at), "{text}");
    }
    let invalid = Tree::parse(Bytes::from_static(b"\"ab\xff\""), &Limits::default()).unwrap_err();
    assert_eq!((invalid.kind, invalid.at), (InvalidUtf8, 3));
}

#[test]
fn limits_hold_exactly() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(parse(&nested(64)).is_ok());
    assert_eq!(fault(&nested(65)), (ParseErrorKind::TooDeep, 64));
    // Depth is what is open at once, not what was opened in all.
    assert!(parse(&format!("[{}]", vec!["[]"; 1000].join(","))).is_ok());
    let small = Limits { max_bytes: 9, max_depth: 2, max_nodes: 4 };
    let under = |text: &str| Tree::parse(Bytes::copy_from_slice(text.as_bytes()), &small).map(drop);
    assert!(under("[1,2,3]  ").is_ok());
    assert_eq!(under("[1,2,3]   ").unwrap_err().kind, ParseErrorKind::TooLarge);
    assert_eq!(under("[1,2,3,4]").unwrap_err().kind, ParseErrorKind::TooManyNodes);
    assert_eq!(under("[[[]]]").unwrap_err().kind, ParseErrorKind::TooDeep);
}

// control: D-04: a lone surrogate in a result becomes U+FFFD, counted; in a request it refuses
#[test]
fn results_have_half_pairs_replaced_in_place() {
    let text = Bytes::from_static(br#"{"a":"x\ud83d","\udc00":"\ud83d\ude00"}"#);
    assert_eq!(
        Tree::parse(text.clone(), &Limits::default()).unwrap_err().kind,
        ParseErrorKind::LoneSurrogate
    );
    let (tree, replaced) = Tree::parse_result(text, &Limits::default()).unwrap();
    assert_eq!(replaced, 2);
    assert_eq!(tree.bytes().as_ref(), br#"{"a":"x\ufffd","\ufffd":"\ud83d\ude00"}"#);
    assert_eq!(tree.root().get("a").unwrap().as_str().unwrap(), "x\u{fffd}");
    assert!(tree.root().get("\u{fffd}").unwrap().is_str("😀"));
    // What becomes one name by the replacement is one name.
    let twins = Bytes::from_static(br#"{"\ud800":1,"\udc00":2}"#);
    assert_eq!(
        Tree::parse_result(twins, &Limits::default()).unwrap_err().kind,
        ParseErrorKind::DuplicateMember
    );
}

#[test]
fn untouched_results_share_their_bytes() {
    let text = Bytes::from_static(b"{\"a\":1}");
    let (tree, replaced) = Tree::parse_result(text.clone(), &Limits::default()).unwrap();
    assert_eq!((tree.bytes().as_ptr(), replaced), (text.as_ptr(), 0));
}

#[test]
fn many_members_are_compared_without_blowing_up() {
    let members: Vec<String> = (0..100_000).map(|n| format!("\"member-{n}\":0")).collect();
    assert!(parse(&format!("{{{}}}", members.join(","))).is_ok());
    let twice = format!("{{{},\"member-7\":1}}", members.join(","));
    assert_eq!(fault(&twice).0, ParseErrorKind::DuplicateMember);
}

#[test]
fn nothing_of_the_content_shows_in_debug() {
    let tree = parse(r#"{"password":"hunter2"}"#).unwrap();
    let shown = format!("{tree:?} {:?} {:?}", tree.root(), tree.root().members());
    assert!(!shown.contains("hunter2") && !shown.contains("password"), "{shown}");
}

#[test]
fn every_plain_run_ends_where_it_should() {
    for length in 0..40 {
        for stop in [b'"', b'\\', 0, 0x1f] {
            let mut text = vec![0x7f_u8; length];
            text.push(stop);
            text.extend_from_slice("é\u{80}aaaaaaaaaa".as_bytes());
            assert_eq!(text::end_of_plain(&text, 0), length);
        }
        let harmless = "é!#[]\u{7f}\u{80} ~".repeat(length);
        assert_eq!(text::end_of_plain(harmless.as_bytes(), 0), harmless.len());
    }
}

/// Converts, so that another parser's reading can be compared.
fn convert(value: Value<'_>) -> serde_json::Value {
    match value.kind() {
        Kind::Null => serde_json::Value::Null,
        Kind::Bool => value.as_bool().unwrap().into(),
        Kind::Number => serde_json::from_str(value.raw()).unwrap(),
        Kind::String => value.as_str().unwrap().into_owned().into(),
        Kind::Array => value.items().map(convert).collect::<Vec<_>>().into(),
        Kind::Object => value
            .members()
            .map(|(name, value)| (name.into_owned(), convert(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
    }
}

/// Text that is often JSON, and otherwise nearly.
fn json_like() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        "-?(0|[1-9][0-9]{0,3})(\\.[0-9]{1,2})?([eE][+-]?[0-9])?",
        "[0-9+.e-]{1,4}",
        "\"([a-c]|\\\\[\"\\\\/bfnrtux]|\\\\u00[46][1-3]|\\\\ud83d\\\\ude00|\\\\ud[89c]00|é|\t){0,4}\"",
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        let name = "\"([abA]|\\\\u0061){0,2}\"";
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(|items| format!("[{}]", items.join(" ,"))),
            prop::collection::vec((name, inner), 0..5).prop_map(|members| {
                let members: Vec<_> =
                    members.iter().map(|(name, value)| format!("{name}: {value}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = Tree::parse(bytes.clone().into(), &Limits::default());
        let _ = Tree::parse_result(bytes.into(), &Limits::default());
    }

    #[test]
    fn what_is_accepted_reads_as_elsewhere_and_the_rest_is_refused_for_a_reason(text in json_like()) {
        let elsewhere: Result<serde_json::Value, _> = serde_json::from_str(&text);
        match (parse(&text), elsewhere) {
            (Ok(tree), Ok(expected)) => prop_assert_eq!(convert(tree.root()), expected),
            (Ok(_), Err(fault)) => prop_assert!(fault.to_string().contains("out of range"), "{text}: {fault}"),
            (Err(fault), Ok(_)) => prop_assert_eq!(fault.kind, ParseErrorKind::DuplicateMember, "{}", text),
            (Err(_), Err(_)) => {}
        }
    }

    #[test]
    fn quoting_can_be_read_back(text in any::<String>()) {
        let tree = parse(&quote(&text)).unwrap();
        prop_assert_eq!(tree.root().as_str().unwrap(), text);
    }

    #[test]
    fn what_a_text_says_is_found_where_it_is_written(text in any::<String>(), ascii in any::<bool>()) {
        let mut literal = serde_json::to_string(&text).unwrap();
        if ascii {
            let escaped = |c: char| c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect();
            literal = literal.chars().map(|c| if c.is_ascii() { c.to_string() } else { escaped(c) }).collect();
        }
        let document = format!("[1, {literal}]");
        let tree = parse(&document).unwrap();
        let value = tree.root().items().nth(1).unwrap();
        for (from, c) in text.char_indices() {
            let range = value.written_at(from)..value.written_at(from + c.len_utf8());
            let written = document.get(range).unwrap();
            let read: String = serde_json::from_str(&format!("\"{written}\"")).unwrap();
            prop_assert_eq!(read, c.to_string());
        }
        prop_assert_eq!(value.written_at(usize::MAX), value.span().range().end - 1);
    }

    #[test]
    fn spans_cut_out_whole_values(text in json_like()) {
        let Ok(tree) = parse(&text) else { return Ok(()) };
        for value in tree.root().items().chain(tree.root().members().map(|(_, value)| value)) {
            let alone = Tree::parse(tree.bytes().slice(value.span().range()), &Limits::default()).unwrap();
            prop_assert_eq!(alone.root().kind(), value.kind());
            prop_assert_eq!(alone.root().raw(), value.raw());
        }
    }
}
