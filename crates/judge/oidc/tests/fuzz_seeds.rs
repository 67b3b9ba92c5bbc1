//! Replays every seed and past finding of the fuzz targets (`fuzz/`) on the stable compiler.

#![expect(clippy::disallowed_methods, reason = "the cases stand in files")]
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a seed that cannot be read is a failed test, and a target that panics has found something"
)]

#[path = "../../../../fuzz/targets/authority.rs"]
mod authority;
#[path = "../../../../fuzz/targets/entra_answer.rs"]
mod entra_answer;
#[path = "../../../../fuzz/replay.rs"]
mod replay;

use replay::replay;

// control: D-16: what is asked for again is what Entra named, beside the door's own capability, for every input
#[test]
fn entra_answer_seeds() {
    replay("entra_answer", 200, entra_answer::run);
}

// control: NET-05, B-12: of what others publish nothing but https addresses comes, under the name it was asked for by
#[test]
fn authority_seeds() {
    replay("authority", 200, authority::run);
}
