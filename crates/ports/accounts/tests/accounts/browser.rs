//! A browser: it follows redirects, fills in the sign-in page, and goes where it is sent.

use bytes::Bytes;

use doorward_net::{Connector, FetchLimits, Reach};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

#[derive(Clone)]
pub(crate) struct Browser {
    pub(crate) connector: Connector,
}

impl Browser {
    /// Opens the address that the program gave, signs in at Entra, and comes back. Returns every page's address.
    pub(crate) async fn sign_in(&self, start: &str, user: &str) -> Vec<String> {
        let (entra, back) = self.at_entra(start, user).await;
        let done = location(&local("GET", &back, None).await);
        let done = format!("{}{done}", back.split("/?").next().unwrap());
        let page = local("GET", &done, None).await;
        assert!(String::from_utf8_lossy(page.body()).contains("you may close this page"));
        vec![start.to_owned(), entra, back, done]
    }

    /// Signs in at Entra and keeps the code.
    pub(crate) async fn code(&self, start: &str, user: &str) -> String {
        let (_, back) = self.at_entra(start, user).await;
        pairs(back.split_once('?').unwrap().1).into_iter().find(|(name, _)| name == "code").unwrap().1
    }

    /// Returns where Entra was asked, and where it sends the browser back to.
    async fn at_entra(&self, start: &str, user: &str) -> (String, String) {
        let entra = location(&local("GET", start, None).await);
        let page = self.entra("GET", &entra, String::new()).await;
        let text = String::from_utf8(page.body().to_vec()).unwrap();
        let visit = text.split("name=\"visit\" value=\"").nth(1).unwrap_or_else(|| panic!("{text}"));
        let visit = visit.split('"').next().unwrap();
        let origin = entra.split("/c0175050").next().unwrap();
        let form = format!(
            "visit={visit}&action=sign-in&username={user}%40contoso.onmicrosoft.com&password=correct-horse"
        );
        let signed = self.entra("POST", &format!("{origin}/login"), form).await;
        (entra, location(&signed))
    }

    pub(crate) async fn entra(&self, method: &str, url: &str, body: String) -> Response<Bytes> {
        let request = Request::builder()
            .method(method)
            .uri(url)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Bytes::from(body))
            .unwrap();
        self.connector.fetch(request, Reach::Lab, FetchLimits::default()).await.unwrap()
    }
}

/// Asks a server on this machine, under another name than its own if one is given.
pub(crate) async fn local(method: &str, url: &str, host: Option<&str>) -> Response<Bytes> {
    let (_, rest) = url.split_once("://").unwrap();
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let port = authority.rsplit(':').next().unwrap();
    let stream = TcpStream::connect(format!("127.0.0.1:{port}")).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let path = if path.is_empty() { "/" } else { path };
    let request = Request::builder().method(method).uri(path).header("host", host.unwrap_or(authority));
    let answer = sender.send_request(request.body(Full::<Bytes>::default()).unwrap()).await.unwrap();
    let (head, body) = answer.into_parts();
    Response::from_parts(head, body.collect().await.unwrap().to_bytes())
}

pub(crate) fn location(answer: &Response<Bytes>) -> String {
    let location = answer.headers().get("location");
    location.unwrap_or_else(|| panic!("{answer:?}")).to_str().unwrap().to_owned()
}

/// Reads a form or a query.
pub(crate) fn pairs(text: &str) -> Vec<(String, String)> {
    let decode = |text: &str| {
        let mut out = Vec::new();
        let mut bytes = text.bytes();
        while let Some(byte) = bytes.next() {
            out.push(match byte {
                b'%' => {
                    let hex = [bytes.next().unwrap(), bytes.next().unwrap()];
                    u8::from_str_radix(std::str::from_utf8(&hex).unwrap(), 16).unwrap()
                }
                plain => plain,
            });
        }
        String::from_utf8(out).unwrap()
    };
    text.split('&').map(|pair| pair.split_once('=').unwrap()).map(|(k, v)| (decode(k), decode(v))).collect()
}
