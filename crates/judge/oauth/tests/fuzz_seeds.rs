//! Replays every seed and past finding of the fuzz targets (`fuzz/`) on the stable compiler.

#![expect(clippy::disallowed_methods, reason = "the cases stand in files")]
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a seed that cannot be read is a failed test, and a target that panics has found something"
)]

#[path = "../../../../fuzz/targets/jwks.rs"]
mod jwks;
#[path = "../../../../fuzz/targets/jwt.rs"]
mod jwt;
#[path = "../../../../fuzz/replay.rs"]
mod replay;

use replay::replay;

// control: TOK-01, TOK-02: nobody passes unsigned, and what passes fits a second reading of every claim
#[test]
fn jwt_seeds() {
    replay("jwt", 100, jwt::run);
}

#[test]
fn jwks_seeds() {
    replay("jwks", 100, jwks::run);
}
