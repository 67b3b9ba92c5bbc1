//! Signs, of which hundreds are looked for in each value: a search for each would cost a call more than all else that is done
//! for it.

use std::ops::Deref;

use aho_corasick::AhoCorasick;

/// Pairs of bytes are told apart by so many bits.
const BITS: usize = 4096;

fn bit(a: u8, b: u8) -> usize {
    (usize::from(a) << 5 ^ usize::from(b)) % BITS
}

/// A value, unescaped and in small letters, with which pairs of bytes stand in it: most signs are turned away by theirs.
pub(super) struct Low<'t> {
    text: &'t str,
    pairs: [u64; BITS / 64],
}

impl<'t> Low<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        let mut pairs = [0; BITS / 64];
        for pair in text.as_bytes().windows(2) {
            if let [a, b] = pair
                && let Some(word) = pairs.get_mut(bit(*a, *b) / 64)
            {
                *word |= 1 << (bit(*a, *b) % 64);
            }
        }
        Self { text, pairs }
    }

    pub(super) fn text(&self) -> &'t str {
        self.text
    }
}

impl Deref for Low<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        self.text
    }
}

/// A text in which signs are looked for.
pub(super) trait Held {
    /// Whether it may hold this pair.
    fn may_hold(&self, pair: usize) -> bool;
    fn text(&self) -> &str;
}

impl Held for Low<'_> {
    fn may_hold(&self, pair: usize) -> bool {
        self.pairs.get(pair / 64).is_none_or(|word| word >> (pair % 64) & 1 == 1)
    }

    fn text(&self) -> &str {
        self.text
    }
}

impl Held for str {
    fn may_hold(&self, _pair: usize) -> bool {
        true
    }

    fn text(&self) -> &str {
        self
    }
}

/// A list of signs.
pub(super) struct Signs {
    /// Of each its first pair of bytes and its last.
    ends: Vec<[usize; 2]>,
    /// All of them; a list that cannot be compiled turns nothing away.
    all: Option<AhoCorasick>,
}

impl Signs {
    pub(super) fn new<'s>(signs: impl IntoIterator<Item = &'s str>) -> Self {
        let signs: Vec<&str> = signs.into_iter().collect();
        let ends = signs.iter().map(|sign| match sign.as_bytes() {
            [first, second, .., before, last] => [bit(*first, *second), bit(*before, *last)],
            [first, second, last] => [bit(*first, *second), bit(*second, *last)],
            [first, last] => [bit(*first, *last); 2],
            // No pair, which every text may hold.
            _ => [BITS; 2],
        });
        Self { ends: ends.collect(), all: AhoCorasick::new(&signs).ok() }
    }

    pub(super) fn are_in(&self, text: &(impl Held + ?Sized)) -> bool {
        self.ends.iter().any(|ends| ends.iter().all(|pair| text.may_hold(*pair)))
            && self.all.as_ref().is_none_or(|all| all.is_match(text.text()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_search_finds_is_found() {
        let signs = ["${ifs}", "';", "or 1=1", "\u{e9}t\u{e9}", "<"];
        let list = Signs::new(signs);
        for text in [
            "",
            "a",
            "x ${ifs} y",
            "it's; fine",
            "a'; b",
            "or 1=2",
            "no or 1=1",
            "l'\u{e9}t\u{e9}",
            "}{sfi$",
            "ors 11=1",
        ] {
            let found = signs.iter().any(|sign| text.contains(sign));
            assert_eq!(list.are_in(&Low::of(text)), found, "{text}");
            assert_eq!(list.are_in(text), found, "{text}");
        }
    }
}
