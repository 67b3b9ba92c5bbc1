//! What the model sees of a sentence: which ideas stand in it, which stand near each other and in what order, which
//! patterns fit, and, in a few thousand buckets that words share, the words. Ideas make what was learned hold for other
//! words of the same meaning; words make honest subjects known.

use crate::concept::{Concept, Concepts, ones};
use crate::place::Place;
use crate::request::look;
use crate::sentence::{Sentence, Token};
use crate::topic::{Topic, each_word};

/// How many features there are.
pub const COUNT: usize = WORDS + 2 * BUCKETS;

const OPENING: usize = 64;
const NEGATED: usize = 128;
const ORDERED: usize = 192;
const PAIRS: usize = 256;
const STEPS: usize = PAIRS + 64 * 64;
const PATTERNS: usize = STEPS + 64 * 64;
pub(crate) const MOST_PATTERNS: usize = 448;
const REST: usize = PATTERNS + MOST_PATTERNS;
/// Where the shape of a request begins.
const ASKED: usize = REST + 32;
/// In what kind of place another tool is named.
const BESIDE: usize = REST + 96;
/// The same for a tool of another server, and for a tool that is called nearly as another server's.
const FOREIGN: usize = REST + 104;
const TWIN: usize = REST + 112;
const WORDS: usize = REST + 128;
/// Buckets of single words, and as many of two that follow each other.
const BUCKETS: usize = 16_384;

/// Words within which two ideas are near.
const NEAR: u32 = 12;
/// Words within which one idea follows another.
const STEP: u32 = 4;
/// Words for which a "not" holds.
const REACH: u32 = 3;

/// Where a sentence stands.
pub(crate) struct Setting<'a> {
    pub(crate) place: Place,
    /// What stands before and after it in its text.
    pub(crate) around: [&'a str; 2],
    /// Another server has a tool that is called nearly as its tool.
    pub(crate) is_twin: bool,
    /// What its tool or document is about.
    pub(crate) topic: &'a Topic,
}

/// Puts the features of one sentence into `set`, each once. `patterns` are the numbers of those that begin in it.
pub(crate) fn features(
    set: &mut Set,
    sentence: &Sentence,
    tokens: &[Token],
    patterns: &[usize],
    text: &str,
    setting: &Setting<'_>,
) {
    set.clear();
    for n in sentence.concepts.numbers() {
        set.add(usize::from(n));
    }
    for n in sentence.opening.numbers() {
        set.add(OPENING + usize::from(n));
    }
    for (at, token) in tokens.iter().enumerate() {
        if token.concepts.has(Concept::Plain) {
            token.concepts.numbers().for_each(|n| set.add(ORDERED + usize::from(n)));
        }
        let negates = token.concepts.has(Concept::Not);
        let later = tokens.iter().skip(at + 1).take_while(|other| other.place <= token.place + NEAR);
        for other in later {
            let gap = other.place - token.place;
            if negates && gap <= REACH {
                other.concepts.numbers().for_each(|n| set.add(NEGATED + usize::from(n)));
            }
            pairs(set, token.concepts, other.concepts, gap);
        }
    }
    for n in patterns.iter().filter(|n| **n < MOST_PATTERNS) {
        set.add(PATTERNS + n);
    }
    set.add(REST + setting.place as usize);
    set.add(REST + 9 + (sentence.words as usize / 8).min(6));
    let beside = [
        (sentence.concepts.has(Concept::Sibling), BESIDE, 23),
        (sentence.is_foreign, FOREIGN, 41),
        (setting.is_twin, TWIN, 11),
    ];
    beside.iter().filter(|(holds, ..)| *holds).for_each(|(_, n, _)| set.add(n + setting.place as usize));
    let mut own = std::mem::take(&mut set.own);
    words(set, text, &beside, &mut own);
    set.add(REST + 16 + setting.topic.kinship(&mut own));
    set.own = own;
    let asked = look((!setting.place.is_definition()).then_some(setting.around), text);
    ones(asked).for_each(|n| set.add(ASKED + usize::from(n)));
}

fn pairs(set: &mut Set, first: Concepts, second: Concepts, gap: u32) {
    for a in first.numbers().map(usize::from) {
        for b in second.numbers().map(usize::from) {
            set.add(PAIRS + a.min(b) * 64 + a.max(b));
            if gap <= STEP {
                set.add(STEPS + a * 64 + b);
            }
        }
    }
}

/// The words in their buckets, alone and after another, and in `own` those by which a text tells what it is about. Where another
/// tool is named, the same words count once more: "instead" says one thing, and another beside somebody else's name.
fn words(set: &mut Set, text: &str, beside: &[(bool, usize, u32)], own: &mut Vec<u16>) {
    let bucket = |hash: u64| usize::try_from(hash % BUCKETS as u64).unwrap_or_default();
    let mut before = 0_u64;
    each_word(text, |word| {
        if let Some(hash) = word.hash() {
            set.add(WORDS + bucket(hash));
            set.add(WORDS + BUCKETS + bucket(hash ^ before.wrapping_mul(31)));
            for (_, _, turn) in beside.iter().filter(|(holds, ..)| *holds) {
                set.add(WORDS + BUCKETS + bucket(hash.rotate_left(*turn)));
            }
            before = hash;
        }
        if let Some(bucket) = word.topic() {
            own.push(bucket);
        }
    });
}

/// Features, each once. One set serves all sentences of a text, so that none has to make room for all there could be.
pub(crate) struct Set {
    bits: Vec<u64>,
    list: Vec<u16>,
    /// Buckets of the topic, which are no features.
    own: Vec<u16>,
}

impl Set {
    pub(crate) fn new() -> Self {
        Self { bits: vec![0; COUNT / 64], list: Vec::with_capacity(256), own: Vec::with_capacity(64) }
    }

    pub(crate) fn list(&self) -> &[u16] {
        &self.list
    }

    fn clear(&mut self) {
        for n in self.list.drain(..) {
            if let Some(word) = self.bits.get_mut(usize::from(n) / 64) {
                *word = 0;
            }
        }
        self.own.clear();
    }

    fn add(&mut self, n: usize) {
        if let Some(word) = self.bits.get_mut(n / 64)
            && *word & (1 << (n % 64)) == 0
        {
            *word |= 1 << (n % 64);
            if let Ok(n) = u16::try_from(n) {
                self.list.push(n);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layout_holds_all() {
        assert!(
            ASKED + crate::request::FLAGS <= WORDS
                && COUNT.is_multiple_of(64)
                && u16::try_from(COUNT).is_ok()
        );
        let patterns: usize = crate::rules::READY.iter().map(|ready| ready.patterns.len()).sum();
        assert!(patterns <= MOST_PATTERNS, "{patterns}");
    }
}
