//! The words everything else is said in: ids, time, secrets.
//!
//! Every crate of the workspace uses this one; it uses none of them. It does no I/O, reads no clock and
//! draws no randomness.

mod id;
mod secret;
mod time;

pub use id::{ClientId, GrantId, IdError, ObjectId, Person, ServerName, TenantId};
pub use secret::Secret;
pub use time::Timestamp;
