//! One canonical reading of hostile text, with a map back to the bytes it came from.
//!
//! A model reads what a person does not see: invisible characters, comments, elements that a style hides, look-alike
//! letters, encoded runs. [`read`] turns a text into [`Layer`]s, each of which is plain words: the surface first, then what
//! was hidden in it and what was encoded in that, to a bounded depth. Each layer knows which bytes of the source any part of
//! it came from. What was used to hide something is kept as [`Mark`]s.
//!
//! `inspect` calls it, and later whatever else judges words. It decides nothing: a mark is a fact, and what it is worth is
//! said elsewhere. It takes time and memory linear in its input, whatever that is: each step passes over its text once, and
//! all layers together may not outgrow a fixed multiple of the source.

mod decode;
mod escapes;
mod fold;
mod glyph;
mod hidden;
mod layer;
mod literals;
mod map;
mod markup;
mod read;
mod spread;
mod tag;
#[cfg(test)]
mod tests;
mod window;

pub use hidden::is_unseen;
pub use layer::{Layer, Mark, MarkKind, Origin, Reading};
pub use literals::Literals;
pub use read::{Limits, read};
pub use window::windows;
