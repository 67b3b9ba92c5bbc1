//! The text of a time, with the second kept: most records share it with the one before.

use doorward_types::Timestamp;

/// Writes timestamps, formatting each second's date once.
pub(crate) struct ClockText {
    second: i64,
    /// `2026-11-20T12:00:00.`
    text: Vec<u8>,
}

impl ClockText {
    pub(crate) fn new() -> Self {
        Self { second: i64::MIN, text: Vec::new() }
    }

    /// Appends `now` in RFC 3339 with microseconds.
    pub(crate) fn write(&mut self, now: Timestamp, out: &mut Vec<u8>) {
        if now.as_secs() != self.second || self.text.is_empty() {
            self.second = now.as_secs();
            let whole = now.to_string();
            self.text = whole.split_inclusive('.').next().unwrap_or_default().as_bytes().to_vec();
        }
        out.extend_from_slice(&self.text);
        let mut micros = now.as_micros().rem_euclid(1_000_000);
        let mut digits = [b'0'; 6];
        for digit in digits.iter_mut().rev() {
            *digit += u8::try_from(micros % 10).unwrap_or(0);
            micros /= 10;
        }
        out.extend_from_slice(&digits);
        out.push(b'Z');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kept_second_never_shows_in_another() {
        let mut clock = ClockText::new();
        for micros in
            [0, 1, 999_999, 1_000_000, 1_795_176_000_000_123, 1_795_176_000_999_999, -1, -1_000_001, 5]
        {
            let now = Timestamp::from_micros(micros);
            let mut out = Vec::new();
            clock.write(now, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), now.to_string());
        }
    }
}
