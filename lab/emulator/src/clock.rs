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

/// Writes a time as HTTP does: `Fri, 20 Nov 2026 12:00:00 GMT` (RFC 9110 section 5.6.7).
pub(crate) fn http_date(at: Timestamp) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    // 2026-11-20T12:00:00.000000Z
    let text = at.to_string();
    let (date, time) = text.split_once('T').unwrap_or((&text, ""));
    let time = time.get(..8).unwrap_or("00:00:00");
    let mut fields = date.split('-');
    let (year, month, day) = (fields.next(), fields.next(), fields.next());
    let month =
        month.and_then(|number| number.parse::<usize>().ok()).and_then(|number| number.checked_sub(1));
    let month = month.and_then(|at| MONTHS.get(at)).unwrap_or(&"Jan");
    let weekday = usize::try_from(at.as_secs().div_euclid(86_400).rem_euclid(7)).unwrap_or(0);
    let weekday = DAYS.get(weekday).unwrap_or(&"Thu");
    format!("{weekday}, {} {month} {} {time} GMT", day.unwrap_or("01"), year.unwrap_or("1970"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_http_wants_them() {
        assert_eq!(http_date(Timestamp::from_secs(1_795_176_000)), "Fri, 20 Nov 2026 12:00:00 GMT");
        assert_eq!(http_date(Timestamp::from_secs(784_111_777)), "Sun, 06 Nov 1994 08:49:37 GMT");
    }

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
