//! Addresses for mail, names, and what a place is for.

use super::*;
use crate::place::Purpose;

fn kinds(text: &str) -> Vec<(&'static str, &str, Confidence)> {
    find(text).into_iter().map(|found| (found.kind, &text[found.span], found.confidence)).collect()
}

#[test]
fn mail_addresses_are_found() {
    for (text, address) in [
        ("write to anna.berg@firma.dk.", "anna.berg@firma.dk"),
        ("<a+tag@sub.domain.co.uk>", "a+tag@sub.domain.co.uk"),
        ("mailto:o'hara@mail.se", "hara@mail.se"),
        ("{\"email\":\"x_y@firma.com\"}", "x_y@firma.com"),
        ("(a@b.io)", "a@b.io"),
        ("user=me@firma.com&x=1", "me@firma.com"),
    ] {
        assert_eq!(kinds(text), [("mail-address", address, Confidence::Likely)], "{text}");
    }
    for text in ["someone@example.com", "noreply@firma.com", "1234+me@users.noreply.github.com"] {
        assert_eq!(find(text)[0].confidence, Confidence::Possible, "{text}");
    }
    for text in [
        "git@github.com:owner/repo.git",
        "ssh://me@host.com/x",
        "npm i @scope/name@1.2.3",
        "icon@2x.png",
        "@decorator",
        "a @ b.com",
        "user@localhost",
        "unit@foo.service",
        "x@y",
        "name@1.2",
    ] {
        assert_eq!(kinds(text), [], "{text}");
    }
}

#[test]
fn names_and_streets_are_guessed_and_never_more() {
    for (text, kind, shown) in [
        ("Dear Anna Berg, thank you", "person-name", "Anna Berg"),
        ("ask Dr. Jens-Peter Møller about it", "person-name", "Jens-Peter Møller"),
        ("she lives at 15 Millicent Drive, I think", "postal-address", "15 Millicent Drive"),
        ("send it to P.O. Box 101", "postal-address", "P.O. Box 101"),
    ] {
        assert_eq!(kinds(text), [(kind, shown, Confidence::Possible)], "{text}");
    }
    for text in ["the hard drive", "in the first place", "dear all", "a 3 lane road", "Dr. who"] {
        assert_eq!(kinds(text), [], "{text}");
    }
    assert_eq!(find_member("lastName", "Møller")[0].kind, "person-name");
    assert_eq!(find_member("street_address", "Nygade 7, 2. tv")[0].kind, "postal-address");
    assert!(find_member("name", "fetch").is_empty());
}

// control-off: DAT-02: Where nothing says whom a place is for, an address in it counts as personal data.
#[test]
fn an_address_in_the_text_of_a_mail_is_found() {
    assert_eq!(find("anna@firma.dk").len(), 1);
}

// control: DAT-02: An address in its own place is no leak; a card, a secret or an account in that place still is.
#[test]
fn an_address_in_its_own_place_is_no_leak() {
    let place = Place { field: Some("to"), purpose: Purpose::Contact };
    let find = |text: &str| FINDER.with(|finder| finder.find(text, &place));
    for text in [
        "anna@firma.dk",
        "Anna Berg <anna@firma.dk>, jens@firma.dk",
        "+45 12 34 56 78",
        "Dear Anna <anna@firma.dk>",
    ] {
        assert_eq!(find(text), [], "{text}");
    }
    let mut draw = crate::testing::Draw::new(41);
    let (card, token) = (draw.card("4", 16), draw.github());
    assert_eq!(find(&format!("anna@firma.dk {card}"))[0].kind, "payment-card");
    assert_eq!(find(&format!("{token}@evil.dk"))[0].kind, "github-token");
}
