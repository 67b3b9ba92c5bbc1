//! Where a machine's own identity comes from: the one thing on a link-local address that the door has business with.
//!
//! These endpoints give a token of the door's to whoever can reach them, which is why every other reach is closed to
//! them (SSRF). What opens them is not an address range but a list of whole origins.

use std::net::IpAddr;

use crate::addresses::is_loopback;
use crate::origin::{Host, Origin, Scheme};

/// Host and port of the instance metadata service of Azure, and of the agent of Azure Arc. Both speak plain HTTP.
const COMPILED: &[(&str, u16)] = &[("169.254.169.254", 80), ("localhost", 40342), ("127.0.0.1", 40342)];

/// Returns whether a host can only be this machine or its link. Of the link-local addresses only IPv4 written plainly:
/// every other spelling has no use but to slip past a list.
pub(crate) fn is_identity_host(host: &Host) -> bool {
    match host {
        Host::Name(name) => name == "localhost",
        Host::Address(address) => is_loopback(*address) || is_plain_link_local(*address),
    }
}

/// Returns whether `address` is where an identity endpoint lies. A name must lead to this machine itself: what a
/// resolver says of a name must not choose among link-local addresses.
pub(crate) fn reaches(origin: &Origin, configured: Option<&Origin>, address: IpAddr) -> bool {
    let named = match origin.host() {
        Host::Name(_) => is_loopback(address),
        Host::Address(written) => *written == address,
    };
    named && is_identity_host(origin.host()) && (is_compiled(origin) || configured == Some(origin))
}

fn is_compiled(origin: &Origin) -> bool {
    let host = origin.host().to_string();
    origin.scheme() == Scheme::Http
        && COMPILED.iter().any(|&(name, port)| name == host && port == origin.port())
}

fn is_plain_link_local(address: IpAddr) -> bool {
    matches!(address, IpAddr::V4(v4) if v4.is_link_local())
}
