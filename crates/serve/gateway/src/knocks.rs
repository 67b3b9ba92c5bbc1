//! How often one place may knock with tokens that do not fit (D-11).

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use doorward_types::Timestamp;

/// Bad tokens from one place within one window before it must wait.
const MOST: u32 = 200;
/// The window.
const WINDOW: Duration = Duration::from_secs(10);
/// Places remembered. Beyond that the oldest window is forgotten whole: memory is bounded, whoever knocks.
const PLACES: usize = 4_096;

/// Counts refused tokens by source prefix.
#[derive(Default)]
pub(crate) struct Knocks {
    places: Mutex<HashMap<IpAddr, (Timestamp, u32)>>,
}

impl Knocks {
    /// Says whether a place may try again.
    pub(crate) fn may(&self, source: Option<IpAddr>, now: Timestamp) -> bool {
        let Some(place) = source.map(prefix) else { return true };
        let places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.get(&place).is_none_or(|(since, count)| now.since(*since) >= WINDOW || *count < MOST)
    }

    /// Notes a refused token.
    pub(crate) fn refused(&self, source: Option<IpAddr>, now: Timestamp) {
        let Some(place) = source.map(prefix) else { return };
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if places.len() >= PLACES && !places.contains_key(&place) {
            places.retain(|_, (since, _)| now.since(*since) < WINDOW);
            if places.len() >= PLACES {
                places.clear();
            }
        }
        let (since, count) = places.entry(place).or_insert((now, 0));
        // A clock that was set back must not lock a place out: a window in the future begins anew.
        if now.since(*since) >= WINDOW || now < *since {
            (*since, *count) = (now, 0);
        }
        *count = count.saturating_add(1);
    }
}

/// A household has a /64 or more of IPv6, so an address of one is no name: the /48 is. An IPv4 address that a dual-stack
/// socket wraps in IPv6 counts as itself: all of them share one /48, and one of them could lock out all the others.
fn prefix(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            IpAddr::from([a, b, c, 0])
        }
        IpAddr::V6(v6) => {
            let [a, b, c, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // control: D-11: a place that sends bad tokens is made to wait, and only that place
    #[test]
    fn a_place_that_knocks_too_often_waits_and_its_neighbours_do_not() {
        let knocks = Knocks::default();
        let (now, here) = (Timestamp::from_secs(1_000), Some(IpAddr::from([192, 0, 2, 7])));
        for _ in 0..MOST {
            assert!(knocks.may(here, now));
            knocks.refused(here, now);
        }
        assert!(!knocks.may(here, now));
        assert!(!knocks.may(Some(IpAddr::from([192, 0, 2, 99])), now), "the same prefix");
        assert!(knocks.may(Some(IpAddr::from([192, 0, 3, 7])), now), "another prefix");
        assert!(knocks.may(here, now.plus(WINDOW)));
    }

    // control: D-11: behind a dual-stack socket one place that sends bad tokens does not lock out all of IPv4
    #[test]
    fn wrapped_addresses_count_as_what_they_wrap() {
        let knocks = Knocks::default();
        let wrapped = |last: [u8; 4]| Some(IpAddr::from(std::net::Ipv4Addr::from(last).to_ipv6_mapped()));
        let now = Timestamp::from_secs(1_000);
        for _ in 0..MOST {
            knocks.refused(wrapped([192, 0, 2, 7]), now);
        }
        assert!(!knocks.may(Some(IpAddr::from([192, 0, 2, 7])), now));
        assert!(knocks.may(wrapped([192, 0, 3, 7]), now));
    }

    #[test]
    fn a_clock_that_jumps_back_locks_nobody_out() {
        let knocks = Knocks::default();
        let here = Some(IpAddr::from([192, 0, 2, 7]));
        for _ in 0..=MOST {
            knocks.refused(here, Timestamp::from_secs(10_000));
        }
        knocks.refused(here, Timestamp::from_secs(5_000));
        assert!(knocks.may(here, Timestamp::from_secs(5_001)));
    }

    #[test]
    fn memory_is_bounded() {
        let knocks = Knocks::default();
        for i in 0..100_000_u32 {
            knocks.refused(
                Some(IpAddr::from(i.to_be_bytes().map(|b| b.wrapping_mul(7)))),
                Timestamp::from_secs(1),
            );
        }
        assert!(knocks.places.lock().unwrap().len() <= PLACES);
    }
}
