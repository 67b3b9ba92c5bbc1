//! Faults on demand.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::seed::{App, User};

/// Something that goes wrong for the next `times` requests it concerns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Fault {
    /// Graph answers 429 with `Retry-After`.
    ThrottleGraph {
        /// How many requests.
        times: u32,
        /// Seconds.
        retry_after: u32,
    },
    /// Graph answers 503 without saying when to come back.
    GraphDown {
        /// How many requests.
        times: u32,
    },
    /// The token endpoint answers 429 with `Retry-After`.
    ThrottleToken {
        /// How many requests.
        times: u32,
        /// Seconds.
        retry_after: u32,
    },
    /// The token endpoint answers 503 `temporarily_unavailable` (AADSTS90033).
    TokenEndpointDown {
        /// How many requests.
        times: u32,
    },
    /// The token endpoint refuses with this AADSTS number.
    TokenError {
        /// How many requests.
        times: u32,
        /// The number, for instance 53003.
        code: u32,
    },
    /// Key sets answer 503.
    JwksDown {
        /// How many requests.
        times: u32,
    },
    /// Discovery documents answer 503.
    DiscoveryDown {
        /// How many requests.
        times: u32,
    },
    /// Requests whose path begins with `path` are answered late.
    Slow {
        /// How many requests.
        times: u32,
        /// Beginning of the path; empty for all.
        path: String,
        /// Real milliseconds.
        milliseconds: u32,
    },
    /// A device code is polled too fast (`slow_down`).
    DeviceSlowDown {
        /// How many polls.
        times: u32,
    },
    /// Graph answers 429 with `Retry-After` as a date, so many seconds from the lab's now.
    ThrottleGraphUntil {
        /// How many requests.
        times: u32,
        /// Seconds.
        seconds: u32,
    },
    /// Graph answers 429 without saying when to come back.
    ThrottleGraphSilently {
        /// How many requests.
        times: u32,
    },
    /// The managed identity endpoints answer with this status: 404, 410, 429 or 500.
    Identity {
        /// How many requests.
        times: u32,
        /// The status.
        status: u16,
    },
    /// The vault answers 503 until it is lifted.
    VaultDown,
    /// The vault answers 429 with `Retry-After`.
    ThrottleVault {
        /// How many requests.
        times: u32,
        /// Seconds.
        retry_after: u32,
    },
    /// Content Safety answers 429, with `Retry-After` if there is a number.
    ThrottleSafety {
        /// How many requests.
        times: u32,
        /// Seconds.
        #[serde(default)]
        retry_after: Option<u32>,
    },
    /// Content Safety answers with this status: 500, 503.
    SafetyDown {
        /// How many requests.
        times: u32,
        /// The status.
        status: u16,
    },
    /// Content Safety spoils its answers in one way.
    SafetyGarbled {
        /// How many answers.
        times: u32,
        /// The way.
        how: Garbling,
    },
    /// The third-party authorization server misbehaves in one way until it is lifted.
    ThirdParty {
        /// The way.
        does: Misdeed,
    },
    /// Conditional Access with an authentication context: a token for this application is refused, with the claims to
    /// come back with, until the person went through the sign-in page with those claims; until it is lifted.
    RequireContext {
        /// Short name or client id of the resource.
        resource: String,
        /// For instance `c1`.
        context: String,
        /// Short name or object id of the one person it concerns; everybody if absent.
        #[serde(default)]
        user: Option<String>,
    },
    /// In this tenant nobody but an administrator may consent (AADSTS90094); until it is lifted.
    UserConsentDisabled {
        /// Short name of the tenant.
        tenant: String,
    },
    /// Conditional Access: tokens for this application need a second factor (AADSTS50076 at the sign-in page,
    /// `interaction_required` with claims AADSTS50079 at the token endpoint) until it is lifted.
    RequireMfa {
        /// Short name or client id of the resource.
        resource: String,
    },
}

/// How an answer of Content Safety is spoilt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Garbling {
    /// A page in its place.
    Page,
    /// An object without members.
    Empty,
    /// It ends in the middle.
    Cut,
    /// Words where `true` and `false` belong.
    Words,
    /// An attack is one and is none, in two members of one name.
    Twice,
    /// The last document, or the last category, is missing.
    Fewer,
    /// A refusal (400) that repeats the request, in its code and in its message.
    Echo,
}

/// What the third-party authorization server does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Misdeed {
    /// Its metadata names another issuer.
    WrongIssuer,
    /// Its metadata does not offer S256.
    NoProofKey,
    /// Its metadata has no registration endpoint.
    NoRegistration,
    /// Its metadata has an authorization endpoint that is a script.
    ScriptEndpoint,
    /// Its metadata has a token endpoint where only the machine itself may go (`http://169.254.169.254`).
    InwardEndpoint,
    /// Its answers to the browser carry no `iss`.
    IssuerMissing,
    /// Its answers to the browser carry another authorization server's `iss`: a mix-up.
    IssuerOther,
    /// It sends the browser back with an error at once.
    RefusesPeople,
    /// Its token endpoint answers 500 with a page.
    TokenEndpointBroken,
    /// It refuses every refresh token.
    RefusesRefresh,
}

/// The place where a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Graph,
    Token,
    Keys,
    Discovery,
    DevicePoll,
    Identity,
    Vault,
    Safety,
    SafetyAnswer,
}

/// The faults that are armed.
#[derive(Default)]
pub(crate) struct Faults(Vec<Fault>);

