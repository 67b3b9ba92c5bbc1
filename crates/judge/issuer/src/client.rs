//! Who asks: clients that the operator configured, that a document at an https address describes, or that registered
//! themselves.

mod document;
mod keys;
mod name;
mod record;
mod registration;

use doorward_types::{ClientId, Timestamp};

use crate::redirect::RedirectUri;
use crate::url::{self, UrlError};

pub use document::{DocumentError, read_document};
pub use keys::{ClientAuth, ClientKeys, KeysError, SecretHash};
pub use name::clean_name;
pub use registration::{Registration, RegistrationError, read_registration, registration_answer};

/// How the door came to know a client. It decides whether a person is asked for consent, and how loudly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientOrigin {
    /// By the operator.
    Configured,
    /// By the document at its id, an https address.
    Document,
    /// By itself, through dynamic registration: anybody could have.
    Dynamic,
}

/// What a client may ask the token endpoint for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Grants {
    /// To redeem codes.
    pub code: bool,
    /// To refresh.
    pub refresh: bool,
    /// To act on its own behalf. Only ever for clients that the operator configured.
    pub client_credentials: bool,
}

/// A client, as the door knows it.
#[derive(Debug, Clone)]
pub struct Client {
    /// Its id.
    pub id: ClientId,
    /// How the door came to know it.
    pub origin: ClientOrigin,
    /// What it calls itself: at most 128 characters, cleaned of what steers a display. Not proven by anything.
    pub name: Option<String>,
    /// Where its codes may go.
    pub redirects: Vec<RedirectUri>,
    /// How it proves who it is.
    pub auth: ClientAuth,
    /// What it may ask for.
    pub grants: Grants,
    /// The roles it has when it acts on its own behalf; only ever for clients that the operator configured.
    pub roles: Vec<String>,
    /// Whether it gets tokens only with a proof of the key that they are then bound to (`dpop_bound_access_tokens`,
    /// RFC 9449 section 5.2).
    pub proves_possession: bool,
    /// From when on it is unknown.
    pub expires: Option<Timestamp>,
}

impl Client {
    /// Returns the address among its own that a presented one is (IDC-07).
    pub fn redirect(&self, presented: &str) -> Option<&RedirectUri> {
        self.redirects.iter().find(|redirect| redirect.matches(presented))
    }

    /// Returns whether every code of it stays on the person's own machine: the consent page warns of that.
    pub fn is_loopback_only(&self) -> bool {
        self.redirects.iter().all(RedirectUri::is_loopback)
    }
}

/// What the form of a client id says about where to look for the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientIdForm {
    /// At this https address is a document that describes it.
    Document(String),
    /// In the configuration or among those that registered.
    Other,
}

/// Why a client id can be nobody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClientIdError {
    /// Empty, longer than 2,048 bytes, or with something else than visible ASCII.
    #[error("the client id is not 1 to 2048 visible ASCII characters")]
    Characters,
    /// An address, but not one of a document: the scheme must be https, in lower case.
    #[error("a client id that is an address must begin with `https://`")]
    NotHttps,
    /// An https address that is read in more than one way.
    #[error("the client id is an address, but: {0}")]
    Url(#[from] UrlError),
    /// No path beyond `/`: the document of a whole host would speak for everybody on it.
    #[error("a client id that is an address must have a path")]
    NoPath,
    /// A query: one host could be any number of clients.
    #[error("a client id that is an address must have no query")]
    Query,
}

/// Tells what kind of client id a text is.
///
/// # Errors
/// A [`ClientIdError`] if it can be nobody's.
pub fn client_id_form(text: &str) -> Result<ClientIdForm, ClientIdError> {
    if ClientId::registered(text).is_err() && ClientId::parse(text).is_err() {
        return Err(ClientIdError::Characters);
    }
    if !text.starts_with("https://") {
        let lower = text.to_ascii_lowercase();
        let address = lower.starts_with("http:") || lower.starts_with("https:") || lower.contains("://");
        return if address { Err(ClientIdError::NotHttps) } else { Ok(ClientIdForm::Other) };
    }
    let parts = url::parse(text)?;
    if parts.query.is_some() {
        return Err(ClientIdError::Query);
    }
    if !parts.host.is_some_and(url::is_name) {
        return Err(UrlError::Host.into());
    }
    if parts.path.len() < 2 {
        return Err(ClientIdError::NoPath);
    }
    Ok(ClientIdForm::Document(text.to_owned()))
}

#[cfg(test)]
mod tests;
