//! The only way out of the process, and TLS for the way in.
//!
//! Every crate that speaks to another host (Entra, Graph, upstream servers, advisers) does so through a [`Connector`];
//! the gateway takes its certificate from a [`ServerTls`]. A connector may never follow a redirect, never read a proxy
//! from the environment, never keep a cookie, and never dial an address other than one it has just judged, so that a
//! URL chosen by someone else cannot reach what only we can reach (SSRF), and a name cannot change its mind between the
//! check and the connection (DNS rebinding).
//!
//! Beside it stand the small things that all who ask share: a stopwatch and a sleeper that tests turn by hand, and one
//! flight for many passengers.

pub mod addresses;

mod ask;
mod clock;
mod connection;
mod connector;
mod fetch;
mod flight;
mod origin;
mod platform;
mod resolve;
mod server_tls;
mod sleeper;

pub use ask::{ConfiguredFetch, Fetch, FetchFailed, Fetching, PlatformFetch};
pub use clock::Stopwatch;
pub use connection::Connection;
pub use connector::{ConnectError, Connector, ConnectorConfig, ConnectorError, Reach};
pub use fetch::{FetchError, FetchLimits};
pub use flight::Flights;
pub use origin::{Host, Origin, OriginError, Scheme};
pub use resolve::{Resolve, Resolving, SystemResolver};
pub use server_tls::{ReloadingCert, ServerTls, ServerTlsError};
pub use sleeper::Sleeper;
