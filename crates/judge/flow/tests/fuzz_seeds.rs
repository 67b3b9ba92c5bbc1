//! Replays every seed and past finding of the fuzz targets (`fuzz/`) on the stable compiler.

#![expect(clippy::disallowed_methods, reason = "the cases stand in files")]
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a seed that cannot be read is a failed test, and a target that panics has found something"
)]

#[path = "../../../../fuzz/targets/flow_sink.rs"]
mod flow_sink;
#[path = "../../../../fuzz/targets/flow_state.rs"]
mod flow_state;
#[path = "../../../../fuzz/replay.rs"]
mod replay;

use replay::replay;

#[test]
fn flow_state_seeds() {
    replay("flow_state", 400, flow_state::run);
}

#[test]
fn flow_sink_seeds() {
    replay("flow_sink", 400, flow_sink::run);
}
