//! How often to ask a service that says "later": exactly when it says so, else after a random while that may double.

use std::hash::{BuildHasher as _, RandomState};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

/// A clock to read and to wait by, and dice.
pub trait Time: Send + Sync {
    /// Milliseconds since 1970.
    fn now(&self) -> u64;

    /// Waits.
    fn sleep(&self, span: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;

    /// A number from 0 to `most`, both included.
    fn random(&self, most: u64) -> u64;
}

/// The machine's.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemTime;

impl Time for SystemTime {
    fn now(&self) -> u64 {
        let since = std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    fn sleep(&self, span: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(tokio::time::sleep(span))
    }

    fn random(&self, most: u64) -> u64 {
        // Each state has keys of its own; what is spread here needs no secrecy.
        RandomState::new().hash_one(0_u8) % most.saturating_add(1)
    }
}

/// When to give up.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Requests in all.
    pub attempts: u32,
    /// From the first request on, waiting included.
    pub elapsed: Duration,
    /// The first random pause is at most this long, each further one at most twice as long as the one before.
    pub first: Duration,
    /// No random pause is longer.
    pub longest: Duration,
}

impl Default for Limits {
    /// Five requests within a minute, pauses from half a second to sixteen.
    fn default() -> Self {
        Self {
            attempts: 5,
            elapsed: Duration::from_secs(60),
            first: Duration::from_millis(500),
            longest: Duration::from_secs(16),
        }
    }
}

/// A failure that may pass, with the `Retry-After` that came with it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Turn<'a> {
    /// The service has had too much of all of us.
    Everybody(Option<&'a str>),
    /// This request failed.
    Alone(Option<&'a str>),
}

/// One caller's attempts.
#[derive(Debug)]
pub(super) struct Tries {
    made: u32,
    deadline: u64,
}

/// The pauses, the ones that concern all callers among them.
pub(super) struct Retry {
    time: Arc<dyn Time>,
    limits: Limits,
    /// Before this nobody asks.
    quiet_until: Mutex<u64>,
}

impl Retry {
    pub(super) fn new(time: Arc<dyn Time>, limits: Limits) -> Self {
        Self { time, limits, quiet_until: Mutex::new(0) }
    }

    pub(super) fn now(&self) -> u64 {
        self.time.now()
    }

    pub(super) fn after(&self, span: Duration) -> u64 {
        self.now().saturating_add(millis(span))
    }

    pub(super) fn begin(&self) -> Tries {
        Tries { made: 0, deadline: self.after(self.limits.elapsed) }
    }

    /// Waits until nobody is told to wait any more. A pause may grow while somebody waits.
    pub(super) async fn wait_for_everybody(&self, tries: &Tries) -> Result<(), String> {
        loop {
            let until = *self.quiet_until.lock().unwrap_or_else(PoisonError::into_inner);
            if until <= self.now() {
                return Ok(());
            }
            self.sleep(tries, until - self.now()).await?;
        }
    }

    /// Waits after a failure, or gives up.
    pub(super) async fn pause(&self, tries: &mut Tries, turn: Turn<'_>) -> Result<(), String> {
        tries.made += 1;
        let (Turn::Everybody(when) | Turn::Alone(when)) = turn;
        let said = when.and_then(|when| self.wait_said(when));
        let pause = said.unwrap_or_else(|| self.jitter(tries.made));
        if let Turn::Everybody(_) = turn {
            let until = self.now().saturating_add(pause);
            let mut quiet = self.quiet_until.lock().unwrap_or_else(PoisonError::into_inner);
            *quiet = until.max(*quiet);
        }
        if tries.made >= self.limits.attempts {
            return Err(String::from("Microsoft Graph does not answer; try again later."));
        }
        match turn {
            // The gate in front of the next request keeps this one waiting with all the others.
            Turn::Everybody(_) => Ok(()),
            Turn::Alone(_) => self.sleep(tries, pause).await,
        }
    }

    /// Full jitter: anything between nothing and a bound that doubles.
    fn jitter(&self, made: u32) -> u64 {
        let doublings = made.saturating_sub(1).min(20);
        let bound = millis(self.limits.first).saturating_mul(1 << doublings).min(millis(self.limits.longest));
        self.time.random(bound)
    }

    /// Sleeps, unless the deadline comes first: then it is known now that waiting is in vain.
    async fn sleep(&self, tries: &Tries, span: u64) -> Result<(), String> {
        if self.now().saturating_add(span) > tries.deadline {
            let seconds = span.div_ceil(1000);
            return Err(format!("Microsoft Graph asks for a pause of {seconds} seconds; try again then."));
        }
        self.time.sleep(Duration::from_millis(span)).await;
        Ok(())
    }

    /// `Retry-After` in seconds, or as a date (RFC 9110 section 10.2.3).
    fn wait_said(&self, when: &str) -> Option<u64> {
        if let Ok(seconds) = when.trim().parse::<u64>() {
            return Some(seconds.saturating_mul(1000));
        }
        Some(http_date(when.trim())?.saturating_mul(1000).saturating_sub(self.now()))
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// Reads `Sun, 06 Nov 1994 08:49:37 GMT` as seconds since 1970.
fn http_date(text: &str) -> Option<u64> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut fields = text.split_once(", ")?.1.split(' ');
    let day: u64 = fields.next()?.parse().ok().filter(|day| (1..=31).contains(day))?;
    let month = fields.next()?;
    let month = u64::try_from(MONTHS.iter().position(|known| *known == month)?).ok()? + 1;
    let year: u64 = fields.next()?.parse().ok().filter(|year| (1970..=9999).contains(year))?;
    let mut clock = fields.next()?.split(':').map(|part| part.parse::<u64>().ok().filter(|part| *part < 61));
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    if fields.next() != Some("GMT") || fields.next().is_some() || clock.next().is_some() {
        return None;
    }
    // Years begin in March, so that the leap day is the last of its year.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1;
    Some((days.checked_sub(719_468)?) * 86_400 + hour * 3600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_or_not_at_all() {
        for (text, seconds) in [
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777)),
            ("Fri, 20 Nov 2026 12:00:30 GMT", Some(1_795_176_030)),
            ("Thu, 29 Feb 2024 00:00:00 GMT", Some(1_709_164_800)),
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
            ("", None),
            ("tomorrow", None),
            ("-1", None),
            ("Sun, 06 Nov 1994 08:49:37 UTC", None),
            ("Sun, 06 Nov 1994 08:49:37:00 GMT", None),
            ("Sun, 32 Nov 1994 08:49:37 GMT", None),
            ("Sun, 06 Nov 1994 08:49 GMT", None),
        ] {
            assert_eq!(http_date(text), seconds, "{text}");
        }
    }
}
