//! Replays every seed and past finding of the fuzz targets (`fuzz/`) on the stable compiler.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a seed that cannot be read is a failed test, and a target that panics has found something"
)]

#[path = "../../../../fuzz/targets/client_hello.rs"]
mod client_hello;
#[path = "../../../../fuzz/targets/dns_question.rs"]
mod dns_question;
#[path = "../../../../fuzz/targets/entry_points.rs"]
mod entry_points;
#[path = "../../../../fuzz/replay.rs"]
mod replay;

use replay::replay;

// control: D-24: the host that is heard at the way out is the host that a server hears
#[test]
fn client_hello_seeds() {
    replay("client_hello", 600, client_hello::run);
}

// control: D-24: a list of programs names one function for a program, in names alone, or none
#[test]
fn entry_points_seeds() {
    replay("entry_points", 600, entry_points::run);
}

// control: D-24: the host that is written down is the one that every resolver would have looked for
#[test]
fn dns_question_seeds() {
    replay("dns_question", 300, dns_question::run);
}
