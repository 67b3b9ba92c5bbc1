//! A circuit breaker: a service that fails again and again is left alone for a while, and then asked once.

use std::time::Duration;

/// Failures in a row that open it.
const FAILURES: u32 = 5;
/// How long it is open at first; it doubles with each probe that fails.
const OPEN: Duration = Duration::from_secs(10);
/// The longest that it is open.
const LONGEST: Duration = Duration::from_secs(300);
/// A probe that has not come back by then is taken for lost, and another is sent.
const PROBE: Duration = Duration::from_secs(60);

/// The state; every function is told the time.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    state: State,
    /// Failures in a row while closed; probes that failed while open.
    failures: u32,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Closed,
    Open {
        until: Duration,
    },
    HalfOpen {
        since: Duration,
    },
}

/// What an outcome changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// Nothing.
    None,
    /// The service is left alone from now on, for so long.
    Opened(Duration),
    /// It is asked again.
    Closed,
}

impl Breaker {
    /// Says whether the service may be asked now. While half open one request goes out, and all others wait for its end.
    pub(crate) fn admits(&mut self, now: Duration) -> bool {
        match self.state {
            State::Closed => true,
            State::Open { until } if now < until => false,
            State::HalfOpen { since } if now < since.saturating_add(PROBE) => false,
            State::Open { .. } | State::HalfOpen { .. } => {
                self.state = State::HalfOpen { since: now };
                true
            }
        }
    }

    /// Takes the outcome of a request that was admitted: whether the service is well.
    pub(crate) fn settle(&mut self, now: Duration, well: bool) -> Change {
        match (self.state, well) {
            (State::Closed, true) => {
                self.failures = 0;
                Change::None
            }
            (State::Closed, false) => {
                self.failures = self.failures.saturating_add(1);
                if self.failures < FAILURES {
                    return Change::None;
                }
                self.failures = 0;
                self.open(now)
            }
            (State::HalfOpen { .. }, true) => {
                *self = Self::default();
                Change::Closed
            }
            (State::HalfOpen { .. }, false) => {
                self.failures = self.failures.saturating_add(1);
                self.open(now)
            }
            // One that was sent before it opened, and says nothing about now.
            (State::Open { .. }, _) => Change::None,
        }
    }

    fn open(&mut self, now: Duration) -> Change {
        let length = OPEN.saturating_mul(1 << self.failures.min(10)).min(LONGEST);
        self.state = State::Open { until: now.saturating_add(length) };
        Change::Opened(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn opened() -> Breaker {
        let mut breaker = Breaker::default();
        for _ in 1..FAILURES {
            assert!(breaker.admits(at(0)));
            assert_eq!(breaker.settle(at(0), false), Change::None);
        }
        assert_eq!(breaker.settle(at(0), false), Change::Opened(at(10)));
        breaker
    }

    #[test]
    fn failures_in_a_row_open_it_and_a_success_between_them_does_not() {
        let mut breaker = Breaker::default();
        for _ in 0..20 {
            for _ in 1..FAILURES {
                assert_eq!(breaker.settle(at(0), false), Change::None);
            }
            assert_eq!(breaker.settle(at(0), true), Change::None);
        }
        assert!(breaker.admits(at(0)));
        assert!(!opened().admits(at(9)));
    }

    #[test]
    fn after_the_pause_one_probe_goes_out_and_decides() {
        let mut breaker = opened();
        assert!(breaker.admits(at(10)));
        assert!(!breaker.admits(at(10)), "one at a time");
        assert_eq!(breaker.settle(at(11), true), Change::Closed);
        assert!(breaker.admits(at(11)) && breaker.admits(at(11)));
        let mut breaker = opened();
        let (mut now, mut lengths) = (10, Vec::new());
        for _ in 0..8 {
            assert!(breaker.admits(at(now)));
            let Change::Opened(length) = breaker.settle(at(now), false) else { panic!("it opens again") };
            assert!(!breaker.admits(at(now + length.as_secs() - 1)));
            now += length.as_secs();
            lengths.push(length.as_secs());
        }
        assert_eq!(lengths, [20, 40, 80, 160, 300, 300, 300, 300]);
    }

    #[test]
    fn a_lost_probe_does_not_keep_it_open_for_ever_nor_does_a_late_answer_close_it() {
        let mut breaker = opened();
        assert_eq!(breaker.settle(at(1), true), Change::None);
        assert!(!breaker.admits(at(2)));
        assert!(breaker.admits(at(10)));
        assert!(!breaker.admits(at(69)));
        assert!(breaker.admits(at(70)));
    }
}
