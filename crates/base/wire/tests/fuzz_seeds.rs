//! Replays every seed and past finding of the fuzz targets (`fuzz/`) on the stable compiler.

#![expect(clippy::disallowed_methods, reason = "the cases stand in files")]
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a seed that cannot be read is a failed test"
)]

use std::path::Path;

#[path = "../../../../fuzz/targets/frame.rs"]
mod frame;
#[path = "../../../../fuzz/targets/headers.rs"]
mod headers;
#[path = "../../../../fuzz/targets/json_tree.rs"]
mod json_tree;
#[path = "../../../../fuzz/targets/ladder.rs"]
mod ladder;
#[path = "../../../../fuzz/targets/sse.rs"]
mod sse;
#[path = "../../../../fuzz/targets/stdio.rs"]
mod stdio;

#[test]
fn json_tree_seeds() {
    replay("json_tree", json_tree::run);
}

#[test]
fn frame_seeds() {
    replay("frame", frame::run);
}

#[test]
fn sse_seeds() {
    replay("sse", sse::run);
}

#[test]
fn stdio_seeds() {
    replay("stdio", stdio::run);
}

#[test]
fn headers_seeds() {
    replay("headers", headers::run);
}

#[test]
fn ladder_seeds() {
    replay("ladder", ladder::run);
}

/// Runs the target over its seeds, over each cut at every length up to a hundred bytes, and over each with a byte changed.
fn replay(target: &str, run: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../fuzz/seeds").join(target);
    let mut replayed = 0;
    for entry in std::fs::read_dir(&folder).expect("the seeds stand beside the targets") {
        let seed = std::fs::read(entry.expect("an entry").path()).expect("a seed");
        run(&seed);
        for length in 0..seed.len().min(100) {
            run(&seed[..length]);
        }
        for at in (0..seed.len()).step_by(seed.len() / 50 + 1) {
            let mut changed = seed.clone();
            changed[at] ^= 0x41;
            run(&changed);
        }
        replayed += 1;
    }
    assert!(replayed >= 5, "{target} has {replayed} seeds");
}
