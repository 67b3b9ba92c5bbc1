//! What stands between the runner and the door: the runner has no token, so one is added on the way. Everything else passes
//! as it is, and what the runner says of hosts and origins that are not the shim's is the door's to judge.

use std::net::SocketAddr;

use http::header::{AUTHORIZATION, HOST, HeaderName, HeaderValue, ORIGIN};
use http::{Request, Response, Uri};
use hyper::body::Incoming;
use hyper::client::conn::http1::handshake;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

type Fault = Box<dyn std::error::Error + Send + Sync>;

/// Dropping it closes it.
pub(crate) struct Shim {
    pub(crate) address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for Shim {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shim {
    /// Stands before one server of a door.
    pub(crate) async fn before(door: SocketAddr, server: &str, token: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let address = listener.local_addr().expect("it is bound");
        let way = Way {
            own: address.port(),
            door,
            path: format!("/{server}/mcp").parse().expect("a path"),
            bearer: HeaderValue::from_str(&format!("Bearer {token}")).expect("a token is a header value"),
        };
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let way = way.clone();
                let service = service_fn(move |request| {
                    let way = way.clone();
                    async move { way.pass(request).await }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { address, task }
    }
}

#[derive(Clone)]
struct Way {
    own: u16,
    door: SocketAddr,
    path: Uri,
    bearer: HeaderValue,
}

impl Way {
    /// Passes a request on, on a connection of its own: when either side goes away, so does the other.
    async fn pass(&self, mut request: Request<Incoming>) -> Result<Response<Incoming>, Fault> {
        *request.uri_mut() = self.path.clone();
        request.headers_mut().insert(AUTHORIZATION, self.bearer.clone());
        self.rename(&mut request, &HOST, "");
        self.rename(&mut request, &ORIGIN, "http://");
        let (mut sender, driver) = handshake(TokioIo::new(TcpStream::connect(self.door).await?)).await?;
        tokio::spawn(driver);
        Ok(sender.send_request(request).await?)
    }

    /// The shim's own name stands for the door's.
    fn rename(&self, request: &mut Request<Incoming>, header: &HeaderName, scheme: &str) {
        let Some(value) = request.headers_mut().get_mut(header) else { return };
        let own = ["localhost", "127.0.0.1"].map(|host| format!("{scheme}{host}:{}", self.own));
        if own.iter().any(|own| value.as_bytes() == own.as_bytes()) {
            *value = HeaderValue::from_str(&format!("{scheme}{}", self.door)).expect("an address");
        }
    }
}
