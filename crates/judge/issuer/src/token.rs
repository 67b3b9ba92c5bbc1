//! The token endpoint: what is asked, who asks, and what an access token says.

mod access;
mod authenticate;

use doorward_types::Secret;
use doorward_wire::quote;

use crate::authorize::ScopeError;
use crate::code::CodeError;
use crate::params::{Params, ParamsError};

pub use access::{Access, MAX_LIFETIME, Sign, SignFailed, access_token, claims, token_answer};
pub use authenticate::{Presented, Proof, authenticate, presented};

/// What is asked of the token endpoint.
pub enum TokenRequest {
    /// To redeem a code.
    Code {
        /// The code.
        code: Secret<String>,
        /// Where it came to.
        redirect_uri: Option<String>,
        /// The verifier.
        verifier: Option<Secret<String>>,
        /// What the token is to be for.
        resource: Option<String>,
    },
    /// To refresh.
    Refresh {
        /// The refresh token.
        token: Secret<String>,
        /// Less than what was granted.
        scope: Option<String>,
        /// What the token is to be for.
        resource: Option<String>,
    },
    /// A client on its own behalf.
    ClientCredentials {
        /// How much.
        scope: Option<String>,
        /// What the token is to be for.
        resource: Option<String>,
    },
}

/// An error of the token endpoint (RFC 6749 section 5.2).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error}: {description}")]
pub struct TokenError {
    /// The error code.
    pub error: &'static str,
    /// What is wrong, for the client's developer.
    pub description: String,
    /// The HTTP status.
    pub status: u16,
}

impl TokenError {
    /// Makes an error that is answered 400.
    pub fn new(error: &'static str, description: &str) -> Self {
        Self { error, description: description.to_owned(), status: 400 }
    }

    /// Makes the error of a client that did not prove who it is: 401, whatever the reason was, so that nobody learns
    /// which ids exist.
    pub fn client() -> Self {
        let description = "the client is unknown, or did not prove who it is".to_owned();
        Self { error: "invalid_client", description, status: 401 }
    }

    /// Returns the body of the answer.
    pub fn body(&self) -> String {
        format!(r#"{{"error":{},"error_description":{}}}"#, quote(self.error), quote(&self.description))
    }
}

impl From<ParamsError> for TokenError {
    fn from(error: ParamsError) -> Self {
        Self::new("invalid_request", &error.to_string())
    }
}

impl From<ScopeError> for TokenError {
    fn from(error: ScopeError) -> Self {
        Self::new(error.code(), &error.to_string())
    }
}

impl From<CodeError> for TokenError {
    fn from(error: CodeError) -> Self {
        Self::new(error.code(), &error.to_string())
    }
}

/// Reads what is asked. There are three grants; assertions of other issuers, passwords and token exchange are not among
/// them: each would make this endpoint a mint for whoever holds something else.
///
/// # Errors
/// A [`TokenError`].
pub fn read(params: &Params) -> Result<TokenRequest, TokenError> {
    let owned = |name: &str| params.get(name).map(str::to_owned);
    let secret = |name: &str| owned(name).map(Secret::new);
    let missing = |name: &str| TokenError::new("invalid_request", &format!("{name} is missing"));
    let resource = owned("resource");
    match params.get("grant_type") {
        Some("authorization_code") => Ok(TokenRequest::Code {
            code: secret("code").ok_or_else(|| missing("code"))?,
            redirect_uri: owned("redirect_uri"),
            verifier: secret("code_verifier"),
            resource,
        }),
        Some("refresh_token") => Ok(TokenRequest::Refresh {
            token: secret("refresh_token").ok_or_else(|| missing("refresh_token"))?,
            scope: owned("scope"),
            resource,
        }),
        Some("client_credentials") => Ok(TokenRequest::ClientCredentials { scope: owned("scope"), resource }),
        None => Err(missing("grant_type")),
        Some(_) => Err(TokenError::new(
            "unsupported_grant_type",
            "grant_type must be authorization_code, refresh_token or client_credentials",
        )),
    }
}

/// Returns the scopes of a refreshed token: those that are asked for, all that were granted if none is, never more.
///
/// # Errors
/// `invalid_scope`.
pub fn narrowed(granted: &[String], asked: Option<&str>) -> Result<Vec<String>, TokenError> {
    Ok(crate::authorize::narrow_scopes(granted, asked)?)
}

#[cfg(test)]
mod tests;
