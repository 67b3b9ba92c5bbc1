//! Sinks as they are configured, asked about the arguments in the second line: never panics; what is written is read as
//! the same sink; where the arguments are not an object, or not there, nothing narrows.

use bytes::Bytes;
use doorward_flow::Sink;
use doorward_wire::{Limits, Tree};

pub(crate) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (sink, arguments) = text.split_once('\n').unwrap_or((text, "{}"));
    let Ok(sink) = Sink::parse(sink) else { return };
    let written = sink.to_string();
    let again = Sink::parse(&written).expect("what is written is read");
    assert_eq!(again, sink);
    assert_eq!(again.to_string(), written);
    let widest = sink.place(None);
    let Ok(tree) = Tree::parse(Bytes::from(arguments.to_owned().into_bytes()), &Limits::default()) else {
        return;
    };
    let place = sink.place(Some(tree.root()));
    assert!(place <= widest, "arguments only ever narrow");
    assert!(tree.root().is_object() || tree.root().kind() == doorward_wire::Kind::Array || place == widest);
}
