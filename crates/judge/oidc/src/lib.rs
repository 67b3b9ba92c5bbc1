//! The door as a client of an OpenID provider: what it asks, and what the answers mean, without I/O.

mod answer;
mod authorize;
mod claims;
mod explain;
mod form;
pub mod public;
mod registration;
pub mod request;
pub mod third_party;

pub use answer::{AnswerError, EntraRefusal, TokenAnswer, read_refusal, read_tokens};
pub use authorize::{AuthorizeUrl, Prompt};
pub use claims::{BadClaims, claims_of_challenge, merge_claims};
pub use explain::{Explanation, aadsts, explain};
pub use form::{Form, pairs, percent};
pub use registration::{
    APPLICATION_FIELDS, BadList, Ending, FederatedCredential, Principal, Registration, Role, read_federated,
    read_principal, read_registration,
};
