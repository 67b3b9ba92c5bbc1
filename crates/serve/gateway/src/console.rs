//! The console's own address: sockets and TLS; what is answered there is the console's business.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use doorward_admin::{Admin, MOST_BODY};
use doorward_config::{Config, Network};
use doorward_net::ServerTls;
use http::header::AUTHORIZATION;
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsAcceptor;

use crate::body::{Inbound, Reply, read};
use crate::knocks::Knocks;
use crate::listen::{HANDSHAKE, HEAD, draining, source};
use crate::respond::empty;

/// Connections at once: a handful of people decide here.
const MOST: usize = 64;

/// Where the console listens, and with what.
pub(crate) struct Console {
    pub(crate) listener: TcpListener,
    pub(crate) tls: Option<Arc<ServerTls>>,
    pub(crate) desk: Arc<Desk>,
}

/// What is between a connection and the console.
pub(crate) struct Desk {
    admin: Arc<Admin>,
    /// Its own count: whoever knocks at the door with bad tokens keeps no approver waiting.
    knocks: Knocks,
    trusted: Vec<Network>,
}

impl Desk {
    pub(crate) fn new(admin: Arc<Admin>, config: &Config) -> Self {
        Self { admin, knocks: Knocks::default(), trusted: config.gateway.trusted_proxies.clone() }
    }
}

/// Serves the console until the door closes.
pub(crate) async fn serve(console: Console, mut drain: watch::Receiver<bool>) {
    let Console { listener, tls, desk } = console;
    let places = Arc::new(Semaphore::new(MOST));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = draining(&mut drain) => return,
        };
        let Ok((stream, peer)) = accepted else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let (desk, tls) = (Arc::clone(&desk), tls.clone());
        tokio::spawn(async move {
            let _place = place;
            one(stream, peer.ip(), tls.as_deref(), desk).await;
        });
    }
}

async fn one(stream: TcpStream, peer: IpAddr, tls: Option<&ServerTls>, desk: Arc<Desk>) {
    let Some(tls) = tls else { return speak(stream, peer, desk).await };
    let acceptor = TlsAcceptor::from(tls.config());
    match tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => speak(stream, peer, desk).await,
        Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake with the console failed"),
        Err(_) => tracing::debug!("a TLS handshake with the console took too long"),
    }
}

async fn speak(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, peer: IpAddr, desk: Arc<Desk>) {
    let service = service_fn(|request: Request<Incoming>| {
        let desk = Arc::clone(&desk);
        async move { Ok::<_, Infallible>(desk.answer(request, peer).await) }
    });
    let mut builder = http1::Builder::new();
    let connection = builder.timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(16 << 10);
    if let Err(error) = connection.serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(%error, "a connection with the console ended");
    }
}

impl Desk {
    async fn answer(&self, request: Request<Incoming>, peer: IpAddr) -> Response<Reply> {
        let (head, body) = request.into_parts();
        let (source, now) = (source(&self.trusted, peer, &head.headers), SystemTime::now().into());
        // A signature costs more to check than to make up (D-11). Pages go on: they take no token.
        let knocks = head.uri.path().starts_with("/api/") && head.headers.contains_key(AUTHORIZATION);
        if knocks && !self.knocks.may(Some(source), now) {
            return Admin::too_often().map(|bytes| Reply::Whole(Some(bytes)));
        }
        let bytes = match head.method {
            Method::POST => match read(Inbound::new(body), MOST_BODY).await {
                Ok(bytes) => bytes,
                Err(_) => return empty(StatusCode::PAYLOAD_TOO_LARGE),
            },
            _ => Bytes::new(),
        };
        let answer = self.admin.answer(Request::from_parts(head, bytes), Some(source)).await;
        if knocks && matches!(answer.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            self.knocks.refused(Some(source), now);
        }
        answer.map(|bytes| Reply::Whole(Some(bytes)))
    }
}
