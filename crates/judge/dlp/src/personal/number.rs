//! Numbers of cards, people and telephones: digits in groups.

use std::ops::{Deref, Range};

use crate::charset::Charset;
use crate::checksum;
use crate::found::{Confidence, Found};
use crate::look::{Look, Mark};
use crate::personal::{CPR, PHONE, SSN, told};
use crate::place::Place;

mod card;
mod phone;

/// The most groups of digits that belong together.
const MOST_GROUPS: usize = 6;
/// The most digits in a group; a longer one is no number of anything here.
const MOST_DIGITS: usize = 20;

/// Digits in groups, as they stand in a text.
pub(crate) struct Groups {
    spans: [Range<usize>; MOST_GROUPS],
    count: usize,
}

impl Groups {
    /// Reads the groups from the digit at `at` on; between two of them stand at most two separators.
    pub(crate) fn read(look: &Look<'_>, at: usize) -> Self {
        const BETWEEN: Charset = Charset::of(b" -./()");
        let mut groups = Self { spans: std::array::from_fn(|_| 0..0), count: 0 };
        let mut from = at;
        for span in &mut groups.spans {
            let length = look.run(from, Charset::DIGIT, MOST_DIGITS + 1);
            if length == 0 || length > MOST_DIGITS {
                break;
            }
            // One digit begins a number only behind a plus, or before three: `1 (415) …`.
            let lone = groups.count == 1 && from - at <= 3 && !look.at(at + 1).is_ascii_digit();
            if lone && length != 3 && look.before(at) != b'+' {
                break;
            }
            *span = from..from + length;
            groups.count += 1;
            from += length;
            let gap = look.run(from, BETWEEN, 3);
            if gap == 0 || gap > 2 {
                break;
            }
            from += gap;
        }
        groups
    }

    fn all(&self) -> &[Range<usize>] {
        self.spans.get(..self.count).unwrap_or_default()
    }

    fn first(&self, count: usize) -> &[Range<usize>] {
        self.all().get(..count).unwrap_or_default()
    }

    fn lengths(&self) -> [usize; MOST_GROUPS] {
        std::array::from_fn(|at| self.all().get(at).map_or(0, ExactSizeIterator::len))
    }

    /// The separator behind a group, if it is one character.
    fn joint(&self, look: &Look<'_>, behind: usize) -> Option<u8> {
        let (this, next) = (self.all().get(behind)?, self.all().get(behind + 1)?);
        (next.start - this.end == 1).then(|| look.at(this.end))
    }

    /// Says whether the first groups have one separator between them, everywhere the same.
    fn joined(&self, look: &Look<'_>, count: usize, joint: u8) -> bool {
        (0..count.saturating_sub(1)).all(|at| self.joint(look, at) == Some(joint))
    }
}

/// The digits of some groups, as values; more than belong to any number are left out.
struct Digits {
    all: [u8; Self::MOST],
    count: usize,
}

impl Digits {
    const MOST: usize = 24;
}

impl Deref for Digits {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.all.get(..self.count).unwrap_or_default()
    }
}

fn digits(look: &Look<'_>, groups: &[Range<usize>]) -> Digits {
    let bytes = groups.iter().flat_map(|group| look.bytes().get(group.clone()).unwrap_or_default());
    let mut digits = Digits { all: [0; Digits::MOST], count: 0 };
    for (digit, byte) in digits.all.iter_mut().zip(bytes) {
        *digit = byte - b'0';
        digits.count += 1;
    }
    digits
}

fn span(groups: &[Range<usize>]) -> Option<Range<usize>> {
    Some(groups.first()?.start..groups.last()?.end)
}

