//! Which addresses lie in the open internet, which are ours, and which nobody may ever be sent to. Pure.
//!
//! The tables follow the IANA special-purpose registries (RFC 6890 and its updates). An IPv6 address that carries an
//! IPv4 address is judged by what it carries: `::ffff:169.254.169.254` reaches the metadata service as well as the
//! plain form does.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A range of IPv4 addresses: first address and length of the prefix.
type Net4 = ([u8; 4], u32);

/// A range of IPv6 addresses: first address and length of the prefix.
type Net6 = ([u16; 8], u32);

/// IPv4 that is not the open internet.
const NOT_GLOBAL_4: &[Net4] = &[
    ([0, 0, 0, 0], 8),        // this network
    ([10, 0, 0, 0], 8),       // private
    ([100, 64, 0, 0], 10),    // carrier-grade NAT
    ([127, 0, 0, 0], 8),      // loopback
    ([168, 63, 129, 16], 32), // Azure's host services, a public address answered by the host itself
    ([169, 254, 0, 0], 16),   // link-local, and the metadata services of most clouds
    ([172, 16, 0, 0], 12),    // private
    ([192, 0, 0, 0], 24),     // protocol assignments
    ([192, 0, 2, 0], 24),     // documentation
    ([192, 88, 99, 0], 24),   // relays of 6to4, retired
    ([192, 168, 0, 0], 16),   // private
    ([198, 18, 0, 0], 15),    // benchmarks
    ([198, 51, 100, 0], 24),  // documentation
    ([203, 0, 113, 0], 24),   // documentation
    ([224, 0, 0, 0], 4),      // multicast
    ([240, 0, 0, 0], 4),      // reserved, broadcast
];

/// IPv4 that no configuration opens.
const NEVER_4: &[Net4] = &[
    ([0, 0, 0, 0], 8),
    ([100, 100, 100, 200], 32), // metadata service of Alibaba Cloud
    ([168, 63, 129, 16], 32),
    ([169, 254, 0, 0], 16),
    ([192, 0, 0, 192], 32), // metadata service of Oracle Cloud
    ([224, 0, 0, 0], 4),
    ([240, 0, 0, 0], 4),
];

/// IPv6 inside 2000::/3 that is not the open internet. Outside of 2000::/3 nothing is.
const NOT_GLOBAL_6: &[Net6] = &[
    ([0x2001, 0, 0, 0, 0, 0, 0, 0], 23), // protocol assignments: Teredo, benchmarks, ORCHID
    ([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), // documentation
    ([0x2002, 0, 0, 0, 0, 0, 0, 0], 16), // 6to4, retired
    ([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20), // documentation
];

/// IPv6 that no configuration opens.
const NEVER_6: &[Net6] = &[
    ([0, 0, 0, 0, 0, 0, 0, 0], 128),
    ([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10),          // link-local
    ([0xff00, 0, 0, 0, 0, 0, 0, 0], 8),           // multicast
    ([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254], 128), // metadata service of AWS
    ([0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254], 128),  // metadata service of Google Cloud
];

const GLOBAL_UNICAST: Net6 = ([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);
/// Translators (RFC 6052): networks without IPv4 reach the IPv4 internet through these.
const NAT64: Net6 = ([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96);
const NAT64_LOCAL: Net6 = ([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48);
const MAPPED: Net6 = ([0, 0, 0, 0, 0, 0xffff, 0, 0], 96);
const COMPATIBLE: Net6 = ([0, 0, 0, 0, 0, 0, 0, 0], 96);
const TRANSLATED: Net6 = ([0, 0, 0, 0, 0xffff, 0, 0, 0], 96);
const SIX_TO_FOUR: Net6 = ([0x2002, 0, 0, 0, 0, 0, 0, 0], 16);
const TEREDO: Net6 = ([0x2001, 0, 0, 0, 0, 0, 0, 0], 32);

/// Returns whether an address is in the open internet, where a URL that someone else chose may lead.
pub fn is_global(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => !NOT_GLOBAL_4.iter().any(|net| holds4(*net, v4)),
        IpAddr::V6(v6) if holds6(MAPPED, v6) || holds6(NAT64, v6) => is_global(IpAddr::V4(low(v6))),
        IpAddr::V6(v6) => holds6(GLOBAL_UNICAST, v6) && !NOT_GLOBAL_6.iter().any(|net| holds6(*net, v6)),
    }
}

/// Returns whether an address is closed even to origins that the operator wrote: link-local and metadata services,
/// which hand out our own credentials, and addresses that name no single host.
pub fn is_never(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => NEVER_4.iter().any(|net| holds4(*net, v4)),
        IpAddr::V6(v6) if v6 == Ipv6Addr::LOCALHOST => false,
        IpAddr::V6(v6) => {
            NEVER_6.iter().any(|net| holds6(*net, v6))
                || carried(v6).into_iter().flatten().any(|v4| is_never(IpAddr::V4(v4)))
        }
    }
}

/// Returns whether an address is this host's own loopback.
pub fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// Returns the IPv4 addresses that an IPv6 address carries. Teredo carries two: its server's, and its client's inverted.
fn carried(address: Ipv6Addr) -> [Option<Ipv4Addr>; 2] {
    let [_, high, higher, ..] = address.segments();
    if holds6(SIX_TO_FOUR, address) {
        [Some(join(high, higher)), None]
    } else if holds6(TEREDO, address) {
        let [_, _, server_high, server_low, ..] = address.segments();
        [Some(join(server_high, server_low)), Some(Ipv4Addr::from_bits(!low(address).to_bits()))]
    } else if [MAPPED, COMPATIBLE, TRANSLATED, NAT64, NAT64_LOCAL].iter().any(|net| holds6(*net, address)) {
        [Some(low(address)), None]
    } else {
        [None, None]
    }
}

fn low(address: Ipv6Addr) -> Ipv4Addr {
    let [.., high, low] = address.segments();
    join(high, low)
}

fn join(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low))
}

fn holds4((first, length): Net4, address: Ipv4Addr) -> bool {
    (u32::from_be_bytes(first) ^ address.to_bits()).leading_zeros() >= length
}

fn holds6((first, length): Net6, address: Ipv6Addr) -> bool {
    (Ipv6Addr::from(first).to_bits() ^ address.to_bits()).leading_zeros() >= length
}

#[cfg(test)]
mod tests;
