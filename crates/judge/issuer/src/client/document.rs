//! Clients described by a document at the address that is their id. The façade fetches it; here it is read.

use std::sync::Arc;

use bytes::Bytes;
use doorward_types::ClientId;
use doorward_wire::{Kind, Limits, Tree, Value};

use super::{Client, ClientAuth, ClientIdError, ClientKeys, ClientOrigin, Grants, KeysError, clean_name};
use crate::client::{ClientIdForm, client_id_form};
use crate::record::strings;
use crate::redirect::{RedirectError, RedirectRules, RedirectUri};

/// The largest document that is read, in bytes.
const MAX_DOCUMENT: usize = 16 * 1024;

/// The most addresses a document may list.
const MAX_REDIRECTS: usize = 32;

/// Why a document does not describe a client that this door serves.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// The address is not one of a document.
    #[error(transparent)]
    Address(#[from] ClientIdError),
    /// Not strict JSON, not an object, or larger than 16 KiB.
    #[error("the document is not a JSON object of at most 16 KiB")]
    NotJson,
    /// Its `client_id` is not, byte for byte, the address it was fetched from: it speaks for somebody else.
    #[error("the document's `client_id` is not the address it was fetched from")]
    OtherClient,
    /// No usable `client_name`.
    #[error("the document has no `client_name`")]
    NoName,
    /// A member is there and is not what it must be.
    #[error("the document's `{0}` is malformed")]
    Member(&'static str),
    /// No address at all, or more than 32.
    #[error("the document must list 1 to 32 `redirect_uris`")]
    Redirects,
    /// An address that no code may be sent to.
    #[error("in `redirect_uris`: {0}")]
    Redirect(RedirectError),
    /// It holds a secret: the document is public.
    #[error("the document holds a client secret, which everybody can read")]
    Secret,
    /// It does not ask for codes, and there is nothing else for it here.
    #[error("the document's client does not use the authorization code grant")]
    NoCode,
    /// It wants to prove itself in a way that needs a shared secret, or one that is unknown.
    #[error("the document's `token_endpoint_auth_method` must be `none` or `private_key_jwt`")]
    AuthMethod,
    /// Its keys stand elsewhere: a second address to fetch for every sign-in, that its owner could turn anywhere.
    #[error("the document's keys are at `jwks_uri`; put them into the document as `jwks`")]
    KeysElsewhere,
    /// Its keys cannot be used.
    #[error("in `jwks`: {0}")]
    Keys(#[from] KeysError),
}

/// Reads the document that was fetched from `url`, with exactly that address as the id of the client it describes.
///
/// # Errors
/// A [`DocumentError`] that says what its owner has to change.
pub fn read_document(url: &str, body: Bytes, rules: &RedirectRules) -> Result<Client, DocumentError> {
    if client_id_form(url)? == ClientIdForm::Other {
        return Err(ClientIdError::NotHttps.into());
    }
    let id = ClientId::registered(url).map_err(|_| ClientIdError::Characters)?;
    let limits = Limits { max_bytes: MAX_DOCUMENT, max_depth: 16, max_nodes: 2048 };
    let tree = Tree::parse(body, &limits).map_err(|_| DocumentError::NotJson)?;
    let root = tree.root();
    let get = |name| member(root, name);
    if root.kind() != Kind::Object {
        return Err(DocumentError::NotJson);
    }
    if !get("client_id").is_some_and(|id| id.is_str(url)) {
        return Err(DocumentError::OtherClient);
    }
    if get("client_secret").is_some() || get("client_secret_expires_at").is_some() {
        return Err(DocumentError::Secret);
    }
    let name = get("client_name").and_then(|name| name.as_str()).ok_or(DocumentError::NoName)?;
    let name = clean_name(&name).ok_or(DocumentError::NoName)?;
    let listed = get("redirect_uris").and_then(strings).ok_or(DocumentError::Redirects)?;
    if !(1..=MAX_REDIRECTS).contains(&listed.len()) {
        return Err(DocumentError::Redirects);
    }
    let redirects = register_all(&listed, rules).map_err(DocumentError::Redirect)?;
    let grants = read_grants(root).map_err(DocumentError::Member)?.ok_or(DocumentError::NoCode)?;
    let auth = read_auth(root)?;
    let proves_possession = read_possession(root).map_err(DocumentError::Member)?;
    let (origin, roles) = (ClientOrigin::Document, Vec::new());
    let name = Some(name);
    Ok(Client { id, origin, name, redirects, auth, grants, roles, proves_possession, expires: None })
}

/// Returns a member. `null` counts as absent: many programs write what they do not have that way.
pub(super) fn member<'t>(root: Value<'t>, name: &str) -> Option<Value<'t>> {
    root.get(name).filter(|value| !value.is_null())
}

/// Takes each address. Those of schemes that the operator does not allow are left out as long as others remain: the same
/// client also runs where they are allowed. Anything else that is wrong refuses the whole.
pub(super) fn register_all(
    listed: &[String],
    rules: &RedirectRules,
) -> Result<Vec<RedirectUri>, RedirectError> {
    let mut taken = Vec::new();
    for text in listed {
        match RedirectUri::register(text, rules) {
            Ok(redirect) => taken.push(redirect),
            Err(RedirectError::SchemeNotAllowed) => {}
            Err(error) => return Err(error),
        }
    }
    if taken.is_empty() { Err(RedirectError::SchemeNotAllowed) } else { Ok(taken) }
}

/// Reads what a client asks to be allowed: `None` if codes are not among it. Whoever says nothing may refresh as well:
/// the default of RFC 7591 would have a person sign in every ten minutes.
pub(super) fn read_grants(root: Value<'_>) -> Result<Option<Grants>, &'static str> {
    let list = |name: &'static str| member(root, name).map(|list| strings(list).ok_or(name)).transpose();
    let types = list("response_types")?.is_none_or(|types| types.iter().any(|kind| kind == "code"));
    let (code, refresh) = match list("grant_types")? {
        None => (true, true),
        Some(grants) => {
            let has = |name: &str| grants.iter().any(|grant| grant == name);
            (has("authorization_code"), has("refresh_token"))
        }
    };
    Ok((types && code).then_some(Grants { code, refresh, client_credentials: false }))
}

/// Reads whether a client asks to be held to proofs of possession.
pub(super) fn read_possession(root: Value<'_>) -> Result<bool, &'static str> {
    const NAME: &str = "dpop_bound_access_tokens";
    member(root, NAME).map_or(Ok(false), |flag| flag.as_bool().ok_or(NAME))
}

fn read_auth(root: Value<'_>) -> Result<ClientAuth, DocumentError> {
    let method = match member(root, "token_endpoint_auth_method") {
        None => return Ok(ClientAuth::Public),
        Some(method) => method.as_str().ok_or(DocumentError::Member("token_endpoint_auth_method"))?,
    };
    match method.as_ref() {
        "none" => Ok(ClientAuth::Public),
        "private_key_jwt" => match member(root, "jwks") {
            Some(keys) => Ok(ClientAuth::Keys(Arc::new(ClientKeys::read(keys)?))),
            None if member(root, "jwks_uri").is_some() => Err(DocumentError::KeysElsewhere),
            None => Err(DocumentError::Member("jwks")),
        },
        _ => Err(DocumentError::AuthMethod),
    }
}
