//! Replays every seed and past finding of the fuzz targets (`fuzz/`) on the stable compiler.

#![expect(clippy::disallowed_methods, reason = "the cases stand in files")]
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a seed that cannot be read is a failed test, and a target that panics has found something"
)]

#[path = "../../../../fuzz/targets/input_schema.rs"]
mod input_schema;
#[path = "../../../../fuzz/targets/policy_args.rs"]
mod policy_args;
#[path = "../../../../fuzz/targets/policy_text.rs"]
mod policy_text;
#[path = "../../../../fuzz/replay.rs"]
mod replay;
#[path = "../../../../fuzz/targets/policy_world.rs"]
mod world;

use replay::replay;

// control: D-07: a sliced set decides as each of its policies says alone, and no text hides a policy
#[test]
fn policy_text_seeds() {
    replay("policy_text", 6, policy_text::run);
}

// control: D-06: the decision is the one worked out without Cedar, whatever the arguments look like
#[test]
fn policy_args_seeds() {
    replay("policy_args", 20, policy_args::run);
}

#[test]
fn input_schema_seeds() {
    replay("input_schema", 4, input_schema::run);
}
