//! The connector: resolve once, judge every address, dial one of those judged, and nothing else.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, crypto::aws_lc_rs};
use rustls_platform_verifier::Verifier;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::addresses::{is_global, is_loopback, is_never};
use crate::connection::Connection;
use crate::origin::{Host, Origin, Scheme};
use crate::platform;
use crate::resolve::{Resolve, SystemResolver};

/// How many addresses of a name are judged; a name with more is refused rather than half judged.
const MAX_ADDRESSES: usize = 32;

/// How far a connection may reach. Who wrote the URL decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Someone else chose the URL (metadata, a client's document): every address must be in the open internet.
    Public,
    /// The operator wrote the origin: private networks and loopback too, link-local and metadata services never.
    Configured,
    /// An origin listed in `[insecure_lab]` and no other (D-19).
    Lab,
    /// The platform's endpoints that give this machine its own identity, which no other reach comes to: the compiled
    /// ones and the one of [`Connector::with_identity_endpoint`]. Only the code that asks for that identity says this.
    Platform,
}

/// What a [`Connector`] is made from.
#[derive(Debug, Clone)]
pub struct ConnectorConfig {
    /// PEM texts of certificate authorities trusted besides the system's.
    pub extra_roots_pem: Vec<Vec<u8>>,
    /// Exact origins of `[insecure_lab]`: the only ones to which `http` or an address out of reach is permitted (D-19).
    pub lab_origins: Vec<Origin>,
    /// Time for resolving, dialling and the TLS handshake together.
    pub connect_timeout: Duration,
}

impl Default for ConnectorConfig {
    fn default() -> Self {
        Self {
            extra_roots_pem: Vec::new(),
            lab_origins: Vec::new(),
            connect_timeout: Duration::from_secs(10),
        }
    }
}

/// Opens connections. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Connector {
    shared: Arc<Shared>,
    /// The identity endpoint that the platform gave this process, besides the compiled ones.
    identity: Option<Origin>,
}

struct Shared {
    extra_roots: Vec<CertificateDer<'static>>,
    lab_origins: Vec<Origin>,
    connect_timeout: Duration,
    resolver: Arc<dyn Resolve>,
    /// Made at the first TLS connection: reading the system's roots takes longer than the rest of the start-up.
    tls: OnceLock<Result<TlsConnector, String>>,
}

/// Why no connector could be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectorError {
    /// A text of extra roots holds no certificate, or something that is none.
    #[error("an extra root is not a PEM certificate: {0}")]
    BadRoot(String),
    /// Not the URL of an identity endpoint of this machine.
    #[error(
        "`{0}` is no identity endpoint of this machine: it must be http:// or https:// with localhost, 127.x.x.x, [::1] or 169.254.x.x as its host"
    )]
    BadIdentityEndpoint(String),
}

/// Why there is no connection. The text is for the log; a caller must not learn what our network looks like.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The origin is asked for as a lab's and is not listed.
    #[error("{0} is not listed in [insecure_lab]")]
    NotALab(Origin),
    /// `http` to another host than this one.
    #[error("{0} would be reached without TLS; use https")]
    Plaintext(Origin),
    /// An address is out of reach.
    #[error("{origin} leads to {address}, which is out of reach for {reach:?} origins")]
    Forbidden {
        /// Where the connection was to go.
        origin: Origin,
        /// Where it would have gone.
        address: IpAddr,
        /// How far it was allowed to.
        reach: Reach,
    },
    /// The name could not be resolved.
    #[error("{origin} could not be resolved: {cause}")]
    Resolve {
        /// Where the connection was to go.
        origin: Origin,
        /// What the resolver said.
        cause: io::Error,
    },
    /// The name has no address, or more than anybody needs.
    #[error("{origin} has {count} addresses")]
    Addresses {
        /// Where the connection was to go.
        origin: Origin,
        /// How many there were.
        count: usize,
    },
    /// No address answered.
    #[error("{origin} does not answer: {cause}")]
    Dial {
        /// Where the connection was to go.
        origin: Origin,
        /// What the last address tried said.
        cause: io::Error,
    },
    /// The handshake failed: an untrusted or wrong certificate, most often.
    #[error("TLS with {origin} failed: {cause}")]
    Tls {
        /// Where the connection was to go.
        origin: Origin,
        /// What the handshake said.
        cause: io::Error,
    },
    /// The system's roots could not be read.
    #[error("no TLS: {0}")]
    NoTls(String),
    /// It took longer than the configured time.
    #[error("{0} did not answer in time")]
    Timeout(Origin),
}

