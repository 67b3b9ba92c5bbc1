//! Why there is no token.

use doorward_entra::EntraError;
use doorward_oauth::TokenError;
use doorward_oidc::explain;
use doorward_oidc::public::NotAllowed;

use crate::broker::BrokerError;
use crate::cache::CacheError;

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccountsError {
    /// A person must sign in, and the caller does not permit that here.
    #[error("a sign-in is needed: {0}; run `doorward login`")]
    SignInNeeded(Needed),
    /// Several people are signed in.
    #[error("{} people are signed in; say which one with --account: {}", .0.len(), .0.join(", "))]
    WhichAccount(Vec<String>),
    /// Nobody by that name is signed in.
    #[error("nobody called `{0}` is signed in; `doorward accounts` lists who is")]
    NoSuchAccount(String),
    /// Another person came back than was asked for.
    #[error("another person signed in than was asked for; nothing was kept")]
    OtherPerson,
    /// The person may not use this machine's servers.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// Entra refuses, and no sign-in would mend it, or cannot be reached.
    #[error("{}", told(.0))]
    Entra(Box<EntraError>),
    /// Entra sent the browser back with an error.
    #[error("the sign-in was refused: {word}{}", numbered(*.code))]
    SignInRefused {
        /// `access_denied` for one.
        word: String,
        /// The AADSTS number.
        code: Option<u32>,
    },
    /// The ID token is not believed.
    #[error("Entra's ID token is not believed: {}", .0.reason())]
    IdToken(TokenError),
    /// There is no ID token.
    #[error("Entra's answer does not say who signed in: it has no ID token")]
    NoIdToken,
    /// The signing keys cannot be had.
    #[error("Entra's signing keys cannot be fetched, so nobody knows who signed in; check the network")]
    NoKeys,
    /// The broker failed.
    #[error("the identity broker of this system: {0}")]
    Broker(#[from] BrokerError),
    /// The cache cannot be used.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// Nobody finished the sign-in in time.
    #[error("nobody finished the sign-in in time; try again")]
    TimedOut,
    /// The person said no on the other device.
    #[error("the sign-in was declined")]
    Declined,
    /// Another process began a sign-in and it did not end well. It is not begun again by everybody who waited for it.
    #[error("a sign-in that another process began was not finished; try again")]
    Abandoned,
    /// The address that leads to Entra once was opened twice.
    #[error(
        "the sign-in was stopped: the address that was meant for your browser was opened twice, so another program may have read it; try again, and look at what else runs here"
    )]
    OpenedTwice,
    /// No server on loopback could be started.
    #[error("no port of localhost can be listened on for the browser's answer: {0}")]
    Loopback(std::io::Error),
    /// The system gives no randomness.
    #[error("the system gives no randomness")]
    NoRandomness,
}

impl From<EntraError> for AccountsError {
    fn from(error: EntraError) -> Self {
        Self::Entra(Box::new(error))
    }
}

/// Why a person is needed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Needed {
    /// Nobody has signed in yet.
    #[error("nobody is signed in")]
    Nobody,
    /// The file was damaged.
    #[error("the cache was damaged and is now {0}, so nobody is signed in")]
    Damaged(String),
    /// There is no refresh token, or Entra ended it.
    #[error("the sign-in has ended{}", numbered(*.0))]
    Ended(Option<u32>),
    /// Entra wants a step.
    #[error("Entra asks for another step{}", numbered(*.0))]
    Step(Option<u32>),
}

/// Tells an error of Entra's in words of this program.
fn told(error: &EntraError) -> String {
    match error.code().and_then(explain) {
        Some(row) => format!("{error}: {}. {} {}", row.title, row.cause, row.fix),
        None => error.to_string(),
    }
}

fn numbered(code: Option<u32>) -> String {
    match code.map(|code| (code, explain(code))) {
        Some((code, Some(row))) => format!(" (AADSTS{code}: {}. {})", row.title, row.fix),
        Some((code, None)) => format!(" (AADSTS{code})"),
        None => String::new(),
    }
}
