//! Payment cards: a known beginning, the length that goes with it, and Luhn's check.

use super::{Groups, digits, span};
use crate::charset::Charset;
use crate::checksum;
use crate::found::{Confidence, Found};
use crate::look::{Look, Mark};
use crate::personal::{CARD, told};
use crate::place::Place;

/// How the digits may be grouped.
const GROUPS: [&[usize]; 8] = [
    &[4, 4, 4, 4],
    &[4, 4, 4, 4, 3],
    &[4, 4, 4, 4, 2],
    &[4, 6, 5],
    &[4, 6, 4],
    &[4, 4, 4, 1],
    &[4, 4, 4, 3],
    &[6, 13],
];

pub(super) fn card(look: &Look<'_>, groups: &Groups, place: &Place<'_>) -> Option<Found> {
    let lengths = groups.lengths();
    let grouped = GROUPS
        .iter()
        .filter(|shape| lengths.starts_with(shape))
        .filter(|shape| [b' ', b'-', b'.'].iter().any(|joint| groups.joined(look, shape.len(), *joint)))
        .max_by_key(|shape| shape.len());
    let count = match grouped {
        Some(shape) => shape.len(),
        None if (12..=19).contains(&groups.lengths()[0]) => 1,
        None => return None,
    };
    // Sixteen digits and three more: the three may be something else.
    [count, if count == 5 { 4 } else { count }].into_iter().find_map(|count| {
        let number = digits(look, groups.first(count));
        let span = span(groups.first(count))?;
        // Digits with others behind a hyphen are a part of an id, unless they are grouped as a card's are.
        let joined = count == 1
            && (look.at(span.end) == b'-' && look.at(span.end + 1).is_ascii_alphanumeric()
                || look.before(span.start) == b'-' && look.before(span.start - 1).is_ascii_digit());
        let alone = !joined && !Charset::WORD.has(look.at(span.end));
        let real = alone && is_issued(&number) && checksum::luhn(&number) && !is_one_digit(&number);
        // A number that says of itself that it is for tests.
        let test = real && told(look, place, span.start, Mark::TestCard);
        // One in ten numbers of the right length and beginning passes the check.
        let certain = count > 1 || told(look, place, span.start, Mark::Card);
        let confidence = if certain { Confidence::Certain } else { Confidence::Likely };
        let why = "a card's beginning and length, and its check digit is right";
        (real && !test).then(|| Found::personal(CARD, confidence, span, why))
    })
}

/// Says whether some scheme gives out numbers that begin so and are that long.
fn is_issued(number: &[u8]) -> bool {
    let first = number.iter().take(6).fold(0_u32, |value, digit| value * 10 + u32::from(*digit));
    let (two, three, four) = (first / 10_000, first / 1_000, first / 100);
    let lengths: &[usize] = match (two, three, four) {
        (40..=49, ..) => &[13, 16, 18, 19],
        (51..=55, ..) | (_, _, 2221..=2720) => &[16],
        (34 | 37, ..) => &[15],
        (30 | 36 | 38 | 39, ..) => &[14, 15, 16, 17, 18, 19],
        (35, ..) => &[16, 17, 18, 19],
        (_, _, 2131 | 1800) => &[15],
        (60 | 62 | 64 | 65 | 81 | 82, ..) => &[16, 17, 18, 19],
        (_, _, 2200..=2205) => &[16, 17, 18, 19],
        (50 | 56..=59, ..) | (63 | 67 | 69, ..) => &[12, 13, 14, 15, 16, 17, 18, 19],
        (_, _, 604) => &[12, 13, 14, 15, 16, 17, 18, 19],
        _ => return false,
    };
    lengths.contains(&number.len())
}

fn is_one_digit(number: &[u8]) -> bool {
    number.windows(2).all(|pair| matches!(pair, [a, b] if a == b))
}
