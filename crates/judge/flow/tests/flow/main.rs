//! The state machine as the engine would drive it: honest work, attacks, properties.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper that fails is a failed test"
)]

mod attacks;
mod bounds;
mod honest;
mod properties;
mod shared;
mod threads;
mod world;
