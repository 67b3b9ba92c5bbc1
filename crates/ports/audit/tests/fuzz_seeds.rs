//! Replays every seed and past finding of the fuzz targets (`fuzz/`) on the stable compiler.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a seed that cannot be read is a failed test, and a target that panics has found something"
)]

#[path = "../../../../fuzz/targets/audit_line.rs"]
mod audit_line;
#[path = "../../../../fuzz/replay.rs"]
mod replay;

use replay::replay;

// control: D-10: what a verification proves is what was written, byte for byte
#[test]
fn audit_line_seeds() {
    replay("audit_line", 30, audit_line::run);
}
