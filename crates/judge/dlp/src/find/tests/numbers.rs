//! Numbers of cards, accounts, people and telephones.

use super::*;
use crate::testing::Draw;

fn personal(text: &str) -> Vec<(&'static str, &str)> {
    let found = find(text).into_iter().filter(|found| found.confidence > Confidence::Possible);
    found.map(|found| (found.kind, &text[found.span])).collect()
}

/// In groups, with something between them.
fn grouped(number: &str, groups: &[usize], joint: &str) -> String {
    let mut at = 0;
    let pieces = groups.iter().map(|length| {
        at += length;
        &number[at - length..at]
    });
    pieces.collect::<Vec<_>>().join(joint)
}

const SCHEMES: [(&str, usize); 14] = [
    ("4", 16),
    ("4", 13),
    ("4", 19),
    ("51", 16),
    ("55", 16),
    ("2221", 16),
    ("2720", 16),
    ("34", 15),
    ("37", 15),
    ("6011", 16),
    ("65", 16),
    ("3528", 16),
    ("36", 14),
    ("62", 16),
];

// control: DAT-02: Every card whose check digit is right is found, in one piece and in groups.
#[test]
fn cards_are_found() {
    let mut draw = Draw::new(31);
    for (begins, length) in SCHEMES {
        for _ in 0..30 {
            let card = draw.card(begins, length);
            let groups: &[usize] = match length {
                16 => &[4, 4, 4, 4],
                15 => &[4, 6, 5],
                14 => &[4, 6, 4],
                13 => &[4, 4, 4, 1],
                _ => &[4, 4, 4, 4, 3],
            };
            for written in [card.clone(), grouped(&card, groups, " "), grouped(&card, groups, "-")] {
                for text in [
                    format!("{written}/123"),
                    format!("card {written}."),
                    format!("\"{written}\""),
                    written.clone(),
                    format!("pay {written}, 12/27 123"),
                ] {
                    assert_eq!(personal(&text), [("payment-card", written.as_str())], "{text}");
                }
            }
        }
    }
}

// control: DAT-02: A card that a hyphen ties to a token is found with it: taken out alone, the token would leave it bare.
#[test]
fn a_card_tied_to_a_secret_is_found_too() {
    let mut draw = Draw::new(33);
    for _ in 0..30 {
        let (token, card) = (draw.github(), draw.card("4", 16));
        for text in [format!("{token}{card}-{card}"), format!("{card}-{token}")] {
            let kinds: Vec<_> = personal(&text).into_iter().map(|(kind, _)| kind).collect();
            assert!(kinds.contains(&"payment-card"), "{text}: {kinds:?}");
        }
    }
}

#[test]
fn what_is_no_card_is_left() {
    let mut draw = Draw::new(32);
    let card = draw.card("4", 16);
    let last = char::from(b'0' + (card.as_bytes()[15] - b'0' + 1) % 10);
    let test = draw.card("4", 16);
    for text in [
        format!("{}{last}", &card[..15]),
        format!("x{card}"),
        format!("0.{card}"),
        format!("{card}7788990011"),
        format!("{card}-7f3a"),
        format!("use the test card {test}"),
        "1716239022123".into(),
        "4444444444444444".into(),
        "0000000000000000".into(),
        draw.card("99", 16),
        draw.card("51", 15),
    ] {
        assert_eq!(personal(&text), [], "{text}");
    }
}

// control: DAT-02: Every IBAN whose check digits are right is found, in any size of letters and in groups.
#[test]
fn accounts_are_found() {
    let mut draw = Draw::new(33);
    for (country, length) in [
        ("DE", 22),
        ("DK", 18),
        ("FR", 27),
        ("NO", 15),
        ("ES", 24),
        ("PL", 28),
        ("CH", 21),
        ("GB", 22),
        ("MT", 31),
    ] {
        for _ in 0..30 {
            let iban = draw.iban(country, length);
            let spaced: Vec<&str> =
                (0..length).step_by(4).map(|at| &iban[at..(at + 4).min(length)]).collect();
            for written in [iban.clone(), iban.to_lowercase(), spaced.join(" "), spaced.join("-")] {
                let text = format!("to {written}, please");
                assert_eq!(personal(&text), [("iban", written.as_str())], "{text}");
            }
            let wrong = format!("{}{}", &iban[..length - 1], (iban.as_bytes()[length - 1] - b'0' + 1) % 10);
            assert!(!personal(&wrong).iter().any(|(kind, _)| *kind == "iban"), "{wrong}");
        }
    }
}

// control: DAT-02: Danish personal numbers are found by date and check digit, or where a word says what they are.
#[test]
fn numbers_of_people_are_found() {
    let mut draw = Draw::new(34);
    for date in ["010190", "311299", "290200", "150675"] {
        let cpr = draw.cpr(date);
        assert_eq!(personal(&format!("nr. {cpr}.")), [("danish-personal-number", cpr.as_str())]);
        let bare = cpr.replace('-', "");
        assert_eq!(personal(&format!("CPR: {bare}")), [("danish-personal-number", bare.as_str())]);
        assert_eq!(personal(&format!("order {bare}")), [], "{bare}");
    }
    assert_eq!(
        find_member("cprNumber", &draw.cpr("010190").replace('-', ""))[0].kind,
        "danish-personal-number"
    );
    for text in ["part 321399-1234", "part 010090-1234", "v010190-1234", "010190-12345"] {
        assert_eq!(personal(text), [], "{text}");
    }
    for ssn in ["536-90-4399", "001-01-0001", "899-99-9998"] {
        assert_eq!(personal(&format!("SSN {ssn}")), [("us-social-security-number", ssn)]);
        assert_eq!(personal(&format!("it is {ssn}, yes")), [("us-social-security-number", ssn)]);
    }
    assert_eq!(
        personal("my social security number is 536904399"),
        [("us-social-security-number", "536904399")]
    );
    for text in [
        "000-12-3456",
        "666-12-3456",
        "912-12-3456",
        "536-00-4399",
        "536-90-0000",
        "078-05-1120",
        "123-45-6789",
        "1536-90-4399",
        "536-90-43991",
        "536904399",
    ] {
        assert_eq!(personal(text), [], "{text}");
    }
}

#[test]
fn telephone_numbers_are_found() {
    for (text, number) in [
        ("call +45 12 34 56 78 now", "+45 12 34 56 78"),
        ("+4512345678", "+4512345678"),
        ("+1 (415) 555-2671.", "+1 (415) 555-2671"),
        ("(415) 555-2671", "(415) 555-2671"),
        ("415-555-2671 x12", "415-555-2671"),
        ("415.555.2671", "415.555.2671"),
        ("001-415-555-2671x123", "001-415-555-2671x123"),
        ("phone: 0688 872 49 99", "0688 872 49 99"),
        ("tlf. 12345678", "12345678"),
    ] {
        assert_eq!(personal(text), [("phone-number", number)], "{text}");
    }
    for text in [
        "2024-01-31",
        "10.0.0.1",
        "1.2.3",
        "192.168.100.200",
        "2024-01-31T10:00:00",
        "12345678",
        "port 8080",
        "555-2671",
        "a-415-555-2671-b",
        "phone calls rose by 12.5 in 2024",
        "20 30 40 50",
        "+1 and +2",
    ] {
        assert_eq!(personal(text), [], "{text}");
    }
}
