//! What the connector reaches, and what it refuses before a packet leaves.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "helpers of tests: a panic here is a failed test"
)]

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use doorward_net::{
    ConnectError, Connector, ConnectorConfig, FetchError, FetchLimits, Origin, Reach, Resolve, Resolving,
};
use http::{Request, StatusCode};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// Gives prepared answers, one a question, the last for ever; counts the questions.
struct Script {
    answers: Mutex<VecDeque<Vec<IpAddr>>>,
    asked: AtomicUsize,
}

impl Script {
    fn new(answers: &[&[&str]]) -> Arc<Self> {
        let parse = |answer: &&[&str]| answer.iter().map(|text| text.parse().unwrap()).collect();
        Arc::new(Self {
            answers: Mutex::new(answers.iter().map(parse).collect()),
            asked: AtomicUsize::new(0),
        })
    }
}

impl Resolve for Script {
    fn resolve<'a>(&'a self, _: &'a str) -> Resolving<'a> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let mut answers = self.answers.lock().unwrap();
        let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        Box::pin(async move { answer.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound)) })
    }
}

fn config() -> ConnectorConfig {
    ConnectorConfig { connect_timeout: Duration::from_secs(5), ..ConnectorConfig::default() }
}

fn origin(url: &str) -> Origin {
    Origin::parse(url).unwrap()
}

async fn refusal(answers: &[&[&str]], url: &str, reach: Reach, lab: &[&str]) -> ConnectError {
    let config = ConnectorConfig { lab_origins: lab.iter().map(|url| origin(url)).collect(), ..config() };
    let connector = Connector::with_resolver(config, Script::new(answers)).unwrap();
    let error = connector.connect(&origin(url), reach).await.expect_err(url);
    assert!(error.is_refusal(), "{url}: {error}");
    error
}

// control: U-11, B-05: a URL that someone else chose reaches the open internet only
#[tokio::test]
async fn foreign_urls_reach_nothing_of_ours() {
    for address in [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "::1",
        "fd00::1",
        "fe80::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "168.63.129.16",
    ] {
        let error = refusal(&[&[address]], "https://evil.example", Reach::Public, &[]).await;
        assert!(matches!(error, ConnectError::Forbidden { .. }), "{address}: {error}");
    }
    for url in
        ["https://127.0.0.1", "https://[::1]", "https://[::ffff:7f00:1]", "https://169.254.169.254/latest"]
    {
        let error = refusal(&[], url, Reach::Public, &[]).await;
        assert!(matches!(error, ConnectError::Forbidden { .. }), "{url}: {error}");
    }
    let mixed = refusal(&[&["1.1.1.1", "127.0.0.1"]], "https://evil.example", Reach::Public, &[]).await;
    assert!(matches!(mixed, ConnectError::Forbidden { .. }), "one bad address spoils the name: {mixed}");
}

// control: U-11: what the operator wrote may be private, but never a metadata service
#[tokio::test]
async fn configured_origins_never_reach_metadata_services() {
    for address in [
        "169.254.169.254",
        "169.254.170.2",
        "fe80::1",
        "fd00:ec2::254",
        "100.100.100.200",
        "168.63.129.16",
        "0.0.0.0",
        "::ffff:169.254.169.254",
        "2002:a9fe:a9fe::1",
        "224.0.0.1",
    ] {
        for lab in [&[][..], &["https://crm.internal"]] {
            let error = refusal(&[&[address]], "https://crm.internal", Reach::Configured, lab).await;
            assert!(matches!(error, ConnectError::Forbidden { .. }), "{address}: {error}");
        }
    }
}

// control: U-11, MSI-03: the identity endpoints are reached by those who ask for the machine's identity, and nobody else
#[tokio::test]
async fn only_the_platforms_reach_comes_to_the_identity_endpoints() {
    for endpoint in ["http://169.254.169.254", "http://169.254.169.254/metadata/identity/oauth2/token"] {
        for reach in [Reach::Public, Reach::Configured] {
            for lab in [&[][..], &["http://169.254.169.254"]] {
                let error = refusal(&[], endpoint, reach, lab).await;
                assert!(matches!(error, ConnectError::Forbidden { .. }), "{endpoint} {reach:?}: {error}");
            }
        }
        // Its own reach tries to go there: whatever comes of it, no rule of ours refused.
        let config = ConnectorConfig { connect_timeout: Duration::from_millis(50), ..config() };
        let outcome = Connector::new(config).unwrap().connect(&origin(endpoint), Reach::Platform).await;
        assert!(outcome.is_ok() || outcome.is_err_and(|error| !error.is_refusal()), "{endpoint}");
    }
}

