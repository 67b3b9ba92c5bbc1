//! The door with a certificate of its own (REM-11).

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use doorward_gateway::Pace;
use http::{HeaderMap, Method, Request, StatusCode, Uri, Version};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ProtocolVersion, RootCertStore, SupportedProtocolVersion};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::client::{Client, Heard, call, initialize};
use crate::support::{House, Plan, within};

/// A door behind TLS, and where its certificate lies.
struct Walled {
    house: House,
    papers: TempDir,
    root: CertificateDer<'static>,
}

impl Walled {
    async fn new() -> Self {
        let papers = tempfile::tempdir().unwrap();
        let root = issue(&papers);
        let (certificate, key) = (papers.path().join("chain.pem"), papers.path().join("key.pem"));
        let gateway = format!("tls = {{ certificate = {certificate:?}, key = {key:?} }}");
        let house = House::with(Plan { gateway: &gateway, ..Plan::default() }).await.acquainted().await;
        Self { house, papers, root }
    }

    async fn line(&self, alpn: &[&str], version: &'static SupportedProtocolVersion) -> Line {
        Line::over(self.handshake(&self.root, alpn, version).await.unwrap()).await
    }

    async fn handshake(
        &self,
        root: &CertificateDer<'static>,
        alpn: &[&str],
        version: &'static SupportedProtocolVersion,
    ) -> io::Result<TlsStream<TcpStream>> {
        shake(self.house.door.address, root, alpn, version).await
    }
}

async fn shake(
    address: SocketAddr,
    root: &CertificateDer<'static>,
    alpn: &[&str],
    version: &'static SupportedProtocolVersion,
) -> io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(root.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    within("a TLS handshake", TlsConnector::from(Arc::new(config)).connect(name, stream)).await
}

/// Writes a fresh certificate and its key where the door reads them.
fn issue(papers: &TempDir) -> CertificateDer<'static> {
    let key = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().self_signed(&key).unwrap();
    std::fs::write(papers.path().join("chain.pem"), certificate.pem()).unwrap();
    std::fs::write(papers.path().join("key.pem"), key.serialize_pem()).unwrap();
    certificate.der().clone()
}

/// One open connection, of either HTTP.
enum Line {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

impl Line {
    async fn over(stream: TlsStream<TcpStream>) -> Self {
        if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
            let (sender, driver) =
                http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
            tokio::spawn(driver);
            Self::Http2(sender)
        } else {
            let (sender, driver) = http1::handshake(TokioIo::new(stream)).await.unwrap();
            tokio::spawn(driver);
            Self::Http1(sender)
        }
    }

    async fn send(&mut self, mut request: Request<Full<Bytes>>) -> Heard {
        let answer = match self {
            Self::Http1(sender) => {
                sender.ready().await.unwrap();
                sender.send_request(request).await.unwrap()
            }
            Self::Http2(sender) => {
                // In HTTP/2 the host stands in the request's target alone.
                let host = request.headers_mut().remove("host").unwrap();
                let uri = format!("https://{}{}", host.to_str().unwrap(), request.uri());
                *request.uri_mut() = Uri::try_from(uri).unwrap();
                sender.ready().await.unwrap();
                sender.send_request(request).await.unwrap()
            }
        };
        assert_eq!(answer.version() == Version::HTTP_2, matches!(self, Self::Http2(_)));
        let (head, body) = answer.into_parts();
        let body = within("a body", body.collect()).await.unwrap().to_bytes();
        Heard { status: head.status, headers: head.headers, body }
    }

    async fn post(&mut self, client: &Client, body: &Value) -> Heard {
        self.send(client.request(Method::POST, body.to_string())).await
    }

