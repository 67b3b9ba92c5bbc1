//! Refusals before anybody is known. They are counted, not chained one by one: nobody without a token can fill the
//! log (D-11).

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use doorward_types::Timestamp;

/// Sources and reasons counted apart; what exceeds them is counted by reason alone.
const KEYS: usize = 1_024;
/// First records in one window; further ones wait for the summary.
const FIRSTS: usize = 64;
/// Sources and reasons a summary names; the rest is counted by reason alone.
const NAMED: usize = 64;
/// Time between two summaries.
const WINDOW: Duration = Duration::from_secs(10);

/// A network: /24 of IPv4, /48 of IPv6. One household or one attacker's lease counts as one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Prefix {
    V4([u8; 3]),
    V6([u16; 3]),
}

/// The first refusal of a source for a reason.
pub(crate) struct First {
    pub(crate) source: Prefix,
    pub(crate) reason: &'static str,
    pub(crate) at: Timestamp,
}

/// What came in one window.
pub(crate) struct Summary {
    pub(crate) from: Timestamp,
    pub(crate) total: u64,
    /// The busiest, busiest first.
    pub(crate) named: Vec<(Prefix, &'static str, u64)>,
    /// All the rest, by reason.
    pub(crate) others: BTreeMap<&'static str, u64>,
}

/// The counters.
#[derive(Default)]
pub(crate) struct Flood {
    window: Option<Timestamp>,
    counts: HashMap<(Prefix, &'static str), u64>,
    firsts: Vec<First>,
    firsts_told: usize,
    others: BTreeMap<&'static str, u64>,
}

impl Flood {
    /// Counts a refusal; true if there is something to write at once.
    pub(crate) fn count(&mut self, source: IpAddr, reason: &'static str, now: Timestamp) -> bool {
        self.window.get_or_insert(now);
        let source = Prefix::of(source);
        if let Some(count) = self.counts.get_mut(&(source, reason)) {
            *count += 1;
            return false;
        }
        if self.counts.len() >= KEYS {
            *self.others.entry(reason).or_default() += 1;
            return false;
        }
        self.counts.insert((source, reason), 1);
        if self.firsts_told >= FIRSTS {
            return false;
        }
        self.firsts_told += 1;
        self.firsts.push(First { source, reason, at: now });
        true
    }

    /// Takes the first refusals that are not written yet.
    pub(crate) fn firsts(&mut self) -> Vec<First> {
        std::mem::take(&mut self.firsts)
    }

    /// Takes the summary if the window is over or `ending`. Sources that were quiet for the whole window are forgotten.
    pub(crate) fn summary(&mut self, now: Timestamp, ending: bool) -> Option<Summary> {
        let from = self.window?;
        if !ending && now.since(from) < WINDOW && now >= from {
            return None;
        }
        let mut others = std::mem::take(&mut self.others);
        let mut named: Vec<_> = self
            .counts
            .iter()
            .filter(|(_, count)| **count > 0)
            .map(|((source, reason), count)| (*source, *reason, *count))
            .collect();
        named.sort_unstable_by_key(|(source, reason, count)| (std::cmp::Reverse(*count), *source, *reason));
        for (_, reason, count) in named.drain(NAMED.min(named.len())..) {
            *others.entry(reason).or_default() += count;
        }
        self.counts.retain(|_, count| std::mem::take(count) > 0);
        self.window = (!self.counts.is_empty()).then_some(now);
        self.firsts_told = 0;
        let total = named.iter().map(|(_, _, count)| count).sum::<u64>() + others.values().sum::<u64>();
        (total > 0).then_some(Summary { from, total, named, others })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.window.is_none()
    }
}

impl Prefix {
    pub(crate) fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => {
                let [a, b, c, _] = address.octets();
                Self::V4([a, b, c])
            }
            IpAddr::V6(address) => {
                let [a, b, c, ..] = address.segments();
                Self::V6([a, b, c])
            }
        }
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::V4([a, b, c]) => write!(f, "{}/24", Ipv4Addr::new(a, b, c, 0)),
            Self::V6([a, b, c]) => write!(f, "{}/48", Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0)),
        }
    }
}

#[cfg(test)]
mod tests;
