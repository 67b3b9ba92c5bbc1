//! The address of the metrics: one page, for whoever reaches it, and nothing else.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use doorward_engine::Door;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::body::Reply;
use crate::listen::{HEAD, draining};
use crate::ports::GatewayPorts;
use crate::respond::{empty, json};

/// Serves the metrics until the door closes.
pub(crate) async fn serve(
    listener: TcpListener,
    door: Arc<Door<GatewayPorts>>,
    mut drain: watch::Receiver<bool>,
) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = draining(&mut drain) => return,
        };
        let Ok((stream, _)) = accepted else {
            // As at the door itself: without a pause a lack of file descriptors would cost a whole processor.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let door = Arc::clone(&door);
        tokio::spawn(async move {
            let service = service_fn(|request: Request<Incoming>| {
                let answer = page(&door, &request);
                async move { Ok::<_, Infallible>(answer) }
            });
            let mut builder = http1::Builder::new();
            let connection = builder.timer(TokioTimer::new()).header_read_timeout(HEAD);
            if let Err(error) = connection.serve_connection(TokioIo::new(stream), service).await {
                tracing::debug!(%error, "a metrics connection ended");
            }
        });
    }
}

fn page(door: &Door<GatewayPorts>, request: &Request<Incoming>) -> Response<Reply> {
    if request.uri().path() != "/metrics" {
        return empty(StatusCode::NOT_FOUND);
    }
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return empty(StatusCode::METHOD_NOT_ALLOWED);
    }
    let ports = door.ports();
    let text = ports.metrics.text(door.sessions(), ports.journal.log.healthy());
    let mut response = json(StatusCode::OK, text);
    let kind = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    response.headers_mut().insert(http::header::CONTENT_TYPE, kind);
    response
}
