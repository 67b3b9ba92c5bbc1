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

use crate::concept::Concepts;
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

/// What each pattern needs, with its rule's place and its own in it, rule by rule: one look over it turns nearly all away.
pub(crate) static NEEDED: LazyLock<Vec<(Concepts, [usize; 2])>> = LazyLock::new(|| {
    let of = |(rule, ready): (usize, &'static Ready)| {
        ready.patterns.iter().enumerate().map(move |(n, pattern)| (pattern.needed(), [rule, n]))
    };
    READY.iter().enumerate().flat_map(of).collect()
});

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