impl ConnectError {
    /// Returns whether a rule of ours refused, rather than the network failing.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::NotALab(_) | Self::Plaintext(_) | Self::Forbidden { .. })
    }
}

impl Connector {
    /// Makes a connector that resolves names as the system does.
    ///
    /// # Errors
    /// [`ConnectorError::BadRoot`].
    pub fn new(config: ConnectorConfig) -> Result<Self, ConnectorError> {
        Self::with_resolver(config, Arc::new(SystemResolver))
    }

    /// Makes a connector with a resolver of one's own.
    ///
    /// # Errors
    /// [`ConnectorError::BadRoot`].
    pub fn with_resolver(
        config: ConnectorConfig,
        resolver: Arc<dyn Resolve>,
    ) -> Result<Self, ConnectorError> {
        let mut extra_roots = Vec::new();
        for pem in &config.extra_roots_pem {
            let before = extra_roots.len();
            for certificate in CertificateDer::pem_slice_iter(pem) {
                extra_roots.push(certificate.map_err(|error| ConnectorError::BadRoot(error.to_string()))?);
            }
            if extra_roots.len() == before {
                return Err(ConnectorError::BadRoot("no certificate in it".to_owned()));
            }
        }
        let shared = Shared {
            extra_roots,
            lab_origins: config.lab_origins,
            connect_timeout: config.connect_timeout,
            resolver,
            tls: OnceLock::new(),
        };
        Ok(Self { shared: Arc::new(shared), identity: None })
    }

    /// Returns a connector that reaches, as [`Reach::Platform`], the endpoint at `url` too: what App Service and
    /// Container Apps put into `IDENTITY_ENDPOINT`.
    ///
    /// # Errors
    /// [`ConnectorError::BadIdentityEndpoint`] for a host that could lie on another machine.
    pub fn with_identity_endpoint(&self, url: &str) -> Result<Self, ConnectorError> {
        match Origin::parse(url) {
            Ok(origin) if platform::is_identity_host(origin.host()) => {
                Ok(Self { shared: Arc::clone(&self.shared), identity: Some(origin) })
            }
            _ => Err(ConnectorError::BadIdentityEndpoint(url.to_owned())),
        }
    }

    /// Opens a connection to `origin`, encrypted if its scheme is `https`.
    ///
    /// # Errors
    /// A [`ConnectError`]; nothing was sent then, not even a SYN if [`ConnectError::is_refusal`].
    pub async fn connect(&self, origin: &Origin, reach: Reach) -> Result<Connection, ConnectError> {
        let attempt = self.attempt(origin, reach);
        match tokio::time::timeout(self.shared.connect_timeout, attempt).await {
            Ok(outcome) => outcome,
            Err(_) => Err(ConnectError::Timeout(origin.clone())),
        }
    }

