//! The only way out of the process, and TLS for the way in.
//!
//! Every crate that speaks to another host (Entra, Graph, upstream servers, advisers) does so through a [`Connector`];
//! the gateway takes its certificate from a [`ServerTls`]. A connector may never follow a redirect, never read a proxy
//! from the environment, never keep a cookie, and never dial an address other than one it has just judged, so that a
//! URL chosen by someone else cannot reach what only we can reach (SSRF), and a name cannot change its mind between the
//! check and the connection (DNS rebinding).

pub mod addresses;

mod connection;
mod connector;
mod fetch;
mod origin;
mod platform;
mod resolve;
mod server_tls;

pub use connection::Connection;
pub use connector::{ConnectError, Connector, ConnectorConfig, ConnectorError, Reach};
pub use fetch::{FetchError, FetchLimits};
pub use origin::{Host, Origin, OriginError, Scheme};
pub use resolve::{Resolve, Resolving, SystemResolver};
pub use server_tls::{ReloadingCert, ServerTls, ServerTlsError};
