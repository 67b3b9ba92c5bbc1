//! Where a code may be sent: the addresses a client registered, compared byte for byte (IDC-07).

use crate::url::{self, UrlError};

/// Hosts that are the person's own machine, as RFC 8252 section 7.3 and the clients write them.
const LOOPBACK: &[&str] = &["127.0.0.1", "[::1]", "localhost"];

/// Schemes that are a program of the browser, not of the client's, whatever an operator allows.
const NEVER: &[&str] = &[
    "about",
    "blob",
    "chrome",
    "data",
    "file",
    "filesystem",
    "ftp",
    "intent",
    "javascript",
    "jar",
    "mailto",
    "tel",
    "urn",
    "vbscript",
    "view-source",
    "ws",
    "wss",
];

/// What an operator allows beyond https and loopback. The default allows nothing more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RedirectRules {
    /// Schemes of installed programs, in lower case and without the colon: `cursor`, `com.example.app`.
    pub schemes: Vec<String>,
}

/// An address that a client registered and that a code may be sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedirectUri {
    text: String,
    host: String,
    loopback: bool,
}

/// Why an address cannot be registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RedirectError {
    /// Not an address in the one spelling that everybody reads alike.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// http elsewhere than on the person's own machine: the code would cross the network in the clear.
    #[error("http is for 127.0.0.1, [::1] and localhost only; use https")]
    Insecure,
    /// A scheme that the operator has not allowed.
    #[error("the scheme is neither https nor one that the operator allows")]
    SchemeNotAllowed,
}

impl RedirectUri {
    /// Takes an address that a client wants codes sent to.
    ///
    /// # Errors
    /// A [`RedirectError`] that says what is wrong with it.
    pub fn register(text: &str, rules: &RedirectRules) -> Result<Self, RedirectError> {
        let parts = url::parse(text)?;
        let host = match (parts.scheme, parts.host) {
            ("https", Some(host)) if url::is_name(host) => host.to_owned(),
            ("http", Some(host)) if LOOPBACK.contains(&host) => host.to_owned(),
            ("http", Some(_)) => return Err(RedirectError::Insecure),
            ("https" | "http", _) => return Err(UrlError::Host.into()),
            (scheme, host) => {
                if NEVER.contains(&scheme) || !rules.schemes.iter().any(|allowed| allowed == scheme) {
                    return Err(RedirectError::SchemeNotAllowed);
                }
                if host.is_some_and(|host| !url::is_name(host)) || parts.has_port {
                    return Err(UrlError::Host.into());
                }
                // What stands where a host would stand says nothing about who gets the code; the scheme does.
                format!("{scheme}:")
            }
        };
        let loopback = LOOPBACK.contains(&host.as_str()) || host.ends_with(".localhost");
        Ok(Self { text: text.to_owned(), host, loopback })
    }

    /// Takes an address that was judged when it was stored.
    pub(crate) fn stored(text: &str) -> Result<Self, RedirectError> {
        let schemes = text.split_once(':').map(|(scheme, _)| scheme.to_owned()).into_iter().collect();
        Self::register(text, &RedirectRules { schemes })
    }

    /// Returns whether a code may be sent to `presented`: the same bytes, or the same but for the port where the address
    /// is plain http on the person's own machine, whose clients listen wherever there is room (RFC 8252 section 7.3).
    pub fn matches(&self, presented: &str) -> bool {
        alike(&self.text, presented)
    }

    /// Returns the address as it was registered.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns who gets the code, for a person to read: the host, or the scheme with its colon for an installed program.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns whether the code stays on the person's own machine, where any program may be listening.
    pub fn is_loopback(&self) -> bool {
        self.loopback
    }
}

/// Returns whether two addresses are the same but for the port of plain http on one's own machine.
pub(crate) fn alike(known: &str, presented: &str) -> bool {
    known == presented
        || LOOPBACK.iter().any(|host| match (past_port(known, host), past_port(presented, host)) {
            (Some(known), Some(presented)) => known == presented,
            _ => false,
        })
}

/// Returns what follows `http://host` and its port, if the text begins with nothing else.
fn past_port<'t>(text: &'t str, host: &str) -> Option<&'t str> {
    let rest = text.strip_prefix("http://")?.strip_prefix(host)?;
    let tail = match rest.strip_prefix(':') {
        None => rest,
        Some(after) => {
            let end = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
            let (port, tail) = after.split_at_checked(end)?;
            url::is_port(port).then_some(tail)?
        }
    };
    // `localhost.evil.example` and `localhost:80@evil.example` end here.
    (tail.is_empty() || tail.starts_with(['/', '?'])).then_some(tail)
}

#[cfg(test)]
mod tests;
