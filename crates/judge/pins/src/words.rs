//! Two readings of one text compared: the same, written differently, worded differently, or saying something else.

use std::collections::{BTreeMap, BTreeSet};

use doorward_inspect::{Names, Place, text as inspect};
use doorward_text::{Limits, Origin, Reading, is_unseen, read};
use unicode_normalization::UnicodeNormalization;

use crate::address::addresses;
use crate::cue::{cues, negations};
use crate::diff::Words;
use crate::drift::{Level, Why};

/// New words in a row, and in all, up to which a change is a matter of wording. What is said in fewer without any of the
/// words and signs that are looked for says little; without the bound, an order in a language that nobody here reads would
/// pass for wording.
const MOST_IN_A_ROW: usize = 8;
pub(crate) const MOST_IN_ALL: usize = 16;
/// Blanks in a row, or lines, that push what follows out of a person's sight.
const WIDE: usize = 80;
const TALL: usize = 12;
/// Letters of another script that are more than a sign in a formula.
const LETTERS: usize = 3;

/// Compares two texts that differ. Returns the level, why it is a meaning if it is one, and how many words came.
pub(crate) fn compare(place: Place, old: &str, new: &str) -> (Level, Vec<Why>, usize) {
    let mut why = Vec::new();
    let unseen = more(&unseen(old), &unseen(new));
    if !unseen.is_empty() {
        why.push(Why::Invisible(unseen.values().sum()));
    }
    if pushed(new) > pushed(old) {
        why.push(Why::Blank);
    }
    if why.is_empty() && plain(old).eq(plain(new)) {
        return (Level::Cosmetic, why, 0);
    }
    let (was, is) = (read(old, &Limits::default()), read(new, &Limits::default()));
    why.extend(more(&counted(&was, addresses), &counted(&is, addresses)).into_keys().map(Why::Address));
    let demands = more(&counted(&was, cues), &counted(&is, cues));
    if !demands.is_empty() {
        why.push(Why::Demand(demands.into_keys().collect()));
    }
    // "Never deletes" and "deletes" differ in a word that is gone.
    let (no, not) = (counted(&was, negations), counted(&is, negations));
    let turned: BTreeSet<String> = more(&no, &not).into_keys().chain(more(&not, &no).into_keys()).collect();
    if !turned.is_empty() {
        why.push(Why::Negation(turned.into_iter().collect()));
    }
    // "Never delete, only list" and "never list, only delete" are the same words.
    if why.is_empty() && !is_within(&weighty(&is), &weighty(&was)) {
        why.push(Why::Reordered);
    }
    if script(new).iter().any(|(script, letters)| *letters >= LETTERS && !script_of(old, *script)) {
        why.push(Why::Script);
    }
    why.extend(findings(place, old, new));
    let words = Words::of(old, new);
    if words.in_a_row > MOST_IN_A_ROW || words.added > MOST_IN_ALL {
        why.push(Why::MuchText(words.added));
    } else if words.added > 1 && words.kept * 2 < (words.kept + words.gone).max(1) {
        why.push(Why::Replaced);
    }
    (if why.is_empty() { Level::Wording } else { Level::Meaning }, why, words.added)
}

/// A text as it is read aloud: canonically equal characters are one, and so are runs of blanks.
fn plain(text: &str) -> impl Iterator<Item = char> {
    let mut words = text.split(is_blank).filter(|word| !word.is_empty());
    let first = words.next().unwrap_or_default();
    let rest = words.flat_map(|word| std::iter::once(' ').chain(word.nfc()));
    first.nfc().chain(rest)
}

/// Blanks that stand in any text. The rarer kinds of Unicode are told apart, since what is written with them can be read.
pub(crate) fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{a0}')
}

/// The characters that nobody sees and how often each stands there, without those that an emoji is made of.
fn unseen(text: &str) -> BTreeMap<char, usize> {
    let mut found = BTreeMap::new();
    let is_sign =
        |c: Option<char>| c.is_some_and(|c| !c.is_ascii() && !c.is_alphanumeric() && !c.is_whitespace());
    let mut before = None;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let joins = match c {
            '\u{fe0f}' => is_sign(before) && !before.is_some_and(is_unseen),
            '\u{200d}' => is_sign(before) && is_sign(chars.peek().copied()),
            _ => false,
        };
        if !joins && (is_unseen(c) || (c.is_whitespace() && !is_blank(c))) {
            *found.entry(c).or_default() += 1;
        }
        before = Some(c);
    }
    found
}

