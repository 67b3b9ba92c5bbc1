//! The remote door: Streamable HTTP for many users.
//!
//! The command line builds a [`Gateway`] from a valid configuration and runs it. It listens, checks `Host` and
//! `Origin`, and hands every request to the engine, which judges it; what comes back it writes out. It judges nothing
//! itself, and it holds no way to an upstream that does not go through the engine.

mod advice;
mod body;
mod build;
mod console;
mod credentials;
mod downstream;
mod knocks;
mod listen;
mod metrics;
mod outside;
mod pace;
mod pipes;
mod ports;
mod reload;
mod respond;
mod route;
mod scrape;
mod sign_in;

pub use advice::{Advice, MODEL_WORKER};
pub use build::{BuildError, Built, approvals, build, flow_rules};
pub use listen::{Gateway, Running, StartError};
pub use metrics::Metrics;
pub use outside::{Outside, outside};
pub use pace::Pace;
pub use ports::GatewayPorts;
pub use sign_in::{open_store, store_key};
