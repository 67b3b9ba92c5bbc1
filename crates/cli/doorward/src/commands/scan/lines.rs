//! Lines and columns of a file, each found without reading the file again.

use std::ops::Range;

/// Where something stands: lines and columns from 1, in characters; the end is the first column after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Region {
    pub(super) from: (usize, usize),
    pub(super) to: (usize, usize),
}

/// Bytes between two counts of characters: a file may be one long line with a finding in every word of it.
const STRIDE: usize = 1_024;

/// Where the lines of a file begin, and how many characters stand before each stretch of it.
pub(super) struct Lines {
    starts: Vec<usize>,
    counted: Vec<usize>,
}

impl Lines {
    pub(super) fn of(bytes: &[u8]) -> Self {
        let breaks = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
        let starts = std::iter::once(0).chain(breaks).collect();
        let mut counted = vec![0];
        let mut before = 0;
        for stretch in bytes.chunks(STRIDE) {
            before += characters(stretch);
            counted.push(before);
        }
        Self { starts, counted }
    }

    pub(super) fn region(&self, bytes: &[u8], range: Range<usize>) -> Region {
        Region { from: self.place(bytes, range.start), to: self.place(bytes, range.end) }
    }

    fn place(&self, bytes: &[u8], at: usize) -> (usize, usize) {
        let line = self.starts.partition_point(|start| *start <= at);
        let start = line.checked_sub(1).and_then(|line| self.starts.get(line)).copied().unwrap_or(0);
        (line, self.before(bytes, at) - self.before(bytes, start) + 1)
    }

    /// How many characters stand before a byte.
    fn before(&self, bytes: &[u8], at: usize) -> usize {
        let stretch = at / STRIDE;
        let counted = self.counted.get(stretch).copied().unwrap_or(0);
        counted + characters(bytes.get(stretch * STRIDE..at).unwrap_or_default())
    }
}

/// Characters begin at every byte that continues none.
fn characters(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte & 0xc0 != 0x80).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_as_editors_count_them() {
        let text = format!("é\n\n{}𝄞x\nend", "ü".repeat(3 * STRIDE));
        let lines = Lines::of(text.as_bytes());
        let mut expected = (1, 1);
        for (at, character) in text.char_indices() {
            assert_eq!(lines.place(text.as_bytes(), at), expected, "byte {at}");
            expected = if character == '\n' { (expected.0 + 1, 1) } else { (expected.0, expected.1 + 1) };
        }
        let whole = lines.region(text.as_bytes(), 0..text.len());
        assert_eq!((whole.from, whole.to), ((1, 1), expected));
    }
}
