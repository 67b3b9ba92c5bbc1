//! The door as a client of authorization servers that are not Entra: those in front of servers that a person connects
//! their own account at. Everything they send is foreign, and so are the addresses in it: bounded, read strictly, and
//! bound to the issuer that the person was sent to.

mod answer;
mod callback;
mod challenge;
mod client;
mod grant;
mod metadata;
mod pending;
mod record;
mod resource;
mod scopes;
#[cfg(test)]
mod tests;
mod token;
mod url;

pub use answer::{Tokens, TokensError, read_tokens};
pub use callback::{Callback, CallbackError, Redeemable, judge_callback};
pub use challenge::Challenge;
pub use client::{Choice, Client, Method, RegistrationError, choose, read_registration, registration_body};
pub use grant::Grant;
pub use metadata::{AsMetadata, MetadataError, metadata_urls};
pub use pending::{Pending, Start};
pub use record::RecordError;
pub use resource::{ResourceError, ResourceMetadata, canonical, resource_metadata_urls};
pub use scopes::{select, step_up};
pub use token::{TokenRequest, redeem, refresh};

use bytes::Bytes;
use doorward_wire::{Kind, Limits, Tree, Value};

/// The largest document that is read, in bytes.
const MAX_DOCUMENT: usize = 128 * 1024;

/// The longest list of names in a document.
const MAX_NAMES: usize = 128;

/// The longest name in such a list, in bytes.
const MAX_NAME: usize = 256;

/// Parses a foreign document: an object, of bounded size, read strictly.
fn document(body: Bytes) -> Option<Tree> {
    let limits = Limits { max_bytes: MAX_DOCUMENT, max_depth: 16, max_nodes: 4096 };
    Tree::parse(body, &limits).ok().filter(|tree| tree.root().kind() == Kind::Object)
}

fn text(object: Value<'_>, name: &str) -> Option<String> {
    object.get(name)?.as_str().map(std::borrow::Cow::into_owned)
}

/// Reads a list of names. `None` if there is none; what is no name, and what is too much, is left out.
fn names(object: Value<'_>, name: &str) -> Option<Vec<String>> {
    let list = object.get(name)?;
    let fit =
        |value: Value<'_>| value.as_str().filter(|text| is_scope(text)).map(std::borrow::Cow::into_owned);
    Some(list.items().take(MAX_NAMES).filter_map(fit).collect())
}

/// Says whether a text is one name in a list of scopes (RFC 6749 section 3.3).
fn is_scope(text: &str) -> bool {
    (1..=MAX_NAME).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
}
