//! Just enough HTTP to ask a door whether it is ready and to make its first call.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

/// The whole response to a request, head and body; the connection is closed after it.
pub(super) fn ask(
    addr: SocketAddr,
    verb: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&addr, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_nodelay(true)?;
    let mut request = format!(
        "{verb} {path} HTTP/1.1\r\nhost: {addr}\r\nconnection: close\r\ncontent-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    request.push_str(body);
    stream.write_all(request.as_bytes())?;
    let mut response = Vec::new();
    stream.read_to_end(&mut response)?;
    Ok(String::from_utf8_lossy(&response).into_owned())
}

/// Whether a response's status is 200.
pub(super) fn is_ok(response: &str) -> bool {
    response.starts_with("HTTP/1.1 200")
}

/// A loopback address that was free a moment ago: a door's public URL must name its port before it starts.
pub(super) fn free_address() -> Result<SocketAddr, String> {
    let listener =
        TcpListener::bind(("127.0.0.1", 0)).map_err(|error| format!("no loopback port: {error}"))?;
    listener.local_addr().map_err(|error| error.to_string())
}

const TIMEOUT: Duration = Duration::from_secs(10);
