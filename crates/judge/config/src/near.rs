//! "Did you mean …?"

/// Returns the candidate closest to what was written, if it is close enough to be a slip.
pub(crate) fn nearest<'a>(written: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let written = written.to_ascii_lowercase();
    candidates
        .map(|candidate| (distance(&written, candidate), candidate))
        .filter(|(distance, candidate)| {
            let slips = candidate.chars().count().max(written.chars().count()) / 3;
            let longer_form = candidate.len() > 3
                && (written.starts_with(candidate) || candidate.starts_with(&written) && written.len() > 3);
            *distance <= slips.max(1) || longer_form
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Whether one word is the other with a single edit or something appended.
pub(crate) fn a_slip(written: &str, candidate: &str) -> bool {
    distance(written, candidate) <= 1 || candidate.len() > 3 && written.starts_with(candidate)
}

/// Edits between two words, counting a swap of neighbours as one (restricted Damerau-Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut two_up: Vec<usize> = Vec::new();
    let mut up: Vec<usize> = (0..=b.len()).collect();
    let mut last = None;
    for (row, ch) in a.chars().enumerate() {
        let mut line = vec![row + 1];
        for (column, other) in b.iter().enumerate() {
            let cell = |line: &[usize], at: usize| line.get(at).copied().unwrap_or(usize::MAX - 1);
            let mut best = (cell(&up, column) + usize::from(ch != *other))
                .min(cell(&up, column + 1) + 1)
                .min(cell(&line, column) + 1);
            let swapped = column > 0 && last == Some(*other) && b.get(column - 1) == Some(&ch);
            if swapped {
                best = best.min(cell(&two_up, column - 1) + 1);
            }
            line.push(best);
        }
        last = Some(ch);
        two_up = std::mem::replace(&mut up, line);
    }
    up.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_found_and_strangers_are_not() {
        let keys = ["listen", "public_url", "metrics", "tenant", "tls"];
        for (written, meant) in [
            ("listne", "listen"),
            ("pubic_url", "public_url"),
            ("tenant_id", "tenant"),
            ("TLS", "tls"),
            ("metric", "metrics"),
        ] {
            assert_eq!(nearest(written, keys.into_iter()), Some(meant), "{written}");
        }
        for stranger in ["colour", "x", "port"] {
            assert_eq!(nearest(stranger, keys.into_iter()), None, "{stranger}");
        }
    }

    #[test]
    fn distances_are_those_of_the_textbook() {
        for (a, b, edits) in
            [("", "", 0), ("", "abc", 3), ("kitten", "sitting", 3), ("ab", "ba", 1), ("abc", "abc", 0)]
        {
            assert_eq!(distance(a, b), edits, "{a} {b}");
        }
    }
}
