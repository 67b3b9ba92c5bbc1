//! How the door proves to Entra that it is its application.

use std::sync::Arc;

use doorward_oauth::Cloud;
use doorward_types::{ClientId, Secret, Timestamp};

use crate::fetch::Fetch;

/// A credential of the door's.
#[non_exhaustive]
pub enum ClientCredential {
    /// A client secret: the weakest, for it can be copied.
    Secret(Secret<String>),
}

/// Why there is no proof.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CredentialError(pub String);

impl ClientCredential {
    /// Makes the members of a form that prove who asks.
    ///
    /// # Errors
    /// [`CredentialError`].
    pub async fn proof(
        &self,
        _fetch: &Arc<dyn Fetch>,
        _cloud: &Cloud,
        _tenant: &str,
        _client_id: &ClientId,
        _now: Timestamp,
    ) -> Result<Vec<(&'static str, Secret<String>)>, CredentialError> {
        match self {
            Self::Secret(secret) => Ok(vec![("client_secret", Secret::new(secret.expose().clone()))]),
        }
    }
}
