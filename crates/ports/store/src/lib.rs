//! What must outlive a restart, sealed row by row: clients, consents, codes, sign-ins, tokens, the door's own keys,
//! revocations and their epoch.
//!
//! The façade and the command line use it, several processes at once. A row's columns say what it is looked up by; its
//! body is sealed (AES-256-GCM), and every column is bound into the seal. The keys hang under one root key, which a
//! [`KeyWrap`] keeps outside the database: wrapped root → a key for the door and one for each tenant → a key for each
//! row. The root is held in memory for at most 15 minutes, so that reading a token needs no network call, and a door
//! whose Key Vault was taken away closes soon.
//!
//! It may never hand out a row whose seal does not fit, leave one out of a list because of that, or make a new key
//! where the old one is gone.
//!
//! # What a seal sees, and what it cannot
//! Who can write to the file but has no key can neither read a body nor make, move, retype, prolong or alter a row:
//! the next reader gets [`StoreError::Tampered`]. Two things are left to them:
//! - *Taking away a row.* That ends a session, a consent or a client. Revocations cannot be taken away: the epoch's row
//!   holds a keyed digest of all of them.
//! - *Putting back a whole older row*, which once was true. The version in its seal is the version it had, so the seal
//!   fits. An older epoch is noticed (by this process, which remembers the highest, and after a restart by the audit
//!   log, which anchored it), and with it a whole older database. An older refresh family makes its client's next
//!   refresh look like a replay, which revokes the family. A consent that was withdrawn can come back; what it permits
//!   still needs that person to sign in.

mod epoch;
mod error;
mod files;
mod keyfile;
mod keys;
mod open;
mod rekey;
mod row;
mod seal;
mod sqlite;
mod store;
#[cfg(test)]
mod tests;
mod wrap;

pub use error::StoreError;
pub use keyfile::KeyFile;
pub use open::StoreConfig;
pub use row::{Change, Kind, Revoked, Row, Scope};
pub use store::Store;
pub use wrap::{KeyWrap, KeyWrapError};
