//! Reads how many tests passed from what the runners print.

use std::ops::Add;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
}

impl Add for Count {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { passed: self.passed + other.passed, failed: self.failed + other.failed }
    }
}

/// Counts in a summary line of libtest or nextest; none in any other line.
pub(crate) fn of_line(line: &str) -> Count {
    let line = plain(line);
    // Indented, it is what nextest repeats of a failed test, which its own summary counts.
    let libtest = line.starts_with("test result:");
    let nextest = line.trim_start().starts_with("Summary [")
        && (line.contains(" tests run:") || line.contains(" test run:"));
    if !libtest && !nextest {
        return Count::default();
    }
    let numbered = |word: &str| {
        let mut before =
            line.split(word).next().filter(|before| before.len() < line.len())?.trim_end().rsplit(' ');
        before.next()?.parse::<usize>().ok()
    };
    Count {
        passed: numbered(" passed").unwrap_or(0),
        failed: [" failed", " timed out"].iter().filter_map(|word| numbered(word)).sum(),
    }
}

/// Without colour: `ESC [ … letter`.
fn plain(line: &str) -> String {
    let mut pieces = line.split("\u{1b}[");
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |text, piece| {
        let end = piece.find(|c: char| c.is_ascii_alphabetic()).map_or(piece.len(), |at| at + 1);
        text + piece.get(end..).unwrap_or_default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summaries_of_both_runners_are_counted() {
        for (line, passed, failed) in [
            (
                "test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.1s",
                5,
                0,
            ),
            ("test result: FAILED. 3 passed; 2 failed; 0 ignored", 3, 2),
            ("     Summary [   3.351s] 31 tests run: 31 passed, 0 skipped", 31, 0),
            (
                "     Summary [   3.351s] 31 tests run: 27 passed (2 slow), 3 failed, 1 timed out, 0 skipped",
                27,
                4,
            ),
            (
                "\u{1b}[32;1m     Summary\u{1b}[0m [   0.1s] \u{1b}[1m1\u{1b}[0m test run: \u{1b}[1m1\u{1b}[0m \u{1b}[32;1mpassed\u{1b}[0m, 0 skipped",
                1,
                0,
            ),
            ("        PASS [   0.008s] policy::tests::nothing_passed", 0, 0),
            ("    test result: FAILED. 0 passed; 1 failed; 0 ignored", 0, 0),
            ("12 passed, 1 failed", 0, 0),
        ] {
            assert_eq!(of_line(line), Count { passed, failed }, "{line}");
        }
    }
}
