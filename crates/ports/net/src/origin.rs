//! Scheme, host and port of a URL, in one strict spelling.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::Uri;

/// Where a URL leads. Two URLs of one origin compare equal however their origin was written.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin {
    scheme: Scheme,
    host: Host,
    port: u16,
}

/// Plain or encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scheme {
    /// `http`
    Http,
    /// `https`
    Https,
}

/// A DNS name in lower case, or an address that was written as such.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Host {
    /// A name to resolve.
    Name(String),
    /// An address to dial.
    Address(IpAddr),
}

/// Why a text does not name an origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// Not an absolute URL of visible ASCII characters.
    #[error("not an absolute URL; names outside ASCII are written in their xn-- form")]
    NotAUrl,
    /// Neither `http` nor `https`.
    #[error("the scheme is neither http nor https")]
    Scheme,
    /// `user@` or `user:password@` before the host, which people and programs read differently.
    #[error("the URL holds a user name")]
    UserInfo,
    /// Not a DNS name, a dotted IPv4 address or a bracketed IPv6 address.
    #[error("the host is neither a DNS name, nor a dotted IPv4, nor a bracketed IPv6 address")]
    Host,
    /// Not 1 to 65535.
    #[error("the port is not 1 to 65535")]
    Port,
}

impl Origin {
    /// Reads the origin of an absolute URL; what follows the authority is left alone.
    ///
    /// # Errors
    /// An [`OriginError`] for anything that two programs could read differently.
    pub fn parse(url: &str) -> Result<Self, OriginError> {
        if !url.bytes().all(|byte| byte.is_ascii_graphic()) || url.contains('\\') {
            return Err(OriginError::NotAUrl);
        }
        Self::of(&url.parse().map_err(|_| OriginError::NotAUrl)?)
    }

    /// Reads the origin of an absolute URI.
    ///
    /// # Errors
    /// As [`Origin::parse`].
    pub fn of(uri: &Uri) -> Result<Self, OriginError> {
        let scheme = match uri.scheme_str().ok_or(OriginError::NotAUrl)? {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return Err(OriginError::Scheme),
        };
        let authority = uri.authority().ok_or(OriginError::NotAUrl)?;
        if authority.as_str().contains('@') {
            return Err(OriginError::UserInfo);
        }
        let (host, port) = split_port(authority.as_str())?;
        let port = match port {
            None => scheme.default_port(),
            Some(digits) => parse_port(digits)?,
        };
        Ok(Self { scheme, host: Host::parse(host)?, port })
    }

    /// Returns the scheme.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Returns the host.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// Returns the port, the scheme's own if none was written.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the text of a `Host` header: the port only if it is not the scheme's own.
    pub fn authority(&self) -> String {
        if self.port == self.scheme.default_port() {
            self.host.to_string()
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

impl Scheme {
    fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

impl Host {
    fn parse(text: &str) -> Result<Self, OriginError> {
        if let Some(inner) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            return inner
                .parse::<Ipv6Addr>()
                .map(|v6| Self::Address(v6.into()))
                .map_err(|_| OriginError::Host);
        }
        if let Ok(v4) = text.parse::<Ipv4Addr>() {
            return Ok(Self::Address(v4.into()));
        }
        let name = text.to_ascii_lowercase();
        if is_dns_name(&name) { Ok(Self::Name(name)) } else { Err(OriginError::Host) }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
        };
        write!(f, "{scheme}://{}", self.authority())
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V4(v4)) => write!(f, "{v4}"),
            Self::Address(IpAddr::V6(v6)) => write!(f, "[{v6}]"),
        }
    }
}

/// Parts a port from a host; colons inside brackets belong to the address.
fn split_port(authority: &str) -> Result<(&str, Option<&str>), OriginError> {
    match authority.rsplit_once(':') {
        Some((host, digits)) if !digits.contains(']') => Ok((host, Some(digits))),
        _ => Ok((authority, None)),
    }
}

fn parse_port(digits: &str) -> Result<u16, OriginError> {
    let plain = !digits.is_empty() && digits.len() <= 5 && digits.bytes().all(|byte| byte.is_ascii_digit());
    match digits.parse() {
        Ok(port) if plain && port != 0 => Ok(port),
        _ => Err(OriginError::Port),
    }
}

/// Names end in a label with a letter: `127.1`, `0x7f000001` and `2130706433` are addresses to many a resolver.
fn is_dns_name(name: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
    };
    let last = name.rsplit('.').next().unwrap_or_default();
    let numeric = last.bytes().all(|b| b.is_ascii_digit())
        || last.strip_prefix("0x").is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_hexdigit()));
    name.len() <= 253 && !numeric && name.split('.').all(label)
}

#[cfg(test)]
mod tests;
