//! The state machine as the engine would drive it: honest work, attacks, properties.

mod attacks;
mod bounds;
mod honest;
mod properties;
mod threads;
mod world;
