//! Names and postal addresses, lightly: where a member's name or a word before them says so. Never more than possible.

use crate::charset::Charset;
use crate::found::Found;
use crate::look::Look;
use crate::personal::{ADDRESS, NAME, possible};

/// What stands before a name, or in an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchor {
    /// A name follows.
    Person,
    /// A number and a name stand before.
    Street,
    /// A number follows.
    Unit,
}

pub(crate) const ANCHORS: [(&str, Anchor); 24] = [
    ("mr. ", Anchor::Person),
    ("mrs. ", Anchor::Person),
    ("ms. ", Anchor::Person),
    ("dr. ", Anchor::Person),
    ("name is ", Anchor::Person),
    ("dear ", Anchor::Person),
    ("hi ", Anchor::Person),
    (" street", Anchor::Street),
    (" avenue", Anchor::Street),
    (" road", Anchor::Street),
    (" lane", Anchor::Street),
    (" drive", Anchor::Street),
    (" boulevard", Anchor::Street),
    (" court", Anchor::Street),
    (" square", Anchor::Street),
    (" terrace", Anchor::Street),
    (" crescent", Anchor::Street),
    (" place", Anchor::Street),
    (" st.", Anchor::Street),
    (" st ", Anchor::Street),
    (" ave", Anchor::Street),
    ("p.o. box ", Anchor::Unit),
    ("suite ", Anchor::Unit),
    ("apt. ", Anchor::Unit),
];

/// The name that begins at `at`: one to four words with capital letters.
pub(crate) fn named_person(look: &Look<'_>, at: usize) -> Option<Found> {
    let rest = look.slice(at..look.text().floor_char_boundary(at + 60));
    let (mut end, mut from) = (0, 0);
    for word in rest.split_inclusive(' ').take(4) {
        let bare = word.trim_end_matches(|c: char| !c.is_alphabetic());
        if !is_name(bare) {
            break;
        }
        end = from + bare.len();
        from += word.len();
        if bare.len() + 1 < word.len() {
            break;
        }
    }
    (end > 1).then(|| possible(NAME, at..at + end, "a form of address stands before it"))
}

fn is_name(word: &str) -> bool {
    let mut letters = word.chars();
    letters.next().is_some_and(char::is_uppercase)
        && word.chars().count() >= 2
        && letters.all(|c| c.is_alphabetic() || matches!(c, '\'' | '-' | '.' | '’'))
}

/// The address whose street's kind begins at `at`: a number and names before it, on the same line.
pub(crate) fn street(look: &Look<'_>, at: usize, anchor: &str) -> Option<Found> {
    let end = at + anchor.len();
    if Charset::ALNUM.has(look.at(end)) || !look.at(at + 1).is_ascii_uppercase() {
        return None;
    }
    let names = look.run_back(at, Charset::ALNUM.plus(b" .'-"), 40);
    let text = look.slice(at - names..at);
    // From the last word back to the number: every word between is a name.
    let mut from = text.len();
    for word in text.rsplit(' ').take(5) {
        from = from.saturating_sub(word.len());
        if word.len() <= 6 && word.starts_with(|c: char| c.is_ascii_digit()) {
            return Some(possible(ADDRESS, at - names + from..end, "a number and the name of a street"));
        }
        if !word.starts_with(|c: char| c.is_ascii_uppercase()) {
            return None;
        }
        from = from.saturating_sub(1);
    }
    None
}

/// `P.O. Box 101`, `Suite 5`: the number that begins at `end`, with the word before it.
pub(crate) fn unit(look: &Look<'_>, at: usize, end: usize) -> Option<Found> {
    let digits = look.run(end, Charset::DIGIT, 8);
    (digits > 0 && look.begins(at, Charset::WORD))
        .then(|| possible(ADDRESS, at..end + digits, "a unit with its number"))
}

/// A member that is called a name or an address, whole.
pub(crate) fn member(look: &Look<'_>, field: &str) -> Option<Found> {
    const NAMES: [&str; 20] = [
        "firstname",
        "lastname",
        "fullname",
        "surname",
        "givenname",
        "familyname",
        "middlename",
        "maidenname",
        "displayname",
        "customername",
        "patientname",
        "contactname",
        "personname",
        "employeename",
        "cardholder",
        "cardholdername",
        "accountholder",
        "nameoncard",
        "fornavn",
        "efternavn",
    ];
    const ADDRESSES: [&str; 12] = [
        "streetaddress",
        "homeaddress",
        "postaladdress",
        "mailingaddress",
        "billingaddress",
        "shippingaddress",
        "addressline1",
        "addressline2",
        "street",
        "streetname",
        "address1",
        "address2",
    ];
    let text = look.text().trim();
    let from = look.len() - look.text().trim_start().len();
    look.spend(text.len().min(200));
    let short = (2..=120).contains(&text.len()) && !text.contains(['{', '<', '$', '=', '\n']);
    if !short {
        return None;
    }
    let name: String =
        field.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    if NAMES.contains(&name.as_str())
        && text.split_whitespace().count() <= 5
        && text.chars().all(|c| !c.is_ascii_digit())
    {
        return Some(possible(NAME, from..from + text.len(), "its member's name"));
    }
    let address = ADDRESSES.contains(&name.as_str()) && text.chars().any(|c| c.is_ascii_digit());
    address.then(|| possible(ADDRESS, from..from + text.len(), "its member's name"))
}
