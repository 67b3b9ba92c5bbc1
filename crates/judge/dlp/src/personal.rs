//! Personal data: numbers with check digits, addresses for mail and telephone, and, lightly, names and postal addresses.

use crate::found::{Confidence, Found};
use crate::look::Look;
use crate::place::{Place, Purpose};

mod bank;
mod mail;
mod number;
mod people;

pub(crate) use bank::iban;
pub(crate) use mail::mail;
pub(crate) use number::numbers;
pub(crate) use people::{ANCHORS, Anchor, member, named_person, street};

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

/// Says whether one of the words stands before `at`, or in the name of the member that the text belongs to.
fn told(look: &Look<'_>, place: &Place<'_>, at: usize, words: &[&str]) -> bool {
    const REACH: usize = 48;
    let field = place.field.map(str::to_ascii_lowercase).unwrap_or_default();
    words.iter().any(|word| field.contains(word)) || look.near(at, REACH, words)
}

fn possible(kind: &'static str, span: std::ops::Range<usize>, why: &'static str) -> Found {
    Found::personal(kind, Confidence::Possible, span, why)
}
