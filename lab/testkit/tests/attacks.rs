//! What is tried on doors that sign people in. Each attack is written once and run against two: a naive door, where it
//! must succeed, and the product, where it must not.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests: a panic here is a failed test"
)]

#[path = "attacks/approvals.rs"]
mod approvals;
#[path = "attacks/clients.rs"]
mod clients;
#[path = "attacks/console.rs"]
mod console;
#[path = "attacks/house.rs"]
mod house;
#[path = "attacks/network.rs"]
mod network;
#[path = "attacks/people.rs"]
mod people;
#[path = "attacks/possession.rs"]
mod possession;
#[path = "attacks/revoked.rs"]
mod revoked;
#[path = "attacks/terminal.rs"]
mod terminal;
#[path = "attacks/tokens.rs"]
mod tokens;
#[path = "attacks/traps.rs"]
mod traps;
#[path = "attacks/web.rs"]
mod web;
