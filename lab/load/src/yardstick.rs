//! A plain reverse proxy, as one writes it with hyper on a quiet afternoon: what the door's price is compared with.
//!
//! It passes bodies on frame by frame, copies all headers but those of the connection, and checks nothing. It must
//! stay as fast as hyper lets it be: a slow yardstick would flatter the door.

use std::io;
use std::net::SocketAddr;

use hyper::body::Incoming;
use hyper::header::{CONNECTION, HOST, TRANSFER_ENCODING};
use hyper::http::uri::{Authority, Parts, Scheme, Uri};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;

/// A proxy that has its port.
#[derive(Debug)]
pub struct Yardstick {
    /// Where it listens.
    pub addr: SocketAddr,
    listener: TcpListener,
    upstream: Authority,
}

impl Yardstick {
    /// Binds `listen`; everything will go to `upstream`, path and query unchanged.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn bind(listen: SocketAddr, upstream: Authority) -> io::Result<Self> {
        let listener = TcpListener::bind(listen).await?;
        Ok(Self { addr: listener.local_addr()?, listener, upstream })
    }

    /// Forwards requests until the task is dropped.
    ///
    /// # Errors
    /// When connections can no longer be accepted.
    pub async fn run(self) -> io::Result<()> {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client: Client<_, Incoming> = Client::builder(TokioExecutor::new()).build(connector);
        loop {
            let (stream, _) = self.listener.accept().await?;
            stream.set_nodelay(true)?;
            let (client, upstream) = (client.clone(), self.upstream.clone());
            tokio::spawn(async move {
                let service = service_fn(|request| forward(&client, &upstream, request));
                // How a connection ends is the client's affair.
                let _ended = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    }
}

async fn forward(
    client: &Client<HttpConnector, Incoming>,
    upstream: &Authority,
    mut request: Request<Incoming>,
) -> Result<Response<Incoming>, Error> {
    let mut uri = Parts::default();
    uri.scheme = Some(Scheme::HTTP);
    uri.authority = Some(upstream.clone());
    uri.path_and_query = request.uri().path_and_query().cloned();
    // The parts are a scheme, an authority and a path that hyper has parsed, so they fit together.
    *request.uri_mut() = Uri::from_parts(uri).unwrap_or_default();
    for name in [HOST, CONNECTION, TRANSFER_ENCODING] {
        request.headers_mut().remove(name);
    }
    let mut response = client.request(request).await?;
    for name in [CONNECTION, TRANSFER_ENCODING] {
        response.headers_mut().remove(name);
    }
    Ok(response)
}

#[cfg(test)]
mod tests;
