use std::fs;

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::*;

struct Files {
    folder: tempfile::TempDir,
}

impl Files {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn chain(&self) -> PathBuf {
        self.folder.path().join("chain.pem")
    }

    fn key(&self) -> PathBuf {
        self.folder.path().join("key.pem")
    }

    /// Writes a fresh certificate for `localhost` and returns it.
    fn issue(&self) -> CertificateDer<'static> {
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
        fs::write(self.chain(), certificate.pem()).unwrap();
        fs::write(self.key(), key.serialize_pem()).unwrap();
        certificate.der().clone()
    }
}

/// Shakes hands in memory, trusting `root` alone; returns the certificate and the protocol the server chose.
async fn handshake(
    tls: &ServerTls,
    root: &CertificateDer<'static>,
) -> std::io::Result<(Vec<u8>, Option<Vec<u8>>)> {
    let mut roots = RootCertStore::empty();
    roots.add(root.clone()).unwrap();
    let mut client = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    client.alpn_protocols = vec![b"http/1.1".to_vec(), b"h2".to_vec()];
    let (near, far) = tokio::io::duplex(16 * 1024);
    let name = ServerName::try_from("localhost").unwrap();
    let connector = TlsConnector::from(Arc::new(client));
    let (client, _server) =
        tokio::join!(connector.connect(name, near), TlsAcceptor::from(tls.config()).accept(far));
    let client = client?;
    let (_, session) = client.get_ref();
    let shown = session.peer_certificates().unwrap()[0].to_vec();
    Ok((shown, session.alpn_protocol().map(<[u8]>::to_vec)))
}

#[tokio::test]
async fn a_reload_shows_the_new_certificate() {
    let files = Files::new();
    let first = files.issue();
    let tls = ServerTls::load(&files.chain(), &files.key()).unwrap();
    assert_eq!(handshake(&tls, &first).await.unwrap(), (first.to_vec(), Some(b"h2".to_vec())));

    let second = files.issue();
    tls.reload().unwrap();
    assert_eq!(handshake(&tls, &second).await.unwrap().0, second.to_vec());
    assert!(handshake(&tls, &first).await.is_err(), "the old certificate is gone");
}

#[tokio::test]
async fn a_bad_reload_keeps_the_old_certificate() {
    let files = Files::new();
    let first = files.issue();
    let tls = ServerTls::load(&files.chain(), &files.key()).unwrap();
    let old_key = fs::read(files.key()).unwrap();

    files.issue();
    fs::write(files.key(), &old_key).unwrap();
    assert!(matches!(tls.reload(), Err(ServerTlsError::Pair { .. })), "half a renewal");
    fs::write(files.chain(), "").unwrap();
    assert!(matches!(tls.reload(), Err(ServerTlsError::NoCertificate(_))));
    fs::write(files.chain(), "-----BEGIN CERTIFICATE-----\n???\n-----END CERTIFICATE-----\n").unwrap();
    assert!(matches!(tls.reload(), Err(ServerTlsError::Chain { .. })));
    fs::remove_file(files.chain()).unwrap();
    assert!(matches!(tls.reload(), Err(ServerTlsError::Chain { .. })));

    assert_eq!(handshake(&tls, &first).await.unwrap().0, first.to_vec());
}

#[test]
fn a_missing_key_is_named() {
    let files = Files::new();
    files.issue();
    fs::write(files.key(), fs::read(files.chain()).unwrap()).unwrap();
    let error = ServerTls::load(&files.chain(), &files.key()).unwrap_err();
    assert!(matches!(error, ServerTlsError::Key { .. }));
    assert!(error.to_string().contains("key.pem"), "{error}");
}
