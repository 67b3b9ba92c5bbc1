//! Replays every seed and past finding of the fuzz targets (`fuzz/`) on the stable compiler.

#![expect(clippy::disallowed_methods, reason = "the cases stand in files")]
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a seed that cannot be read is a failed test, and a target that panics has found something"
)]

#[path = "../../../../fuzz/targets/arguments.rs"]
mod arguments;
#[path = "../../../../fuzz/replay.rs"]
mod replay;
#[path = "../../../../fuzz/targets/rule_bundle.rs"]
mod rule_bundle;
#[path = "../../../../fuzz/targets/tool.rs"]
mod tool;

use replay::replay;

#[test]
fn tool_seeds() {
    replay("tool", 400, tool::run);
}

#[test]
fn rule_bundle_seeds() {
    replay("rule_bundle", 200, rule_bundle::run);
}

#[test]
fn arguments_seeds() {
    replay("arguments", 300, arguments::run);
}
