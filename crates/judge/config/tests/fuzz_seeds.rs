//! Replays every seed and past finding of the fuzz targets (`fuzz/`) on the stable compiler.

#![expect(clippy::disallowed_methods, reason = "the cases stand in files")]
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a seed that cannot be read is a failed test, and a target that panics has found something"
)]

#[path = "../../../../fuzz/targets/config.rs"]
mod config;
#[path = "../../../../fuzz/replay.rs"]
mod replay;

use replay::replay;

#[test]
fn config_seeds() {
    replay("config", 100, config::run);
}
