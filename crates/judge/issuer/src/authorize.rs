//! The request that begins a sign-in: what must be right before anybody is sent anywhere, and what is granted after.
//!
//! Until the client and the address are known to belong together, an error is a page of our own: to redirect would make
//! the door an open redirector (IDC-07).

mod scope;

use doorward_types::{ClientId, ServerName};

use crate::client::{Client, ClientIdError};
use crate::jws::is_digest;
use crate::params::{Params, ParamsError, encode};

pub(crate) use scope::narrow_scopes;
pub use scope::{ScopeError, find_resource, select_scopes};

/// The longest `state` that is carried back, in bytes.
const MAX_STATE: usize = 4096;

/// The longest `login_hint` that is passed on, in bytes. A longer one is no address of anybody.
const MAX_HINT: usize = 320;

/// One thing a token can be for: a server behind this door (D-12).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Its address, exactly as clients use it; it becomes the token's audience.
    pub url: String,
    /// The server served there.
    pub server: ServerName,
    /// Every scope that exists for it; the first is what a client gets that asks for none.
    pub scopes: Vec<String>,
}

/// A request for a code in which everything is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Who asks.
    pub client: ClientId,
    /// Where the code goes: as presented, which is what the client will present again.
    pub redirect: String,
    /// What the client wants back, untouched.
    pub state: Option<String>,
    /// The S256 challenge.
    pub challenge: String,
    /// The address of the resource.
    pub resource: String,
    /// The server it is.
    pub server: ServerName,
    /// What is asked for: known scopes of the resource, in its order, each once.
    pub scopes: Vec<String>,
    /// Who the client thinks will sign in.
    pub login_hint: Option<String>,
    /// The key the code is bound to (RFC 9449 section 10).
    pub dpop_jkt: Option<String>,
}

/// Who asks and where the answer would go: what is looked up before anything is judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The client's id.
    pub client_id: ClientId,
    /// The address, if the request names one.
    pub redirect_uri: Option<String>,
}

/// What is wrong, and who may hear of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthorizeError {
    /// For the person alone, on a page of our own: nobody may be redirected.
    Page(PageError),
    /// For the client, at an address that is its own.
    Redirect {
        /// The error code.
        error: &'static str,
        /// What is wrong, for the client's developer.
        description: String,
        /// The address.
        redirect: String,
        /// The client's state.
        state: Option<String>,
    },
}

/// Why nobody may be redirected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    /// The request itself was not read.
    #[error("the request is malformed: {0}")]
    Params(#[from] ParamsError),
    /// No `client_id`.
    #[error("the request names no client (`client_id`)")]
    NoClient,
    /// A `client_id` that can be nobody's.
    #[error("the request's client is nobody: {0}")]
    BadClient(#[from] ClientIdError),
    /// No such client.
    #[error("the client is not known here; it may have to register again")]
    UnknownClient,
    /// No `redirect_uri`. It is never taken from the registration: the client would not know which one was meant.
    #[error("the request does not say where to return to (`redirect_uri`)")]
    NoRedirect,
    /// An address that the client did not register.
    #[error("the address to return to (`redirect_uri`) is not one that the client registered")]
    OtherRedirect,
}

/// Reads who asks and where the answer would go.
///
/// # Errors
/// An [`AuthorizeError::Page`].
pub fn target(params: &Params) -> Result<Target, AuthorizeError> {
    let page = |error| Err(AuthorizeError::Page(error));
    let Some(id) = params.get("client_id") else { return page(PageError::NoClient) };
    if let Err(error) = crate::client::client_id_form(id) {
        return page(error.into());
    }
    // A GUID is an application of Entra's, which signs in there and not here.
    let Ok(client_id) = ClientId::registered(id) else { return page(PageError::UnknownClient) };
    Ok(Target { client_id, redirect_uri: params.get("redirect_uri").map(str::to_owned) })
}

/// Judges a request of a known client.
///
/// # Errors
/// An [`AuthorizeError`]; a redirect only to an address that the client registered.
pub fn judge(params: &Params, client: &Client, resources: &[Resource]) -> Result<Request, AuthorizeError> {
    let page = |error| Err(AuthorizeError::Page(error));
    let target = target(params)?;
    if target.client_id != client.id {
        return page(PageError::UnknownClient);
    }
    let Some(redirect) = target.redirect_uri else { return page(PageError::NoRedirect) };
    if client.redirect(&redirect).is_none() {
        return page(PageError::OtherRedirect);
    }
    let state = params.get("state").filter(|state| state.len() <= MAX_STATE).map(str::to_owned);
    match judge_known(params, client, resources) {
        Ok(asked) => Ok(Request {
            client: target.client_id,
            redirect,
            state,
            challenge: asked.challenge,
            resource: asked.resource.url.clone(),
            server: asked.resource.server.clone(),
            scopes: asked.scopes,
            login_hint: params.get("login_hint").filter(|hint| hint.len() <= MAX_HINT).map(str::to_owned),
            dpop_jkt: asked.dpop_jkt,
        }),
        Err((error, description)) => Err(AuthorizeError::Redirect { error, description, redirect, state }),
    }
}

/// What is asked for, so far as it had to be judged.
struct Asked<'r> {
    challenge: String,
    resource: &'r Resource,
    scopes: Vec<String>,
    dpop_jkt: Option<String>,
}

