//! Personal data: numbers with check digits, addresses for mail and telephone, and, lightly, names and postal addresses.

use crate::found::{Confidence, Found};
use crate::look::{Look, Mark};
use crate::place::{Place, Purpose};

mod bank;
mod mail;
mod number;
mod people;

pub(crate) use bank::iban;
pub(crate) use mail::mail;
pub(crate) use number::numbers;
pub(crate) use people::{ANCHORS, Anchor, member, named_person, street, unit};

/// Says whether what was found is what its place is for: an address in a mail's `to` is no leak.
pub(crate) fn is_purpose(found: &Found, place: &Place<'_>) -> bool {
    place.purpose == Purpose::Contact && matches!(found.kind, MAIL | PHONE | NAME)
}

pub(crate) const MAIL: &str = "mail-address";
pub(crate) const PHONE: &str = "phone-number";
pub(crate) const NAME: &str = "person-name";
pub(crate) const ADDRESS: &str = "postal-address";
pub(crate) const CARD: &str = "payment-card";
pub(crate) const IBAN: &str = "iban";
pub(crate) const SSN: &str = "us-social-security-number";
pub(crate) const CPR: &str = "danish-personal-number";

/// Words that say what number follows, in letters of any size.
pub(crate) const MARKS: [(&str, Mark); 40] = [
    ("phone", Mark::Phone),
    ("tel:", Mark::Phone),
    ("tel.", Mark::Phone),
    ("telefon", Mark::Phone),
    ("tlf", Mark::Phone),
    ("mobile", Mark::Phone),
    ("mobil:", Mark::Phone),
    ("cell:", Mark::Phone),
    ("cell ", Mark::Phone),
    ("call ", Mark::Phone),
    ("answering", Mark::Phone),
    ("registered", Mark::Phone),
    ("whatsapp", Mark::Phone),
    ("sms ", Mark::Phone),
    ("fax", Mark::Phone),
    ("contact number", Mark::Phone),
    ("my number", Mark::Phone),
    ("messages to", Mark::Phone),
    ("text me", Mark::Phone),
    ("dial ", Mark::Phone),
    ("msisdn", Mark::Phone),
    ("ssn", Mark::SocialSecurity),
    ("social sec", Mark::SocialSecurity),
    ("social_sec", Mark::SocialSecurity),
    ("cpr", Mark::Danish),
    ("personnummer", Mark::Danish),
    ("personal number", Mark::Danish),
    ("personal_number", Mark::Danish),
    ("national_id", Mark::Danish),
    ("national id", Mark::Danish),
    ("fødsel", Mark::Danish),
    ("card", Mark::Card),
    ("visa", Mark::Card),
    ("amex", Mark::Card),
    ("payment", Mark::Card),
    ("test card", Mark::TestCard),
    ("test number", Mark::TestCard),
    ("test_card", Mark::TestCard),
    ("testcard", Mark::TestCard),
    ("dummy card", Mark::TestCard),
];

/// Says whether a word before `at`, or the name of the member that the text belongs to, says what it is.
fn told(look: &Look<'_>, place: &Place<'_>, at: usize, mark: Mark) -> bool {
    // People telephone in many words; what a number of another kind is, is said from farther away.
    let reach = if mark == Mark::Phone { 28 } else { 48 };
    if look.is_marked(at, reach, mark) {
        return true;
    }
    let Some(field) = place.field.map(str::to_ascii_lowercase) else { return false };
    MARKS.iter().any(|(word, of)| *of == mark && field.contains(word))
}

fn possible(kind: &'static str, span: std::ops::Range<usize>, why: &'static str) -> Found {
    Found::personal(kind, Confidence::Possible, span, why)
}
