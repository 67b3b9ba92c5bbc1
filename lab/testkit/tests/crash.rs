//! Doors that are killed at random moments, and disks that fill between a call and its answer: what was let through is
//! in the record, whatever happened.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "helpers of tests: a panic here is a failed test, and what was seen is printed beside it"
)]

#[path = "crash/disk.rs"]
mod disk;
#[path = "crash/house.rs"]
mod house;
#[path = "crash/kill.rs"]
mod kill;
#[path = "crash/load.rs"]
mod load;
#[path = "crash/pins.rs"]
mod pins;
#[path = "crash/record.rs"]
mod record;

const POLICIES: &str = r#"
permit (principal in Role::"Reader", action, resource in Server::"echo");
permit (principal in Role::"Reader", action == Action::"elicitation/create", resource);
"#;
