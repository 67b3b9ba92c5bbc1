//! Finds instructions that were planted in tools and in what they return: what is judged are ideas, not keywords.
//!
//! A text is read through its disguises by `doorward-text`. Its words become concepts (who is addressed, what is to be done,
//! to what, how it is justified, whether somebody is not to know), rules look for concepts that belong together in an attack
//! and nowhere else, and a small linear model weighs what is left. Each [`Finding`] says which rule, where, how bad, why,
//! and what to do.
//!
//! The engine, the CLI's `scan` and the pins call it. It never decides what happens to a message: it returns a [`Report`],
//! whose score the caller holds against the [`Place`]'s threshold. It does no I/O and remembers nothing, and it takes time
//! linear in its input.

mod abroad;
mod arguments;
mod bundle;
mod concept;
mod features;
mod finding;
mod formula;
mod judge;
mod lexicon;
mod model;
mod names;
mod pattern;
mod place;
mod request;
mod rules;
mod sentence;
mod shape;
mod speaker;
#[cfg(test)]
mod tests;
mod tool;
mod topic;
pub mod training;
mod twin;
mod vocabulary;

pub use arguments::{ToolContext, arguments};
pub use bundle::{Bundle, BundleProblem, Bundles, Stage};
pub use doorward_text::Origin;
pub use finding::{Finding, Rule, Severity};
pub use judge::{Report, text, text_with};
pub use names::{Look, Names};
pub use place::Place;
pub use rules::rules;
pub use tool::{tool, tool_with};
