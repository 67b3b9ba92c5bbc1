//! Clients that register themselves (RFC 7591). Anybody can; so they get an id and no secret, and a person is asked.

use bytes::Bytes;
use doorward_types::{ClientId, Timestamp};
use doorward_wire::{Kind, Limits, Tree, quote};

use super::document::{member, read_grants, read_possession, register_all};
use super::{Client, ClientAuth, ClientOrigin, Grants, clean_name};
use crate::record::{list, strings};
use crate::redirect::{RedirectError, RedirectRules, RedirectUri};

/// The largest request that is read, in bytes.
const MAX_REQUEST: usize = 16 * 1024;

/// The most addresses a client may register: each is one more place that codes could go.
const MAX_REDIRECTS: usize = 8;

/// What a client asked to be registered as, so far as this door grants it.
#[derive(Debug, Clone)]
pub struct Registration {
    /// What it calls itself, cleaned.
    pub name: Option<String>,
    /// Where its codes may go.
    pub redirects: Vec<RedirectUri>,
    /// What it may ask for.
    pub grants: Grants,
    /// `native` or `web`, if it said so.
    pub application_type: Option<&'static str>,
    /// Whether it asks to be held to proofs of possession.
    pub proves_possession: bool,
}

/// Why a client was not registered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistrationError {
    /// Not strict JSON, not an object, or larger than 16 KiB.
    #[error("the registration is not a JSON object of at most 16 KiB")]
    NotJson,
    /// A member is there and is not what it must be.
    #[error("`{0}` is malformed")]
    Member(&'static str),
    /// No address at all, or more than 8.
    #[error("`redirect_uris` must list 1 to 8 addresses")]
    Redirects,
    /// An address that no code may be sent to.
    #[error("in `redirect_uris`: {0}")]
    Redirect(RedirectError),
    /// A web application, with an address on the person's own machine or of an installed program.
    #[error("an application of type `web` has https addresses only, and none of them is localhost")]
    NotWeb,
    /// It does not ask for codes, and there is nothing else for it here.
    #[error("only clients that use the authorization code grant can register")]
    NoCode,
    /// Somebody vouches for it whom this door does not know.
    #[error("software statements are not accepted")]
    Statement,
}

impl RegistrationError {
    /// Returns the error code of RFC 7591 section 3.2.2.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Redirects | Self::Redirect(_) | Self::NotWeb => "invalid_redirect_uri",
            Self::Statement => "unapproved_software_statement",
            Self::NotJson | Self::Member(_) | Self::NoCode => "invalid_client_metadata",
        }
    }

    /// Returns the body of the answer, which is a 400.
    pub fn body(&self) -> String {
        format!(r#"{{"error":{},"error_description":{}}}"#, quote(self.code()), quote(&self.to_string()))
    }
}

impl Registration {
    /// Returns the client that comes of it, under an id that the door chose.
    pub fn client(&self, id: ClientId, expires: Timestamp) -> Client {
        Client {
            id,
            origin: ClientOrigin::Dynamic,
            name: self.name.clone(),
            redirects: self.redirects.clone(),
            auth: ClientAuth::Public,
            grants: self.grants,
            roles: Vec::new(),
            proves_possession: self.proves_possession,
            expires: Some(expires),
        }
    }
}

/// Reads a registration. Whatever way of proving itself a client asks for, it is registered as a public one: a secret
/// that anybody can have proves nothing. RFC 7591 section 3.2.1 lets the server say so in its answer.
///
/// # Errors
/// A [`RegistrationError`].
pub fn read_registration(body: Bytes, rules: &RedirectRules) -> Result<Registration, RegistrationError> {
    let limits = Limits { max_bytes: MAX_REQUEST, max_depth: 16, max_nodes: 2048 };
    let tree = Tree::parse(body, &limits).map_err(|_| RegistrationError::NotJson)?;
    let root = tree.root();
    if root.kind() != Kind::Object {
        return Err(RegistrationError::NotJson);
    }
    if member(root, "software_statement").is_some() {
        return Err(RegistrationError::Statement);
    }
    let text = |name: &'static str| match member(root, name) {
        None => Ok(None),
        Some(value) => value.as_str().map(Some).ok_or(RegistrationError::Member(name)),
    };
    text("token_endpoint_auth_method")?;
    let name = text("client_name")?.and_then(|name| clean_name(&name));
    let application_type = match text("application_type")?.as_deref() {
        None => None,
        Some("native") => Some("native"),
        Some("web") => Some("web"),
        Some(_) => return Err(RegistrationError::Member("application_type")),
    };
    let listed = member(root, "redirect_uris").and_then(strings).ok_or(RegistrationError::Redirects)?;
    if !(1..=MAX_REDIRECTS).contains(&listed.len()) {
        return Err(RegistrationError::Redirects);
    }
    let redirects = register_all(&listed, rules).map_err(RegistrationError::Redirect)?;
    let web = |redirect: &RedirectUri| redirect.as_str().starts_with("https:") && !redirect.is_loopback();
    if application_type == Some("web") && !redirects.iter().all(web) {
        return Err(RegistrationError::NotWeb);
    }
    let grants = read_grants(root).map_err(RegistrationError::Member)?.ok_or(RegistrationError::NoCode)?;
    let proves_possession = read_possession(root).map_err(RegistrationError::Member)?;
    Ok(Registration { name, redirects, grants, application_type, proves_possession })
}

/// Returns the body of a 201: what the client is registered as, which may be less than it asked for.
pub fn registration_answer(client: &Client, registration: &Registration, issued_at: Timestamp) -> String {
    let mut answer = format!(
        r#"{{"client_id":{},"client_id_issued_at":{}"#,
        quote(client.id.as_str()),
        issued_at.as_secs()
    );
    if let Some(name) = &client.name {
        answer.push_str(&format!(r#","client_name":{}"#, quote(name)));
    }
    if let Some(kind) = registration.application_type {
        answer.push_str(&format!(r#","application_type":{}"#, quote(kind)));
    }
    if client.proves_possession {
        answer.push_str(r#","dpop_bound_access_tokens":true"#);
    }
    let grants = [("authorization_code", client.grants.code), ("refresh_token", client.grants.refresh)];
    answer.push_str(&format!(
        r#","redirect_uris":{},"grant_types":{},"response_types":["code"],"token_endpoint_auth_method":"none"}}"#,
        list(client.redirects.iter().map(RedirectUri::as_str)),
        list(grants.iter().filter(|(_, granted)| *granted).map(|(name, _)| *name)),
    ));
    answer
}
