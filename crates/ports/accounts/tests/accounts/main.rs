//! Signing in against the emulator: every way, every refusal, and who waits for whom.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

mod broker;
mod browser;
mod bus;
mod cache;
mod cases;
mod hardened;
mod house;
mod keychain;
mod loopback;
mod people;
mod together;
