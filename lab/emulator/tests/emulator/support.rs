//! A running emulator and a small HTTPS client of its own.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::RSA_PKCS1_2048_8192_SHA256;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward_emulator::{Clock, Control, Emulator, Options, Running, Seed};
use doorward_types::Timestamp;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// 2026-11-20T12:00:00Z.
pub(crate) const NOON: i64 = 1_795_176_000;
pub(crate) const CONTOSO: &str = "c0175050-0000-4000-8000-000000000001";
pub(crate) const DOOR: &str = "d0012000-0000-4000-8000-0000000000d1";
pub(crate) const VSCODE: &str = "aebc6443-996d-45c2-90f0-388ff96faa56";
pub(crate) const GRAPH: &str = "00000003-0000-0000-c000-000000000000";

/// An emulator whose clock stands at noon.
pub(crate) struct Lab {
    pub(crate) running: Running,
    connector: TlsConnector,
    address: String,
    _folder: Option<TempDir>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Lab {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = Options {
            seed: Seed::contoso().unwrap(),
            listen: "127.0.0.1:0".parse().unwrap(),
            data_dir: Some(folder.path().to_owned()),
            clock: Clock::manual(Timestamp::from_secs(NOON)),
        };
        let keys = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("lab-keys");
        let running = Emulator::start_sharing(&keys, options).await.unwrap();
        Self { _folder: Some(folder), ..Self::of(running) }
    }

    /// One that shares no keys with those of other tests.
    pub(crate) async fn with(options: Options) -> Self {
        Self::of(Emulator::start(options).await.unwrap())
    }

    fn of(running: Running) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(running.ca_pem.as_bytes()).unwrap()).unwrap();
        let config =
            ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_root_certificates(roots)
                .with_no_client_auth();
        let address = running.authority.trim_start_matches("https://").to_owned();
        Self { running, connector: TlsConnector::from(Arc::new(config)), address, _folder: None }
    }

    pub(crate) fn control(&self) -> &Control {
        self.running.control()
    }

    /// Returns the certificate the emulator shows.
    pub(crate) async fn served(&self) -> CertificateDer<'static> {
        let stream = TcpStream::connect(&self.address).await.unwrap();
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let stream = self.connector.connect(name, stream).await.unwrap();
        stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned()
    }

    /// Returns the absolute URL of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.running.authority)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], "").await
    }

    pub(crate) async fn post(&self, path: &str, pairs: &[(&str, &str)], headers: &[(&str, &str)]) -> Answer {
        let mut all = vec![("content-type", "application/x-www-form-urlencoded")];
        all.extend_from_slice(headers);
        self.send("POST", path, &all, &query(pairs)).await
    }

    /// Posts to contoso's token endpoint.
    pub(crate) async fn token(&self, pairs: &[(&str, &str)]) -> Answer {
        self.post(&format!("/{CONTOSO}/oauth2/v2.0/token"), pairs, &[]).await
    }

    /// Gets from Graph with a bearer token.
    pub(crate) async fn graph(&self, path: &str, token: &str) -> Answer {
        self.send("GET", &format!("/graph{path}"), &[("authorization", &format!("Bearer {token}"))], "").await
    }

    pub(crate) async fn post_json(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        let mut all = vec![("content-type", "application/json")];
        all.extend_from_slice(headers);
        self.send("POST", path, &all, &body.to_string()).await
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        self.at(&self.running.authority, method, path, headers, body).await
    }

    /// Asks any of the services by its origin.
    pub(crate) async fn at(
        &self,
        origin: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let (scheme, address) = origin.split_once("://").unwrap();
        let mut request = Request::builder().method(method).uri(path).header("host", address);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(bytes::Bytes::copy_from_slice(body.as_bytes()))).unwrap();
        let stream = TcpStream::connect(address).await.unwrap();
        if scheme == "http" {
            return exchange(stream, request).await;
        }
        let name = ServerName::try_from("127.0.0.1").unwrap();
        exchange(self.connector.connect(name, stream).await.unwrap(), request).await
    }

    /// Verifies a token with the published keys of a tenant, and returns its claims; `None` if no key verifies it.
    pub(crate) async fn verified(&self, token: &str, keys: &str) -> Option<Value> {
        let jwks = self.get(keys).await.json();
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let kid = part(token, 0)["kid"].as_str().unwrap().to_owned();
        let key = jwks["keys"].as_array().unwrap().iter().find(|key| key["kid"] == kid.as_str())?.clone();
        let field = |name: &str| URL_SAFE_NO_PAD.decode(key[name].as_str().unwrap()).unwrap();
        let (n, e) = (field("n"), field("e"));
        PublicKeyComponents { n: &n, e: &e }
            .verify(
                &RSA_PKCS1_2048_8192_SHA256,
                signed.as_bytes(),
                &URL_SAFE_NO_PAD.decode(signature).unwrap(),
            )
            .ok()?;
        Some(part(token, 1))
    }
}

