//! All rules, and their patterns made ready.

mod abroad;
pub(crate) mod argument;
mod command;
mod conceal;
mod exfiltrate;
mod form;
mod instruct;
mod obey;
mod steer;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use crate::concept::{Concepts, ones};
use crate::features::MOST_PATTERNS;
use crate::finding::Rule;
use crate::pattern::Pattern;

pub(crate) use abroad::{CONCEAL_ABROAD, EXFILTRATE_ABROAD, OVERRIDE_ABROAD};
pub(crate) use form::{
    ANSI, BIDI, BLANK, COMMENT, CONTROL, COPY, ENCODED, FOREIGN, FORMULA, INVISIBLE, LOOK_ALIKE, MODEL,
    NAME_CLASH, PARAMETER, SPEAKER, STYLED, TAGS, TOO_LONG, TWIN,
};

/// The rules that are patterns of ideas.
pub(crate) const RULES: &[&[Rule]] =
    &[exfiltrate::RULES, instruct::RULES, conceal::RULES, steer::RULES, obey::RULES, command::RULES];

/// Returns every rule, those of form and of arguments included, for whoever lists them beside a report.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    RULES.iter().copied().flatten().chain(FORM).chain(argument::RULES)
}

const FORM: [&Rule; 22] = [
    &SPEAKER,
    &OVERRIDE_ABROAD,
    &CONCEAL_ABROAD,
    &EXFILTRATE_ABROAD,
    &TAGS,
    &INVISIBLE,
    &BIDI,
    &ANSI,
    &CONTROL,
    &LOOK_ALIKE,
    &STYLED,
    &BLANK,
    &COMMENT,
    &ENCODED,
    &FORMULA,
    &PARAMETER,
    &NAME_CLASH,
    &COPY,
    &TWIN,
    &FOREIGN,
    &TOO_LONG,
    &MODEL,
];

/// A rule and its patterns.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) rule: &'static Rule,
    pub(crate) patterns: Vec<Pattern>,
}

/// What each pattern needs, with its rule's place and its own in it, rule by rule.
pub(crate) struct Needed {
    each: Vec<(Concepts, [usize; 2])>,
    /// By the number of an idea the patterns that stand under it, a bit for each: of all that a pattern needs, it stands under what
    /// the fewest others do. A text is asked for those alone whose idea it has.
    under: Vec<Bits>,
    /// Those that need no idea for certain.
    rest: Bits,
}

/// A bit for each pattern.
type Bits = [u64; MOST_PATTERNS / 64];

pub(crate) static NEEDED: LazyLock<Needed> = LazyLock::new(|| {
    let of = |(rule, ready): (usize, &'static Ready)| {
        ready.patterns.iter().enumerate().map(move |(n, pattern)| (pattern.needed(), [rule, n]))
    };
    Needed::new(READY.iter().enumerate().flat_map(of).collect())
});

impl Needed {
    fn new(each: Vec<(Concepts, [usize; 2])>) -> Self {
        let count =
            |idea: &u8| each.iter().filter(|(needed, _)| needed.numbers().any(|n| n == *idea)).count();
        let counts: Vec<usize> = (0..64).map(|idea| count(&idea)).collect();
        let (mut under, mut rest) = (vec![Bits::default(); 64], Bits::default());
        for (number, (needed, _)) in each.iter().enumerate() {
            let rarest = needed.numbers().min_by_key(|idea| counts.get(usize::from(*idea)));
            let bits = rarest.and_then(|idea| under.get_mut(usize::from(idea))).unwrap_or(&mut rest);
            if let Some(bits) = bits.get_mut(number / 64) {
                *bits |= 1 << (number % 64);
            }
        }
        Self { each, under, rest }
    }

    /// The patterns of whose needs a text with these ideas lacks none, in order: the number of each, its rule's place and its own.
    pub(crate) fn met(&self, all: Concepts) -> impl Iterator<Item = (usize, [usize; 2])> {
        let mut found = self.rest;
        for bits in all.numbers().filter_map(|idea| self.under.get(usize::from(idea))) {
            found.iter_mut().zip(bits).for_each(|(found, bits)| *found |= bits);
        }
        let numbers = (0..)
            .step_by(64)
            .zip(found)
            .flat_map(|(first, bits)| ones(bits).map(move |n| first + usize::from(n)));
        let each = numbers.filter_map(|number| Some((number, self.each.get(number)?)));
        each.filter(move |(_, (needed, _))| all.holds(*needed)).map(|(number, (_, place))| (number, *place))
    }
}

/// All of them, read once. A pattern that cannot be read is none; a test sees to it that there is no such.
pub(crate) static READY: LazyLock<Vec<Ready>> = LazyLock::new(|| {
    RULES
        .iter()
        .copied()
        .flatten()
        .map(|rule| Ready {
            rule,
            patterns: rule.when.iter().filter_map(|text| Pattern::parse(text)).collect(),
        })
        .collect()
});
