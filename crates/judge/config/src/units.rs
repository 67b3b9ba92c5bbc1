//! Sizes and durations as people write them: one whole number and one unit.

use std::time::Duration;

/// Why a value is refused, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) what: String,
    pub(crate) help: String,
    /// Whether the value may hold a secret, so that it must not be repeated.
    pub(crate) secret: bool,
}

impl Fault {
    pub(crate) fn new(what: impl Into<String>, help: impl Into<String>) -> Self {
        Self { what: what.into(), help: help.into(), secret: false }
    }
}

const SIZES: [(&str, u64); 4] = [("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];
const SPANS: [(&str, u64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// Parses `4MiB` into bytes, within `least..=most`.
pub(crate) fn size(text: &str, least: u64, most: u64) -> Result<u64, Fault> {
    let bytes = scaled(text, &SIZES).ok_or_else(|| {
        Fault::new(
            format!("`{text}` is not a size"),
            "write a whole number and B, KiB, MiB or GiB without a space, for example \"4MiB\"",
        )
    })?;
    within(text, i128::from(bytes), least, most, |n| show(n, &SIZES))
}

/// Parses `30s` into a duration, within `least..=most` milliseconds.
pub(crate) fn span(text: &str, least: u64, most: u64) -> Result<Duration, Fault> {
    let millis = scaled(text, &SPANS).ok_or_else(|| {
        Fault::new(
            format!("`{text}` is not a duration"),
            "write a whole number and ms, s, m, h or d without a space, for example \"30s\"",
        )
    })?;
    within(text, i128::from(millis), least, most, |n| show(n, &SPANS)).map(Duration::from_millis)
}

/// Checks a number, written as `text`, against its bounds.
pub(crate) fn within(
    text: &str,
    n: i128,
    least: u64,
    most: u64,
    show: impl Fn(u64) -> String,
) -> Result<u64, Fault> {
    let inside = u64::try_from(n).ok().filter(|n| (least..=most).contains(n));
    let side = if n < i128::from(least) { "below the least" } else { "above the most" };
    inside.ok_or_else(|| {
        Fault::new(
            format!("{text} is {side} that is accepted"),
            format!("choose a value from {} to {}", show(least), show(most)),
        )
    })
}

/// Writes bytes as [`size`] reads them.
pub(crate) fn show_size(bytes: u64) -> String {
    show(bytes, &SIZES)
}

/// Writes milliseconds as [`span`] reads them.
pub(crate) fn show_span(millis: u64) -> String {
    show(millis, &SPANS)
}

fn scaled(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

/// The largest unit that leaves a whole number.
fn show(n: u64, units: &[(&str, u64)]) -> String {
    let fits = units.iter().rev().find(|(_, factor)| n >= *factor && n.is_multiple_of(*factor));
    let (unit, factor) = fits.or(units.first()).copied().unwrap_or(("", 1));
    format!("{}{unit}", n / factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_read_again() {
        for text in ["0B", "1B", "1023B", "4MiB", "3GiB", "1536KiB"] {
            assert_eq!(show_size(size(text, 0, u64::MAX).unwrap()), text);
        }
        for text in ["0ms", "1500ms", "60001ms", "90s", "10m", "36h", "2d"] {
            let millis = u64::try_from(span(text, 0, u64::MAX).unwrap().as_millis()).unwrap();
            assert_eq!(show_span(millis), text);
        }
    }

    #[test]
    fn other_forms_are_refused() {
        for bad in ["", "4", "MiB", "4 MiB", "4mib", "4MB", "-4MiB", "4.5MiB", "99999999999GiB", "4MiB "] {
            assert!(size(bad, 0, u64::MAX).is_err(), "{bad}");
        }
        for bad in ["", "30", "s", "1h30m", "30 s", "-1s", "1.5h", "213503982335d"] {
            assert!(span(bad, 0, u64::MAX).is_err(), "{bad}");
        }
    }
}
