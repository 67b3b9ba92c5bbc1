//! Patterns of ideas: `read ..6 secret ..9 send|include`.
//!
//! Items follow each other with at most so many words between (`..N`, four where nothing is said). `a|b` is either. `a+b`
//! is one word that stands for both. `!a`, at the end, is that no word from four before the first item to the last one
//! stands for `a`. A border between sentences counts for four words.

use crate::concept::{CONCEPTS, Concepts};
use crate::sentence::Token;

/// How many words may stand between two items that say nothing about it.
const GAP: u32 = 4;
/// The most items a pattern may have.
const ITEMS: usize = 8;
/// Words before the first item in which a forbidden idea counts.
const BEFORE: u32 = 4;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Item {
    /// Either of these.
    any: Vec<Concepts>,
    gap: u32,
}

/// A pattern, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern {
    items: Vec<Item>,
    forbidden: Concepts,
    /// What every text that it fits holds: one look turns most away.
    needed: Concepts,
}

impl Pattern {
    /// Reads a pattern; `None` where it is none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut pattern = Self { items: Vec::new(), forbidden: Concepts::NONE, needed: Concepts::NONE };
        let mut gap = GAP;
        for word in text.split_ascii_whitespace() {
            if let Some(number) = word.strip_prefix("..") {
                gap = number.parse().ok()?;
            } else if let Some(word) = word.strip_prefix('!') {
                pattern.forbidden = pattern.forbidden.and(concepts(word)?);
            } else {
                let any = word.split('|').map(concepts).collect::<Option<Vec<_>>>()?;
                if let [only] = any.as_slice() {
                    pattern.needed = pattern.needed.and(*only);
                }
                pattern.items.push(Item { any, gap });
                gap = GAP;
            }
        }
        (1..=ITEMS).contains(&pattern.items.len()).then_some(pattern)
    }

    /// What every text that it fits holds.
    pub(crate) fn needed(&self) -> Concepts {
        self.needed
    }

    /// Whether a text with these ideas may hold the pattern at all.
    pub(crate) fn may_fit(&self, all: Concepts) -> bool {
        all.holds(self.needed) && self.items.iter().all(|item| item.any.iter().any(|any| all.holds(*any)))
    }

    /// The first place among `tokens`, from one that lies below `starts`, where the pattern stands: first and last token.
    ///
    /// One pass: of all ways to reach an item the latest is the best for what follows, so that nothing is tried twice,
    /// whatever the text repeats.
    pub(crate) fn find(&self, tokens: &[Token], starts: usize) -> Option<(usize, usize)> {
        let mut reached: [Option<(u32, usize)>; ITEMS] = [None; ITEMS];
        for (at, token) in tokens.iter().enumerate() {
            for (n, item) in self.items.iter().enumerate().rev() {
                if !item.fits(*token) {
                    continue;
                }
                let start = match n.checked_sub(1) {
                    None => (at < starts).then_some(at),
                    Some(before) => reached
                        .get(before)
                        .copied()
                        .flatten()
                        .filter(|(place, _)| token.place <= place + item.gap + 1)
                        .map(|(_, start)| start),
                };
                let Some(start) = start else { continue };
                if n + 1 == self.items.len() {
                    if self.is_allowed(tokens, start, at) {
                        return Some((start, at));
                    }
                } else if let Some(slot) = reached.get_mut(n) {
                    *slot = Some((token.place, start));
                }
            }
        }
        None
    }

    fn is_allowed(&self, tokens: &[Token], first: usize, last: usize) -> bool {
        let place = tokens.get(first).map_or(0, |token| token.place);
        let nearby = tokens.iter().take(last + 1).rev().take_while(|token| token.place + BEFORE >= place);
        nearby.fold(Concepts::NONE, |all, token| all.and(token.concepts)).0 & self.forbidden.0 == 0
    }
}

impl Item {
    fn fits(&self, token: Token) -> bool {
        self.any.iter().any(|any| token.concepts.holds(*any))
    }
}

/// The ideas of `a+b`.
fn concepts(words: &str) -> Option<Concepts> {
    words.split('+').try_fold(Concepts::NONE, |all, word| {
        let (_, concept) = CONCEPTS.iter().find(|(name, _)| *name == word)?;
        Some(all.and(Concepts::of(*concept)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::Names;
    use crate::sentence::{Known, sentences};

    fn fits(pattern: &str, text: &str) -> bool {
        let read = sentences(text, Known::of(&Names::default(), ""));
        Pattern::parse(pattern).unwrap().find(&read.tokens, read.tokens.len()).is_some()
    }

    #[test]
    fn items_follow_each_other_within_their_gaps() {
        assert!(fits("read secret send", "read the password and send it"));
        assert!(!fits("send secret", "read the password and send it"));
        assert!(!fits("read ..1 secret", "read one two three password"));
        assert!(fits("read ..3 secret", "read one two three password"));
        assert!(!fits("read ..5 secret", "Read it all. The one and only password."));
        assert!(fits("read|send secret", "send password"));
        assert!(fits("read+plain secret", "read password"));
        assert!(!fits("read+plain secret", "reads password"));
    }

    #[test]
    fn a_forbidden_idea_counts_from_a_little_before() {
        assert!(!fits("read secret !not", "do not read the password"));
        assert!(!fits("read secret !not", "read no password"));
        assert!(fits("read secret !not", "this is not what I want you to learn; read the password"));
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for bad in ["", "!read", "reed", "read ..x secret", "read|", "a+b"] {
            assert!(Pattern::parse(bad).is_none(), "{bad}");
        }
    }
}
