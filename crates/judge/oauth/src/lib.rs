//! The resource server's judgement of a bearer token: from bytes and facts to an [`Identity`], or to a reason.
//!
//! The engine's `identify` step calls it with a token, the current signing keys, what the addressed server expects and
//! the time; the gateway uses its header and metadata texts. It may never read a clock, a network or a file, never let
//! an [`Identity`] come into being other than through [`verify`], and never give the token's text back: what came in
//! as a credential cannot leave as one.

mod bearer;
mod cache;
mod claims;
mod cloud;
mod error;
mod expect;
mod identity;
mod jws;
mod keys;
mod metadata;

pub use bearer::{BearerError, bearer, sole_bearer};
pub use cache::{TokenCache, TokenKey};
pub use cloud::Cloud;
pub use error::TokenError;
pub use expect::{Audience, Expectation, MAX_SKEW, Tenants};
pub use identity::{CallerKind, Groups, Identity, verify};
pub use jws::MAX_TOKEN_BYTES;
pub use keys::{Key, KeyLookup, KeySet, KeySetError, MAX_KEYS};
pub use metadata::{challenge_401, challenge_403, protected_resource_metadata};
