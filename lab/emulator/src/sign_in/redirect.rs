//! The way back to the client: which addresses are its own, and how an answer travels.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

use super::pages;
use crate::AadResult;
use crate::errors::{AadError, Trace};
use crate::form;
use crate::seed::App;

/// Where and how to answer a client.
#[derive(Debug, Clone)]
pub(super) struct Back {
    pub(super) uri: String,
    pub(super) mode: Mode,
    pub(super) state: Option<String>,
}

/// How the parameters travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Query,
    Fragment,
    FormPost,
}

impl Mode {
    /// Reads `response_mode`; for codes the default is the query.
    pub(super) fn parse(mode: Option<&str>) -> AadResult<Self> {
        match mode {
            None | Some("query") => Ok(Self::Query),
            Some("fragment") => Ok(Self::Fragment),
            Some("form_post") => Ok(Self::FormPost),
            Some(other) => {
                Err(AadError::new(90_023, format!("Unsupported 'response_mode' value '{other}'.")))
            }
        }
    }
}

/// Tells whether an address is registered, and if so whether it is a single-page application's.
pub(super) fn registered(app: &App, uri: &str) -> Option<bool> {
    let matches = |known: &String| is_same(known, uri);
    if app.redirect_uris.iter().any(matches) {
        Some(false)
    } else if app.spa_redirect_uris.iter().any(matches) {
        Some(true)
    } else {
        None
    }
}

/// Sends the person back to the client. There is no `iss` (RFC 9207): Entra does not send it.
pub(super) fn answer(back: &Back, pairs: &[(&str, &str)], trace: &Trace) -> Response {
    let mut pairs = pairs.to_vec();
    if let Some(state) = &back.state {
        pairs.push(("state", state));
    }
    // An address without a path gets a slash in the answer.
    let uri = match parts(&back.uri) {
        Some((_, _, "")) if back.uri.starts_with("http") => format!("{}/", back.uri),
        _ => back.uri.clone(),
    };
    let mut response = match back.mode {
        Mode::Query => {
            let joint = if uri.contains('?') { '&' } else { '?' };
            found(&format!("{uri}{joint}{}", form::encode(&pairs)))
        }
        Mode::Fragment => found(&format!("{uri}#{}", form::encode(&pairs))),
        Mode::FormPost => pages::form_post(&uri, &pairs),
    };
    trace.mark(&mut response);
    response
}

/// Redirects.
pub(super) fn found(uri: &str) -> Response {
    match HeaderValue::from_str(uri) {
        Ok(location) => (StatusCode::FOUND, [(header::LOCATION, location)]).into_response(),
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}

/// Compares letter for letter, but for the port of `http://localhost` and `http://127.0.0.1`, which a native client
/// does not know in advance. `http://[::1]` is not supported.
fn is_same(known: &str, uri: &str) -> bool {
    if known == uri {
        return true;
    }
    let (Some((known_origin, known_host, known_path)), Some((origin, host, path))) =
        (parts(known), parts(uri))
    else {
        return false;
    };
    let loopback = |origin: &str, host: &str| origin == "http" && matches!(host, "localhost" | "127.0.0.1");
    let same_path =
        known_path == path || known_path.len() <= 1 && path.len() <= 1 && !path.starts_with(['?', '#']);
    loopback(known_origin, known_host) && loopback(origin, host) && known_host == host && same_path
}

/// Cuts an address into scheme, host without a numeric port, and the rest; `None` if it is no plain URL. A user name
/// before the host would make `http://localhost:1@evil.example` look like loopback.
fn parts(uri: &str) -> Option<(&str, &str, &str)> {
    let (scheme, rest) = uri.split_once("://")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (place, path) = rest.split_at_checked(end)?;
    let (host, port) = place.split_once(':').unwrap_or((place, ""));
    let numeric = port.bytes().all(|byte| byte.is_ascii_digit());
    (numeric && !host.contains('@')).then_some((scheme, host, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_port_of_loopback_is_free() {
        for (known, uri) in [
            ("http://localhost", "http://localhost:8400"),
            ("http://localhost", "http://localhost:8400/"),
            ("http://127.0.0.1", "http://127.0.0.1:33418/"),
            ("http://localhost/callback", "http://localhost:1/callback"),
            ("https://a.example/cb", "https://a.example/cb"),
            ("contoso-mcp://auth", "contoso-mcp://auth"),
        ] {
            assert!(is_same(known, uri), "{known} {uri}");
        }
        for (known, uri) in [
            ("http://localhost", "http://localhost:8400/other"),
            ("http://localhost", "http://localhost.evil.example:80"),
            ("http://localhost", "http://localhost:80@evil.example"),
            ("http://localhost", "http://localhost@evil.example"),
            ("http://localhost", "https://localhost:8400"),
            ("http://localhost", "http://127.0.0.1:8400"),
            ("http://localhost", "http://[::1]:8400"),
            ("http://localhost", "http://localhost:8400?x"),
            ("http://localhost/callback", "http://localhost:1/Callback"),
            ("https://a.example/cb", "https://a.example:8443/cb"),
            ("https://a.example/cb", "https://a.example/cb/"),
            ("https://a.example/cb", "https://a.example/cb?x=1"),
        ] {
            assert!(!is_same(known, uri), "{known} {uri}");
        }
    }
}
