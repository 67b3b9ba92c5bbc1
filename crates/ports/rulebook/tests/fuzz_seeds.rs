//! Replays every seed and past finding of the fuzz target (`fuzz/`) on the stable compiler.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a seed that cannot be read is a failed test, and a target that panics has found something"
)]

#[path = "../../../../fuzz/replay.rs"]
mod replay;
#[path = "../../../../fuzz/targets/rule_envelope.rs"]
mod rule_envelope;

use replay::replay;

#[test]
fn rule_envelope_seeds() {
    replay("rule_envelope", 100, rule_envelope::run);
}
