//! What documents say: mails, tables, office files and PDFs become plain texts.
//!
//! A model is handed a document by a host that takes it apart, so an order may stand in an encoded part of a mail, in a cell of
//! a thousand, in a run of letters that a style hides, in the notes of a slide, or in white on white. [`held`] tells by a few
//! bytes whether a string is, or holds, a document; [`read`] and [`document`] give back its [`Part`]s, each a text to be judged
//! like any other. All text is read, whatever its look. What could not be read is said ([`Unread`]).
//!
//! The engine calls it. It decides nothing and renders nothing: a text's colour, size and place on a page mean nothing here, but
//! for where words end. It takes time linear in what it is given, and what it makes of that is bounded by a [`Budget`] that all
//! documents of one message share: a bomb is a document of which the rest is unread.

mod archive;
mod charset;
mod csv;
mod kind;
mod mail;
mod out;
mod pdf;
#[cfg(test)]
mod tests;
mod xml;

pub use kind::{Held, document, held, read};
pub use out::{Budget, Document, Part, Unread};
