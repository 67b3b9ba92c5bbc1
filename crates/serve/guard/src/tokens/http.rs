//! The address where a server asks: one question a connection, bounded in size and time.

use std::convert::Infallible;
use std::io;
use std::net::TcpListener as StdListener;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use doorward_accounts::Token;
use doorward_oidc::pairs;
use doorward_wire::{Limits, Tree};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::{Denied, Desk};

/// One question.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// The header that proves whose server asks.
    pub(super) header: Option<String>,
    /// The audience.
    pub(super) resource: Option<String>,
    /// What an API asked for besides, when it refused the last token.
    pub(super) claims: Option<String>,
}

/// Connections at once, and how long one may take to say what it wants.
const MOST: usize = 16;
const PATIENCE: Duration = Duration::from_secs(10);
/// A question's head: an address and a handful of headers.
const MOST_HEAD: usize = 16 * 1024;
pub(super) const PATH: &str = "/token";

impl Desk {
    /// Answers on a socket until it is dropped.
    pub(crate) async fn serve(self: Arc<Self>, listener: StdListener) -> io::Error {
        let listener = listener.set_nonblocking(true).and_then(|()| TcpListener::from_std(listener));
        let listener = match listener {
            Ok(listener) => listener,
            Err(error) => return error,
        };
        let room = Arc::new(Semaphore::new(MOST));
        let mut talks = JoinSet::new();
        loop {
            let Ok(place) = Arc::clone(&room).acquire_owned().await else {
                return io::Error::other("no connection can be taken any more");
            };
            let stream = match listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // A caller that left again, or no descriptor free: neither may end this.
                    tracing::debug!(%error, "a question for a token was not accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            while talks.try_join_next().is_some() {}
            let desk = Arc::clone(&self);
            talks.spawn(async move {
                let _place = place;
                let service = service_fn(|request| {
                    let desk = Arc::clone(&desk);
                    async move { Ok::<_, Infallible>(desk.respond(&request).await) }
                });
                let mut http = hyper::server::conn::http1::Builder::new();
                http.timer(TokioTimer::new())
                    .header_read_timeout(PATIENCE)
                    .keep_alive(false)
                    .max_buf_size(MOST_HEAD);
                // How a caller leaves is its own affair.
                let _left = http.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    }

    async fn respond(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        let given = match asked(request) {
            Ok(asked) => self.answer(&asked).await.map(|token| (token, asked)),
            Err(why) => Err(why),
        };
        let (status, body) = match given {
            Ok((token, asked)) => (200, given_body(&token, asked.resource.as_deref().unwrap_or_default())),
            Err(why) => (why.status(), denied_body(why)),
        };
        let mut response = Response::new(Full::new(body));
        *response.status_mut() = hyper::StatusCode::from_u16(status).unwrap_or_default();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

/// Reads a question: `GET /token?resource=AUDIENCE[&claims=JSON]`. Parameters that libraries add (`api-version`, `client_id`)
/// say nothing here; one that is given twice is no question.
fn asked(request: &Request<impl Sized>) -> Result<Asked, Denied> {
    if request.method() != Method::GET || request.uri().path() != PATH {
        return Err(Denied::Question);
    }
    let header = request.headers().get("x-identity-header").and_then(|value| value.to_str().ok());
    let mut asked = Asked { header: header.map(str::to_owned), ..Asked::default() };
    let query = request.uri().query().unwrap_or_default();
    for (name, value) in pairs(query).ok_or(Denied::Question)? {
        let place = match name.as_str() {
            "resource" => &mut asked.resource,
            "claims" => &mut asked.claims,
            _ => continue,
        };
        if place.replace(value).is_some() {
            return Err(Denied::Question);
        }
    }
    if let Some(claims) = &asked.claims {
        let read = Tree::parse(Bytes::copy_from_slice(claims.as_bytes()), &Limits::default());
        let object = read.is_ok_and(|tree| tree.root().is_object());
        if !object {
            return Err(Denied::Question);
        }
    }
    Ok(asked)
}

fn given_body(token: &Token, resource: &str) -> Bytes {
    let expires = token.expires.as_secs();
    let body = serde_json::json!({
        "access_token": token.access.expose(),
        "expires_on": expires.to_string(),
        "resource": resource,
        "token_type": "Bearer",
    });
    Bytes::from(body.to_string())
}

fn denied_body(why: Denied) -> Bytes {
    let body = serde_json::json!({ "statusCode": why.status(), "error": why.word(), "message": why.told() });
    Bytes::from(body.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(address: &str) -> Result<Asked, Denied> {
        let request = Request::builder().uri(address).header("X-IDENTITY-HEADER", "h").body(()).unwrap();
        asked(&request)
    }

    #[test]
    fn a_question_is_read_whole_or_not_at_all() {
        let asked = of("/token?api-version=2019-08-01&resource=https%3A%2F%2Fgraph.microsoft.com").unwrap();
        assert_eq!(
            (asked.header.as_deref(), asked.resource.as_deref()),
            (Some("h"), Some("https://graph.microsoft.com"))
        );
        let asked = of("/token?resource=api://a&claims=%7B%22access_token%22%3A%7B%7D%7D").unwrap();
        assert_eq!(asked.claims.as_deref(), Some(r#"{"access_token":{}}"#));
        for bad in [
            "/",
            "/token/",
            "/tokens?resource=api://a",
            "/token?resource=api://a&resource=api://b",
            "/token?resource=%ff",
            "/token?resource=api://a&claims=x",
            "/token?resource=api://a&claims=%7B%22a%22%3A1%2C%22a%22%3A2%7D",
            "/token?resource=api://a&claims=%5B%5D",
        ] {
            assert_eq!(of(bad).map(|_| ()), Err(Denied::Question), "{bad}");
        }
        let post = Request::builder().method("POST").uri("/token?resource=api://a").body(()).unwrap();
        assert_eq!(super::asked(&post).map(|_| ()), Err(Denied::Question));
    }
}
