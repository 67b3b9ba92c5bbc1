//! Latencies of one run.

use std::time::Duration;

/// Every measured latency, in nanoseconds; one above four seconds counts as four seconds.
#[derive(Debug, Default)]
pub struct Latencies {
    nanoseconds: Vec<u32>,
}

impl Latencies {
    /// Adds one.
    pub fn add(&mut self, latency: Duration) {
        self.nanoseconds.push(u32::try_from(latency.as_nanos()).unwrap_or(u32::MAX));
    }

    /// Adds all of another's.
    pub fn merge(&mut self, other: &Self) {
        self.nanoseconds.extend_from_slice(&other.nanoseconds);
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.nanoseconds.len()
    }

    /// The latencies, in microseconds, that `shares` (each between 0 and 1) of all requests did not exceed.
    #[must_use]
    pub fn percentiles<const N: usize>(mut self, shares: [f64; N]) -> [f64; N] {
        self.nanoseconds.sort_unstable();
        shares.map(|share| {
            let rank = (share * self.nanoseconds.len() as f64).ceil() as usize;
            let value = self.nanoseconds.get(rank.saturating_sub(1)).copied().unwrap_or_default();
            f64::from(value) / 1000.0
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_ranks() {
        let mut latencies = Latencies::default();
        for microseconds in (1..=100).rev() {
            latencies.add(Duration::from_micros(microseconds));
        }
        assert_eq!(latencies.percentiles([0.0, 0.5, 0.9, 0.99, 1.0]), [1.0, 50.0, 90.0, 99.0, 100.0]);
        assert_eq!(Latencies::default().percentiles([0.5]), [0.0]);
    }
}
