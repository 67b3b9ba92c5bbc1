//! Accepts connections and serves HTTP/1.1 on them until it is dropped.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::body::Body;

/// A listener and its connections; dropping it ends them all.
#[derive(Debug)]
pub(crate) struct Listening {
    pub(crate) addr: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Listens on `addr` and answers each request with `handler`.
///
/// # Errors
/// Whatever binding the address says; an address beyond loopback is refused, as these servers guard nothing.
pub(crate) async fn listen<H, F>(addr: SocketAddr, handler: H) -> io::Result<Listening>
where
    H: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    if !addr.ip().is_loopback() {
        let why = format!("{addr} is not a loopback address; this server has no guard of its own");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    }
    let listener = TcpListener::bind(addr).await?;
    let addr = listener.local_addr()?;
    let accepting = tokio::spawn(accept(listener, handler));
    Ok(Listening { addr, accepting })
}

async fn accept<H, F>(listener: TcpListener, handler: H)
where
    H: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // Out of file descriptors or reset before accepted: the next one may fare better.
                if let Ok((stream, _)) = accepted {
                    connections.spawn(serve(stream, handler.clone()));
                }
            }
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
}

async fn serve<H, F>(stream: TcpStream, handler: H)
where
    H: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    // Without this a small answer waits for the peer's delayed acknowledgement.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let service = service_fn(move |request| {
        let answer = handler(request);
        async move { Ok::<_, Infallible>(answer.await) }
    });
    // Gathering a thousand chunks into one buffer costs less than a thousand vectors do. How a connection ends is
    // the client's affair.
    let _ended = http1::Builder::new().writev(false).serve_connection(TokioIo::new(stream), service).await;
}
