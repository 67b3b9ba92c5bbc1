//! Pins where they are kept: what was agreed to of each server, what waits for a person, and what persons decided.
//!
//! Both doors and the command line use it, several processes at once. The doors hold what they need in memory ([`Watch`]) and
//! take up within a second what others did; the [`Pinboard`] reads and writes the store and is where a person's acts are done,
//! whoever asks for them: the command line on the same machine, or a page of the door's.
//!
//! Each row is sealed by the store. One row for each server, its head, has a digest of all its pins in it and is written with
//! each change, at the version that was read: so no act is lost, and a pin that was taken away, or put back as it once was, does
//! not fit any more. A server whose rows do not fit has no pins that anybody could trust, and its door is shut.

mod acts;
mod address;
mod board;
mod error;
mod find;
mod form;
mod record;
mod watch;

#[cfg(test)]
mod tests;

pub use acts::{Act, Approver, Done};
pub use address::of_command;
pub use board::{Kept, Pinboard, Waiting};
pub use error::PinboardError;
pub use find::{Compared, Listed, Which};
pub use record::write_down;
pub use watch::Watch;
