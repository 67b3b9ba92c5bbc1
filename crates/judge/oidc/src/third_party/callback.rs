//! The answer that a browser brings back from an authorization server, judged before anything of it is used.

use std::time::Duration;

use doorward_types::{Person, Secret, Timestamp};

use super::pending::Pending;

/// How long somebody may take at the authorization server.
const PATIENCE: Duration = Duration::from_mins(10);

/// The longest code, in bytes.
const MAX_CODE: usize = 4096;

/// What came back. All of it is the browser's word.
#[derive(Clone, Copy, Default)]
pub struct Callback<'a> {
    /// `state`
    pub state: Option<&'a str>,
    /// `iss`
    pub iss: Option<&'a str>,
    /// `code`
    pub code: Option<&'a str>,
    /// `error`
    pub error: Option<&'a str>,
}

/// A code, and all that is needed to redeem it where it belongs.
pub struct Redeemable {
    /// What was begun.
    pub pending: Pending,
    /// The code.
    pub code: Secret<String>,
}

/// Why an answer is not used. None of the texts that came with it is in here: after a mix-up they are an attacker's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallbackError {
    /// It answers nothing that was asked.
    #[error("the answer does not belong to a sign-in that was begun here")]
    State,
    /// Another person is signed in at the door than the one who was sent: the code is somebody else's account.
    #[error("another person began this sign-in")]
    OtherPerson,
    /// It took too long.
    #[error("the sign-in was begun more than ten minutes ago")]
    TooLate,
    /// The authorization server names itself in its answers, and this one has no name.
    #[error("the answer does not name the authorization server")]
    IssuerMissing,
    /// It comes from another authorization server than the person was sent to.
    #[error("the answer comes from another authorization server")]
    IssuerMismatch,
    /// The authorization server, which it is, said no. The word is one of a list, or `error`.
    #[error("the authorization server refused: {0}")]
    Refused(&'static str),
    /// There is neither a code nor an error, or both.
    #[error("the answer has no code")]
    NoCode,
}

/// The words in which authorization servers refuse.
const REFUSALS: &[&str] = &[
    "access_denied",
    "invalid_request",
    "invalid_scope",
    "invalid_target",
    "server_error",
    "temporarily_unavailable",
    "unauthorized_client",
    "unsupported_response_type",
    "interaction_required",
    "login_required",
    "consent_required",
];

/// Judges an answer to a sign-in, for the person who is signed in at the door now. The sign-in is taken in: it can be
/// answered once, well or badly.
///
/// # Errors
/// A [`CallbackError`].
pub fn judge_callback(
    pending: Pending,
    person: &Person,
    callback: Callback<'_>,
    now: Timestamp,
) -> Result<Redeemable, CallbackError> {
    if !callback.state.is_some_and(|state| pending.state.matches(state.as_bytes())) {
        return Err(CallbackError::State);
    }
    if pending.person != *person {
        return Err(CallbackError::OtherPerson);
    }
    if now < pending.started || now.since(pending.started) > PATIENCE {
        return Err(CallbackError::TooLate);
    }
    // Before the error, too: an attacker's error text is as good a lie as a code. Byte for byte, without normalising:
    // what two servers can be made to look like, one of them can be taken for (RFC 9207 section 2.4).
    match callback.iss {
        None if pending.names_itself => return Err(CallbackError::IssuerMissing),
        Some(iss) if iss != pending.issuer => return Err(CallbackError::IssuerMismatch),
        _ => {}
    }
    match (callback.code, callback.error) {
        (None, Some(error)) => Err(CallbackError::Refused(
            REFUSALS.iter().find(|word| **word == error).copied().unwrap_or("error"),
        )),
        (Some(code), None) if (1..=MAX_CODE).contains(&code.len()) => {
            Ok(Redeemable { pending, code: Secret::new(code.to_owned()) })
        }
        _ => Err(CallbackError::NoCode),
    }
}
