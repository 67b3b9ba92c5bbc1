//! How often one place may do what costs something and needs no sign-in: fetch a document, register, start over.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use doorward_types::Timestamp;

/// Places remembered; beyond that the finished windows are forgotten, and then all.
const PLACES: usize = 4_096;

/// A bound on what one place may do in one window.
pub(crate) struct Limit {
    most: u32,
    window: Duration,
    places: Mutex<HashMap<Option<IpAddr>, (Timestamp, u32)>>,
}

impl Limit {
    pub(crate) fn new(most: u32, window: Duration) -> Self {
        Self { most, window, places: Mutex::default() }
    }

    /// Takes one of the place's turns; false if there is none left in this window.
    pub(crate) fn take(&self, source: Option<IpAddr>, now: Timestamp) -> bool {
        let place = source.map(prefix);
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if places.len() >= PLACES && !places.contains_key(&place) {
            places.retain(|_, (since, _)| now.since(*since) < self.window);
            if places.len() >= PLACES {
                places.clear();
            }
        }
        let (since, count) = places.entry(place).or_insert((now, 0));
        // A clock that was set back must not lock a place out: a window in the future begins anew.
        if now.since(*since) >= self.window || now < *since {
            (*since, *count) = (now, 0);
        }
        *count = count.saturating_add(1);
        *count <= self.most
    }
}

/// One household has a whole /64 of IPv6 and more, so one address of it is no name; the /48 is.
fn prefix(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => {
            let [a, b, c, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    // control: IDC-09: one place cannot use up what all need, and another place is not made to wait for it
    #[test]
    fn a_flood_from_one_place_stops_at_the_limit() {
        let limit = Limit::new(10, Duration::from_secs(60));
        let flood = Some(IpAddr::from([192, 0, 2, 1]));
        assert_eq!((0..1000).filter(|_| limit.take(flood, NOW)).count(), 10);
        assert!(limit.take(Some(IpAddr::from([192, 0, 2, 2])), NOW));
        assert!(limit.take(flood, NOW.plus(Duration::from_secs(60))), "a new window");
        let six = |last| Some(IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 1, last, 0, 0, 0, last)));
        assert_eq!((0..1000).filter(|last| limit.take(six(*last), NOW)).count(), 10, "one /48 is one place");
        // Counting whole addresses instead, the same household would have a thousand places.
        assert_eq!((0..1000_u16).map(six).collect::<std::collections::HashSet<_>>().len(), 1000);
    }
}
