//! What a server said of its tools when a person agreed to them, and what is different now.
//!
//! A tool's definition is read by a model, and a server may send another one tomorrow, or another one to somebody else (a rug
//! pull). A [`Definition`] is what a server says of one thing it offers, in the canonical form of RFC 8785; a [`Pin`] is the
//! one that was agreed to, by whom, and until when. [`judge`] says what a change amounts to: nothing that anybody reads
//! otherwise, another wording, or another meaning. [`admit`] and [`catalogue`] say what follows.
//!
//! The engine asks at lists, calls, list changes, prompts, resources, instructions and `discover`; the CLI shows the
//! [`Diff`]. This crate stores nothing, asks nobody and knows no time but that which is handed in. It never calls a change
//! harmless because it cannot read it: what it does not know is another meaning.

mod address;
mod canonical;
mod catalogue;
mod compare;
mod cue;
mod definition;
mod diff;
mod drift;
mod pin;
mod record;
mod schema;
mod shadow;
mod visible;
mod words;

#[cfg(test)]
mod tests;

pub use canonical::{CanonicalError, canonical};
pub use catalogue::{Catalogue, Entry, catalogue};
pub use compare::judge;
pub use definition::{Definition, DefinitionError, Hash, Kind};
pub use diff::{Diff, Field, Segment};
pub use drift::{Changes, Drift, Reason, Why};
pub use pin::{Act, Block, Decision, First, Pin, PinError, Server, Stand, Verdict, Version, admit};
pub use record::RecordError;
pub use shadow::{Offered, Shadow, Split, shadows, split_view};
pub use visible::{laid_out, visible};
