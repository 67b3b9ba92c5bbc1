//! The emulator's idea of now, which a test moves by hand.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use doorward_types::Timestamp;

use crate::sync::locked;

/// A clock that many parts share. Certificates do not follow it: a TLS peer compares them with its own clock.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Mutex<Reading>>);

#[derive(Debug)]
enum Reading {
    /// The machine's clock, shifted by so many microseconds.
    System { shift: i64 },
    /// Stands still until it is moved.
    Manual(Timestamp),
}

impl Clock {
    /// Follows the machine's clock.
    pub fn system() -> Self {
        Self(Arc::new(Mutex::new(Reading::System { shift: 0 })))
    }

    /// Stands at `start` until it is moved.
    pub fn manual(start: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(Reading::Manual(start))))
    }

    /// Returns the time now.
    pub fn now(&self) -> Timestamp {
        match *locked(&self.0) {
            Reading::System { shift } => shifted(shift),
            Reading::Manual(at) => at,
        }
    }

    /// Moves to `to`. A system clock goes on ticking from there.
    pub fn set(&self, to: Timestamp) {
        match &mut *locked(&self.0) {
            Reading::System { shift } => *shift = to.as_micros().saturating_sub(shifted(0).as_micros()),
            Reading::Manual(at) => *at = to,
        }
    }

    /// Moves forward by `span`.
    pub fn advance(&self, span: Duration) {
        self.set(self.now().plus(span));
    }

    /// Tells whether only a caller moves this clock, so that lifetimes should not be random either.
    pub fn is_manual(&self) -> bool {
        matches!(*locked(&self.0), Reading::Manual(_))
    }
}

fn shifted(shift: i64) -> Timestamp {
    Timestamp::from_micros(Timestamp::from(SystemTime::now()).as_micros().saturating_add(shift))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_by_hand() {
        let clock = Clock::manual(Timestamp::from_secs(100));
        let other = clock.clone();
        other.advance(Duration::from_secs(5));
        assert_eq!(clock.now(), Timestamp::from_secs(105));
        clock.set(Timestamp::from_secs(1));
        assert_eq!(other.now(), Timestamp::from_secs(1));
        assert!(clock.is_manual());
    }

    #[test]
    fn a_system_clock_ticks_on_from_where_it_was_set() {
        let clock = Clock::system();
        clock.set(Timestamp::from_secs(4_000_000_000));
        assert!(clock.now() >= Timestamp::from_secs(3_999_999_999));
        assert!(!clock.is_manual());
    }
}