impl Faults {
    pub(crate) fn arm(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn armed(&self) -> Vec<Fault> {
        self.0.clone()
    }

    /// Takes one turn of the first fault armed for a place.
    pub(crate) fn strike(&mut self, place: Place) -> Option<Fault> {
        let struck = self.0.iter_mut().find(|fault| fault.place() == Some(place))?;
        let copy = struck.clone();
        self.spend(&copy);
        Some(copy)
    }

    /// Takes one turn of a delay for a path.
    pub(crate) fn delay(&mut self, asked: &str) -> Option<Duration> {
        let slow =
            self.0.iter().find(|fault| matches!(fault, Fault::Slow { path, .. } if asked.starts_with(path)));
        let slow = slow.cloned()?;
        self.spend(&slow);
        match slow {
            Fault::Slow { milliseconds, .. } => Some(Duration::from_millis(u64::from(milliseconds))),
            _ => None,
        }
    }

    /// Disarms all faults that are equal to this one.
    pub(crate) fn disarm(&mut self, fault: &Fault) {
        self.0.retain(|armed| armed != fault);
    }

    /// Tells whether the third-party authorization server does this.
    pub(crate) fn misdeed(&self, asked: Misdeed) -> bool {
        self.0.contains(&Fault::ThirdParty { does: asked })
    }

    /// Returns the authentication contexts that a person needs for an application.
    pub(crate) fn contexts(&self, app: &App, person: &User) -> Vec<String> {
        let of = |fault: &Fault| match fault {
            Fault::RequireContext { resource, context, user } => {
                let here = *resource == app.name || resource.eq_ignore_ascii_case(&app.id);
                let them = user.as_ref().is_none_or(|user| *user == person.name || *user == person.id);
                (here && them).then(|| context.clone())
            }
            _ => None,
        };
        self.0.iter().filter_map(of).collect()
    }

    /// Tells whether people of a tenant may not consent.
    pub(crate) fn consent_disabled(&self, name: &str) -> bool {
        self.0.iter().any(|fault| matches!(fault, Fault::UserConsentDisabled { tenant } if tenant == name))
    }

    /// Tells whether tokens for an application need a second factor.
    pub(crate) fn mfa_required(&self, name: &str, id: &str) -> bool {
        self.0.iter().any(|fault| match fault {
            Fault::RequireMfa { resource } => resource == name || resource.eq_ignore_ascii_case(id),
            _ => false,
        })
    }

    fn spend(&mut self, spent: &Fault) {
        let Some(at) = self.0.iter().position(|fault| fault == spent) else { return };
        if self.0.get_mut(at).and_then(Fault::times_mut).is_none() {
            return;
        }
        let left = self.0.get_mut(at).and_then(Fault::times_mut).map_or(0, |times| {
            *times = times.saturating_sub(1);
            *times
        });
        if left == 0 {
            self.0.remove(at);
        }
    }
}

impl Fault {
    fn place(&self) -> Option<Place> {
        match self {
            Self::ThrottleGraph { .. }
            | Self::ThrottleGraphUntil { .. }
            | Self::ThrottleGraphSilently { .. }
            | Self::GraphDown { .. } => Some(Place::Graph),
            Self::Identity { .. } => Some(Place::Identity),
            Self::VaultDown | Self::ThrottleVault { .. } => Some(Place::Vault),
            Self::ThrottleSafety { .. } | Self::SafetyDown { .. } => Some(Place::Safety),
            Self::SafetyGarbled { .. } => Some(Place::SafetyAnswer),
            Self::ThrottleToken { .. } | Self::TokenEndpointDown { .. } | Self::TokenError { .. } => {
                Some(Place::Token)
            }
            Self::JwksDown { .. } => Some(Place::Keys),
            Self::DiscoveryDown { .. } => Some(Place::Discovery),
            Self::DeviceSlowDown { .. } => Some(Place::DevicePoll),
            Self::Slow { .. }
            | Self::RequireMfa { .. }
            | Self::RequireContext { .. }
            | Self::UserConsentDisabled { .. }
            | Self::ThirdParty { .. } => None,
        }
    }

    fn times_mut(&mut self) -> Option<&mut u32> {
        match self {
            Self::ThrottleGraph { times, .. }
            | Self::GraphDown { times }
            | Self::ThrottleToken { times, .. }
            | Self::TokenEndpointDown { times }
            | Self::TokenError { times, .. }
            | Self::JwksDown { times }
            | Self::DiscoveryDown { times }
            | Self::Slow { times, .. }
            | Self::ThrottleGraphUntil { times, .. }
            | Self::ThrottleGraphSilently { times }
            | Self::Identity { times, .. }
            | Self::ThrottleVault { times, .. }
            | Self::ThrottleSafety { times, .. }
            | Self::SafetyDown { times, .. }
            | Self::SafetyGarbled { times, .. }
            | Self::DeviceSlowDown { times } => Some(times),
            Self::RequireMfa { .. }
            | Self::RequireContext { .. }
            | Self::UserConsentDisabled { .. }
            | Self::ThirdParty { .. }
            | Self::VaultDown => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_strikes_so_many_times_and_only_in_its_place() {
        let mut faults = Faults::default();
        faults.arm(Fault::ThrottleGraph { times: 2, retry_after: 7 });
        assert_eq!(faults.strike(Place::Token), None);
        assert!(faults.strike(Place::Graph).is_some());
        assert!(faults.strike(Place::Graph).is_some());
        assert_eq!(faults.strike(Place::Graph), None);
    }

    #[test]
    fn a_policy_holds_until_it_is_lifted() {
        let mut faults = Faults::default();
        faults.arm(Fault::RequireMfa { resource: String::from("door") });
        assert!(faults.mfa_required("door", "x"));
        assert!(!faults.mfa_required("sibling", "y"));
        faults.clear();
        assert!(!faults.mfa_required("door", "x"));
    }
}