async fn exchange<S>(stream: S, request: Request<Full<bytes::Bytes>>) -> Answer
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    let driver = tokio::spawn(connection);
    let response = sender.send_request(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
    drop(sender);
    driver.await.unwrap().unwrap();
    Answer { status: parts.status, headers: parts.headers, body }
}

/// A person's browser: it keeps the session cookie and fills in forms.
pub(crate) struct Browser<'a> {
    lab: &'a Lab,
    pub(crate) cookie: Option<String>,
}

impl<'a> Browser<'a> {
    pub(crate) fn new(lab: &'a Lab) -> Self {
        Self { lab, cookie: None }
    }

    /// Opens the authorize endpoint of an authority.
    pub(crate) async fn open(&mut self, authority: &str, pairs: &[(&str, &str)]) -> Answer {
        let path = format!("/{authority}/oauth2/v2.0/authorize?{}", query(pairs));
        let cookie = self.cookie.clone().unwrap_or_default();
        let answer = self.lab.send("GET", &path, &[("cookie", &cookie)], "").await;
        self.keep(answer)
    }

    /// Presses a button of a page, with the fields filled in.
    pub(crate) async fn press(&mut self, page: &Answer, action: &str, fields: &[(&str, &str)]) -> Answer {
        let visit =
            page.body.split("name=\"visit\" value=\"").nth(1).unwrap_or_else(|| panic!("no form: {page:?}"));
        let visit = visit.split('"').next().unwrap();
        let mut pairs = vec![("visit", visit), ("action", action)];
        pairs.extend_from_slice(fields);
        let cookie = self.cookie.clone().unwrap_or_default();
        let answer = self.lab.post("/login", &pairs, &[("cookie", &cookie)]).await;
        self.keep(answer)
    }

    /// Types name and password.
    pub(crate) async fn sign_in(&mut self, page: &Answer, user: &str) -> Answer {
        self.press(page, "sign-in", &[("username", user), ("password", "correct-horse")]).await
    }

    fn keep(&mut self, answer: Answer) -> Answer {
        if let Some(cookie) = answer.headers.get("set-cookie") {
            self.cookie = Some(cookie.to_str().unwrap().split(';').next().unwrap().to_owned());
        }
        answer
    }
}

impl Answer {
    /// Asserts a refusal in Entra's shape.
    pub(crate) fn refused(&self, what: &str, status: u16, error: &str, code: u32) {
        assert_eq!(self.status.as_u16(), status, "{what}: {self:?}");
        let body = self.json();
        assert_eq!(
            (&body["error"], &body["error_codes"]),
            (&json!(error), &json!([code])),
            "{what}: {self:?}"
        );
        let description = body["error_description"].as_str().unwrap();
        assert!(description.starts_with(&format!("AADSTS{code}: ")), "{what}: {description}");
        for member in ["timestamp", "trace_id", "correlation_id", "error_uri"] {
            assert!(body[member].is_string(), "{what}: {member}");
        }
    }

    /// Returns the parameters of a redirect to `uri`.
    pub(crate) fn redirected(&self, uri: &str) -> BTreeMap<String, String> {
        assert_eq!(self.status.as_u16(), 302, "{self:?}");
        let location = self.header("location");
        let rest = location.strip_prefix(uri).unwrap_or_else(|| panic!("{location}"));
        let rest = rest.strip_prefix(['?', '#']).unwrap_or_else(|| panic!("{location}"));
        rest.split('&')
            .map(|pair| pair.split_once('=').unwrap())
            .map(|(k, v)| (k.to_owned(), unescape(v)))
            .collect()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// Decodes the header (0) or the claims (1) of a token without verifying it.
pub(crate) fn part(token: &str, index: usize) -> Value {
    let text = URL_SAFE_NO_PAD.decode(token.split('.').nth(index).unwrap()).unwrap();
    serde_json::from_slice(&text).unwrap()
}

/// Writes a query.
pub(crate) fn query(pairs: &[(&str, &str)]) -> String {
    let escape = |text: &str| -> String {
        text.bytes()
            .map(|byte| match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                    char::from(byte).to_string()
                }
                other => format!("%{other:02X}"),
            })
            .collect()
    };
    pairs
        .iter()
        .map(|(name, value)| format!("{}={}", escape(name), escape(value)))
        .collect::<Vec<_>>()
        .join("&")
}

/// Replaces and removes (with an empty value) parameters of a request.
pub(crate) fn changed<'a>(
    base: &[(&'a str, &'a str)],
    changes: &[(&'a str, &'a str)],
) -> Vec<(&'a str, &'a str)> {
    let kept = base.iter().filter(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
    kept.chain(changes.iter().filter(|(_, value)| !value.is_empty())).copied().collect()
}

fn unescape(text: &str) -> String {
    let mut bytes = text.bytes();
    let mut out = Vec::new();
    while let Some(byte) = bytes.next() {
        out.push(if byte == b'%' {
            let hex = [bytes.next().unwrap(), bytes.next().unwrap()];
            u8::from_str_radix(std::str::from_utf8(&hex).unwrap(), 16).unwrap()
        } else {
            byte
        });
    }
    String::from_utf8(out).unwrap()
}
