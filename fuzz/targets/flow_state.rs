//! What was remembered of a person's labels: never panics; what is read is written back, and read again the same.

use doorward_flow::Flow;

pub(crate) fn run(data: &[u8]) {
    let Ok(flow) = Flow::read(data) else { return };
    let written = flow.to_json();
    let again = Flow::read(written.as_bytes()).expect("what is written is read");
    assert_eq!(again, flow);
    assert_eq!(again.to_json(), written);
    assert!(again.label() >= flow.label());
}
