//! Addresses that others chose. Whether what they resolve to may be reached is judged where the connection is made; here
//! they must be of one reading, and not run.

/// The longest address, in bytes.
const MAX_LENGTH: usize = 2048;

/// An address in its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Parts<'t> {
    /// Scheme, host and port: `https://as.example:8443`.
    pub(super) origin: &'t str,
    /// The path, with its slash; empty where there is none.
    pub(super) path: &'t str,
    /// The query, without its question mark.
    pub(super) query: Option<&'t str>,
}

/// Takes an address apart if it may be fetched or shown to a browser: `https`, or `http` to this machine in a lab. No
/// other scheme is among them: `javascript:` would run in the door's own page, `file:` on the person's machine.
pub(super) fn parts(text: &str, lab: bool) -> Option<Parts<'_>> {
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"\"\\<>^`{|}#".contains(&byte);
    if text.len() > MAX_LENGTH || !text.bytes().all(plain) {
        return None;
    }
    let (rest, secure) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
        (Some(rest), _) => (rest, true),
        (None, Some(rest)) if lab => (rest, false),
        _ => return None,
    };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let host = host(authority)?;
    if !secure && !matches!(host, "localhost" | "127.0.0.1" | "[::1]") {
        return None;
    }
    let end = text.len() - rest.len() + authority.len();
    let (origin, tail) = text.split_at_checked(end)?;
    let (path, query) = match tail.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (tail, None),
    };
    Some(Parts { origin, path, query })
}

/// Says whether an address may be fetched or shown to a browser.
pub(super) fn is_usable(text: &str, lab: bool) -> bool {
    parts(text, lab).is_some()
}

/// Returns the host of an authority without a user name, which would make `https://as.example@evil.example` look like
/// another's.
fn host(authority: &str) -> Option<&str> {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let named =
        !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    let literal = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .is_some_and(|inner| inner.parse::<std::net::Ipv6Addr>().is_ok());
    let port_fits = port.is_none_or(|port| {
        port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0)
    });
    ((named || literal) && port_fits).then_some(host)
}
