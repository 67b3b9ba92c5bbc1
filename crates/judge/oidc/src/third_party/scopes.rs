//! What to ask for.

use super::MAX_NAMES;
use super::metadata::AsMetadata;

/// Chooses the scopes of a first request: those that the challenge names, else all of the server's, else none (U-09).
/// `offline_access` is asked for where the authorization server lists it, and nowhere else (U-10).
pub fn select(challenged: Option<&[String]>, server: &[String], authority: &AsMetadata) -> Vec<String> {
    const OFFLINE: &str = "offline_access";
    let named = challenged.unwrap_or(server).iter().filter(|scope| *scope != OFFLINE);
    let mut scopes = union(&[], named);
    // Alone it would be the whole request, where leaving the scopes out means the server's default.
    if !scopes.is_empty() && authority.scopes.iter().any(|scope| scope == OFFLINE) {
        scopes.push(OFFLINE.to_owned());
    }
    scopes
}

/// Adds what a server asks for besides: the scopes of before and the challenged ones together. `None` if nothing is new;
/// asking again would give the same token and the same challenge, for ever.
pub fn step_up(before: &[String], challenged: &[String]) -> Option<Vec<String>> {
    let scopes = union(before, challenged.iter());
    (scopes.len() > before.len()).then_some(scopes)
}

pub(super) fn union<'s>(before: &[String], more: impl Iterator<Item = &'s String>) -> Vec<String> {
    let mut scopes = before.to_vec();
    for scope in more {
        if scopes.len() < MAX_NAMES && !scopes.contains(scope) {
            scopes.push(scope.clone());
        }
    }
    scopes
}
