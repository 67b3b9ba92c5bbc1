//! Orders in other languages. The rules and the model know English; here is what an order to a model cannot do without in any
//! language (somebody addressed, an act, what it is done to, where that goes, who is not to know), as words in some twenty.
//!
//! Only what stands together counts, and only words of one language: a word that means one thing in Danish and another in English
//! says nothing beside English words.

mod words;

use std::ops::Range;

use crate::concept::{Concept, Concepts, ones};
use crate::finding::Rule;
use crate::rules::{CONCEAL_ABROAD, EXFILTRATE_ABROAD, OVERRIDE_ABROAD};
use crate::sentence::Sentences;
use words::{EVERY, Hit, TABLE, hits};

/// The ideas, by the words of the file; each is a bit.
const IDEAS: [&str; 20] = [
    "omit",
    "prior",
    "instruction",
    "send",
    "read",
    "put",
    "delete",
    "change",
    "pay",
    "grant",
    "call",
    "say",
    "not",
    "tell",
    "user",
    "agent",
    "secret",
    "private",
    "outside",
    "attack",
];

const fn idea(name: &str) -> u32 {
    let mut n = 0;
    let mut left: &[&str] = &IDEAS;
    while let Some((first, rest)) = left.split_first() {
        if same(first.as_bytes(), name.as_bytes()) {
            return 1 << n;
        }
        (n, left) = (n + 1, rest);
    }
    0
}

const fn same(mut a: &[u8], mut b: &[u8]) -> bool {
    while let (Some((x, rest_a)), Some((y, rest_b))) = (a.split_first(), b.split_first()) {
        if *x != *y {
            return false;
        }
        (a, b) = (rest_a, rest_b);
    }
    a.is_empty() && b.is_empty()
}

const OMIT: u32 = idea("omit");
const PRIOR: u32 = idea("prior");
const INSTRUCTION: u32 = idea("instruction");
const SEND: u32 = idea("send");
const NOT: u32 = idea("not");
const TELL: u32 = idea("tell");
const USER: u32 = idea("user");
const AGENT: u32 = idea("agent");
const SECRET: u32 = idea("secret");
const PRIVATE: u32 = idea("private");
const OUTSIDE: u32 = idea("outside");
const ATTACK: u32 = idea("attack");
/// What changes something, or takes it away.
const ACTS: u32 =
    SEND | idea("put") | idea("delete") | idea("change") | idea("pay") | idea("grant") | idea("call");
const ANY_ACT: u32 = ACTS | idea("read") | idea("say");

/// How sure an order in another language makes: it is flagged, and not beyond doubt.
pub(crate) const CERTAINTY: f32 = 0.85;

/// Calls `each` with every order that stands in a text.
pub(crate) fn find(text: &str, read: &Sentences, each: &mut dyn FnMut(&'static Rule, Range<usize>)) {
    let Some(table) = TABLE.as_ref() else { return };
    let hits = hits(table, text);
    // Two words of a language are no order, and most texts have fewer.
    if hits.len() < 3 {
        return;
    }
    let mut from = 0;
    for (n, sentence) in read.list.iter().enumerate() {
        while hits.get(from).is_some_and(|hit| hit.at.start < sentence.bytes.start) {
            from += 1;
        }
        let next = read.list.get(n + 1);
        let end = next.map_or(sentence.bytes.end, |next| next.bytes.end);
        let own = before(&hits, from, sentence.bytes.end);
        let both = before(&hits, from, end);
        if own.len() < 2 {
            continue;
        }
        let concepts = next.map_or(sentence.concepts, |next| sentence.concepts.and(next.concepts));
        for language in languages(both) {
            if let Some(rule) = order(own, both, language, concepts) {
                each(rule, sentence.bytes.clone());
                break;
            }
        }
    }
}

/// The languages of which there are words, those aside that mean something in English too: no other has an order here.
fn languages(hits: &[Hit]) -> impl Iterator<Item = usize> {
    let own = hits.iter().filter(|hit| hit.language != EVERY && !hit.is_shared);
    ones(own.fold(0, |all, hit| all | 1 << (hit.language % 64))).map(usize::from)
}

fn before(hits: &[Hit], from: usize, end: usize) -> &[Hit] {
    let rest = hits.get(from..).unwrap_or_default();
    let count = rest.partition_point(|hit| hit.at.start < end);
    rest.get(..count).unwrap_or_default()
}

/// What kind of order the words of one language are, in a sentence and the one after it.
fn order(own: &[Hit], both: &[Hit], language: usize, concepts: Concepts) -> Option<&'static Rule> {
    let of = |hits: &[Hit]| {
        hits.iter().fold((0, 0), |(ideas, foreign), hit| match hit.language {
            EVERY => (ideas | hit.idea, foreign),
            own if usize::from(own) == language => (ideas | hit.idea, foreign + usize::from(!hit.is_shared)),
            _ => (ideas, foreign),
        })
    };
    let ((own, _), (both, foreign)) = (of(own), of(both));
    let has = |all: u32, ideas: u32| all & ideas == ideas;
    let any = |all: u32, ideas: u32| all & ideas != 0;
    // Whoever writes about attacks quotes them.
    if foreign < 2 || any(both, ATTACK) {
        return None;
    }
    let address = concepts.has(Concept::Address);
    // "Never send your password to …" is advice.
    let is_advice = has(both, NOT) && !any(both, TELL);
    if has(own, OMIT | INSTRUCTION) && any(both, PRIOR) {
        return Some(&OVERRIDE_ABROAD);
    }
    if has(both, NOT | TELL | USER) && any(both, ANY_ACT) && (any(both, AGENT | SECRET | PRIVATE) || address)
    {
        return Some(&CONCEAL_ABROAD);
    }
    let goods = any(both, SECRET | PRIVATE);
    let exfiltrates = has(own, SEND) && goods && address && (any(both, USER | AGENT) || has(both, SECRET));
    let addressed =
        has(both, AGENT) && any(own, ACTS) && (goods || any(both, OUTSIDE)) && (address || any(both, USER));
    ((exfiltrates || addressed) && !is_advice).then_some(&EXFILTRATE_ABROAD)
}

#[cfg(test)]
mod tests;
