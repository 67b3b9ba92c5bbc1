//! Addresses of clients, in the one spelling that every browser and every server reads alike.

use crate::params::Params;

/// The longest address, in bytes.
const MAX_LENGTH: usize = 2048;

/// What the door adds to an address. One that carries them already would have two of a name, and the client could read
/// the attacker's.
const OURS: &[&str] = &["code", "state", "iss", "error", "error_description", "error_uri", "response"];

/// Why an address is not one that this door redirects to or fetches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Empty, or longer than 2,048 bytes.
    #[error("the address is empty or longer than 2048 characters")]
    Length,
    /// Something else than the visible ASCII characters of an address; a backslash or a wildcard, for two.
    #[error("the address has a character that it must not have (`*` and `\\` are such)")]
    Character,
    /// A `#`.
    #[error("the address has a fragment")]
    Fragment,
    /// A `%` without two digits, or an escaped control character.
    #[error("the address has a malformed escape")]
    Escape,
    /// No scheme, or one that is not written in lower case.
    #[error("the address has no scheme in lower case")]
    Scheme,
    /// A name or password before the host: `https://claude.ai@evil.example` goes to `evil.example`.
    #[error("the address has a user name in it")]
    Userinfo,
    /// No host, or one that is not a plain name in lower case.
    #[error("the host of the address is not a plain name in lower case (internet addresses do not count)")]
    Host,
    /// Not a number from 1 to 65535 in its one spelling.
    #[error("the port of the address is not a number from 1 to 65535")]
    Port,
    /// Dot segments, empty segments, or an escaped dot, slash, backslash or percent sign.
    #[error("the path of the address has segments that not everybody reads alike")]
    Path,
    /// Not a form, or with a parameter that the door adds itself.
    #[error("the query of the address is malformed or has a parameter of the door's own")]
    Query,
}

/// An address taken apart. Every part is as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Url<'t> {
    pub(crate) scheme: &'t str,
    /// `None` where there is none (`com.example.app:/callback`).
    pub(crate) host: Option<&'t str>,
    pub(crate) has_port: bool,
    pub(crate) path: &'t str,
    pub(crate) query: Option<&'t str>,
}

/// Takes an address apart, or says what in it is read in more than one way.
pub(crate) fn parse(text: &str) -> Result<Url<'_>, UrlError> {
    if text.is_empty() || text.len() > MAX_LENGTH {
        return Err(UrlError::Length);
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"\\<>^`{|}*".contains(&byte)) {
        return Err(UrlError::Character);
    }
    if text.contains('#') {
        return Err(UrlError::Fragment);
    }
    let (scheme, rest) = text.split_once(':').ok_or(UrlError::Scheme)?;
    if !is_scheme(scheme) {
        return Err(UrlError::Scheme);
    }
    let (host, has_port, tail) = match rest.strip_prefix("//") {
        None => (None, false, rest),
        Some(rest) => {
            let end = rest.find(['/', '?']).unwrap_or(rest.len());
            let (authority, tail) = rest.split_at_checked(end).ok_or(UrlError::Host)?;
            let (host, has_port) = split_authority(authority)?;
            (Some(host), has_port, tail)
        }
    };
    let (path, query) = match tail.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (tail, None),
    };
    judge_path(path)?;
    if host.is_none() && path.is_empty() {
        return Err(UrlError::Path);
    }
    if let Some(query) = query {
        // What the form reader refuses (control characters, duplicates) has no place in an address either.
        let params = Params::parse(query.as_bytes()).map_err(|_| UrlError::Query)?;
        if OURS.iter().any(|name| params.names(name)) {
            return Err(UrlError::Query);
        }
    }
    Ok(Url { scheme, host, has_port, path, query })
}

/// Says whether a host is a name in lower case that no reader takes for a number: `0x7f.1`, `127.1` and `2130706433`
/// are 127.0.0.1 to a browser.
pub(crate) fn is_name(host: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = host.rsplit('.').next().unwrap_or_default();
    let number = last.bytes().all(|byte| byte.is_ascii_digit())
        || last.strip_prefix("0x").is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_hexdigit()));
    host.len() <= 253 && host.split('.').all(label) && !number
}

/// Says whether a port is a number from 1 to 65535 without leading zeros.
pub(crate) fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
        && !text.starts_with('0')
        && text.parse::<u16>().is_ok_and(|port| port > 0)
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'+' | b'.' | b'-'))
}

fn split_authority(authority: &str) -> Result<(&str, bool), UrlError> {
    if authority.contains('@') {
        return Err(UrlError::Userinfo);
    }
    const LOOPBACK_6: &str = "[::1]";
    let (host, port) = match authority.strip_prefix(LOOPBACK_6) {
        Some("") => (LOOPBACK_6, None),
        Some(rest) => (LOOPBACK_6, Some(rest.strip_prefix(':').ok_or(UrlError::Host)?)),
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    match port {
        _ if host.is_empty() => Err(UrlError::Host),
        Some(port) if !is_port(port) => Err(UrlError::Port),
        port => Ok((host, port.is_some())),
    }
}

fn judge_path(path: &str) -> Result<(), UrlError> {
    let mut segments = path.split('/').peekable();
    if segments.next() != Some("") {
        return Err(UrlError::Path);
    }
    while let Some(segment) = segments.next() {
        let bare = segment.split(';').next().unwrap_or_default();
        // `//` is a host to some, `..;` a parent to others.
        if (segment.is_empty() && segments.peek().is_some()) || matches!(bare, "." | "..") {
            return Err(UrlError::Path);
        }
        let mut escapes = segment.split('%');
        escapes.next();
        for escape in escapes {
            let digits = escape.get(..2).ok_or(UrlError::Escape)?;
            let plain = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
            match u8::from_str_radix(digits, 16) {
                Ok(b'.' | b'/' | b'\\' | b'%') => return Err(UrlError::Path),
                Ok(byte) if plain && !byte.is_ascii_control() => {}
                _ => return Err(UrlError::Escape),
            }
        }
    }
    Ok(())
}
