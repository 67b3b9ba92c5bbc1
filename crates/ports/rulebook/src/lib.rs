//! Rules in signed bundles (INJ-07): whose they are, which of them count, and the way back.
//!
//! A bundle is written and signed where its author works, and carried to a door as one file: a DSSE [`envelope`]. The
//! [`Shelf`] is a folder of such files and one that says which version of each counts. The doors load it and watch it; the
//! CLI installs, enforces and rolls back. This crate decides whose signature is good and nothing else: what a bundle finds is
//! `doorward-inspect`'s business, what follows is the engine's. It reads no clock and sends nothing.

mod envelope;
mod error;
mod shelf;
mod stages;
#[cfg(test)]
mod tests;

pub use envelope::{open, peek, seal};
pub use error::RulebookError;
pub use shelf::{Loaded, Shelf, Step};
pub use stages::Placed;