/// The largest gap that pushes what follows out of sight, by its characters; nothing where there is none.
fn pushed(text: &str) -> usize {
    let gaps = text.trim_end_matches(is_blank).split(|c| !is_blank(c));
    let sizes = gaps.map(|gap| (gap.chars().count(), gap.chars().filter(|c| *c == '\n').count()));
    sizes
        .filter(|(blanks, lines)| *blanks >= WIDE || *lines >= TALL)
        .map(|(blanks, _)| blanks)
        .max()
        .unwrap_or(0)
}

/// What stands more often in `new` than in `old`, and how much more often.
fn more<K: Ord + Clone>(old: &BTreeMap<K, usize>, new: &BTreeMap<K, usize>) -> BTreeMap<K, usize> {
    let extra = |(key, count): (&K, &usize)| {
        let extra = count.saturating_sub(old.get(key).copied().unwrap_or(0));
        (extra > 0).then(|| (key.clone(), extra))
    };
    new.iter().filter_map(extra).collect()
}

/// What `find` finds in all that can be read in a text, disguised or not, and how often. What is found in the text and in
/// the same text without its markup is one.
fn counted(reading: &Reading, find: fn(&str) -> Vec<String>) -> BTreeMap<String, usize> {
    let count = |wanted: fn(Origin) -> bool| {
        let mut found: BTreeMap<String, usize> = BTreeMap::new();
        for layer in reading.layers().iter().filter(|layer| wanted(layer.origin())) {
            find(layer.text()).into_iter().for_each(|one| *found.entry(one).or_default() += 1);
        }
        found
    };
    let mut found = count(|origin| origin != Origin::Plain);
    for (one, times) in count(|origin| origin == Origin::Plain) {
        let all = found.entry(one).or_default();
        *all = times.max(*all);
    }
    found
}

/// The demanding and denying words of a text, in their order.
fn weighty(reading: &Reading) -> Vec<String> {
    let surface = reading.layers().first().map_or("", |layer| layer.text());
    surface.split_whitespace().flat_map(|word| cues(word).into_iter().chain(negations(word))).collect()
}

/// Whether one list is what is left of the other when some are taken out.
fn is_within(few: &[String], all: &[String]) -> bool {
    let mut all = all.iter();
    few.iter().all(|one| all.any(|other| other == one))
}

/// The rules of `inspect` that find more in the new text than in the old.
fn findings(place: Place, old: &str, new: &str) -> Vec<Why> {
    let rules = |text| {
        let mut found: BTreeMap<&'static str, (usize, &'static str)> = BTreeMap::new();
        for finding in inspect(place, text, &Names::default()).findings {
            found.entry(finding.rule.id).or_insert((0, finding.rule.reason)).0 += 1;
        }
        found
    };
    let was = rules(old);
    let is_more = |(id, (count, reason)): (&'static str, (usize, &'static str))| {
        (count > was.get(id).map_or(0, |(count, _)| *count)).then_some(Why::Finding { rule: id, reason })
    };
    rules(new).into_iter().filter_map(is_more).collect()
}

/// The scripts of a text's letters, roughly, and how many letters each has. Latin is not counted.
fn script(text: &str) -> BTreeMap<u32, usize> {
    let mut found = BTreeMap::new();
    for c in text.chars().filter(|c| c.is_alphabetic()) {
        if let Some(script) = script_number(c) {
            *found.entry(script).or_default() += 1;
        }
    }
    found
}

fn script_of(text: &str, script: u32) -> bool {
    text.chars().any(|c| c.is_alphabetic() && script_number(c) == Some(script))
}

/// Whether a letter is of a script that sets no blanks between words: each counts as one.
pub(crate) fn is_word_alone(c: char) -> bool {
    matches!(u32::from(c), 0xe00..=0xeff | 0x1000..=0x109f | 0x1780..=0x17ff | 0x3040..=0x9fff | 0xf900..=0xfaff | 0x20000..=0x3ffff)
}

/// Blocks that one script shares have one number; whoever writes in one of the others has one a block.
fn script_number(c: char) -> Option<u32> {
    match u32::from(c) {
        0..=0x24f | 0x1e00..=0x1eff => None,
        code @ 0x250..=0x2fff => Some(code >> 7),
        0x3000..=0x9fff | 0xf900..=0xfaff | 0x20000..=0x3ffff => Some(0x3000),
        0xac00..=0xd7af => Some(0xac00),
        code => Some(code >> 8),
    }
}
