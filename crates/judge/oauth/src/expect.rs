//! What the addressed server expects of a token: facts from the configuration, none from the token.

use std::collections::BTreeSet;
use std::time::Duration;

use doorward_types::{ClientId, TenantId};

use crate::cloud::Cloud;

/// The most that clocks may differ; a larger configured skew counts as this much.
pub const MAX_SKEW: Duration = Duration::from_secs(300);

/// What a token must be to open one server.
#[derive(Debug, Clone)]
pub struct Expectation {
    /// Who issues.
    pub cloud: Cloud,
    /// Whose people and applications may come.
    pub tenants: Tenants,
    /// Whom the token must be for.
    pub audience: Audience,
    /// Scopes of which a person's token must have one; empty asks for none.
    pub required_scope: Vec<String>,
    /// App roles of which the caller must have one; empty asks for none. If only `required_scope` tells this server
    /// from a sibling with the same audience, an application, which has no scopes, is refused (D-12).
    pub required_role: Vec<String>,
    /// Whether applications without a user are served.
    pub allow_app_only: bool,
    /// Tolerated difference of clocks, at most [`MAX_SKEW`].
    pub skew: Duration,
    /// Whether `ver` 1.0 is accepted.
    pub accept_v1: bool,
    /// What the door's own tokens must be; `None` where it is no authorization server, and then none is accepted.
    pub door: Option<DoorExpectation>,
    /// Who may come with a token of Entra's own.
    pub entra: EntraTokens,
}

/// What a token of the door's own must be to open one server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoorExpectation {
    /// The door as its metadata names it: `iss`.
    pub issuer: String,
    /// The server's address exactly as clients use it: `aud` (D-12). A token for a sibling names another.
    pub audience: String,
    /// Scopes of which a person's token must have one; empty asks for none.
    pub required_scope: Vec<String>,
}

/// Who may come with a token of Entra's own, past the door's sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntraTokens {
    /// Nobody: whoever comes has signed in at this door.
    None,
    /// Applications on their own behalf, which have no browser to sign in with.
    Apps,
    /// Everybody: the door is no authorization server.
    All,
}

/// The tenants allowed.
#[derive(Debug, Clone)]
pub enum Tenants {
    /// One directory.
    One(TenantId),
    /// An allow-list. Empty allows none.
    Many(BTreeSet<TenantId>),
}

impl Tenants {
    /// Returns whether `tenant` is allowed.
    pub fn allow(&self, tenant: &TenantId) -> bool {
        match self {
            Self::One(only) => only == tenant,
            Self::Many(list) => list.contains(tenant),
        }
    }
}

/// Whom a token must be for: our application, as Entra names it in `aud`.
#[derive(Debug, Clone)]
pub struct Audience {
    /// The application's id: `aud` of every v2 token and of some v1 tokens.
    pub client_id: ClientId,
    /// The application's identifier URIs, each exactly as `aud` of a v1 token shows it.
    pub app_id_uris: Vec<String>,
}
