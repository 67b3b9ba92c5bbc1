//! The advisers against the emulator: real TLS, real refusals, and a clock that is turned by hand.

#![expect(clippy::unwrap_used, clippy::string_slice, reason = "a test may fail loudly")]

mod canary;
mod credentials;
mod house;
mod local;
mod opinions;
mod rest;
mod time;
