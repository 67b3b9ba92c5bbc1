//! What a token is for, and how much of it.

use super::Resource;

/// Scopes that clients send out of habit and that mean nothing here: refresh tokens follow from the client, and there is
/// no ID token of ours.
const HABIT: &[&str] = &["offline_access", "openid", "profile", "email"];

/// Why a token cannot be for what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    /// No `resource`, and there is more than one.
    #[error("resource is missing, and there is more than one server here")]
    NoResource,
    /// No such resource, byte for byte.
    #[error("resource is not the address of a server here")]
    UnknownResource,
    /// Not scopes parted by single spaces.
    #[error("scope is malformed")]
    Malformed,
    /// A scope that the resource does not have, or that was not granted.
    #[error("scope has one that does not exist here or was not granted")]
    Unknown,
}

impl ScopeError {
    /// Returns the error code (RFC 6749 section 4.1.2.1, RFC 8707 section 2).
    pub fn code(self) -> &'static str {
        match self {
            Self::NoResource | Self::UnknownResource => "invalid_target",
            Self::Malformed | Self::Unknown => "invalid_scope",
        }
    }
}

/// Finds what a token is asked for. Nothing is normalised: a token for an address that is nearly right would be refused
/// where it is used, and with a worse reason.
///
/// # Errors
/// [`ScopeError::NoResource`] or [`ScopeError::UnknownResource`].
pub fn find_resource<'r>(resources: &'r [Resource], asked: Option<&str>) -> Result<&'r Resource, ScopeError> {
    match (asked, resources) {
        (None, [only]) => Ok(only),
        (None, _) => Err(ScopeError::NoResource),
        (Some(asked), _) => {
            resources.iter().find(|resource| resource.url == asked).ok_or(ScopeError::UnknownResource)
        }
    }
}

/// Returns those of the `available` scopes that are asked for, in their order; the first alone if none is.
///
/// # Errors
/// [`ScopeError::Malformed`] or [`ScopeError::Unknown`].
pub fn select_scopes(available: &[String], asked: Option<&str>) -> Result<Vec<String>, ScopeError> {
    let asked = wanted(asked)?;
    if !asked.iter().all(|scope| available.iter().any(|known| known == scope)) {
        return Err(ScopeError::Unknown);
    }
    if asked.is_empty() {
        return Ok(available.iter().take(1).cloned().collect());
    }
    Ok(available.iter().filter(|known| asked.contains(&known.as_str())).cloned().collect())
}

/// Returns those of the `granted` scopes that a refresh asks for; all of them if it asks for none (RFC 6749 section 6).
///
/// # Errors
/// [`ScopeError::Malformed`] or [`ScopeError::Unknown`]: a refresh may ask for less and never for more.
pub(crate) fn narrow_scopes(granted: &[String], asked: Option<&str>) -> Result<Vec<String>, ScopeError> {
    if wanted(asked)?.is_empty() { Ok(granted.to_vec()) } else { select_scopes(granted, asked) }
}

fn wanted(asked: Option<&str>) -> Result<Vec<&str>, ScopeError> {
    let Some(asked) = asked else { return Ok(Vec::new()) };
    let token = |scope: &str| {
        !scope.is_empty() && scope.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"\\".contains(&byte))
    };
    // One space at either end is a habit of programs that join lists.
    let scopes: Vec<&str> = asked.trim_matches(' ').split(' ').collect();
    if !scopes.iter().all(|scope| token(scope)) {
        return Err(ScopeError::Malformed);
    }
    Ok(scopes.into_iter().filter(|scope| !HABIT.contains(scope)).collect())
}
