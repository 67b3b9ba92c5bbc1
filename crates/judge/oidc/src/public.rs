//! The door as a public client, on one person's machine: it has no secret, and what it may believe is decided here. The
//! forms of codes and refresh tokens are those of [`request`](crate::request), with no proof.

mod allow;
mod device;
mod fresh;
mod loopback;
mod remedy;

pub use allow::{Allow, NotAllowed};
pub use device::{DeviceAnswer, Poll, device_code, judge_poll, poll, read_device};
pub use fresh::{Fresh, Lifetime};
pub use loopback::{Heard, Loopback};
pub use remedy::{Remedy, remedy};

use std::collections::BTreeSet;
use std::fmt;

/// What is asked of every sign-in besides the scopes of an API: who it is, and a refresh token.
const ALWAYS: [&str; 3] = ["offline_access", "openid", "profile"];

/// The scopes of one token, in an order that does not depend on who wrote them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scopes(String);

impl Scopes {
    /// Takes the scopes of one API, each with its resource in front.
    pub fn of<S: AsRef<str>>(scopes: impl IntoIterator<Item = S>) -> Self {
        let words: BTreeSet<String> = scopes
            .into_iter()
            .flat_map(|text| text.as_ref().split_ascii_whitespace().map(str::to_owned).collect::<Vec<_>>())
            .filter(|word| !ALWAYS.contains(&word.as_str()))
            .collect();
        Self(words.into_iter().collect::<Vec<_>>().join(" "))
    }

    /// Returns the scopes of the API, sorted: part of the key that a token is kept under.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns what to ask Entra for.
    pub fn asked(&self) -> Vec<String> {
        ALWAYS.iter().copied().chain(self.0.split_ascii_whitespace()).map(str::to_owned).collect()
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_scopes_makes_no_other_token() {
        let scopes = Scopes::of(["b/y", "a/x openid", "b/y"]);
        assert_eq!(scopes, Scopes::of(["a/x", "b/y", "offline_access"]));
        assert_eq!(scopes.as_str(), "a/x b/y");
        assert_eq!(scopes.asked(), ["offline_access", "openid", "profile", "a/x", "b/y"]);
    }
}