// control: U-11, MSI-03: the platform's reach comes to whole origins of a list, not to a range of addresses
#[tokio::test]
async fn the_platforms_reach_comes_to_nothing_else() {
    for url in [
        "https://169.254.169.254",
        "http://169.254.169.254:8080",
        "http://169.254.169.253",
        "http://169.254.170.2",
        "http://[::ffff:169.254.169.254]",
        "http://[64:ff9b::a9fe:a9fe]",
        "http://[fd00:ec2::254]",
        "http://[fe80::1]",
        "http://100.100.100.200",
        "http://168.63.129.16",
        "http://127.0.0.1",
        "http://127.0.0.1:8080",
        "http://127.0.0.2:40342",
        "https://127.0.0.1:40342",
        "http://10.0.0.1",
        "https://1.1.1.1",
    ] {
        let error = refusal(&[], url, Reach::Platform, &[]).await;
        assert!(matches!(error, ConnectError::Forbidden { .. }), "{url}: {error}");
    }
    for (url, address) in [
        ("http://metadata.example", "169.254.169.254"),
        ("http://imds.example:40342", "127.0.0.1"),
        ("http://localhost:40342", "169.254.169.254"),
        ("http://localhost:40342", "10.0.0.1"),
        ("https://login.microsoftonline.com", "20.190.151.7"),
    ] {
        let error = refusal(&[&[address]], url, Reach::Platform, &[]).await;
        assert!(matches!(error, ConnectError::Forbidden { .. }), "{url} {address}: {error}");
    }
    let mixed = refusal(&[&["127.0.0.1", "169.254.169.254"]], "http://localhost:40342", Reach::Platform, &[]);
    assert!(matches!(mixed.await, ConnectError::Forbidden { .. }), "one bad address spoils the name");
}

// control: U-11, MSI-03: the endpoint that the platform names is reached exactly, and only on this machine or its link
#[tokio::test]
async fn a_named_identity_endpoint_is_exactly_itself() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let plain = Connector::new(config()).unwrap();
    let named = plain.with_identity_endpoint(&format!("http://127.0.0.1:{port}/msi/token")).unwrap();
    let at = origin(&format!("http://127.0.0.1:{port}"));
    assert!(plain.connect(&at, Reach::Platform).await.unwrap_err().is_refusal());
    assert!(named.connect(&at, Reach::Platform).await.is_ok());
    let beside = origin(&format!("http://127.0.0.1:{}", port ^ 1));
    assert!(named.connect(&beside, Reach::Platform).await.unwrap_err().is_refusal());
    // The name gives the endpoint to the platform's reach, and to no other.
    let link = plain.with_identity_endpoint("http://169.254.129.2:8081/msi/token").unwrap();
    for reach in [Reach::Public, Reach::Configured, Reach::Lab] {
        let outcome = link.connect(&origin("http://169.254.129.2:8081"), reach).await;
        assert!(outcome.unwrap_err().is_refusal(), "{reach:?}");
    }
    for url in ["http://localhost:4141/msi/token", "http://[::1]:42356/", "https://127.0.0.1:2377/x"] {
        assert!(plain.with_identity_endpoint(url).is_ok(), "{url}");
    }
    for url in [
        "http://10.0.0.1/msi/token",
        "https://identity.example/msi/token",
        "http://localhost.example",
        "http://[fe80::1]/",
        "http://[::ffff:169.254.1.1]/",
        "http://168.63.129.16/",
        "http://user@localhost/",
        "localhost:4141",
        "",
    ] {
        assert!(plain.with_identity_endpoint(url).is_err(), "{url}");
    }
}

// control: D-19: without TLS only this host or a listed lab is reached
#[tokio::test]
async fn plain_http_stays_on_this_host() {
    for address in ["10.0.0.1", "192.168.0.1", "1.1.1.1"] {
        let error = refusal(&[&[address]], "http://crm.internal", Reach::Configured, &[]).await;
        assert!(matches!(error, ConnectError::Plaintext(_)), "{address}: {error}");
    }
    let mixed = refusal(&[&["127.0.0.1", "10.0.0.1"]], "http://crm.internal", Reach::Configured, &[]).await;
    assert!(matches!(mixed, ConnectError::Plaintext(_)), "{mixed}");
    let foreign = refusal(&[&["1.1.1.1"]], "http://example.com", Reach::Public, &[]).await;
    assert!(matches!(foreign, ConnectError::Plaintext(_)), "{foreign}");
}

