//! Telephone numbers: with a country's number, as North America writes them, or where a word says what they are.

use super::{Groups, PHONE, digits, told};
use crate::charset::Charset;
use crate::found::{Confidence, Found};
use crate::look::{Look, Mark};
use crate::place::Place;

pub(super) fn phone(look: &Look<'_>, groups: &Groups, place: &Place<'_>) -> Option<Found> {
    let first = groups.all().first()?;
    let opened = usize::from(look.before(first.start) == b'(');
    let start = first.start - opened;
    let plus = look.before(start) == b'+' && !Charset::WORD.has(look.before(start - 1));
    if plus {
        return international(look, groups, start - 1);
    }
    if look.before(start) == b'.'
        || look.before(start) == b'-' && look.before(start - 1).is_ascii_alphanumeric()
    {
        return None;
    }
    if let Some(count) = north_american(look, groups, opened > 0) {
        let end = extension(look, groups.first(count).last()?.end);
        return Some(Found::personal(PHONE, Confidence::Likely, start..end, "it is written like one"));
    }
    spoken(look, groups, place, start)
}

fn international(look: &Look<'_>, groups: &Groups, start: usize) -> Option<Found> {
    let mut total = 0;
    let fitting = groups.all().iter().take_while(|group| {
        total += group.len();
        total <= 15
    });
    let last = fitting.last()?;
    let counted = groups
        .all()
        .iter()
        .take_while(|group| group.end <= last.end)
        .map(ExactSizeIterator::len)
        .sum::<usize>();
    let starts_right = look.at(start + 1) != b'0';
    let end = extension(look, last.end);
    let alone =
        !(Charset::WORD.has(look.at(end)) || look.at(end) == b':' && look.at(end + 1).is_ascii_digit());
    ((8..=15).contains(&counted) && starts_right && alone).then(|| {
        Found::personal(PHONE, Confidence::Likely, start..end, "a country's number stands before it")
    })
}

/// How many groups are a number of North America: area, exchange and line, perhaps with the country before them.
fn north_american(look: &Look<'_>, groups: &Groups, opened: bool) -> Option<usize> {
    let (skip, count) = match groups.lengths() {
        [3, 3, 4, ..] => (0, 3),
        [1 | 3, 3, 3, 4, ..] => (1, 4),
        _ => return None,
    };
    let area = groups.all().get(skip)?;
    let country = digits(look, groups.first(skip));
    let known = skip == 0 || matches!(&*country, [1] | [0, 0, 1]);
    let written = opened || groups.joined(look, count, b'-') || groups.joined(look, count, b'.');
    let last = groups.all().get(count - 1)?;
    let behind = look.at(last.end);
    let alone = groups.all().len() == count
        && (!Charset::WORD.has(behind) || behind == b'x')
        && !(behind == b'-' && look.at(last.end + 1).is_ascii_digit());
    (known && written && alone && look.at(area.start) >= b'2').then_some(count)
}

/// Digits that a word before them calls a number.
fn spoken(look: &Look<'_>, groups: &Groups, place: &Place<'_>, start: usize) -> Option<Found> {
    let total: usize = groups.all().iter().map(ExactSizeIterator::len).sum();
    let day = matches!(groups.lengths(), [4, 2, 2, ..] | [2, 2, 4, ..] | [1, 2, 4, ..] | [2, 1, 4, ..]);
    let date = day && groups.joint(look, 0) != Some(b' ');
    let end = extension(look, groups.all().last()?.end);
    let longest = groups.all().iter().map(ExactSizeIterator::len).max()?;
    let plain =
        (7..=15).contains(&total) && longest >= 2 && !date && !Charset::WORD.plus(b"%").has(look.at(end));
    (plain && (told(look, place, start, Mark::Phone) || named_behind(look, end)))
        .then(|| Found::personal(PHONE, Confidence::Likely, start..end, "a word before it says so"))
}

/// Says whether the next word says what the number was, as lists of people do: `85 175 7641 office`.
fn named_behind(look: &Look<'_>, end: usize) -> bool {
    let gap = look.run(end, Charset::of(b" -,/("), 3);
    let words = ["office", "fax", "mobile", "phone", "home", "work", "cell"];
    gap > 0 && words.iter().any(|word| look.starts_anyhow(end + gap, word))
}

/// The end of `x123` behind a number, if there is one.
fn extension(look: &Look<'_>, end: usize) -> usize {
    let digits = look.run(end + 1, Charset::DIGIT, 6);
    if look.at(end) == b'x' && (1..=5).contains(&digits) { end + 1 + digits } else { end }
}
