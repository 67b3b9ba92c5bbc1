//! Replays every seed and past finding of the fuzz targets (`fuzz/`) on the stable compiler.

#![expect(clippy::disallowed_methods, reason = "the cases stand in files")]
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a seed that cannot be read is a failed test, and a target that panics has found something"
)]

#[path = "../../../../fuzz/targets/dlp_frame.rs"]
mod dlp_frame;
#[path = "../../../../fuzz/targets/dlp_placeholder.rs"]
mod dlp_placeholder;
#[path = "../../../../fuzz/targets/dlp_text.rs"]
mod dlp_text;
#[path = "../../../../fuzz/replay.rs"]
mod replay;

use replay::replay;

#[test]
fn dlp_text_seeds() {
    replay("dlp_text", 100, dlp_text::run);
}

#[test]
fn dlp_frame_seeds() {
    replay("dlp_frame", 100, dlp_frame::run);
}

#[test]
fn dlp_placeholder_seeds() {
    replay("dlp_placeholder", 60, dlp_placeholder::run);
}
