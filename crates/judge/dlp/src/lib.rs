//! Secrets and personal data in what is sent: found, and masked, redacted, tokenised or blocked.
//!
//! The engine hands in the arguments of a call or what a server answered; here it is judged what of it is a secret or
//! says something about a person, and what the configuration wants done about it: edits that leave the JSON valid, or a
//! reason to refuse. A finding never holds the text that was found, only where it stands. This crate may never open,
//! store or log anything, reads no clock and draws no randomness: the key of placeholders is an argument.

mod charset;
mod checksum;
mod encoded;
mod find;
mod found;
mod handling;
mod kinds;
mod look;
mod named;
mod noise;
mod personal;
mod place;
mod rules;
mod secrets;
#[cfg(test)]
mod testing;
mod treat;
mod vault;

pub use find::Finder;
pub use found::{Class, Confidence, Encoding, Found};
pub use handling::{Handling, Row, Treatment, What};
pub use kinds::kinds;
pub use place::{Direction, Place, Purpose, Tool};
pub use treat::{Facts, Finding, NumberEdit, Torn, Treated, torn, treat};
pub use vault::{Kept, Restored, Scope, Vault};
