//! Load that waits: sessions that are opened and left, streams that are opened and held.

use std::io;
use std::sync::Arc;

use tokio::task::JoinSet;

use crate::options::{Headers, Options};
use crate::request::Request;
use crate::target::Target;
use crate::wire::Wire;

const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":__ID__,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"doorward-load","version":"0.1.0"}}}"#;
const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;

/// The legacy handshake; session id and revision are added to `headers`.
///
/// # Errors
/// When the server does not open a session.
pub async fn handshake(wire: &mut Wire, target: &Target, headers: &mut Headers) -> io::Result<()> {
    let mut initialize = Request::post(target, headers, INITIALIZE, 0);
    initialize.renew();
    let (head, body) = wire.exchange(initialize.bytes()).await?;
    let session = head.session.filter(|_| head.status == 200).ok_or_else(|| {
        io::Error::other(format!(
            "initialize was answered with {}: {}",
            head.status,
            String::from_utf8_lossy(&body)
        ))
    })?;
    headers.push(("mcp-session-id".to_owned(), session));
    headers.push(("mcp-protocol-version".to_owned(), "2025-11-25".to_owned()));
    let initialized = Request::post(target, headers, INITIALIZED, 0);
    match wire.exchange(initialized.bytes()).await? {
        (head, _) if head.status == 202 => Ok(()),
        (head, _) => {
            Err(io::Error::other(format!("notifications/initialized was answered with {}", head.status)))
        }
    }
}

/// Opens `count` sessions over `connections` connections and leaves them; how many there are.
///
/// # Errors
/// When a session cannot be opened.
pub async fn sessions(options: Options) -> io::Result<usize> {
    let options = Arc::new(options);
    let mut workers = JoinSet::new();
    for worker in 0..options.connections {
        let options = options.clone();
        workers.spawn(async move {
            let mut wire = Wire::connect(&options.target).await?;
            for index in (worker..options.count).step_by(options.connections) {
                handshake(&mut wire, &options.target, &mut options.headers_of(index)).await?;
            }
            Ok::<_, io::Error>(())
        });
    }
    while let Some(worker) = workers.join_next().await {
        worker.map_err(io::Error::other)??;
    }
    Ok(options.count)
}

/// Opens `count` sessions with a GET stream each; the streams live as long as what is returned.
///
/// # Errors
/// When a session or its stream cannot be opened.
pub async fn streams(options: Options) -> io::Result<Vec<Wire>> {
    let mut open = Vec::with_capacity(options.count);
    for index in 0..options.count {
        let mut wire = Wire::connect(&options.target).await?;
        let mut headers = options.headers_of(index);
        handshake(&mut wire, &options.target, &mut headers).await?;
        let head = wire.open(Request::get(&options.target, &headers).bytes()).await?;
        if head.status != 200 || !head.events {
            return Err(io::Error::other(format!("stream {index} was answered with {}", head.status)));
        }
        open.push(wire);
    }
    Ok(open)
}

#[cfg(test)]
mod tests;
