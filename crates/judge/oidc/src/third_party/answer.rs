//! What a token endpoint answers.

use std::time::Duration;

use bytes::Bytes;
use doorward_types::Secret;

use super::{document, is_scope, text};

/// The longest token, in bytes.
const MAX_TOKEN: usize = 16 * 1024;

/// The longest lifetime that is believed.
const MAX_LIFETIME: u64 = 30 * 24 * 3600;

/// Tokens as an authorization server gave them. What they say is for the server in front of which it stands.
pub struct Tokens {
    /// The access token.
    pub access: Secret<String>,
    /// The refresh token, where there is one: nobody owes it (U-10).
    pub refresh: Option<Secret<String>>,
    /// How long the access token is good, where that is said.
    pub expires_in: Option<Duration>,
    /// What was granted, where it is not what was asked for.
    pub scopes: Option<Vec<String>>,
}

/// An answer that gives no tokens this door can use. For an error of the endpoint's see [`read_refusal`](crate::read_refusal).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokensError {
    /// It is not strict JSON, or too large.
    #[error("the answer of the token endpoint is not valid JSON")]
    NotJson,
    /// The token is of another type than Bearer.
    #[error("the token endpoint gave no bearer token")]
    NotBearer,
    /// There is no token, or one that no header can carry.
    #[error("the answer of the token endpoint has no token that a header can carry")]
    NoToken,
    /// The lifetime is no positive number.
    #[error("the lifetime of the token is not a positive number of seconds")]
    Lifetime,
}

/// Reads a successful answer.
///
/// # Errors
/// A [`TokensError`].
pub fn read_tokens(body: Bytes) -> Result<Tokens, TokensError> {
    let tree = document(body).ok_or(TokensError::NotJson)?;
    let root = tree.root();
    if !text(root, "token_type").is_some_and(|kind| kind.eq_ignore_ascii_case("bearer")) {
        return Err(TokensError::NotBearer);
    }
    let token = |name: &str| match root.get(name) {
        None => Ok(None),
        Some(value) if value.is_null() => Ok(None),
        Some(value) => {
            let token = value.as_str().map(std::borrow::Cow::into_owned).map(Secret::new);
            // A line break would be a header of the server's making in the door's next request.
            token.filter(|token| fits(token.expose())).map(Some).ok_or(TokensError::NoToken)
        }
    };
    let expires_in = match root.get("expires_in") {
        None => None,
        Some(value) => {
            let secs = value.as_i64().and_then(|secs| u64::try_from(secs).ok()).filter(|secs| *secs > 0);
            Some(Duration::from_secs(secs.ok_or(TokensError::Lifetime)?.min(MAX_LIFETIME)))
        }
    };
    let scopes = text(root, "scope").map(|scopes| {
        scopes.split(' ').filter(|scope| is_scope(scope)).take(super::MAX_NAMES).map(str::to_owned).collect()
    });
    Ok(Tokens {
        access: token("access_token")?.ok_or(TokensError::NoToken)?,
        refresh: token("refresh_token")?,
        expires_in,
        scopes,
    })
}

fn fits(token: &str) -> bool {
    (1..=MAX_TOKEN).contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_graphic())
}
