//! The official conformance suite: the door as an authorization server, servers behind it, and the door as a client of the
//! suite's own servers. The runner exits well even where it warns, so what counts is what it wrote.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests: a panic here is a failed test"
)]

#[path = "conformance/authorization.rs"]
mod authorization;
#[path = "conformance/client.rs"]
mod client;
#[path = "conformance/keeper.rs"]
mod keeper;
#[path = "conformance/results.rs"]
mod results;
#[path = "conformance/runner.rs"]
mod runner;
#[path = "conformance/server.rs"]
mod server;
#[path = "conformance/shim.rs"]
mod shim;
#[path = "conformance/tasks.rs"]
mod tasks;
