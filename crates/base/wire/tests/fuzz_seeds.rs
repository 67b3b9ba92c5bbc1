//! Replays every seed and past finding of the fuzz targets (`fuzz/`) on the stable compiler.

#![expect(clippy::disallowed_methods, reason = "the cases stand in files")]
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a seed that cannot be read is a failed test"
)]

#[path = "../../../../fuzz/targets/frame.rs"]
mod frame;
#[path = "../../../../fuzz/targets/headers.rs"]
mod headers;
#[path = "../../../../fuzz/targets/json_tree.rs"]
mod json_tree;
#[path = "../../../../fuzz/targets/ladder.rs"]
mod ladder;
#[path = "../../../../fuzz/replay.rs"]
mod replay;
#[path = "../../../../fuzz/targets/sse.rs"]
mod sse;
#[path = "../../../../fuzz/targets/stdio.rs"]
mod stdio;

use replay::replay;

#[test]
fn json_tree_seeds() {
    replay("json_tree", 100, json_tree::run);
}

#[test]
fn frame_seeds() {
    replay("frame", 100, frame::run);
}

#[test]
fn sse_seeds() {
    replay("sse", 100, sse::run);
}

#[test]
fn stdio_seeds() {
    replay("stdio", 100, stdio::run);
}

#[test]
fn headers_seeds() {
    replay("headers", 100, headers::run);
}

#[test]
fn ladder_seeds() {
    replay("ladder", 100, ladder::run);
}
