//! A browser without a screen: cookies by site, redirects, plain forms, and whatever an attacker makes it send.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use doorward_testkit::{Fault, Heard, within};
use http::{HeaderMap, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Sends requests to absolute addresses; one connection each, and no redirects.
#[derive(Clone)]
pub(crate) struct Web(TlsConnector);

impl Web {
    pub(crate) fn new(ca_pem: &str) -> Self {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(ca_pem.as_bytes()) {
            roots.add(certificate.unwrap()).unwrap();
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.unwrap().with_root_certificates(roots).with_no_client_auth();
        Self(TlsConnector::from(Arc::new(config)))
    }

    pub(crate) async fn send(
        &self,
        verb: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Heard {
        let sent = within(url, self.exchange(verb, url, headers, body.into()));
        sent.await.unwrap_or_else(|fault| panic!("{verb} {url}: {fault}"))
    }

    async fn exchange(
        &self,
        verb: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Result<Heard, Fault> {
        let uri: Uri = url.parse()?;
        let authority = uri.authority().ok_or("no absolute address")?;
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let mut request = Request::builder().method(verb).uri(path);
        if !headers.iter().any(|(name, _)| *name == "host") {
            request = request.header("host", authority.as_str());
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body))?;
        let stream = TcpStream::connect(authority.as_str()).await?;
        if uri.scheme_str() == Some("http") {
            return converse(stream, request).await;
        }
        let name = ServerName::try_from(authority.host().to_owned())?;
        converse(self.0.connect(name, stream).await?, request).await
    }
}

async fn converse<S>(stream: S, request: Request<Full<Bytes>>) -> Result<Heard, Fault>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, driver) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let driver = tokio::spawn(driver);
    let (head, body) = sender.send_request(request).await?.into_parts();
    let body = body.collect().await?.to_bytes();
    driver.abort();
    Ok(Heard { status: head.status, headers: head.headers, body })
}

/// Where a browser has come to.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    pub(crate) url: String,
    /// Nothing for an address of a client's: there the browser stops.
    pub(crate) status: Option<StatusCode>,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

/// A form of a page.
#[derive(Debug, Clone)]
pub(crate) struct Form {
    pub(crate) verb: String,
    pub(crate) action: String,
    pub(crate) hidden: Vec<(String, String)>,
    pub(crate) text: String,
}

impl Page {
    /// A parameter of the address.
    pub(crate) fn query(&self, name: &str) -> Option<String> {
        let query = self.url.split_once('?')?.1;
        read(query).into_iter().find_map(|(known, value)| (known == name).then_some(value))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn forms(&self) -> Vec<Form> {
        let pieces = self.text.split("<form").skip(1);
        pieces
            .map(|piece| {
                let text = piece.split("</form>").next().unwrap().to_owned();
                let inputs = text.split("<input").skip(1).filter_map(|input| {
                    let tag = input.split('>').next().unwrap();
                    (attribute(tag, "type").as_deref() == Some("hidden"))
                        .then(|| (attribute(tag, "name").unwrap(), attribute(tag, "value").unwrap()))
                });
                let head = text.split('>').next().unwrap();
                Form {
                    verb: attribute(head, "method").unwrap_or_default().to_ascii_uppercase(),
                    action: attribute(head, "action").unwrap_or_default(),
                    hidden: inputs.collect(),
                    text: text.clone(),
                }
            })
            .collect()
    }

    /// The form that leads somewhere.
    pub(crate) fn form(&self, action: &str) -> Option<Form> {
        self.forms().into_iter().find(|form| form.action == action)
    }

    /// What a person reads.
    pub(crate) fn words(&self) -> String {
        let body = self.text.split("<body").nth(1).unwrap_or(&self.text);
        let shown = body.split('<').filter_map(|piece| piece.split_once('>')).map(|(_, text)| text.trim());
        let shown: Vec<_> = shown.filter(|text| !text.is_empty()).collect();
        let status = self.status.map_or_else(|| "stopped".to_owned(), |status| status.to_string());
        format!("{status} at {}: {}", self.url, shown.join(" "))
    }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let rest = tag.split(&format!(" {name}=\"")).nth(1)?;
    Some(rest.split('"').next()?.replace("&amp;", "&").replace("&#38;", "&"))
}

/// A browser: one jar of cookies for each site.
#[derive(Clone)]
pub(crate) struct Browser {
    web: Web,
    /// Origins that answer; at any other the browser stops.
    sites: Vec<String>,
    entra: String,
    jar: BTreeMap<String, BTreeMap<String, String>>,
}

impl Browser {
    pub(crate) fn new(web: Web, entra: &str, doors: &[String]) -> Self {
        let sites = doors.iter().cloned().chain([entra.to_owned()]).collect();
        Self { web, sites, entra: entra.to_owned(), jar: BTreeMap::new() }
    }

    /// Opens an address and follows where it leads.
    pub(crate) async fn open(&mut self, url: &str) -> Page {
        self.go("GET", url, &[], String::new()).await
    }

    /// Sends a form of the page that is shown, as a person does.
    pub(crate) async fn submit(&mut self, page: &Page, form: &Form, more: &[(&str, &str)]) -> Page {
        let mut pairs: Vec<(&str, &str)> =
            form.hidden.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        pairs.extend_from_slice(more);
        let (own, body) = (origin(&page.url), write(&pairs));
        let to = format!("{own}{}", form.action);
        if form.verb != "POST" {
            return self.open(&format!("{to}?{body}")).await;
        }
        let headers = [("origin", own.as_str()), ("sec-fetch-site", "same-origin")];
        self.go("POST", &to, &headers, body).await
    }

    /// Sends a form that a page of another site holds. Cookies that are `SameSite=Lax` stay behind, unless the browser
    /// is one that does not know the word.
    pub(crate) async fn submit_from_elsewhere(
        &mut self,
        to: &str,
        pairs: &[(&str, &str)],
        old: bool,
    ) -> Page {
        let kept = self.jar.clone();
        if !old {
            self.jar.remove(&origin(to));
        }
        let headers: &[(&str, &str)] = match old {
            true => &[],
            false => &[("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")],
        };
        let page = self.go("POST", to, headers, write(pairs)).await;
        self.jar = kept;
        page
    }

    /// The way of a person who came here by a link: signs in with Entra, and allows what is asked if `allow`.
    pub(crate) async fn walk(&mut self, url: &str, who: &str, allow: bool) -> Page {
        let page = self.open(url).await;
        self.walk_on(page, who, allow).await
    }

    /// The same from a page on.
    pub(crate) async fn walk_on(&mut self, mut page: Page, who: &str, allow: bool) -> Page {
        for _ in 0..8 {
            page = match page.status {
                None => return page,
                Some(_) if page.url.starts_with(&self.entra) => {
                    let Some(next) = self.at_entra(&page, who).await else { return page };
                    next
                }
                Some(_) => {
                    let ours = page.form("/authorize/decide").map(|form| (form, ("decision", "allow")));
                    let form = ours.or_else(|| Some((page.form("/approve")?, ("answer", "yes"))));
                    match form.filter(|_| allow) {
                        Some((form, pressed)) => self.submit(&page, &form, &[pressed]).await,
                        None => return page,
                    }
                }
            };
        }
        panic!("a way without end: {}", page.words());
    }

    /// One page of Entra's: the account that is signed in if it is theirs, or name and password, or the telephone.
    async fn at_entra(&mut self, page: &Page, who: &str) -> Option<Page> {
        let forms = page.forms();
        let with = |what: &str| forms.iter().find(|form| form.text.contains(what)).cloned();
        if let Some(form) =
            with("value=\"continue\"").filter(|_| page.text.contains(&format!("<strong>{who}@")))
        {
            return Some(self.submit(page, &form, &[("action", "continue")]).await);
        }
        if let Some(form) = with("name=\"username\"") {
            let domain = if who == "mallory" { "fabrikam" } else { "contoso" };
            let name = format!("{who}@{domain}.onmicrosoft.com");
            let typed = [("username", name.as_str()), ("password", "correct-horse"), ("action", "sign-in")];
            let next = self.submit(page, &form, &typed).await;
            assert!(!next.text.contains("class=\"alert\""), "{}", next.words());
            return Some(next);
        }
        let form = with("value=\"approve\"")?;
        Some(self.submit(page, &form, &[("action", "approve")]).await)
    }

    async fn go(&mut self, verb: &str, url: &str, headers: &[(&str, &str)], body: String) -> Page {
        let (mut verb, mut url, mut body) = (verb, url.to_owned(), body);
        for _ in 0..12 {
            let site = origin(&url);
            if !self.sites.contains(&site) {
                return Page { url, status: None, headers: HeaderMap::new(), text: String::new() };
            }
            let cookies: Vec<String> = self
                .jar
                .get(&site)
                .into_iter()
                .flatten()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            let cookies = cookies.join("; ");
            let mut all = vec![];
            if !cookies.is_empty() {
                all.push(("cookie", cookies.as_str()));
            }
            if verb == "POST" {
                all.push(("content-type", "application/x-www-form-urlencoded"));
                all.extend_from_slice(headers);
            }
            let heard = self.web.send(verb, &url, &all, body).await;
            self.keep(&site, &heard.headers);
            match heard.header("location").filter(|_| heard.status.is_redirection()) {
                Some(to) if to.starts_with('/') => url = format!("{site}{to}"),
                Some(to) => to.clone_into(&mut url),
                None => {
                    let text = String::from_utf8_lossy(&heard.body).into_owned();
                    return Page { url, status: Some(heard.status), headers: heard.headers, text };
                }
            }
            (verb, body) = ("GET", String::new());
        }
        panic!("redirects without end at {url}");
    }

    fn keep(&mut self, site: &str, headers: &HeaderMap) {
        let jar = self.jar.entry(site.to_owned()).or_default();
        for line in headers.get_all("set-cookie") {
            let line = line.to_str().unwrap();
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            if line.contains("Max-Age=0") {
                jar.remove(name);
            } else {
                jar.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    /// Cookies of one site are from now on those of another browser: planted, or those of whoever sat down next.
    pub(crate) fn take_site(&mut self, site: &str, other: &Browser) {
        self.jar.insert(site.to_owned(), other.jar.get(site).cloned().unwrap_or_default());
    }

    /// From now on the browser stops before a site, as one that is closed at that moment.
    pub(crate) fn leaves(&mut self, site: &str) {
        self.sites.retain(|known| known != site);
    }
}

/// Scheme, host and port of an address.
pub(crate) fn origin(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or_else(|| panic!("no address: {url}"));
    format!("{scheme}://{}", rest.split(['/', '?', '#']).next().unwrap())
}

/// Writes a query or a form.
pub(crate) fn write(pairs: &[(&str, &str)]) -> String {
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    pairs.join("&")
}

fn encode(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// Reads a query or a form.
pub(crate) fn read(query: &str) -> Vec<(String, String)> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (decode(name), decode(value))).collect()
}

fn decode(text: &str) -> String {
    let mut bytes = text.bytes();
    let mut out = Vec::new();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(bytes.next().unwrap()).to_digit(16).unwrap();
                u8::try_from(digit() * 16 + digit()).unwrap()
            }
            other => other,
        });
    }
    String::from_utf8(out).unwrap()
}
