//! The gateway's certificate: read from files, renewed without dropping a connection.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

/// TLS for a listener: 1.2 and 1.3, HTTP/2 and HTTP/1.1.
#[derive(Debug, Clone)]
pub struct ServerTls {
    config: Arc<ServerConfig>,
    certificate: Arc<ReloadingCert>,
}

/// A certificate that can be exchanged while connections are open; each handshake takes the current one.
#[derive(Debug)]
pub struct ReloadingCert {
    chain: PathBuf,
    key: PathBuf,
    current: RwLock<Arc<CertifiedKey>>,
}

/// Why a certificate cannot be used. At a reload the old one stays.
#[derive(Debug, thiserror::Error)]
pub enum ServerTlsError {
    /// The certificate's file cannot be read.
    #[error("cannot read the certificate {path}: {cause}", path = .path.display())]
    Chain {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        cause: pem::Error,
    },
    /// The file holds no certificate.
    #[error("{path} holds no certificate; expected PEM, the server's own first", path = .0.display())]
    NoCertificate(PathBuf),
    /// The key's file cannot be read, or holds no private key.
    #[error("cannot read the private key {path}: {cause}", path = .path.display())]
    Key {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        cause: pem::Error,
    },
    /// The two do not belong together, or the key is of a kind that is not supported.
    #[error("the certificate {chain} and the key {key} cannot be used together: {cause}", chain = .chain.display(), key = .key.display())]
    Pair {
        /// The certificate's file.
        chain: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// What is wrong.
        cause: rustls::Error,
    },
    /// The provider offers no protocol version, which its defaults do.
    #[error("TLS cannot be set up: {0}")]
    Setup(rustls::Error),
}

impl ServerTls {
    /// Reads a certificate chain and its key from PEM files.
    ///
    /// # Errors
    /// A [`ServerTlsError`] that names the file.
    pub fn load(chain: &Path, key: &Path) -> Result<Self, ServerTlsError> {
        let certificate = Arc::new(ReloadingCert {
            current: RwLock::new(Arc::new(read(chain, key)?)),
            chain: chain.to_owned(),
            key: key.to_owned(),
        });
        let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(ServerTlsError::Setup)?
            .with_no_client_auth()
            .with_cert_resolver(certificate.clone());
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { config: Arc::new(config), certificate })
    }

    /// Offers HTTP/1.1 alone, for a listener that speaks nothing else: a browser takes HTTP/2 where it is offered.
    #[must_use]
    pub fn without_http2(self) -> Self {
        let mut config = ServerConfig::clone(&self.config);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Self { config: Arc::new(config), ..self }
    }

    /// Returns the configuration for a `TlsAcceptor`. It stays the same over reloads.
    pub fn config(&self) -> Arc<ServerConfig> {
        self.config.clone()
    }

    /// Reads the files again. Open connections go on; new ones get the new certificate.
    ///
    /// # Errors
    /// A [`ServerTlsError`]; the old certificate stays in use.
    pub fn reload(&self) -> Result<(), ServerTlsError> {
        self.certificate.reload()
    }
}

impl ReloadingCert {
    /// Reads the files again; on an error the old certificate stays.
    ///
    /// # Errors
    /// A [`ServerTlsError`].
    pub fn reload(&self) -> Result<(), ServerTlsError> {
        let fresh = Arc::new(read(&self.chain, &self.key)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }
}

impl ResolvesServerCert for ReloadingCert {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

fn read(chain: &Path, key: &Path) -> Result<CertifiedKey, ServerTlsError> {
    let unreadable = |cause| ServerTlsError::Chain { path: chain.to_owned(), cause };
    let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(chain)
        .map_err(unreadable)?
        .collect::<Result<_, _>>()
        .map_err(unreadable)?;
    if certificates.is_empty() {
        return Err(ServerTlsError::NoCertificate(chain.to_owned()));
    }
    warn_if_readable_by_others(key);
    let private = PrivateKeyDer::from_pem_file(key)
        .map_err(|cause| ServerTlsError::Key { path: key.to_owned(), cause })?;
    // Compares the key with the certificate: a half-finished renewal is found here and not by the first client.
    CertifiedKey::from_der(certificates, private, &aws_lc_rs::default_provider())
        .map_err(|cause| ServerTlsError::Pair { chain: chain.to_owned(), key: key.to_owned(), cause })
}

#[cfg(unix)]
fn warn_if_readable_by_others(key: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    if let Ok(metadata) = std::fs::metadata(key)
        && metadata.permissions().mode() & 0o004 != 0
    {
        tracing::warn!(path = %key.display(), "the private key can be read by every user of this host");
    }
}

#[cfg(not(unix))]
fn warn_if_readable_by_others(_: &Path) {}

#[cfg(test)]
mod tests;
