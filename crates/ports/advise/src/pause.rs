//! How long to wait before the next request: what the service asks for, or a little longer each time.

use std::time::Duration;

use http::HeaderMap;
use http::header::RETRY_AFTER;

/// The pause after the first failure; it doubles with each.
const FIRST: Duration = Duration::from_millis(100);
/// The longest that is believed of a `Retry-After`.
const LONGEST: Duration = Duration::from_secs(3_600);

/// Returns what `Retry-After` asks for, in seconds. The form with a date needs a wall clock that agrees with the service's;
/// it counts as absent.
pub(crate) fn asked(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST))
}

/// Returns the pause before attempt `attempt` (the second is 1), up to half of it shorter by `random`: requests that
/// failed together do not come back together.
pub(crate) fn backoff(attempt: u32, random: u8) -> Duration {
    let whole = FIRST.saturating_mul(1 << attempt.saturating_sub(1).min(6));
    whole - whole * u32::from(random) / 512
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn seconds_are_believed_up_to_an_hour_and_nothing_else_is() {
        let of = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, HeaderValue::from_str(text).unwrap());
            asked(&headers)
        };
        assert_eq!(of(" 7 "), Some(Duration::from_secs(7)));
        assert_eq!(of("0"), Some(Duration::ZERO));
        assert_eq!(of("99999999999"), Some(LONGEST));
        for text in ["", "-1", "1.5", "Fri, 20 Nov 2026 12:00:00 GMT", "99999999999999999999999"] {
            assert_eq!(of(text), None, "{text}");
        }
        assert_eq!(asked(&HeaderMap::new()), None);
    }

    #[test]
    fn pauses_double_and_are_spread() {
        let of = |attempt, random| backoff(attempt, random).as_millis();
        assert_eq!([of(1, 0), of(2, 0), of(3, 0), of(9, 0), of(u32::MAX, 0)], [100, 200, 400, 6_400, 6_400]);
        assert!((50..52).contains(&of(1, 255)));
    }
}
