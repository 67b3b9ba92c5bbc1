//! Entra and Microsoft Graph as they answer, and as they refuse, on loopback.
//!
//! Who calls it: `doorward lab` and `doorward up`, so that the product runs without a cloud account, and the tests of
//! every crate that talks to Entra. What it may never do: listen on anything but loopback, be part of a package that
//! guards real servers, or share a line with the client code. It is written from the public API descriptions, so
//! that a wrong idea in the client meets a refusal here and not its own mirror image.
//!
//! # What is emulated
//! - **Discovery**: v2.0 and v1.0 documents for tenant ids, domains, `common` and `organizations`, with the members
//!   that Entra leaves out left out; key sets with an issuer in every key; instance discovery; rollover on demand.
//! - **Authorize**: a sign-in page that needs no script, single sign-on, consent, a second factor, `prompt`,
//!   `login_hint`, `claims`, PKCE, the three response modes, redirect matching, the `resource` rule.
//! - **Token**: authorization code, refresh token, device code, client credentials (secret, certificate, federated
//!   assertion), on-behalf-of; errors in Entra's shape and with its numbers.
//! - **Tokens**: v1.0 and v2.0, app roles, groups and overage, `xms_cc`, `acrs`, `idtyp`; Graph's tokens verify for
//!   Graph alone.
//! - **Graph**: `/v1.0/me`, `/v1.0/users/{id}`, `getMemberObjects`, registrations; throttling on demand; revocation takes effect at
//!   once.
//! - **Machines**: managed identities by IMDS, App Service and Arc; agent identities; a vault with secrets and keys.
//! - **Second opinions**: Content Safety with Prompt Shields, the analysis of texts and blocklists; what it finds is what
//!   a few lists of words say.
//! - **A person's machine**: the identity broker of Linux, on a session bus.
//! - **Strangers**: an authorization server of a third party, and a site that serves client-id documents.
//! - **Control**: clock, faults, transcript, keys and tokens, in process through [`Control`] and over HTTP under
//!   `/_lab` with a key that no web page knows.
//!
//! # What is not
//! Implicit and hybrid flows, SAML, custom signing keys, `$batch`, CAE's long-lived tokens, PoP tokens, agent
//! users, workload identity of other clouds, real Conditional Access policies (a fault stands for them), password change.
//! Where Microsoft's documents are silent the emulator's guess is marked in the code by "assumed".

mod authority;
mod bearer;
mod broker;
mod claims;
mod client_auth;
mod clock;
mod control;
mod discovery;
mod documents;
mod errors;
mod faults;
mod files;
mod form;
mod grants;
mod graph;
mod identity;
mod issue;
mod jwt;
mod keys;
mod lab;
mod lab_api;
mod listen;
mod mint;
mod random;
mod record;
mod safety;
mod scopes;
mod seed;
mod serve;
mod sign_in;
mod store;
mod sync;
mod third_party;
mod tls;
mod token;
mod tokens;
mod vault;

pub use broker::Broker;
pub use clock::Clock;
pub use control::Control;
pub use documents::Document;
pub use faults::{Fault, Garbling, Misdeed};
pub use identity::IDENTITY_HEADER;
pub use mint::{GroupChoice, MintRequest, MintSubject, TokenKind};
pub use record::Recorded;
pub use seed::{
    App, ClientSecret, ContentSafety, Federated, GRAPH_APP_ID, Group, KeyVault, ManagedIdentity, Seed,
    Tenant, User, VaultSecret,
};
pub use serve::{Emulator, Options, Running};
pub use third_party::{THIRD_PARTY_CLIENT, THIRD_PARTY_SECRET};

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Why the emulator cannot start, or cannot do what its control interface was asked for.
#[derive(Debug, thiserror::Error)]
pub enum EmulatorError {
    /// The address to listen on can be reached from other machines.
    #[error("the emulator listens on loopback only, and {0} is not; use 127.0.0.1 or [::1]")]
    NotLoopback(SocketAddr),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file of the data folder cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The seed file is wrong.
    #[error("the seed is wrong: {0}")]
    Seed(String),
    /// The seed holds nothing by this name.
    #[error("no {kind} is called {name}; see the seed for what there is")]
    Unknown {
        /// `user`, `app`, `tenant`, `device code` …
        kind: &'static str,
        /// The name that was looked for.
        name: String,
    },
    /// A cryptographic operation failed.
    #[error("cryptography failed: {0}")]
    Crypto(&'static str),
    /// A certificate could not be made or read.
    #[error("certificate: {0}")]
    Certificate(String),
    /// The session bus refuses.
    #[error("the session bus: {0}")]
    Bus(String),
    /// TLS could not be set up.
    #[error("TLS: {0}")]
    Tls(rustls::Error),
}

/// The result of a request: an answer or a refusal in Entra's shape.
type AadResult<T> = Result<T, errors::AadError>;

impl EmulatorError {
    fn certificate(error: rcgen::Error) -> Self {
        Self::Certificate(error.to_string())
    }

    fn file(path: &Path, source: std::io::Error) -> Self {
        Self::File { path: path.to_owned(), source }
    }

    fn unknown(kind: &'static str, name: &str) -> Self {
        Self::Unknown { kind, name: name.to_owned() }
    }
}