// control: D-19: an unlisted origin is no lab, and a listed one is exactly itself
#[tokio::test]
async fn only_listed_origins_are_labs() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let lab = format!("http://127.0.0.1:{port}");
    for other in [
        format!("http://127.0.0.1:{}", port ^ 1),
        format!("https://127.0.0.1:{port}"),
        format!("http://localhost:{port}"),
    ] {
        let error = refusal(&[&["127.0.0.1"]], &other, Reach::Lab, &[&lab]).await;
        assert!(matches!(error, ConnectError::NotALab(_)), "{other}: {error}");
        let error = refusal(&[&["127.0.0.1"]], &other, Reach::Public, &[&lab]).await;
        assert!(matches!(error, ConnectError::Forbidden { .. }), "{other}: {error}");
    }
    let connector = Connector::new(ConnectorConfig { lab_origins: vec![origin(&lab)], ..config() }).unwrap();
    for reach in [Reach::Lab, Reach::Public, Reach::Configured] {
        let connection = connector.connect(&origin(&lab), reach).await.unwrap();
        assert_eq!((connection.peer().port(), connection.is_tls()), (port, false));
    }
}

// control: U-11: a name is resolved once, and what was judged is what is dialled (S36)
#[tokio::test]
async fn a_name_that_changes_its_mind_gains_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    // Global at the check, this host from then on. The first address is in the open internet and not assigned.
    // A public address beside the loopback one, as a rebinding server gives them: all must be judged, none dialled.
    let script = Script::new(&[&["192.88.98.1", "127.0.0.1"], &["127.0.0.1"]]);
    let connector = Connector::with_resolver(config(), script.clone()).unwrap();
    let url = origin(&format!("https://rebind.example:{port}"));
    for asked in 1..=2 {
        let error = connector.connect(&url, Reach::Public).await.unwrap_err();
        assert!(matches!(error, ConnectError::Forbidden { .. }), "each connection is judged anew: {error}");
        assert_eq!(
            script.asked.load(Ordering::Relaxed),
            asked,
            "a name is asked for once: what was judged is what is dialled"
        );
    }
    let own = TcpListener::accept(&listener);
    assert!(
        tokio::time::timeout(Duration::ZERO, own).await.is_err(),
        "something reached the loopback listener"
    );
}

#[tokio::test]
async fn a_name_without_addresses_or_with_too_many_is_refused() {
    let many: Vec<String> = (0..33).map(|n| format!("1.1.1.{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for (answer, expected) in [(&[][..], 0), (&many[..], 33)] {
        let connector = Connector::with_resolver(config(), Script::new(&[answer])).unwrap();
        match connector.connect(&origin("https://x.example"), Reach::Public).await {
            Err(ConnectError::Addresses { count, .. }) => assert_eq!(count, expected),
            other => panic!("{other:?}"),
        }
    }
}

struct Lab {
    ca_pem: String,
    server: tokio_rustls::TlsAcceptor,
}

/// Makes an authority and a certificate of it for `names`.
fn lab(names: &[&str]) -> Lab {
    let ca_key = KeyPair::generate().unwrap();
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca_pem = ca.self_signed(&ca_key).unwrap().pem();
    let issuer = Issuer::new(ca, ca_key);
    let key = KeyPair::generate().unwrap();
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let leaf = CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (chain, secret) = (folder.path().join("chain.pem"), folder.path().join("key.pem"));
    std::fs::write(&chain, leaf.pem()).unwrap();
    std::fs::write(&secret, key.serialize_pem()).unwrap();
    let tls = doorward_net::ServerTls::load(&chain, &secret).unwrap();
    Lab { ca_pem, server: tls.config().into() }
}

/// Answers every connection with `answer` and hands the requests on.
async fn serve(
    tls: Option<tokio_rustls::TlsAcceptor>,
    answer: Vec<u8>,
) -> (SocketAddr, tokio::sync::mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, requests) = tokio::sync::mpsc::channel(16);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (tls, answer, sender) = (tls.clone(), answer.clone(), sender.clone());
            tokio::spawn(async move {
                match tls {
                    None => respond(stream, answer, sender).await,
                    Some(tls) => {
                        if let Ok(stream) = tls.accept(stream).await {
                            respond(stream, answer, sender).await;
                        }
                    }
                }
            });
        }
    });
    (address, requests)
}

async fn respond<S>(mut stream: S, answer: Vec<u8>, sender: tokio::sync::mpsc::Sender<String>)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let mut request = Vec::new();
    let mut chunk = [0; 4096];
    while !request.windows(4).any(|window| window == b"\r\n\r\n") {
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => return,
            Ok(count) => request.extend_from_slice(&chunk[..count]),
        }
    }
    sender.send(String::from_utf8(request).unwrap()).await.unwrap();
    if answer.is_empty() {
        // Never answers, but stays.
        let _ = stream.read(&mut chunk).await;
        return;
    }
    let _ = stream.write_all(&answer).await;
    let _ = stream.shutdown().await;
}

