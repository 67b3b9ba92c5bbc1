//! Refresh families: one sign-in, for as long as it is refreshed (D-15, D-16).
//!
//! A refresh token is a counter under a MAC. Nothing of it is stored: the family knows which counter is current, and
//! whoever presents another one shows that there are two holders.

mod record;
mod token;

use std::time::Duration;

use doorward_oauth::{CallerKind, Groups};
use doorward_types::{ClientId, GrantId, Person, ServerName, Timestamp};

pub use token::{RefreshError, read_refresh_token, refresh_token};

/// One sign-in of one person with one client at one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Family {
    /// Its name, `sid` in the access tokens.
    pub grant: GrantId,
    /// Who signed in.
    pub person: Person,
    /// With which client.
    pub client: ClientId,
    /// Where the first code was sent.
    pub redirect: String,
    /// For which resource.
    pub resource: String,
    /// The server it is.
    pub server: ServerName,
    /// What was granted.
    pub scopes: Vec<String>,
    /// The person's roles when Entra last told of them.
    pub roles: Vec<String>,
    /// The person's groups when Entra last told of them.
    pub groups: Groups,
    /// What to call them, for `/account`.
    pub name: Option<String>,
    /// The refresh token that is current.
    pub counter: u32,
    /// Since when it is current.
    pub rotated: Timestamp,
    /// When it began.
    pub born: Timestamp,
    /// When it was last refreshed.
    pub used: Timestamp,
    /// When Entra last confirmed the person.
    pub confirmed: Timestamp,
    /// A claims challenge that the person has to meet at Entra first (D-16).
    pub challenge: Option<String>,
    /// The key its tokens are bound to.
    pub jkt: Option<String>,
    /// Whether a person or an application signed in.
    pub kind: CallerKind,
}

/// How long families last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FamilyRules {
    /// Without a refresh.
    pub idle: Duration,
    /// In all.
    pub absolute: Duration,
    /// Without asking Entra about the person again.
    pub recheck: Duration,
    /// Beyond `recheck`, while Entra does not answer: 15 minutes.
    pub grace: Duration,
    /// How long the predecessor of an unused token still yields it: 30 seconds.
    pub repeat: Duration,
}

/// What a refresh token is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefreshVerdict {
    /// It is current: the family moves on to `next`, whose token is the answer.
    Rotate {
        /// The counter that becomes current.
        next: u32,
    },
    /// The answer was lost, or two processes of the client raced: the current token again, and nothing moves.
    Repeat {
        /// The counter that is current.
        current: u32,
    },
    /// Two hold it: the family ends.
    Revoke(&'static str),
    /// It is worth nothing now; the family stays.
    Refuse(&'static str),
}

/// Whether Entra must confirm the person before a refresh is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntraCheck {
    /// It did so lately.
    Fresh,
    /// Not lately enough: ask first, and read roles and groups again.
    AskFirst,
}

/// Judges a refresh token whose MAC has verified. Reuse is judged before everything else: a thief does not escape by
/// coming late.
pub fn judge_refresh(
    family: &Family,
    presented: u32,
    client: &ClientId,
    jkt: Option<&str>,
    now: Timestamp,
    rules: &FamilyRules,
) -> RefreshVerdict {
    use RefreshVerdict::{Refuse, Repeat, Revoke, Rotate};

    if *client != family.client {
        return Revoke("presented by another client");
    }
    let same_key = family.jkt.is_none() || jkt == family.jkt.as_deref();
    let current = presented == family.counter;
    if !current {
        if presented > family.counter {
            // The store is older than the token: it was put back, and everything in it may have been revoked since.
            return Revoke("newer than the store knows of");
        }
        let predecessor = presented.checked_add(1) == Some(family.counter);
        // Of two requests that race, the later one may have read its clock before the earlier one rotated.
        let apart = now.since(family.rotated).max(family.rotated.since(now));
        if !predecessor || apart > rules.repeat {
            return Revoke("used before");
        }
        if !same_key {
            return Revoke("used before, with another key");
        }
    }
    if now >= family.born.plus(rules.absolute) {
        return Refuse("the sign-in is too old");
    }
    if now >= family.used.plus(rules.idle) {
        return Refuse("the sign-in was idle for too long");
    }
    if !same_key {
        // Without the key the token is worth nothing, so nothing was gained: its holder keeps the family.
        return Refuse("bound to another key");
    }
    if family.challenge.is_some() {
        return Refuse("Entra asks for more first");
    }
    if !current {
        return Repeat { current: family.counter };
    }
    match presented.checked_add(1) {
        Some(next) => Rotate { next },
        None => Refuse("refreshed too often"),
    }
}

/// Tells whether Entra must be asked before the refresh is answered.
pub fn entra_needed(family: &Family, now: Timestamp, rules: &FamilyRules) -> EntraCheck {
    if now.since(family.confirmed) <= rules.recheck { EntraCheck::Fresh } else { EntraCheck::AskFirst }
}

/// Returns whether the refresh may be answered although Entra did not answer: for a while, and no longer, or whoever cuts
/// the line to Entra keeps disabled people in.
pub fn without_entra(family: &Family, now: Timestamp, rules: &FamilyRules) -> bool {
    now.since(family.confirmed) <= rules.recheck.saturating_add(rules.grace)
}

#[cfg(test)]
mod tests;
