//! Mirrored headers: never panics; what is decoded can be encoded again; what is written is safe and is accepted.
//! Input: a header value, a zero byte, a tool's input schema, a zero byte, a call's arguments.

use bytes::Bytes;
use doorward_wire::headers::{
    PARAM_PREFIX, check_param_headers, decode_value, encode_value, outbound_with, x_mcp_headers,
};
use doorward_wire::{Era, Frame, Limits, MODERN, Tree};

pub(crate) fn run(data: &[u8]) {
    let mut parts = data.splitn(3, |byte| *byte == 0);
    let value = parts.next().unwrap_or_default();
    if let Ok(text) = decode_value(value) {
        let again = encode_value(&text);
        assert!(is_safe(&again));
        assert_eq!(decode_value(again.as_bytes()).as_deref(), Ok(text.as_ref()));
    }
    let (Some(schema), Some(arguments)) = (parts.next(), parts.next()) else { return };
    let limits = Limits { max_nodes: 10_000, ..Limits::default() };
    let Ok(schema) = Tree::parse(Bytes::copy_from_slice(schema), &limits) else { return };
    let Ok(mirrored) = x_mcp_headers(schema.root()) else { return };
    let call = [
        br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","arguments":"#.as_slice(),
        arguments,
        b"}}",
    ];
    let Ok(frame) = Frame::parse(Bytes::from(call.concat()), &limits) else { return };
    let written = outbound_with(&frame, Era::Modern, MODERN, &mirrored);
    assert!(written.iter().all(|(name, value)| is_safe(name) && is_safe(value)));
    let sent: Vec<(&str, &[u8])> = written
        .iter()
        .filter_map(|(name, value)| Some((name.strip_prefix(PARAM_PREFIX)?, value.as_bytes())))
        .collect();
    if let Err(mismatch) = check_param_headers(&frame, &mirrored, &sent) {
        // Only an argument that no header can say: an array, an object, a number that is no safe integer.
        assert_eq!(mismatch.reason, "param-header-missing");
    }
    let _ = check_param_headers(&frame, &mirrored, &[("a", value), ("region", value)]);
}

fn is_safe(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b'\t' | 0x20..=0x7e))
}
