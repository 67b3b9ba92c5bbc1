//! Arguments of hostile callers, with whatever schema they come with: never panics; the score is a share; what is flagged has
//! a finding, a place, and a line that steers no terminal; judging again says the same.

use bytes::Bytes;
use doorward_inspect::{ToolContext, arguments};
use doorward_wire::{Limits, Tree};

pub(crate) fn run(data: &[u8]) {
    let Ok((tree, _)) = Tree::parse_result(Bytes::copy_from_slice(data), &Limits::default()) else { return };
    let root = tree.root();
    let tool = root.get("tool");
    let context = tool.map(ToolContext::of).unwrap_or_default();
    let schema = tool.and_then(|tool| tool.get("inputSchema"));
    let given = root.get("arguments").unwrap_or(root);
    let report = arguments(schema, given, &context);
    assert!((0.0..=1.0).contains(&report.score));
    assert!(!report.is_flagged || !report.findings.is_empty(), "flagged for nothing");
    for finding in &report.findings {
        assert!(finding.pointer.is_empty() || finding.pointer.starts_with('/'), "{finding:?}");
        assert!(!finding.quote.chars().any(char::is_control), "{finding:?}");
    }
    let again = arguments(schema, given, &context);
    assert_eq!(
        (again.findings.len(), again.score.to_bits()),
        (report.findings.len(), report.score.to_bits())
    );
}
