//! The emulator as a client meets it: over TLS, with nothing shared but the bytes.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test may fail loudly")]

mod discovery;
mod support;
