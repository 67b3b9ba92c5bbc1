//! Tokens good and bad, judged as the door judges them.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "helpers of tests: a panic here is a failed test"
)]

mod forge;
mod genuine;
mod id_tokens;
mod inside;
mod keys;
mod outside;
mod own;
mod revoked;
mod table;
