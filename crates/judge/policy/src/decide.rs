//! The one place where a permit is made.

use std::fmt;
use std::sync::Arc;

use doorward_types::ServerName;

use crate::ask::{Ask, Item};
use crate::compile::Policies;
use crate::principal::Principal;
use crate::slice::Verdict;
use crate::target::Target;

/// Proof that the policies permitted one request. It cannot be copied, read from anywhere, or made by anyone but
/// [`Policies::decide`] (D-26).
///
/// ```compile_fail
/// fn twice(permit: doorward_policy::Permit) -> (doorward_policy::Permit, doorward_policy::Permit) {
///     (permit.clone(), permit)
/// }
/// ```
///
/// ```compile_fail
/// let server = doorward_types::ServerName::parse("crm").unwrap();
/// let forged = doorward_policy::Permit { policies: Default::default(), server };
/// ```
#[derive(Debug, PartialEq, Eq)]
pub struct Permit {
    policies: Arc<[Arc<str>]>,
    server: ServerName,
}

impl Permit {
    /// Returns the ids of the policies that permitted it, in the order they were written.
    pub fn policies(&self) -> &[Arc<str>] {
        &self.policies
    }

    /// Returns the server it is good for.
    pub fn server(&self) -> &ServerName {
        &self.server
    }
}

impl Policies {
    /// Decides one request.
    ///
    /// # Errors
    /// A [`Denial`]: no policy permits it, one forbids it, one could not be evaluated, or the server's tools are not
    /// known yet.
    pub fn decide(&self, who: &Principal, ask: &Ask<'_>) -> Result<Permit, Denial> {
        let Some(target) = Target::of(self, ask) else { return Err(self.nothing_there(ask)) };
        match self.judge(who, &target, Some(ask)) {
            Verdict::Permit(policies) => Ok(Permit { policies, server: ask.server().clone() }),
            Verdict::Deny(denial) => Err(denial),
        }
    }

    /// Says whether an item is listed for a caller (D-05). Seeing never implies calling.
    pub fn sees(&self, who: &Principal, server: &ServerName, item: Item<'_>) -> bool {
        let Some(target) = Target::of_item(self, server, item) else { return false };
        let sees = || matches!(self.judge(who, &target, None), Verdict::Permit(_));
        match target.list_slot() {
            Some((question, server, item)) if Arc::ptr_eq(&self.mark, &who.mark) => {
                who.recall_seen(question, server, item).unwrap_or_else(|| {
                    let sees = sees();
                    who.keep_seen(question, server, item, sees);
                    sees
                })
            }
            _ => sees(),
        }
    }

    /// What is said of a server, tool or prompt that the catalogue does not have.
    pub(crate) fn nothing_there(&self, ask: &Ask<'_>) -> Denial {
        let unreached = self.catalogue.servers.get(ask.server()).is_some_and(|server| !server.complete);
        Denial::bare(if unreached { Reason::ServerPending } else { Reason::NoPermit })
    }
}

/// Why a request is refused. It names policies and holds no content of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    reason: Reason,
    policies: Arc<[Arc<str>]>,
    errors: Arc<[PolicyError]>,
}

impl Denial {
    pub(crate) fn new(reason: Reason, policies: Arc<[Arc<str>]>, errors: Vec<PolicyError>) -> Self {
        Self { reason, policies, errors: errors.into() }
    }

    pub(crate) fn bare(reason: Reason) -> Self {
        Self { reason, policies: Arc::default(), errors: Arc::default() }
    }

    /// Returns the ids of the forbids that matched.
    pub fn policies(&self) -> &[Arc<str>] {
        &self.policies
    }

    /// Returns what could not be evaluated. One is enough to refuse, whatever else permits.
    pub fn errors(&self) -> &[PolicyError] {
        &self.errors
    }

    /// Returns `no-permit`, `forbidden`, `policy-error` or `server-pending`.
    pub fn reason(&self) -> &'static str {
        self.reason.id()
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.reason {
            Reason::NoPermit => "no policy permits it",
            Reason::Forbidden => "forbidden by policy",
            Reason::PolicyError => "a policy could not be evaluated",
            Reason::ServerPending => "the server's tools are not known yet",
        })?;
        for policy in self.policies.iter() {
            write!(f, " `{policy}`")?;
        }
        for error in self.errors.iter() {
            write!(f, ": {error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Denial {}

/// Why a request is refused, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    NoPermit,
    Forbidden,
    PolicyError,
    ServerPending,
}

impl Reason {
    const fn id(self) -> &'static str {
        match self {
            Self::NoPermit => "no-permit",
            Self::Forbidden => "forbidden",
            Self::PolicyError => "policy-error",
            Self::ServerPending => "server-pending",
        }
    }
}

/// What could not be evaluated, without the caller's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyError {
    policy: Option<Arc<str>>,
    what: String,
}

impl PolicyError {
    pub(crate) fn new(policy: Option<Arc<str>>, what: String) -> Self {
        Self { policy, what }
    }

    /// Returns the id of the policy that failed; none if the request itself could not be put to the policies.
    pub fn policy(&self) -> Option<&str> {
        self.policy.as_deref()
    }

    /// Returns what failed.
    pub fn what(&self) -> &str {
        &self.what
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.policy {
            Some(policy) => write!(f, "policy `{policy}`: {}", self.what),
            None => f.write_str(&self.what),
        }
    }
}

#[cfg(test)]
mod tests;
