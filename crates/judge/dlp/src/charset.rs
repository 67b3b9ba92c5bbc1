//! Sets of ASCII characters, and the pieces that secrets are described with.

/// A set of ASCII characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Charset {
    /// Bits of the characters up to `?`, and of those from `@` on.
    low: u64,
    high: u64,
}

impl Charset {
    pub(crate) const DIGIT: Self = Self::of(b"0123456789");
    pub(crate) const LOWER: Self = Self::of(b"abcdefghijklmnopqrstuvwxyz");
    pub(crate) const UPPER: Self = Self::of(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    pub(crate) const HEX: Self = Self::of(b"0123456789abcdefABCDEF");
    pub(crate) const LETTER: Self = Self::LOWER.and(Self::UPPER);
    pub(crate) const ALNUM: Self = Self::LETTER.and(Self::DIGIT);
    pub(crate) const CAPITAL: Self = Self::UPPER.and(Self::DIGIT);
    pub(crate) const SMALL: Self = Self::LOWER.and(Self::DIGIT);
    pub(crate) const WORD: Self = Self::ALNUM.plus(b"_");
    /// Base64 for addresses; also what most tokens are made of.
    pub(crate) const URL64: Self = Self::ALNUM.plus(b"_-");
    pub(crate) const BASE64: Self = Self::ALNUM.plus(b"+/");
    /// Either alphabet of base64.
    pub(crate) const ANY64: Self = Self::ALNUM.plus(b"+/_-");
    /// What RFC 7235 lets a token be made of.
    pub(crate) const TOKEN68: Self = Self::ALNUM.plus(b"-._~+/=");

    pub(crate) const fn of(characters: &[u8]) -> Self {
        Self { low: 0, high: 0 }.plus(characters)
    }

    pub(crate) const fn plus(self, characters: &[u8]) -> Self {
        let (mut set, mut rest) = (self, characters);
        while let [first, tail @ ..] = rest {
            let bit = 1 << (*first & 63);
            if *first < 64 {
                set.low |= bit;
            } else {
                set.high |= bit;
            }
            rest = tail;
        }
        set
    }

    pub(crate) const fn and(self, other: Self) -> Self {
        Self { low: self.low | other.low, high: self.high | other.high }
    }

    pub(crate) const fn has(self, byte: u8) -> bool {
        let half = if byte < 64 { self.low } else { self.high };
        byte < 128 && half >> (byte & 63) & 1 == 1
    }
}

/// A piece of what a secret looks like.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Part {
    /// As many characters of the set as there are, which must be at least and at most so many.
    Run(Charset, u16, u16),
    /// This text.
    Text(&'static str),
}

/// A run of exactly so many characters.
pub(crate) const fn exactly(set: Charset, count: u16) -> Part {
    Part::Run(set, count, count)
}
