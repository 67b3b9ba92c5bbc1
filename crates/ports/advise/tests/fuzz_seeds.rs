//! Replays every seed and past finding of the fuzz targets (`fuzz/`) on the stable compiler.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a seed that cannot be read is a failed test, and a target that panics has found something"
)]

#[path = "../../../../fuzz/targets/advise_answer.rs"]
mod advise_answer;
#[path = "../../../../fuzz/targets/advise_cut.rs"]
mod advise_cut;
#[path = "../../../../fuzz/targets/advise_line.rs"]
mod advise_line;
#[path = "../../../../fuzz/replay.rs"]
mod replay;

use replay::replay;

// control: INJ-09, CSF-01: Of what a service answers only what speaks of every text and category is an answer, for every input.
#[test]
fn advise_answer_seeds() {
    replay("advise_answer", 200, advise_answer::run);
}

// control: INJ-09: No text is cut so that a piece is too long, a part is left out, or an attack of a sentence is cut in two.
#[test]
fn advise_cut_seeds() {
    replay("advise_cut", 40, advise_cut::run);
}

// control: INJ-09: Whatever the process of a local model says, it is a percentage or no opinion; whatever it is told, it loads nothing by halves.
#[test]
fn advise_line_seeds() {
    replay("advise_line", 200, advise_line::run);
}
