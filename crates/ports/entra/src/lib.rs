//! Entra and Graph over the network: signing keys, and the groups that did not fit into a token.
//!
//! The gateway asks [`Keys`] for the keys that the `oauth` crate judges tokens with, and [`Groups`] for a person's
//! groups where a token says there are too many. Everything is asked with the door's own credential: a caller's token
//! never comes in here, so it cannot go out. Nothing here may take an address from a token, trust a key document that
//! another origin serves, or turn "no answer" into "no groups".

mod app_token;
mod clock;
mod discovery;
mod fetch;
mod flight;
mod groups;
mod keys;

#[cfg(test)]
mod script;

pub use app_token::Credential;
pub use clock::Stopwatch;
pub use fetch::{Fetch, FetchFailed, Fetching};
pub use groups::{Groups, GroupsConfig, GroupsError};
pub use keys::{Health, Keys, KeysError, Refreshed};
