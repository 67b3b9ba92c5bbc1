//! Origins, URLs and networks, parsed once and written back in one spelling, so that comparing them is comparing text.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use crate::units::Fault;

/// Scheme, host and port: `https://mcp.contoso.com`, lower case, without a default port. Two origins are the same if
/// their texts are (RFC 6454 §4, §6.1).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin {
    text: String,
    host: String,
    port: u16,
}

impl Origin {
    /// Returns `scheme://host[:port]`.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the host; an IPv6 address stands in brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns the port, the scheme's own if none was written.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns what a `Host` header for this origin holds: the host, and the port unless it is the scheme's own.
    pub fn authority(&self) -> &str {
        self.text.split_once("://").map_or("", |(_, authority)| authority)
    }

    /// Whether the scheme is `https`.
    pub fn is_https(&self) -> bool {
        self.text.starts_with("https:")
    }

    /// Returns the host as an address, if it is one.
    pub fn ip(&self) -> Option<IpAddr> {
        self.host.trim_start_matches('[').trim_end_matches(']').parse().ok()
    }

    /// Whether the host is a loopback *address*. The name `localhost` is not: a resolver may send it elsewhere.
    pub fn is_loopback_address(&self) -> bool {
        self.ip().is_some_and(|ip| ip.is_loopback())
    }

    /// Whether the host is a loopback address or the name `localhost`, which browsers hold to be loopback.
    pub fn is_loopback(&self) -> bool {
        self.is_loopback_address() || self.host == "localhost"
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// An absolute `http` or `https` URL without user information and fragment.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HttpUrl {
    origin: Origin,
    path_and_query: String,
}

impl HttpUrl {
    /// Returns scheme, host and port.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Returns path and query as written, at least `/`.
    pub fn path_and_query(&self) -> &str {
        &self.path_and_query
    }
}

impl fmt::Display for HttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin, self.path_and_query)
    }
}

/// A network in CIDR form (RFC 4632 §3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network {
    base: IpAddr,
    bits: u8,
}

impl Network {
    /// Whether the address lies in the network. An IPv4 address mapped into IPv6 counts as the IPv4 address: that is how
    /// a dual-stack listener sees IPv4 peers.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.base, address.to_canonical()) {
            (IpAddr::V4(base), IpAddr::V4(other)) => {
                masked(u128::from(base.to_bits()) << 96, self.bits)
                    == masked(u128::from(other.to_bits()) << 96, self.bits)
            }
            (IpAddr::V6(base), IpAddr::V6(other)) => {
                masked(base.to_bits(), self.bits) == masked(other.to_bits(), self.bits)
            }
            _ => false,
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.bits)
    }
}

/// Parses `scheme://host[:port]`; a single `/` may follow.
pub(crate) fn origin(text: &str) -> Result<Origin, Fault> {
    let url = url(text)?;
    if url.path_and_query == "/" {
        return Ok(url.origin);
    }
    Err(Fault::new(
        format!("`{text}` has a path or a query, and an origin has none"),
        format!("write \"{}\"", url.origin),
    ))
}

/// Parses `host[:port]` as it stands in an `https` URL; the scheme's own port is left out.
pub(crate) fn host(text: &str) -> Result<String, Fault> {
    let wrong = || {
        Fault::new(
            format!("`{text}` is no host"),
            "write a host such as \"login.contoso.com\" or \"login.contoso.com:8443\", without `https://` and path",
        )
    };
    let bare = !text.contains(['/', '?', '#', '@']);
    let url = url(&format!("https://{text}")).ok().filter(|_| bare).ok_or_else(wrong)?;
    Ok(url.origin.authority().to_owned())
}

/// Parses an absolute URL.
pub(crate) fn url(text: &str) -> Result<HttpUrl, Fault> {
    let wrong =
        |why: &str| Fault::new(format!("`{text}` {why}"), "write a URL such as \"https://mcp.contoso.com\"");
    let (scheme, rest) = text.split_once("://").ok_or_else(|| wrong("has no `https://` in front"))?;
    let scheme = scheme.to_ascii_lowercase();
    let default_port = match scheme.as_str() {
        "https" => 443,
        "http" => 80,
        _ => return Err(wrong("is neither an https nor an http URL")),
    };
    // A password must not be repeated, so this comes before every message that shows the text.
    if rest.split(['/', '?', '#']).next().is_some_and(|authority| authority.contains('@')) {
        let mut fault = Fault::new(
            "this URL has a user name or a password in it, which would end in logs",
            "take out what stands before the `@`, and the `@`",
        );
        fault.secret = true;
        return Err(fault);
    }
    // Parsers disagree about backslashes, blanks and bytes beyond ASCII, and disagreement is how one host is checked
    // and another is called.
    if !rest.bytes().all(|byte| byte.is_ascii_graphic() && !br#"\"<>^`{|}"#.contains(&byte)) {
        return Err(wrong("has a character that a URL may not have"));
    }
    if rest.contains('#') {
        return Err(wrong("has a fragment, which is never sent"));
    }
    let (authority, path_and_query) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let (host, port) = host_and_port(authority).ok_or_else(|| wrong("has no valid host and port"))?;
    let port = port.unwrap_or(default_port);
    let suffix = if port == default_port { String::new() } else { format!(":{port}") };
    let slash = if path_and_query.starts_with('/') { "" } else { "/" };
    Ok(HttpUrl {
        origin: Origin { text: format!("{scheme}://{host}{suffix}"), host, port },
        path_and_query: format!("{slash}{path_and_query}"),
    })
}

