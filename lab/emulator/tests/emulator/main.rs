//! The emulator as a client meets it: over TLS, with nothing shared but the bytes.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    reason = "a test may fail loudly"
)]

mod client_credentials;
mod code;
mod control;
mod device;
mod discovery;
mod graph;
mod on_behalf_of;
mod refresh;
mod sign_in;
mod support;
