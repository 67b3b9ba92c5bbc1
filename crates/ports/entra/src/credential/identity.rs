//! Managed identity: the platform vouches for the machine, at an address that only the machine reaches.
//!
//! A token is kept until its last minutes. The platform keeps them too, for a day: a role that was given today may show
//! tomorrow. Who asks at the same time shares one request.

mod answer;
mod arc;
mod asker;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use doorward_types::{ClientId, Secret, Timestamp};

use crate::credential::CredentialError;
use asker::Asker;
use doorward_net::{Fetch, Flights, Sleeper, Stopwatch};

/// Where the agent of Azure Arc listens, unless `IDENTITY_ENDPOINT` names another place.
pub const ARC_ENDPOINT: &str = "http://localhost:40342/metadata/identity/oauth2/token";

/// A door needs tokens for one audience; the second one is air.
const MAX_TOKENS: usize = 8;

type Token = Arc<Secret<String>>;

/// Who gives the machine's tokens.
#[non_exhaustive]
pub enum IdentitySource {
    /// The metadata service of a virtual machine.
    Imds,
    /// App Service, Functions and Container Apps.
    AppService {
        /// `IDENTITY_ENDPOINT`, whole.
        endpoint: String,
        /// `IDENTITY_HEADER`: it keeps a page or a forwarded request from taking a token.
        header: Secret<String>,
    },
    /// The agent of Azure Arc.
    Arc {
        /// `IDENTITY_ENDPOINT`, or [`ARC_ENDPOINT`].
        endpoint: String,
    },
}

/// Where a lab has what is otherwise compiled. Whoever makes one must hold a permission to do so: `[insecure_lab]` (D-19).
pub struct IdentityLab {
    /// Origin of the metadata service.
    pub imds: String,
    /// Where the agent of Azure Arc leaves its key files.
    pub arc_keys: PathBuf,
}

/// What a [`ManagedIdentity`] is made from.
pub struct IdentityConfig {
    /// Who gives the tokens.
    pub source: IdentitySource,
    /// The client id of a user-assigned identity; without it the machine's own.
    pub client_id: Option<ClientId>,
    /// A lab's places.
    pub lab: Option<IdentityLab>,
    /// Ages tokens.
    pub clock: Stopwatch,
    /// Waits between tries.
    pub sleeper: Sleeper,
}

/// The identity of the machine.
pub struct ManagedIdentity {
    asker: Arc<Asker>,
    tokens: Flights<&'static str, Token, CredentialError>,
}

/// What an identity endpoint said instead of giving a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityRefusal {
    /// HTTP status of the last answer.
    pub status: u16,
    /// Its `error`, if that is a code.
    pub code: Option<String>,
}

impl ManagedIdentity {
    /// Makes an asker; nothing is asked yet. `fetch` must reach the platform's endpoints
    /// ([`PlatformFetch`](crate::PlatformFetch)): what the door asks Entra with does not.
    pub fn new(fetch: Arc<dyn Fetch>, config: IdentityConfig) -> Self {
        let tokens = Flights::new(MAX_TOKENS, config.clock.clone());
        Self { asker: Arc::new(Asker::new(fetch, config)), tokens }
    }

    /// Returns a token for `audience`.
    pub(super) async fn token(
        &self,
        audience: &'static str,
        now: Timestamp,
    ) -> Result<Token, CredentialError> {
        let asker = Arc::clone(&self.asker);
        let ask = || async move { asker.ask(audience, now).await };
        self.tokens.get(audience, ask, CredentialError::Interrupted).await
    }
}

impl fmt::Display for IdentityRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fix = match self.status {
            400 => {
                "no such identity is assigned to this machine; assign one (az vm identity assign, az webapp identity assign), and check entra.credential.identity: it is the identity's client id"
            }
            401 | 403 => {
                "the request was not taken for this machine's own; check IDENTITY_HEADER, which changes at each start, and that the door may read the agent's key files (group himds)"
            }
            404 | 410 | 429 | 500..=599 => {
                "it did not recover during the tries that Azure asks for; it is tried again with the next request"
            }
            _ => "that is not what an identity endpoint answers; check entra.credential.source",
        };
        write!(f, "{} {}; {fix}", self.status, self.code.as_deref().unwrap_or("-"))
    }
}

#[cfg(test)]
mod tests;