/// Looks at the number whose first digit stands at `at`, with no digit before it. Returns where to go on.
pub(crate) fn numbers(look: &Look<'_>, at: usize, place: &Place<'_>, found: &mut Vec<Found>) -> usize {
    let groups = Groups::read(look, at);
    let Some(first) = groups.all().first() else {
        // A run of digits too long for anything is stepped over whole, so that it is read once.
        return at + look.run(at, Charset::DIGIT, look.len());
    };
    let next = first.end;
    // Digits within a word, and behind a decimal point, are no number of their own.
    if !look.begins(at, Charset::WORD) || look.before(at) == b'.' && look.before(at - 1).is_ascii_digit() {
        return next;
    }
    let hit = card::card(look, &groups, place)
        .or_else(|| social_security(look, &groups, place))
        .or_else(|| danish(look, &groups, place))
        .or_else(|| phone::phone(look, &groups, place));
    let Some(hit) = hit else { return next };
    let end = hit.span.end;
    found.push(hit);
    end.max(next)
}

/// `123-45-6789`; nine digits alone only where something says what they are.
fn social_security(look: &Look<'_>, groups: &Groups, place: &Place<'_>) -> Option<Found> {
    let (count, written) = match groups.lengths() {
        [3, 2, 4, ..] if groups.joined(look, 3, b'-') => (3, true),
        [3, 2, 4, ..] if groups.joined(look, 3, b' ') => (3, false),
        [9, ..] => (1, false),
        _ => return None,
    };
    let number = digits(look, groups.first(count));
    let [a, b, c, d, e, f, g, h, i] = &*number else { return None };
    let area = u32::from(*a) * 100 + u32::from(*b) * 10 + u32::from(*c);
    let given = area != 0 && area != 666 && area < 900 && (*d, *e) != (0, 0) && [*f, *g, *h, *i] != [0; 4];
    let published = matches!(
        &*number,
        [0, 7, 8, 0, 5, 1, 1, 2, 0] | [2, 1, 9, 0, 9, 9, 9, 9, 9] | [1, 2, 3, 4, 5, 6, 7, 8, 9]
    );
    let span = span(groups.first(count))?;
    let alone = !Charset::WORD.plus(b"-").has(look.at(span.end)) && look.before(span.start) != b'-';
    if !given || published || !alone {
        return None;
    }
    if told(look, place, span.start, Mark::SocialSecurity) {
        return Some(Found::personal(SSN, Confidence::Certain, span, "its shape, and a word before it"));
    }
    written.then(|| Found::personal(SSN, Confidence::Likely, span, "its shape"))
}

/// `070761-4285`: a date of birth and four digits more.
fn danish(look: &Look<'_>, groups: &Groups, place: &Place<'_>) -> Option<Found> {
    let (count, written) = match groups.lengths() {
        [6, 4, ..] if groups.joined(look, 2, b'-') => (2, true),
        [6, 4, ..] if groups.joined(look, 2, b' ') => (2, false),
        [10, ..] => (1, false),
        _ => return None,
    };
    let number = digits(look, groups.first(count));
    let span = span(groups.first(count))?;
    if !is_date(&number) || Charset::WORD.plus(b"-").has(look.at(span.end)) || look.before(span.start) == b'-'
    {
        return None;
    }
    let proven = checksum::cpr(&number);
    let told = told(look, place, span.start, Mark::Danish);
    match (proven, written, told) {
        (true, true, _) | (true, _, true) => {
            Some(Found::personal(CPR, Confidence::Certain, span, "a date, and its check digit is right"))
        }
        (false, _, true) | (false, true, _) => {
            Some(Found::personal(CPR, Confidence::Likely, span, "a date and four digits"))
        }
        (true, false, false) => {
            let confidence = if count == 2 { Confidence::Likely } else { Confidence::Possible };
            Some(Found::personal(CPR, confidence, span, "digits that a date and a check digit fit"))
        }
        (false, false, false) => None,
    }
}

/// Says whether the first six digits are a day, a month and a year.
fn is_date(number: &[u8]) -> bool {
    let [d1, d2, m1, m2, ..] = number else { return false };
    let (day, month) = (d1 * 10 + d2, m1 * 10 + m2);
    let longest = match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return false,
    };
    (1..=longest).contains(&day)
}
