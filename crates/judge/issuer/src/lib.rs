//! The authorization server that MCP clients expect: its decisions, as state machines without I/O.
//!
//! The façade hands in what came over the wire, what the store holds and the time; here it is judged who a client is,
//! where its code may go, what a code or a refresh token is worth, and what an access token says. It may never read a
//! clock, draw randomness, look a host up or keep state between two calls, and it knows nothing of Entra: that a person
//! signed in is a fact that its caller vouches for.

pub mod authorize;
pub mod client;
pub mod code;
pub mod consent;
pub mod dpop;
pub mod family;
pub mod metadata;
pub mod params;
pub mod redirect;
pub mod token;

mod jws;
mod record;
#[cfg(test)]
mod testing;
mod url;

pub use record::RecordError;
pub use url::UrlError;
