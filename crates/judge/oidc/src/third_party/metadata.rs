//! Authorization server metadata (RFC 8414, OpenID Connect Discovery).

use bytes::Bytes;

use super::client::Method;
use super::resource::is_issuer;
use super::url::{is_usable, parts};
use super::{document, names, text};

/// What an authorization server says of itself, as far as this door goes by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AsMetadata {
    /// Its name: byte for byte the one that its metadata was asked for by.
    pub issuer: String,
    /// Where people sign in.
    pub authorization_endpoint: String,
    /// Where codes become tokens.
    pub token_endpoint: String,
    /// Where clients register themselves.
    pub registration_endpoint: Option<String>,
    /// Its scopes.
    pub scopes: Vec<String>,
    /// It names itself in every answer (RFC 9207).
    pub names_itself: bool,
    /// It knows clients by the address of their metadata document.
    pub takes_documents: bool,
    /// How a client with a secret proves itself.
    pub method: Method,
    /// It knows clients without a secret alone.
    pub only_public: bool,
}

/// Why metadata of an authorization server is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    /// It is not strict JSON, or too large.
    #[error("the authorization server's metadata is not valid JSON")]
    NotJson,
    /// It is that of another issuer.
    #[error("the authorization server's metadata is that of another issuer")]
    OtherIssuer,
    /// It does not promise PKCE with S256, and a code could be used by whoever sees it.
    #[error("the authorization server does not say that it supports PKCE with S256")]
    NoS256,
    /// An endpoint is missing, or is not an https address.
    #[error("the authorization server's `{0}` is missing or not an https address")]
    Endpoint(&'static str),
}

/// Returns where the metadata of an issuer may be, in the order to ask (U-02). Empty for what cannot be an issuer.
pub fn metadata_urls(issuer: &str, lab: bool) -> Vec<String> {
    const OAUTH: &str = "/.well-known/oauth-authorization-server";
    const OPENID: &str = "/.well-known/openid-configuration";
    let Some(parts) = parts(issuer, lab).filter(|_| is_issuer(issuer, lab)) else { return Vec::new() };
    let (origin, path) = (parts.origin, parts.path.trim_end_matches('/'));
    if path.is_empty() {
        vec![format!("{origin}{OAUTH}"), format!("{origin}{OPENID}")]
    } else {
        vec![
            format!("{origin}{OAUTH}{path}"),
            format!("{origin}{OPENID}{path}"),
            format!("{origin}{path}{OPENID}"),
        ]
    }
}

impl AsMetadata {
    /// Reads the metadata that was found for an issuer.
    ///
    /// # Errors
    /// A [`MetadataError`]; nothing of a document that is refused is used.
    pub fn read(issuer: &str, body: Bytes, lab: bool) -> Result<Self, MetadataError> {
        let tree = document(body).ok_or(MetadataError::NotJson)?;
        let root = tree.root();
        // Byte for byte: whoever may write `https://as.example/` for `https://as.example` can also write another's.
        if text(root, "issuer").as_deref() != Some(issuer) {
            return Err(MetadataError::OtherIssuer);
        }
        let lists = |name: &str, wanted: &str| {
            names(root, name).is_some_and(|names| names.iter().any(|known| known == wanted))
        };
        if !lists("code_challenge_methods_supported", "S256") {
            return Err(MetadataError::NoS256);
        }
        let endpoint = |name: &'static str| match text(root, name) {
            Some(url) if is_usable(&url, lab) => Ok(url),
            _ => Err(MetadataError::Endpoint(name)),
        };
        let registration_endpoint = match root.get("registration_endpoint") {
            None => None,
            Some(value) if value.is_null() => None,
            Some(_) => Some(endpoint("registration_endpoint")?),
        };
        let flag = |name: &str| root.get(name).and_then(|value| value.as_bool()) == Some(true);
        const METHODS: &str = "token_endpoint_auth_methods_supported";
        let basic = lists(METHODS, "client_secret_basic");
        let post = lists(METHODS, "client_secret_post") && !basic;
        Ok(Self {
            issuer: issuer.to_owned(),
            authorization_endpoint: endpoint("authorization_endpoint")?,
            token_endpoint: endpoint("token_endpoint")?,
            registration_endpoint,
            scopes: names(root, "scopes_supported").unwrap_or_default(),
            names_itself: flag("authorization_response_iss_parameter_supported"),
            takes_documents: flag("client_id_metadata_document_supported"),
            // Without a list it is Basic (RFC 8414 section 2).
            method: if post { Method::Post } else { Method::Basic },
            only_public: lists(METHODS, "none") && !basic && !post,
        })
    }
}
