//! The official conformance suite: the door as an authorization server, and servers behind it. The runner exits well even
//! where it warns, so what counts is what it wrote.

#![expect(clippy::expect_used, clippy::panic, reason = "helpers of tests: a panic here is a failed test")]

#[path = "conformance/authorization.rs"]
mod authorization;
#[path = "conformance/results.rs"]
mod results;
#[path = "conformance/server.rs"]
mod server;
#[path = "conformance/shim.rs"]
mod shim;
#[path = "conformance/tasks.rs"]
mod tasks;
