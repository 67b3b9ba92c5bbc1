//! Protected resource metadata (RFC 9728): which authorization server stands in front of a server.

use bytes::Bytes;

use super::url::{is_usable, parts};
use super::{document, names, text};

const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// What a server says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceMetadata {
    /// What tokens are asked for by, to the letter that the server wrote: its address, or its origin.
    pub resource: String,
    /// Its authorization server, the first of the list.
    pub issuer: String,
    /// Its scopes.
    pub scopes: Vec<String>,
}

/// Why metadata of a server is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ResourceError {
    /// It is not strict JSON, or too large.
    #[error("the server's metadata is not valid JSON")]
    NotJson,
    /// It speaks of another server.
    #[error("the server's metadata is that of another resource")]
    OtherResource,
    /// It names no authorization server with an https address.
    #[error("the server's metadata names no authorization server with an https address")]
    NoIssuer,
}

impl ResourceMetadata {
    /// Reads the metadata of the server at an address, found at `place`. One that names another resource is refused: a
    /// server could otherwise have tokens made that are good elsewhere (U-01). What stands at the well-known place of the
    /// whole origin may name the origin (RFC 9728 section 3.3): whoever may write there speaks for all of it.
    ///
    /// # Errors
    /// A [`ResourceError`].
    pub fn read(server_url: &str, place: &str, body: Bytes, lab: bool) -> Result<Self, ResourceError> {
        let tree = document(body).ok_or(ResourceError::NotJson)?;
        let root = tree.root();
        let origin = parts(server_url, lab).map(|parts| parts.origin);
        let of_origin = origin.is_some_and(|origin| place == format!("{origin}{WELL_KNOWN}"));
        let own = |named: &String| {
            let named = canonical(named);
            named == canonical(server_url) || (of_origin && Some(named) == origin)
        };
        let named = text(root, "resource").filter(own).ok_or(ResourceError::OtherResource)?;
        let first = root.get("authorization_servers").and_then(|list| list.items().next()?.as_str());
        let issuer = first.filter(|issuer| is_issuer(issuer, lab)).ok_or(ResourceError::NoIssuer)?;
        Ok(Self {
            resource: named.split('#').next().unwrap_or_default().to_owned(),
            issuer: issuer.into_owned(),
            scopes: names(root, "scopes_supported").unwrap_or_default(),
        })
    }
}

/// Says whether what a token is for is the server at an address: the server itself, or its whole origin.
pub(super) fn is_for(resource: &str, server_url: &str) -> bool {
    let resource = canonical(resource);
    resource == canonical(server_url) || parts(server_url, true).is_some_and(|parts| parts.origin == resource)
}

/// Returns the form in which an address is a `resource`: without its fragment and without a slash at the end (U-05).
pub fn canonical(server_url: &str) -> &str {
    let plain = server_url.split('#').next().unwrap_or_default();
    plain.strip_suffix('/').unwrap_or(plain)
}

/// Returns where a server's metadata may be, in the order to ask: where its challenge says, else below the well-known
/// name for its path, else below that of its host (U-01).
pub fn resource_metadata_urls(server_url: &str, challenged: Option<&str>, lab: bool) -> Vec<String> {
    if let Some(url) = challenged.filter(|url| is_usable(url, lab)) {
        return vec![url.to_owned()];
    }
    let Some(parts) = parts(canonical(server_url), lab) else { return Vec::new() };
    let root = format!("{}{WELL_KNOWN}", parts.origin);
    if parts.path.is_empty() { vec![root] } else { vec![format!("{root}{}", parts.path), root] }
}

/// Says whether an address can be an issuer: no query, no fragment (RFC 8414 section 2).
pub(super) fn is_issuer(text: &str, lab: bool) -> bool {
    parts(text, lab).is_some_and(|parts| parts.query.is_none())
}
