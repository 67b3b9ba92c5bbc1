//! Entra and Graph over the network: signing keys, and the groups that did not fit into a token.
//!
//! The gateway asks [`Keys`] for the keys that the `oauth` crate judges tokens with, and [`Groups`] for a person's
//! groups where a token says there are too many. [`EntraClient`] asks for tokens. Everything is asked with the door's own
//! credential; a caller's token comes in here as the proof of an exchange at Entra and for nothing else. Nothing here may take an address from a token, trust a key document that
//! another origin serves, or turn "no answer" into "no groups".

mod apps;
mod client;
mod credential;
mod discovery;
mod groups;
mod keys;
mod keyvault;

#[cfg(test)]
mod script;

pub use doorward_net::{ConfiguredFetch, Fetch, FetchFailed, Fetching, PlatformFetch, Sleeper, Stopwatch};

pub use apps::{Apps, AppsError};
pub use client::{EntraClient, EntraConfig, EntraError};
pub use credential::{
    ARC_ENDPOINT, CertificateCredential, ClientCredential, CredentialError, IdentityConfig, IdentityLab,
    IdentityRefusal, IdentitySource, ManagedIdentity, Proof, WorkloadIdentity,
};
pub use groups::{Groups, GroupsError};
pub use keys::{Health, Keys, KeysError, Refreshed};
pub use keyvault::{KeyVault, KeyVaultError, VaultToken, VaultTokenFuture};
