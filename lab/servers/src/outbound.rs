//! A small client: one request, one connection, no redirects, and a certificate authority of its own.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// No answer these servers read is longer.
const BODY_AT_MOST: usize = 256 * 1024;
/// How long one exchange may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What came back.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Connects in the clear, or by TLS under one certificate authority.
#[derive(Clone)]
pub(crate) struct Outbound {
    tls: TlsConnector,
}

impl Outbound {
    /// Trusts the authority in `ca_pem` and no other.
    pub(crate) fn new(ca_pem: &str) -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(ca_pem.as_bytes()) {
            let certificate = certificate.map_err(|why| format!("the certificate cannot be read: {why}"))?;
            roots.add(certificate).map_err(|why| format!("the certificate cannot be used: {why}"))?;
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|why| format!("TLS cannot be set up: {why}"))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { tls: TlsConnector::from(Arc::new(config)) })
    }

    /// Sends one request to an absolute URL and reads the whole answer.
    pub(crate) async fn send(
        &self,
        verb: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Result<Heard, String> {
        match tokio::time::timeout(PATIENCE, self.exchange(verb, url, headers, body.into())).await {
            Ok(heard) => heard,
            Err(_) => Err(String::from("no answer in time")),
        }
    }

    async fn exchange(
        &self,
        verb: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Result<Heard, String> {
        let uri: Uri = url.parse().map_err(|why| format!("not a URL: {why}"))?;
        let authority = uri.authority().ok_or("not an absolute URL")?;
        let secure = uri.scheme_str() == Some("https");
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = authority.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let mut request = Request::builder().method(verb).uri(path).header(header::HOST, authority.as_str());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body)).map_err(|why| format!("not a request: {why}"))?;
        let stream = TcpStream::connect((host.as_str(), port)).await.map_err(|why| why.to_string())?;
        if !secure {
            return converse(stream, request).await;
        }
        let name = ServerName::try_from(host).map_err(|why| why.to_string())?;
        converse(self.tls.connect(name, stream).await.map_err(|why| why.to_string())?, request).await
    }
}

async fn converse<S>(stream: S, request: Request<Full<Bytes>>) -> Result<Heard, String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|why| format!("no HTTP: {why}"))?;
    // It ends with the exchange; how is the other side's affair.
    let driver = tokio::spawn(connection);
    let response = sender.send_request(request).await.map_err(|why| format!("no answer: {why}"))?;
    let (parts, body) = response.into_parts();
    let body =
        Limited::new(body, BODY_AT_MOST).collect().await.map_err(|why| format!("no whole answer: {why}"))?;
    driver.abort();
    Ok(Heard { status: parts.status.as_u16(), headers: parts.headers, body: body.to_bytes() })
}