fn answer(head: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

fn get(url: String) -> Request<Bytes> {
    Request::get(url).body(Bytes::new()).unwrap()
}

// control: U-11: certificates are checked, against the system's roots and the extra ones, by name
#[tokio::test]
async fn tls_takes_the_extra_root_and_no_other() {
    let good = lab(&["127.0.0.1"]);
    let (address, _requests) = serve(Some(good.server.clone()), answer("200 OK", "hello")).await;
    let url = format!("https://{address}/x");
    let trusting = |ca: &str| {
        Connector::new(ConnectorConfig { extra_roots_pem: vec![ca.as_bytes().to_vec()], ..config() }).unwrap()
    };
    let limits = FetchLimits::default();
    let response = trusting(&good.ca_pem).fetch(get(url.clone()), Reach::Configured, limits).await.unwrap();
    assert_eq!((response.status(), &response.body()[..]), (StatusCode::OK, &b"hello"[..]));

    let other = trusting(&lab(&["127.0.0.1"]).ca_pem);
    let error = other.fetch(get(url), Reach::Configured, limits).await.unwrap_err();
    assert!(matches!(error, FetchError::Connect(ConnectError::Tls { .. })), "another authority: {error}");

    let misnamed = lab(&["crm.internal"]);
    let (address, _requests) = serve(Some(misnamed.server), answer("200 OK", "hello")).await;
    let error =
        trusting(&misnamed.ca_pem).fetch(get(format!("https://{address}/")), Reach::Configured, limits).await;
    assert!(matches!(error.unwrap_err(), FetchError::Connect(ConnectError::Tls { .. })), "another name");
}

// control: U-11: a redirect is an answer, not an order
#[tokio::test]
async fn redirects_are_not_followed() {
    let (target, mut reached) = serve(None, answer("200 OK", "secret")).await;
    let head = format!("302 Found\r\nlocation: http://{target}/");
    let (address, mut requests) = serve(None, answer(&head, "")).await;
    let connector = Connector::new(config()).unwrap();
    let limits = FetchLimits::default();
    let response =
        connector.fetch(get(format!("http://{address}/a?b=c")), Reach::Configured, limits).await.unwrap();
    assert_eq!(response.status(), StatusCode::FOUND);
    let request = requests.recv().await.unwrap();
    assert!(request.starts_with("GET /a?b=c HTTP/1.1\r\n"), "{request}");
    assert!(request.contains(&format!("host: {address}\r\n")), "{request}");
    assert!(reached.try_recv().is_err(), "the redirect was followed");
}

#[tokio::test]
async fn a_foreign_host_header_is_replaced() {
    let (address, mut requests) = serve(None, answer("200 OK", "")).await;
    let mut request = get(format!("http://{address}/"));
    request.headers_mut().insert("host", "other.example".parse().unwrap());
    Connector::new(config())
        .unwrap()
        .fetch(request, Reach::Configured, FetchLimits::default())
        .await
        .unwrap();
    let request = requests.recv().await.unwrap();
    assert!(!request.contains("other.example") && request.contains(&address.to_string()), "{request}");
}

#[tokio::test]
async fn answers_are_bounded_in_size_and_time() {
    let connector = Connector::new(config()).unwrap();
    let limits = FetchLimits { timeout: Duration::from_secs(5), max_body: 10 };
    for (body, fits) in [("0123456789", true), ("0123456789a", false)] {
        let (address, _requests) = serve(None, answer("200 OK", body)).await;
        let outcome = connector.fetch(get(format!("http://{address}/")), Reach::Configured, limits).await;
        assert_eq!(outcome.is_ok(), fits, "{outcome:?}");
        assert!(fits || matches!(outcome, Err(FetchError::TooLarge(_))));
    }
    let (address, _requests) = serve(None, Vec::new()).await;
    let short = FetchLimits { timeout: Duration::from_millis(50), max_body: 10 };
    let error =
        connector.fetch(get(format!("http://{address}/")), Reach::Configured, short).await.unwrap_err();
    assert!(matches!(error, FetchError::Timeout(_)), "{error}");

    let (address, _requests) = serve(None, b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel".to_vec()).await;
    let error =
        connector.fetch(get(format!("http://{address}/")), Reach::Configured, limits).await.unwrap_err();
    assert!(matches!(error, FetchError::Http { .. }), "a short body is no answer: {error}");
}

#[test]
fn roots_that_are_none_are_refused_at_the_start() {
    for bad in ["", "no PEM", "-----BEGIN CERTIFICATE-----\n?\n-----END CERTIFICATE-----\n"] {
        let config = ConnectorConfig { extra_roots_pem: vec![bad.as_bytes().to_vec()], ..config() };
        assert!(Connector::new(config).is_err(), "{bad:?}");
    }
}
