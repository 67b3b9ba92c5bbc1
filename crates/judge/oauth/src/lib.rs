//! The resource server's judgement of a bearer token: from bytes and facts to an [`Identity`], or to a reason.
//!
//! The engine's `identify` step calls it with a token, the current signing keys, what the addressed server expects and
//! the time; the gateway uses its header and metadata texts, and the façade has it judge ID tokens. Tokens of Entra's
//! and of the door's own have rules of their own, and the key that signed decides which hold. It may never read a clock,
//! a network or a file, never let an [`Identity`] come into being other than through [`verify`], and [`at_home`] where nobody comes over a network, and never give the
//! token's text back but as an [`Assertion`]: what came in as a credential cannot leave as one.

mod assertion;
mod bearer;
mod cache;
mod claims;
mod cloud;
mod entra;
mod error;
mod expect;
mod id_token;
mod identity;
mod jws;
mod keys;
mod metadata;
mod own;
mod revoked;
mod rules;

pub use assertion::Assertion;
pub use bearer::{BearerError, Scheme, presented};
pub use cache::{TokenCache, TokenKey};
pub use cloud::Cloud;
pub use error::TokenError;
pub use expect::{Audience, DoorExpectation, EntraTokens, Expectation, MAX_SKEW, Tenants};
pub use id_token::{IdToken, IdTokenExpectation, verify_id_token};
pub use identity::{AtHome, CallerKind, Groups, Identity, at_home, verify, verify_keeping};
pub use jws::MAX_TOKEN_BYTES;
pub use keys::{Key, KeyLookup, KeyRing, KeySet, KeySetError, MAX_KEYS, Signer};
pub use metadata::{
    challenge_401, challenge_403, challenge_claims, challenge_proof, protected_resource_metadata,
};
pub use revoked::{Revocations, Revoked};
