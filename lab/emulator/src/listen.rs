//! Listening: each emulated service has a port of its own on loopback, with TLS or, where the real one has none, without.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http_body_util::{BodyExt, Limited};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::EmulatorError;
use crate::lab::Lab;
use crate::record::Recorded;

/// Larger than any form or token; a wrong client must not fill the memory.
const BODY_AT_MOST: usize = 1 << 20;

/// Takes a loopback port; returns the listener and its `ADDRESS:PORT`.
pub(crate) async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), EmulatorError> {
    if !address.ip().is_loopback() {
        return Err(EmulatorError::NotLoopback(address));
    }
    let fail = |source| EmulatorError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(fail)?;
    let bound = listener.local_addr().map_err(fail)?;
    Ok((listener, bound))
}

/// Finishes the routes of a service: each request is recorded under the service's name, and late if a fault says so.
pub(crate) fn service(lab: &Arc<Lab>, name: &'static str, routes: Router<Arc<Lab>>) -> Router {
    routes.layer(middleware::from_fn_with_state((Arc::clone(lab), name), observe)).with_state(Arc::clone(lab))
}

/// Records a request and delays it if a fault says so.
async fn observe(
    State((lab, service)): State<(Arc<Lab>, &'static str)>,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = Limited::new(body, BODY_AT_MOST).collect().await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let body = body.to_bytes();
    let path = parts.uri.path();
    if !path.starts_with("/_lab/") {
        let mut headers: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in &parts.headers {
            let value = String::from_utf8_lossy(value.as_bytes());
            headers
                .entry(name.as_str().to_owned())
                .and_modify(|known| {
                    known.push_str(", ");
                    known.push_str(&value);
                })
                .or_insert_with(|| value.clone().into_owned());
        }
        let service = if path.starts_with("/graph/") && service == "entra" { "graph" } else { service };
        lab.transcript().push(Recorded {
            service: service.to_owned(),
            method: parts.method.to_string(),
            path: path.to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            headers,
            body: String::from_utf8_lossy(&body).into_owned(),
        });
        let delay = lab.faults().delay(path);
        if let Some(delay) = delay {
            tokio::time::sleep(delay).await;
        }
    }
    next.run(Request::from_parts(parts, Body::from(body))).await
}

/// Accepts until it is told to stop, then waits for the connections to end.
pub(crate) async fn accept(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    app: Router,
    mut stopped: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = stopped.changed() => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            arrived = listener.accept() => match arrived {
                Ok((stream, _)) => {
                    connections.spawn(arrive(stream, tls.clone(), app.clone(), stopped.clone()));
                }
                Err(error) => tracing::warn!(%error, "accept failed"),
            },
        }
    }
    while connections.join_next().await.is_some() {}
}

async fn arrive(
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    app: Router,
    mut stopped: watch::Receiver<bool>,
) {
    let Some(tls) = tls else { return converse(stream, app, stopped).await };
    let handshake = tokio::select! {
        handshake = tls.accept(stream) => handshake,
        _ = stopped.changed() => return,
    };
    match handshake {
        Ok(stream) => converse(stream, app, stopped).await,
        Err(error) => tracing::debug!(%error, "TLS handshake failed"),
    }
}

async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    app: Router,
    mut stopped: watch::Receiver<bool>,
) {
    let service = TowerToHyperService::new(app);
    let connection =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let outcome = tokio::select! {
        outcome = connection.as_mut() => outcome,
        _ = stopped.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(%error, "connection ended badly");
    }
}
