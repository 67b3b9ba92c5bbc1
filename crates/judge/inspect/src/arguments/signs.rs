//! Signs, of which hundreds are looked for in each value: a search for each would cost a call more than all else that is done
//! for it. Prose has none of the characters that most of them need, and few of the runs of three that the others do.

use std::ops::Deref;

use aho_corasick::AhoCorasick;

/// Runs of three bytes are told apart by so many bits.
const BITS: usize = 8192;
/// From the most common to the rarest; what is not here is rarer still.
const COMMON: &[u8] = b" etaoinsrhldcumfpgwybvkxjqz.,-0123456789;:'/";

/// Which bytes stand in a text: a bit for each of ASCII, and the last for all others.
pub(super) const fn of(bytes: &[u8]) -> u128 {
    let mut all = 0;
    let mut left = bytes;
    while let [first, rest @ ..] = left {
        all |= bit(*first);
        left = rest;
    }
    all
}

const fn bit(byte: u8) -> u128 {
    1 << (if byte < 0x7f { byte } else { 0x7f })
}

fn run(three: [u8; 3]) -> usize {
    three.into_iter().fold(0, with)
}

/// The run of the last three bytes, with one more: of those before them nothing is left.
fn with(last: usize, next: u8) -> usize {
    (last << 5 ^ usize::from(next)) % BITS
}

/// A value, unescaped and in small letters, with what stands in it: most signs are turned away by that.
pub(super) struct Low<'t> {
    text: &'t str,
    bytes: u128,
    runs: [u64; BITS / 64],
}

impl<'t> Low<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        let (mut runs, mut bytes, mut last) = ([0; BITS / 64], [0_u64; 2], 0);
        for (n, b) in text.bytes().enumerate() {
            last = with(last, b);
            if let Some(word) = runs.get_mut(last / 64).filter(|_| n > 1) {
                *word |= 1 << (last % 64);
            }
            let bit = b.min(0x7f);
            if let Some(word) = bytes.get_mut(usize::from(bit / 64)) {
                *word |= 1 << (bit % 64);
            }
        }
        let [low, high] = bytes.map(u128::from);
        let bytes = high << 64 | low;
        Self { text, bytes, runs }
    }

    pub(super) fn text(&self) -> &'t str {
        self.text
    }

    /// Whether any of these bytes stands in it.
    pub(super) fn has(&self, any: u128) -> bool {
        self.bytes & any != 0
    }

    fn may_hold(&self, sign: &Sign) -> bool {
        sign.bytes & !self.bytes == 0
            && sign.runs.iter().all(|at| self.runs.get(at / 64).is_none_or(|word| word >> (at % 64) & 1 == 1))
    }
}

impl Deref for Low<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        self.text
    }
}

/// What a text must hold to hold a sign.
struct Sign {
    bytes: u128,
    runs: Vec<usize>,
}

/// A list of signs.
pub(super) struct Signs {
    /// Of each its rarest byte.
    rarest: u128,
    each: Vec<Sign>,
    /// All of them; a list that cannot be compiled turns nothing away.
    all: Option<AhoCorasick>,
}

impl Signs {
    pub(super) fn new<'s>(signs: impl IntoIterator<Item = &'s str>) -> Self {
        let signs: Vec<&str> = signs.into_iter().collect();
        let rank = |b: &u8| COMMON.iter().position(|common| common == b).unwrap_or(COMMON.len());
        let rarest = |sign: &&str| sign.bytes().max_by_key(rank).map_or(u128::MAX, bit);
        let each = signs.iter().map(|sign| Sign {
            bytes: of(sign.as_bytes()),
            runs: sign.as_bytes().array_windows().map(|three| run(*three)).collect(),
        });
        Self {
            rarest: signs.iter().map(rarest).fold(0, |all, bit| all | bit),
            each: each.collect(),
            all: AhoCorasick::new(&signs).ok(),
        }
    }

    pub(super) fn are_in(&self, text: &Low<'_>) -> bool {
        text.has(self.rarest)
            && self.each.iter().any(|sign| text.may_hold(sign))
            && self.all.as_ref().is_none_or(|all| all.is_match(text.text()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_search_finds_is_found() {
        let signs = ["${ifs}", "';", "or 1=1", "\u{e9}t\u{e9}", "<", "iex", "\u{7f}"];
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
            "hie xie",
            "piex",
            "\u{7f}",
            "\u{e8}t\u{e9}",
        ] {
            let found = signs.iter().any(|sign| text.contains(sign));
            assert_eq!(list.are_in(&Low::of(text)), found, "{text}");
        }
    }

    #[test]
    fn bytes_are_told_apart() {
        let low = Low::of("a;b\u{e9}");
        assert!(low.has(of(b";")) && low.has(of(b"xyza")) && low.has(of("\u{e8}".as_bytes())));
        assert!(!low.has(of(b":'")) && !Low::of("abc").has(of("\u{e8}".as_bytes())));
    }
}
