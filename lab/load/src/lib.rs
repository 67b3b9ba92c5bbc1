//! The bench's load generator and its yardstick, a plain hyper reverse proxy.
//!
//! `cargo xtask bench` runs the two binaries; tests run the library. The generator checks every answer it counts: a
//! fast wrong answer is an error, not a result. Nothing here may know the product it measures.

pub mod calls;
pub mod idle;
pub mod latency;
pub mod options;
pub mod pin;
pub mod request;
pub mod target;
pub mod wire;
pub mod yardstick;
