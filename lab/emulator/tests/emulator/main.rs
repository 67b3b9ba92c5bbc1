//! The emulator as a client meets it: over TLS, with nothing shared but the bytes.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    reason = "a test may fail loudly"
)]

mod agents;
mod client_credentials;
mod code;
mod control;
mod device;
mod discovery;
mod documents;
mod graph;
mod machines;
mod on_behalf_of;
mod policies;
mod refresh;
mod safety;
mod sign_in;
mod support;
mod third_party;
mod vault;