    /// Opens a connection to a host on which somebody else speaks TLS: a server in a sandbox, which was heard to name this
    /// very host. Its address is judged like any other.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub async fn tunnel(&self, origin: &Origin, reach: Reach) -> Result<Connection, ConnectError> {
        let attempt = async {
            let addresses = self.resolve(origin).await?;
            self.judge(origin, reach, &addresses)?;
            let (stream, peer) = dial(origin, &addresses).await?;
            Ok(Connection::plain(stream, peer))
        };
        match tokio::time::timeout(self.shared.connect_timeout, attempt).await {
            Ok(outcome) => outcome,
            Err(_) => Err(ConnectError::Timeout(origin.clone())),
        }
    }

    async fn attempt(&self, origin: &Origin, reach: Reach) -> Result<Connection, ConnectError> {
        let addresses = self.resolve(origin).await?;
        self.judge(origin, reach, &addresses)?;
        let (stream, peer) = dial(origin, &addresses).await?;
        match origin.scheme() {
            Scheme::Http => Ok(Connection::plain(stream, peer)),
            Scheme::Https => {
                let stream = self.tls()?.connect(server_name(origin)?, stream).await;
                let stream = stream.map_err(|cause| ConnectError::Tls { origin: origin.clone(), cause })?;
                Ok(Connection::tls(stream, peer))
            }
        }
    }

    async fn resolve(&self, origin: &Origin) -> Result<Vec<IpAddr>, ConnectError> {
        let addresses = match origin.host() {
            Host::Address(address) => vec![*address],
            Host::Name(name) => match self.shared.resolver.resolve(name).await {
                Ok(addresses) => addresses,
                Err(cause) => return Err(ConnectError::Resolve { origin: origin.clone(), cause }),
            },
        };
        match addresses.len() {
            1..=MAX_ADDRESSES => Ok(addresses),
            count => Err(ConnectError::Addresses { origin: origin.clone(), count }),
        }
    }

    /// Judges every address, not only the one that will be dialled: a name that mixes good and bad ones is waiting for
    /// a retry.
    fn judge(&self, origin: &Origin, reach: Reach, addresses: &[IpAddr]) -> Result<(), ConnectError> {
        let lab = self.shared.lab_origins.contains(origin);
        if reach == Reach::Lab && !lab {
            return Err(ConnectError::NotALab(origin.clone()));
        }
        for &address in addresses {
            if reach == Reach::Platform && platform::reaches(origin, self.identity.as_ref(), address) {
                continue;
            }
            let within = match reach {
                _ if is_never(address) => false,
                _ if lab => true,
                Reach::Public => is_global(address),
                Reach::Configured => true,
                Reach::Lab | Reach::Platform => false,
            };
            if !within {
                return Err(ConnectError::Forbidden { origin: origin.clone(), address, reach });
            }
            if origin.scheme() == Scheme::Http && !lab && !is_loopback(address) {
                return Err(ConnectError::Plaintext(origin.clone()));
            }
        }
        Ok(())
    }

    fn tls(&self) -> Result<&TlsConnector, ConnectError> {
        let made = self.shared.tls.get_or_init(|| client_tls(self.shared.extra_roots.clone()));
        made.as_ref().map_err(|problem| ConnectError::NoTls(problem.clone()))
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").field("lab_origins", &self.shared.lab_origins).finish_non_exhaustive()
    }
}

/// Tries the judged addresses in the resolver's order. No name is resolved again in here (S36).
async fn dial(origin: &Origin, addresses: &[IpAddr]) -> Result<(TcpStream, SocketAddr), ConnectError> {
    let mut cause = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for &address in addresses {
        let peer = SocketAddr::new(address, origin.port());
        match TcpStream::connect(peer).await {
            Ok(stream) => {
                // Small requests must not wait for more to come; a socket without the option still works.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "TCP_NODELAY is not available");
                }
                return Ok((stream, peer));
            }
            Err(error) => cause = error,
        }
    }
    Err(ConnectError::Dial { origin: origin.clone(), cause })
}

fn server_name(origin: &Origin) -> Result<ServerName<'static>, ConnectError> {
    match origin.host() {
        Host::Address(address) => Ok(ServerName::IpAddress((*address).into())),
        Host::Name(name) => ServerName::try_from(name.clone()).map_err(|error| ConnectError::Tls {
            origin: origin.clone(),
            cause: io::Error::new(io::ErrorKind::InvalidInput, error),
        }),
    }
}

fn client_tls(extra_roots: Vec<CertificateDer<'static>>) -> Result<TlsConnector, String> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier =
        Verifier::new_with_extra_roots(extra_roots, provider.clone()).map_err(|error| error.to_string())?;
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}
