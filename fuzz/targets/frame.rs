//! Messages: never panics; the bytes go on as they came; splicing an id gives what editing it gives.

use bytes::Bytes;
use doorward_wire::{Frame, FrameKind, Id, Limits, lens, rewrite_id, rewrite_progress_token};

pub(crate) fn run(data: &[u8]) {
    let limits = Limits { max_nodes: 10_000, ..Limits::default() };
    let source = Bytes::copy_from_slice(data);
    if let Ok((frame, replaced)) = Frame::parse_result(source.clone(), &limits) {
        assert!(replaced > 0 || frame.bytes() == &source);
    }
    let Ok(frame) = Frame::parse(source.clone(), &limits) else { return };
    assert_eq!(frame.bytes(), &source);
    look(&frame);
    let id = Id::from("fuzz \"id\"");
    let spliced = rewrite_id(&frame, &id);
    let again = Frame::parse(spliced.clone(), &limits);
    assert!(again.is_ok_and(|again| again.method() == frame.method() && again.kind() == frame.kind()));
    match frame.with_id(&id) {
        Ok(edited) => {
            assert_eq!(edited.bytes(), &spliced);
            assert_eq!(edited.id(), Some(&id));
        }
        Err(_) => assert_eq!(frame.kind(), FrameKind::Notification),
    }
    let token = rewrite_progress_token(&frame, &id);
    assert!(Frame::parse(token, &limits).is_ok());
}

fn look(frame: &Frame) {
    let _ = lens::envelope(frame);
    let _ = lens::initialize(frame);
    let _ = lens::completion_ref(frame);
    let _ = lens::cancelled_id(frame);
    assert_eq!(lens::tool_call(frame).is_some() || lens::prompt_get(frame).is_some(), {
        lens::routing_member(frame) == Some("name") && lens::routing_name(frame).is_some()
    });
    for list in ["tools", "prompts", "resources", "resourceTemplates"] {
        let mut keep = false;
        if let Some(cut) = lens::retain_items(frame, list, |_| std::mem::replace(&mut keep, true)) {
            assert!(Frame::parse(cut, &Limits::default()).is_ok());
        }
    }
}