/// Parses `127.0.0.1:8443` or `[::1]:8443`.
pub(crate) fn address(text: &str) -> Result<SocketAddr, Fault> {
    text.parse().map_err(|_| {
        let help = match text.split_once(':') {
            Some(("localhost", port)) => format!("write \"127.0.0.1:{port}\""),
            Some(("" | "*", port)) => format!("write \"0.0.0.0:{port}\" for every IPv4 address"),
            None if text.bytes().all(|b| b.is_ascii_digit()) => format!("write \"127.0.0.1:{text}\""),
            _ => {
                "write an IP address and a port, for example \"127.0.0.1:8443\" or \"[::1]:8443\"".to_owned()
            }
        };
        Fault::new(format!("`{text}` is not an address and port"), help)
    })
}

/// Parses `10.0.0.0/8`; bits beyond the prefix must be zero, and everybody is not a network.
pub(crate) fn network(text: &str) -> Result<Network, Fault> {
    let wrong = || {
        Fault::new(
            format!("`{text}` is not a network"),
            "write CIDR, for example \"10.1.0.0/16\", or \"10.1.2.3/32\" for one address",
        )
    };
    let (base, bits) = text.split_once('/').ok_or_else(wrong)?;
    let base: IpAddr = base.parse().map_err(|_| wrong())?;
    let width = if base.is_ipv4() { 32 } else { 128 };
    let bits: u8 = bits.parse().ok().filter(|bits| *bits <= width).ok_or_else(wrong)?;
    if bits == 0 {
        return Err(Fault::new(
            format!("`{text}` is everybody, so anyone could pretend to be the proxy"),
            "name the proxy's own network",
        ));
    }
    let start: IpAddr = match base {
        IpAddr::V4(v4) => IpAddr::V4(
            (u32::try_from(masked(u128::from(v4.to_bits()) << 96, bits) >> 96).unwrap_or(0)).into(),
        ),
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(masked(v6.to_bits(), bits))),
    };
    if start == base {
        return Ok(Network { base, bits });
    }
    Err(Fault::new(
        format!("`{text}` names an address inside a network, so it is unclear which of the two is meant"),
        format!("write \"{start}/{bits}\" for the network or \"{base}/{width}\" for the address"),
    ))
}

/// Keeps the leading bits.
fn masked(value: u128, bits: u8) -> u128 {
    value & u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0)
}

fn host_and_port(authority: &str) -> Option<(String, Option<u16>)> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (inside, after) = rest.split_once(']')?;
        let address: Ipv6Addr = inside.parse().ok()?;
        return Some((format!("[{address}]"), port(after)?));
    }
    let split = authority.find(':').unwrap_or(authority.len());
    let (host, after) = authority.split_at(split);
    let host = host.to_ascii_lowercase();
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
    let labels_are_plain =
        host.split('.').all(|label| !label.is_empty() && label.len() <= 63 && label.bytes().all(plain));
    // `0x7f.1`, `127.1` and `2130706433` are loopback to some resolvers: a host whose last label is a number must be
    // a whole IPv4 address (WHATWG URL §3.5 "ends in a number").
    let last = host.rsplit('.').next().unwrap_or_default();
    let numeric = last.bytes().all(|b| b.is_ascii_digit()) || last.starts_with("0x");
    let valid =
        host.len() <= 253 && labels_are_plain && (!numeric || host.parse::<std::net::Ipv4Addr>().is_ok());
    if valid { Some((host, port(after)?)) } else { None }
}

/// `None` is a bad port; `Some(None)` is none at all.
fn port(after: &str) -> Option<Option<u16>> {
    match after.strip_prefix(':') {
        None if after.is_empty() => Some(None),
        Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => {
            digits.parse().ok().filter(|port| *port != 0).map(Some)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
