//! The identity broker of the operating system: it holds the machine's own sign-in, and gives tokens out of it.

mod linux;

use std::future::Future;
use std::pin::Pin;

use doorward_oauth::Cloud;
use doorward_oidc::public::Scopes;
use doorward_types::{ClientId, Person, Secret, TenantId, Timestamp};

pub use linux::LinuxBroker;

/// What a broker is asked for.
#[derive(Clone, Copy)]
pub struct BrokerAsk<'a> {
    /// Where Entra is.
    pub cloud: &'a Cloud,
    /// The one tenant.
    pub tenant: &'a TenantId,
    /// The application that asks.
    pub client_id: &'a ClientId,
    /// Whose token; without it, that of the one account of the tenant's.
    pub person: Option<&'a Person>,
    /// For what.
    pub scopes: &'a Scopes,
    /// The claims that the token must have, as JSON.
    pub claims: Option<&'a str>,
}

/// What a broker gives. Who it is of is read from the ID token, which is verified like any other.
pub struct BrokerToken {
    /// The access token.
    pub access: Secret<String>,
    /// When it ends.
    pub expires: Timestamp,
    /// The ID token.
    pub id: Secret<String>,
}

/// Why a broker that is there gives no token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BrokerError {
    /// The person must do something, in a sign-in.
    #[error("it wants to see the person")]
    NeedsPerson,
    /// Anything else.
    #[error("{0}")]
    Failed(String),
}

/// An answer that is on its way; `None` where there is no broker, or no such account in it.
pub type Brokering<'a> = Pin<Box<dyn Future<Output = Result<Option<BrokerToken>, BrokerError>> + Send + 'a>>;

/// A broker. It is asked silently only: what it shows people is its own affair.
pub trait Broker: Send + Sync + 'static {
    /// Asks for a token.
    fn token<'a>(&'a self, ask: BrokerAsk<'a>) -> Brokering<'a>;
}