    /// Signs in, lists and calls; the client has its session afterwards.
    async fn converse(&mut self, client: &mut Client) {
        let hello = self.post(client, &initialize(json!({}))).await;
        assert_eq!(hello.status, StatusCode::OK, "{:?}", hello.body);
        client.session = Some(hello.headers["mcp-session-id"].to_str().unwrap().to_owned());
        let ready =
            self.post(client, &json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).await;
        assert_eq!(ready.status, StatusCode::ACCEPTED);
        let list = self.post(client, &json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"})).await;
        assert_eq!(list.response()["result"]["tools"][0]["name"], "echo");
        self.echo(client, "over TLS").await;
    }

    async fn echo(&mut self, client: &Client, text: &str) {
        let called = self.post(client, &call(7, "echo", json!({"text": text, "n": 1}))).await;
        assert_eq!(called.response()["result"]["content"][0]["text"], text, "{:?}", called.body);
    }
}

fn challenge(headers: &HeaderMap) -> &str {
    headers["www-authenticate"].to_str().unwrap()
}

// control: REM-11, REM-03: over TLS 1.2 and 1.3, over HTTP/1.1 and HTTP/2, a client signs in, lists and calls, and is challenged without a token
#[tokio::test]
async fn a_whole_conversation_goes_over_every_tls_and_every_http() {
    let walled = Walled::new().await;
    let versions = [
        (&rustls::version::TLS13, ProtocolVersion::TLSv1_3),
        (&rustls::version::TLS12, ProtocolVersion::TLSv1_2),
    ];
    let offers: [(&[&str], Option<&[u8]>); 4] = [
        (&["h2"], Some(b"h2")),
        (&["http/1.1"], Some(b"http/1.1")),
        (&["http/1.1", "h2"], Some(b"h2")),
        (&[], None),
    ];
    for (version, spoken) in versions {
        for (offer, chosen) in offers {
            let stream = walled.handshake(&walled.root, offer, version).await.unwrap();
            let (_, session) = stream.get_ref();
            assert_eq!((session.protocol_version(), session.alpn_protocol()), (Some(spoken), chosen));
            let mut line = Line::over(stream).await;
            let mut alice = walled.house.client("alice");
            line.converse(&mut alice).await;
            let refused = line.post(&alice.with_token(None), &initialize(json!({}))).await;
            assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
            let metadata = format!(
                "https://{}/.well-known/oauth-protected-resource/echo/mcp",
                walled.house.door.address
            );
            assert!(challenge(&refused.headers).contains(&metadata), "{:?}", refused.headers);
        }
    }
}

// control: REM-11, T-03: over HTTP/2 a foreign host in the request's target is refused as it is in a header
#[tokio::test]
async fn a_foreign_authority_is_refused_over_http2() {
    let walled = Walled::new().await;
    let mut line = walled.line(&["h2"], &rustls::version::TLS13).await;
    let alice = walled.house.client("alice");
    let mut request = alice.request(Method::POST, initialize(json!({})).to_string());
    request.headers_mut().insert("host", "evil.example".parse().unwrap());
    assert_eq!(line.send(request).await.status, StatusCode::FORBIDDEN);
    let Line::Http2(sender) = &mut line else { panic!("HTTP/2 was agreed") };
    let mut request = alice.request(Method::POST, initialize(json!({})).to_string());
    // Two names of the host that differ: whoever routed by the one, the other is not believed.
    *request.uri_mut() = Uri::try_from(format!("https://{}/echo/mcp", alice.address)).unwrap();
    request.headers_mut().insert("host", "evil.example".parse().unwrap());
    assert_eq!(sender.send_request(request).await.unwrap().status(), StatusCode::FORBIDDEN);
    assert!(walled.house.refusals().is_empty());
    assert_eq!(walled.house.echo.transcript(), []);
}

/// A ClientHello that offers nothing above this version, by the bytes of RFC 5246 section 7.4.1.2.
fn client_hello(version: [u8; 2]) -> Vec<u8> {
    let mut body = version.to_vec();
    body.extend([7; 32]); // random
    body.push(0); // no session to resume
    body.extend([0, 6, 0xc0, 0x2b, 0xc0, 0x09, 0xc0, 0x13]); // ECDHE with AES-GCM, and what TLS 1.1 has
    body.extend([1, 0]); // no compression
    let extensions = [
        &[0, 10, 0, 4, 0, 2, 0, 23][..], // the curve P-256
        &[0, 11, 0, 2, 1, 0][..],        // uncompressed points
        &[0, 13, 0, 4, 0, 2, 4, 3][..],  // ECDSA with SHA-256
        &[0, 23, 0, 0][..],              // extended master secret
        &[0xff, 0x01, 0, 1, 0][..],      // renegotiation info
    ]
    .concat();
    body.extend(u16::try_from(extensions.len()).unwrap().to_be_bytes());
    body.extend(extensions);
    let mut message = vec![1, 0];
    message.extend(u16::try_from(body.len()).unwrap().to_be_bytes());
    message.extend(body);
    let mut record = vec![22, 3, 1];
    record.extend(u16::try_from(message.len()).unwrap().to_be_bytes());
    record.extend(message);
    record
}

/// Writes bytes and returns whatever comes back before the door closes.
async fn answer(walled: &Walled, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(walled.house.door.address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    // A door that closes before it has read all resets the connection; what came before that is in the buffer.
    let _reset = stream.shutdown().await;
    let mut heard = Vec::new();
    let _reset = within("the door closes", stream.read_to_end(&mut heard)).await;
    heard
}

// control: REM-11, NET-12: who offers no more than TLS 1.1, or speaks plain HTTP, gets an alert at most, and no byte of HTTP
#[tokio::test]
async fn old_tls_and_plain_http_get_nothing() {
    let walled = Walled::new().await;
    let good = answer(&walled, &client_hello([3, 3])).await;
    assert_eq!(
        good.first(),
        Some(&22),
        "the same greeting with TLS 1.2 is answered by a handshake: {good:?}"
    );
    for (name, version) in [("TLS 1.1", [3, 2]), ("TLS 1.0", [3, 1]), ("SSL 3", [3, 0])] {
        let heard = answer(&walled, &client_hello(version)).await;
        // A fatal alert: protocol_version.
        assert_eq!((heard.len(), heard[0], &heard[5..]), (7, 21, &[2, 70][..]), "{name}: {heard:?}");
    }
    let token = walled.house.token("alice");
    let body = initialize(json!({})).to_string();
    let plain = [
        format!("GET /healthz HTTP/1.1\r\nhost: {}\r\n\r\n", walled.house.door.address),
        format!(
            "POST /echo/mcp HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\naccept: application/json, text/event-stream\r\ncontent-length: {}\r\n\r\n{body}",
            walled.house.door.address,
            body.len()
        ),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
    ];
    for request in plain {
        let heard = answer(&walled, request.as_bytes()).await;
        assert!(heard.len() <= 7 && heard.first().is_none_or(|kind| *kind == 21), "{request}: {heard:?}");
    }
    assert_eq!(walled.house.echo.transcript(), []);
    assert_eq!(
        walled.house.records("intent").iter().filter(|intent| intent["method"] == "initialize").count(),
        0
    );
}

// control: REM-11: a replaced certificate is shown to whoever comes next, a connection that is open goes on, and half a renewal changes nothing
#[tokio::test]
async fn a_replaced_certificate_drops_nobody() {
    let mut walled = Walled::new().await;
    let mut open = Vec::new();
    for offer in ["h2", "http/1.1"] {
        let mut line = walled.line(&[offer], &rustls::version::TLS13).await;
        let mut alice = walled.house.client("alice");
        line.converse(&mut alice).await;
        open.push((line, alice));
    }
    let old = walled.root.clone();
    let old_key = std::fs::read(walled.papers.path().join("key.pem")).unwrap();
    let fresh = issue(&walled.papers);
    let fresh_key = std::fs::read(walled.papers.path().join("key.pem")).unwrap();

    std::fs::write(walled.papers.path().join("key.pem"), old_key).unwrap();
    assert!(walled.house.door.reload_certificates().is_err(), "the new certificate with the old key");
    assert!(walled.handshake(&old, &["h2"], &rustls::version::TLS13).await.is_ok(), "the old pair stays");

    std::fs::write(walled.papers.path().join("key.pem"), fresh_key).unwrap();
    walled.house.door.reload_certificates().unwrap();
    for version in [&rustls::version::TLS13, &rustls::version::TLS12] {
        let shown = walled.handshake(&fresh, &["h2"], version).await.unwrap();
        assert_eq!(shown.get_ref().1.peer_certificates().unwrap()[0], fresh);
        assert!(walled.handshake(&old, &["h2"], version).await.is_err(), "the old one is shown to nobody");
    }
    for (line, alice) in &mut open {
        line.echo(alice, "still here").await;
    }
    walled.root = fresh;
    let mut line = walled.line(&["h2"], &rustls::version::TLS13).await;
    line.converse(&mut walled.house.client("bob")).await;
}

// control: REM-11, D-21: the console's certificate is taken up anew while it runs, as the door's is, and a browser that could speak HTTP/2 is not offered what the console does not speak
#[tokio::test]
async fn the_console_shows_a_replaced_certificate() {
    let papers = tempfile::tempdir().unwrap();
    let old = issue(&papers);
    let (certificate, key) = (papers.path().join("chain.pem"), papers.path().join("key.pem"));
    let more = format!(
        "[admin]\nlisten = \"127.0.0.1:0\"\npublic_url = \"https://console.example\"\ntls = {{ certificate = {certificate:?}, key = {key:?} }}\n[vault]\npath = \"vault/door.db\"\nkey_file = \"keys/vault.key\"\n"
    );
    let pace = Pace { round: Duration::from_millis(20), ..Pace::default() };
    let house = House::with(Plan { more: &more, pace, ..Plan::default() }).await.acquainted().await;
    let address = house.door.console.unwrap();
    let shown = async |root: &CertificateDer<'static>| {
        shake(address, root, &["h2", "http/1.1"], &rustls::version::TLS13).await
    };
    let stream = shown(&old).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    let mut line = Line::over(stream).await;
    let ask = || {
        let request = Request::get("/api/whoami").header("host", "console.example");
        request.body(Full::new(Bytes::new())).unwrap()
    };
    assert_eq!(line.send(ask()).await.status, StatusCode::UNAUTHORIZED);

    let fresh = issue(&papers);
    within("the console to show it", async { while shown(&fresh).await.is_err() {} }).await;
    assert!(shown(&old).await.is_err(), "the old one is shown to nobody");
    assert_eq!(line.send(ask()).await.status, StatusCode::UNAUTHORIZED, "who is in stays in");
}
