//! How the door proves to Entra that it is its application. A secret can be copied from wherever it lies; the other
//! ways hold nothing that is worth anything for longer than some minutes, or keep a key that is never sent (REM-02).

mod certificate;
mod error;
mod identity;
mod workload;

use doorward_oauth::Cloud;
use doorward_types::{ClientId, Secret, Timestamp};

pub use certificate::CertificateCredential;
pub use error::CredentialError;
pub use identity::{
    ARC_ENDPOINT, IdentityConfig, IdentityLab, IdentityRefusal, IdentitySource, ManagedIdentity,
};
pub use workload::WorkloadIdentity;

/// The members of a form that prove who asks.
pub type Proof = Vec<(&'static str, Secret<String>)>;

/// RFC 7523 section 2.2.
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A credential of the door's.
#[non_exhaustive]
pub enum ClientCredential {
    /// None: a public client, on a person's machine. A secret that is shipped to everybody would prove nothing, and Entra
    /// refuses it (AADSTS700025).
    Public,
    /// A client secret: the weakest, for it can be copied.
    Secret(Secret<String>),
    /// A certificate whose key signs a short statement each time.
    Certificate(CertificateCredential),
    /// A token of another issuer in a file that the platform keeps fresh (Kubernetes).
    WorkloadIdentity(WorkloadIdentity),
    /// A token of the machine's own identity.
    ManagedIdentity(ManagedIdentity),
}

impl ClientCredential {
    /// Makes the members of a form that prove who asks.
    ///
    /// # Errors
    /// [`CredentialError`], which holds nothing secret.
    pub async fn proof(
        &self,
        cloud: &Cloud,
        tenant: &str,
        client_id: &ClientId,
        now: Timestamp,
    ) -> Result<Proof, CredentialError> {
        let assertion = match self {
            Self::Public => return Ok(Vec::new()),
            Self::Secret(secret) => {
                return Ok(vec![("client_secret", Secret::new(secret.expose().clone()))]);
            }
            Self::Certificate(certificate) => certificate.assertion(cloud, tenant, client_id, now)?,
            Self::WorkloadIdentity(workload) => workload.read().await?,
            Self::ManagedIdentity(identity) => {
                let token = identity.token(exchange_audience(cloud), now).await?;
                Secret::new(token.expose().clone())
            }
        };
        let kind = Secret::new(ASSERTION_TYPE.to_owned());
        Ok(vec![("client_assertion_type", kind), ("client_assertion", assertion)])
    }
}

/// Returns for whom a token of another issuer must be meant so that Entra takes it in exchange. Each cloud has its own:
/// a token meant for one is worth nothing at another.
fn exchange_audience(cloud: &Cloud) -> &'static str {
    match &*cloud.authority {
        "https://login.microsoftonline.us" => "api://AzureADTokenExchangeUSGov",
        "https://login.partner.microsoftonline.cn" => "api://AzureADTokenExchangeChina",
        _ => "api://AzureADTokenExchange",
    }
}

/// Returns whether a text can be a token: nothing that ends a line or hides in a log.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests;
