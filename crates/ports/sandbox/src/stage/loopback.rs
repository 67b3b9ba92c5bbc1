//! The network of the sandbox: loopback alone, with one address for each host that may be reached.

use std::net::{Ipv4Addr, SocketAddrV4, TcpListener};

use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, sendto, socket_with};

use super::{Failure, Step};
use crate::profile::HostPort;

/// The hosts, each with the address that stands for its name. All of 127/8 is loopback's.
pub(crate) fn addresses(hosts: &[HostPort]) -> Vec<(Ipv4Addr, &HostPort)> {
    let mut names: Vec<&str> = vec![];
    let mut addressed = vec![];
    for host in hosts {
        let place = names.iter().position(|name| *name == host.host).unwrap_or_else(|| {
            names.push(&host.host);
            names.len() - 1
        });
        let [third, fourth] = u16::try_from(place + 2).unwrap_or(u16::MAX).to_be_bytes();
        addressed.push((Ipv4Addr::new(127, 77, third, fourth), host));
    }
    addressed
}

/// Brings loopback up and listens where the hosts will be looked for. Whoever accepts stands outside: a listening
/// socket belongs to the namespace it was made in, whichever process holds it.
///
/// Where names are learned, the last socket is the one that they are asked at.
pub(super) fn up_and_listen(hosts: &[HostPort], learn: bool) -> Result<Vec<TcpListener>, Failure> {
    if hosts.is_empty() && !learn {
        return Ok(vec![]);
    }
    up().step("bringing loopback up")?;
    let listen = |(address, host): (Ipv4Addr, &HostPort)| {
        TcpListener::bind(SocketAddrV4::new(address, host.port)).step(format_args!("listening for {host}"))
    };
    let mut listening = addresses(hosts).into_iter().map(listen).collect::<Result<Vec<_>, _>>()?;
    if learn {
        let resolver = SocketAddrV4::new(Ipv4Addr::LOCALHOST, RESOLVER_PORT);
        listening.push(TcpListener::bind(resolver).step("listening for names")?);
    }
    Ok(listening)
}

/// Where names are asked, as everywhere (RFC 1035).
pub(super) const RESOLVER_PORT: u16 = 53;
/// Who is asked for names that are not in the hosts file, where they are learned (resolv.conf(5)). By TCP: no sandbox has a
/// socket for UDP, and none gets one for being watched.
pub(super) const RESOLVER_BY_TCP: &str = "nameserver 127.0.0.1\noptions use-vc attempts:1 timeout:5\n";

/// Asks the kernel to set loopback up: `RTM_NEWLINK` (rtnetlink(7)) for interface 1, which loopback always is.
fn up() -> std::io::Result<()> {
    const RTM_NEWLINK: u16 = 16;
    const NLM_F_REQUEST_ACK: u16 = 1 | 4;
    const LOOPBACK: i32 = 1;
    const IFF_UP: u32 = 1;
    let mut message = Vec::with_capacity(32);
    message.extend_from_slice(&32_u32.to_ne_bytes());
    message.extend_from_slice(&RTM_NEWLINK.to_ne_bytes());
    message.extend_from_slice(&NLM_F_REQUEST_ACK.to_ne_bytes());
    message.extend_from_slice(&[0; 8]); // sequence, port
    message.extend_from_slice(&[0; 4]); // family, padding, type
    message.extend_from_slice(&LOOPBACK.to_ne_bytes());
    message.extend_from_slice(&IFF_UP.to_ne_bytes());
    message.extend_from_slice(&IFF_UP.to_ne_bytes()); // which flags change
    // Protocol 0 is NETLINK_ROUTE.
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None)?;
    sendto(&socket, &message, SendFlags::empty(), &SocketAddrNetlink::new(0, 0))?;
    let mut answer = [0_u8; 256];
    recv(&socket, &mut answer, RecvFlags::empty())?;
    // The answer is a header of 16 bytes and an error number below zero, or zero.
    let error = answer.get(16..20).and_then(|bytes| bytes.try_into().ok()).map(i32::from_ne_bytes);
    match error {
        Some(0) => Ok(()),
        Some(error) => Err(std::io::Error::from_raw_os_error(-error)),
        None => Err(std::io::ErrorKind::InvalidData.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_an_address_of_its_own() {
        let hosts =
            ["a.example", "b.example", "a.example"].map(|name| HostPort { host: name.to_owned(), port: 443 });
        let addresses: Vec<_> = addresses(&hosts).iter().map(|(address, _)| address.to_string()).collect();
        assert_eq!(addresses, ["127.77.0.2", "127.77.0.3", "127.77.0.2"]);
    }
}
