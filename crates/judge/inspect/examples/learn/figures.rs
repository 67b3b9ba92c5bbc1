//! Shares with their uncertainty.

/// So many of so many.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Share {
    pub(crate) hits: usize,
    pub(crate) of: usize,
}

impl Share {
    pub(crate) fn count(list: impl IntoIterator<Item = bool>) -> Self {
        list.into_iter().fold(Self::default(), |share, hit| Self {
            hits: share.hits + usize::from(hit),
            of: share.of + 1,
        })
    }

    /// Wilson's interval at 95 %, in percent.
    pub(crate) fn interval(self) -> (f64, f64) {
        let (n, z) = (number(self.of), 1.959_964_f64);
        if self.of == 0 {
            return (0.0, 100.0);
        }
        let p = number(self.hits) / n;
        let middle = (p + z * z / (2.0 * n)) / (1.0 + z * z / n);
        let half = z / (1.0 + z * z / n) * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
        (100.0 * (middle - half).max(0.0), 100.0 * (middle + half).min(1.0))
    }

    pub(crate) fn percent(self) -> f64 {
        if self.of == 0 { 0.0 } else { 100.0 * number(self.hits) / number(self.of) }
    }

    /// `85.1 % (166/195; 79.5-89.4)`. A false-alarm share of fewer than 3,000 rows is only an upper bound of what it claims.
    pub(crate) fn show(self, is_alarm: bool) -> String {
        let (low, high) = self.interval();
        let sign = if is_alarm && self.of < 3000 { "≤ " } else { "" };
        let value = if is_alarm && self.of < 3000 { high } else { self.percent() };
        format!("{sign}{value:.2} % ({}/{}; {low:.2}-{high:.2})", self.hits, self.of)
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of rows")]
pub(crate) fn number(n: usize) -> f64 {
    n as f64
}