fn judge_known<'r>(
    params: &Params,
    client: &Client,
    resources: &'r [Resource],
) -> Result<Asked<'r>, (&'static str, String)> {
    let fail = |error, description: &str| Err((error, description.to_owned()));
    if params.get("state").is_some_and(|state| state.len() > MAX_STATE) {
        return fail("invalid_request", "state is longer than 4096 bytes");
    }
    // Parameters that would replace those that were just judged (RFC 9101).
    if params.get("request").is_some() {
        return fail("request_not_supported", "request objects are not supported");
    }
    if params.get("request_uri").is_some() {
        return fail("request_uri_not_supported", "request objects are not supported");
    }
    match params.get("response_type") {
        Some("code") => {}
        None => return fail("invalid_request", "response_type is missing"),
        Some(_) => return fail("unsupported_response_type", "response_type must be code"),
    }
    if params.get("response_mode").is_some_and(|mode| mode != "query") {
        return fail("invalid_request", "response_mode must be query");
    }
    if !client.grants.code {
        return fail("unauthorized_client", "this client may not ask for codes");
    }
    if params.get("prompt").is_some_and(|prompt| prompt.split(' ').any(|word| word == "none")) {
        return fail("login_required", "nobody is signed in silently here; ask again without prompt=none");
    }
    // A missing method means plain, whose challenge is the verifier (IDC-06).
    if params.get("code_challenge_method") != Some("S256") {
        return fail("invalid_request", "code_challenge_method must be S256");
    }
    let Some(challenge) = params.get("code_challenge") else {
        return fail("invalid_request", "code_challenge is missing");
    };
    if !is_digest(challenge) {
        return fail("invalid_request", "code_challenge must be the base64url form of a SHA-256");
    }
    let dpop_jkt = params.get("dpop_jkt");
    if dpop_jkt.is_some_and(|jkt| !is_digest(jkt)) {
        return fail("invalid_request", "dpop_jkt must be the base64url form of a SHA-256");
    }
    let judged = find_resource(resources, params.get("resource"))
        .and_then(|resource| Ok((resource, select_scopes(&resource.scopes, params.get("scope"))?)));
    match judged {
        Ok((resource, scopes)) => Ok(Asked {
            challenge: challenge.to_owned(),
            resource,
            scopes,
            dpop_jkt: dpop_jkt.map(str::to_owned),
        }),
        Err(error) => Err((error.code(), error.to_string())),
    }
}

/// Returns where a browser is sent with a code. The issuer goes along, so that the client cannot be made to redeem the
/// code elsewhere (RFC 9207).
pub fn granted(redirect: &str, code: &str, state: Option<&str>, issuer: &str) -> String {
    appended(redirect, &[("code", Some(code)), ("state", state), ("iss", Some(issuer))])
}

/// Returns where a browser is sent with an error.
pub fn refused(redirect: &str, error: &str, description: &str, state: Option<&str>, issuer: &str) -> String {
    // RFC 6749 section 4.1.2.1 allows these characters and no others.
    let plain: String = description
        .chars()
        .map(|c| if matches!(c, ' '..='~') && !matches!(c, '"' | '\\') { c } else { '\'' })
        .collect();
    let description = (!plain.is_empty()).then_some(plain.as_str());
    appended(
        redirect,
        &[
            ("error", Some(error)),
            ("error_description", description),
            ("state", state),
            ("iss", Some(issuer)),
        ],
    )
}

/// Adds parameters to an address that has no fragment and none of these parameters: so it was registered.
fn appended(redirect: &str, params: &[(&str, Option<&str>)]) -> String {
    let mut address = redirect.to_owned();
    let mut separator = match redirect.split_once('?') {
        None => "?",
        Some((_, query)) if query.is_empty() || query.ends_with('&') => "",
        Some(_) => "&",
    };
    for (name, value) in params.iter().filter_map(|(name, value)| value.map(|value| (name, value))) {
        address.push_str(separator);
        address.push_str(&format!("{name}={}", encode(value)));
        separator = "&";
    }
    address
}

#[cfg(test)]
mod tests;
