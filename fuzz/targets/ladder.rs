//! The ladder: never panics; every refusal is a well-formed answer; what passes is what came, and agrees with its headers.
//! Input: header lines `name: value`, an empty line, the body.

use bytes::Bytes;
use doorward_wire::headers::decode_value;
use doorward_wire::{
    Classified, FrameKind, HeaderSet, LadderError, Limits, Tree, Verb, classify, classify_stream, lens,
};

pub(crate) fn run(data: &[u8]) {
    let end = data.windows(2).position(|pair| pair == b"\n\n").unwrap_or(data.len());
    let (head, body) = data.split_at(end);
    let body = Bytes::copy_from_slice(body.get(2..).unwrap_or_default());
    let lines = head.split(|byte| *byte == b'\n').filter_map(|line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let (name, value) = line.split_at(colon);
        Some((std::str::from_utf8(name).ok()?, value.get(1..)?))
    });
    let set = HeaderSet::collect(lines);
    let headers = set.routing();
    let limits = Limits { max_nodes: 10_000, ..Limits::default() };
    for verb in [Verb::Get, Verb::Delete] {
        match classify_stream(verb, set.accept.as_deref(), &headers) {
            Ok(stream) => assert!(!stream.session.is_empty()),
            Err(refusal) => check(&refusal),
        }
    }
    match classify(set.content_type, set.accept.as_deref(), &headers, body.clone(), &limits) {
        Err(refusal) => check(&refusal),
        Ok(classified) => {
            assert_eq!(classified.frame().bytes(), &body);
            assert!(headers.duplicated.is_none());
            passed(&classified, headers.name);
        }
    }
}

fn passed(classified: &Classified, name: Option<&[u8]>) {
    match classified {
        Classified::Modern { frame } => {
            assert_ne!(frame.kind(), FrameKind::Response);
            if let Some(body) = lens::routing_name(frame) {
                let header = name.and_then(|raw| decode_value(raw).ok());
                assert_eq!(
                    header.as_deref(),
                    Some(body.as_ref()),
                    "the header says another name than the body"
                );
            }
        }
        Classified::LegacyInitialize { frame } => assert!(lens::initialize(frame).is_some()),
        Classified::LegacyInSession { frame, session, .. } => {
            assert!(!session.is_empty());
            assert!(lens::claimed_version(frame).is_none(), "an envelope reached the legacy rules");
        }
    }
}

fn check(refusal: &LadderError) {
    assert!(matches!(refusal.http_status, 400 | 404 | 405 | 406));
    assert!(!refusal.reason.is_empty());
    let body = Tree::parse(Bytes::from(refusal.body()), &Limits::default());
    assert!(body.is_ok_and(|body| {
        body.root().path(&["error", "code"]).and_then(|code| code.as_i64()) == Some(refusal.code)
    }));
}
