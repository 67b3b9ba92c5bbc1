//! Definitions of hostile tools: never panics; every finding has a rule, a place in the definition, and a line that steers no
//! terminal; the score is a share, and judging again says the same.

use bytes::Bytes;
use doorward_inspect::{Names, Place, text, tool};
use doorward_wire::{Limits, Tree};

pub(crate) fn run(data: &[u8]) {
    let limits = Limits::default();
    if let Ok(source) = std::str::from_utf8(data) {
        let report = text(Place::Content, source, &Names::default());
        assert!((0.0..=1.0).contains(&report.score));
        for finding in &report.findings {
            assert!(source.get(finding.span.clone()).is_some(), "{finding:?}");
        }
    }
    let Ok((tree, _)) = Tree::parse_result(Bytes::copy_from_slice(data), &limits) else { return };
    let names = Names::new(["send_email", "read_file"]);
    let report = tool(tree.root(), &names);
    assert!((0.0..=1.0).contains(&report.score));
    assert!(!report.is_flagged || !report.findings.is_empty(), "flagged for nothing");
    for finding in &report.findings {
        assert!(finding.pointer.is_empty() || finding.pointer.starts_with('/'), "{finding:?}");
        assert!(!finding.quote.chars().any(char::is_control), "{finding:?}");
    }
    let again = tool(tree.root(), &names);
    assert_eq!(
        (again.findings.len(), again.score.to_bits()),
        (report.findings.len(), report.score.to_bits())
    );
}
