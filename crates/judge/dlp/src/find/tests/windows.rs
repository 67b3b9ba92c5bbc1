//! Texts in pieces.

use proptest::prelude::*;

use super::*;
use crate::testing::Draw;

/// What is found in a text that arrives in pieces, each held back as long as it must be.
fn in_pieces(text: &str, sizes: &[usize]) -> (Vec<(&'static str, String)>, usize) {
    let (mut found, mut held, mut most) = (Vec::new(), String::new(), 0);
    let mut rest = text;
    for size in sizes.iter().cycle() {
        let (piece, after) = rest.split_at(rest.floor_char_boundary(*size).max(rest.len().min(4)));
        held.push_str(piece);
        rest = after;
        let end = rest.is_empty();
        let settled =
            if end { held.len() } else { FINDER.with(|finder| finder.settled(&held, &Place::default())) };
        let now = find(&held[..settled]);
        found.extend(now.into_iter().map(|found| (found.kind, held[found.span].to_owned())));
        held.drain(..settled);
        most = most.max(held.len());
        if end {
            break;
        }
    }
    (found, most)
}

fn line() -> impl Strategy<Value = String> {
    let secret = any::<u64>().prop_map(|seed| {
        let mut draw = Draw::new(seed);
        match draw.number(7) {
            0 => draw.github(),
            1 => format!("password: \"k9{}\"", draw.token(14)),
            2 => format!("- name: DB_PASSWORD\n  value: q7{}", draw.token(14)),
            3 => draw.armour("RSA PRIVATE KEY"),
            4 => format!("AKIA{}\na+Z9{}", draw.of(Charset::CAPITAL, 16), draw.of(Charset::BASE64, 36)),
            5 => format!("card {}", draw.card("4", 16)),
            _ => draw.jwt(),
        }
    });
    prop_oneof![3 => "[a-z ,.]{0,200}", 1 => secret, 1 => "[a-zéø☃ ]{200,600}"]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    // control: D-22: A secret that arrives cut in two is found as if it had arrived whole.
    #[test]
    fn a_secret_in_two_pieces_is_found(
        lines in prop::collection::vec(line(), 10..60),
        sizes in prop::collection::vec(300_usize..3000, 1..5),
    ) {
        let text = lines.join("\n");
        let whole: Vec<_> = find(&text).into_iter().map(|found| (found.kind, text[found.span].to_owned())).collect();
        prop_assert_eq!(in_pieces(&text, &sizes).0, whole);
    }
}

// control-off: D-22: If each piece were looked at alone, a secret that is cut in two would be in neither.
#[test]
fn a_secret_cut_in_two_is_in_neither_half() {
    let token = Draw::new(91).github();
    let (first, second) = token.split_at(20);
    assert!(find(first).is_empty() && find(second).is_empty());
}

#[test]
fn what_never_ends_is_let_go() {
    for text in ["x".repeat(200_000), "word ".repeat(40_000), "line\n".repeat(40_000)] {
        let (found, most) = in_pieces(&text, &[1000]);
        assert!(found.is_empty() && most < 24_000, "{most}");
    }
    let armour = format!(
        "-----BEGIN PRIVATE KEY-----\n{}",
        "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY\n".repeat(4000)
    );
    let (found, most) = in_pieces(&armour, &[1000]);
    assert!(found[0].1.len() > 30_000 && most < 60_000, "{most}");
}
