//! What holds for every message.

use super::*;

/// A text with secrets and personal data in it, and with what breaks JSON if it is put in carelessly.
fn text() -> impl Strategy<Value = String> {
    let noise = "[ a-zA-Z0-9\"\\\\/\n\t{}\\[\\]:,=@%é☃\u{1}-]{0,12}";
    let piece = prop_oneof![
        4 => noise.prop_map(|noise| noise),
        1 => any::<u64>().prop_map(|seed| Draw::new(seed).github()),
        1 => any::<u64>().prop_map(|seed| Draw::new(seed).card("4", 16)),
        1 => any::<u64>().prop_map(|seed| format!("password=\"k9{}\"", Draw::new(seed).token(12))),
        1 => Just("[[secret:x:abcdefghijklmnop]]".to_owned()),
        1 => Just(" anna@firma.dk ".to_owned()),
    ];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

fn document() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        4 => text().prop_map(|text| doorward_wire::quote(&text)),
        1 => any::<u64>().prop_map(|seed| Draw::new(seed).card("51", 16)),
        1 => prop_oneof![Just("null"), Just("true"), Just("-1.5e3"), Just("12345678901")].prop_map(str::to_owned),
    ];
    leaf.prop_recursive(4, 30, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(|items| format!("[{}]", items.join(" , "))),
            prop::collection::vec(inner.clone(), 0..5).prop_map(|values| {
                let names = ["a", "password", "to", "name", "value", "token"];
                let members: Vec<String> =
                    values.iter().zip(names).map(|(value, name)| format!("\"{name}\" :{value}")).collect();
                format!("{{{}}}", members.join(","))
            }),
            inner.prop_map(|inner| doorward_wire::quote(&inner)),
        ]
    })
}

fn treatment() -> impl Strategy<Value = Treatment> {
    prop_oneof![
        Just(Treatment::Allow),
        Just(Treatment::Mask),
        Just(Treatment::Redact),
        Just(Treatment::Tokenise)
    ]
}

proptest! {
    #[test]
    fn what_was_treated_is_json_and_holds_nothing_that_had_to_go(text in document(), treatment in treatment()) {
        let vault = vault();
        let after = Case::result(treatment).after(&text, &vault);
        let again = Case::result(treatment).treat(&tree(&after), &vault);
        if treatment == Treatment::Allow {
            prop_assert_eq!(again.spoilt, 0);
        } else {
            // A second look finds nothing more; what was put there is no finding.
            let left: Vec<_> = again.findings.iter().filter(|finding| finding.confidence > Confidence::Possible).collect();
            prop_assert!(left.is_empty(), "{} -> {} {:?}", text, after, left);
        }
    }

    #[test]
    fn the_shape_of_a_message_stays(text in document(), treatment in treatment()) {
        let before = tree(&text);
        let after = tree(&Case::result(treatment).after(&text, &vault()));
        prop_assert!(same_shape(before.root(), after.root()), "{text} -> {after:?}");
    }

    #[test]
    fn findings_are_in_order_and_on_borders_of_characters(text in text()) {
        let found = FINDER.with(|finder| finder.find(&text, &Place::default()));
        let mut end = 0;
        for found in found {
            prop_assert!(found.span.start >= end && found.span.start < found.span.end);
            prop_assert!(text.get(found.span.clone()).is_some());
            end = found.span.end;
        }
    }
}

/// Says whether two values have the same members and items, and the same scalars but strings and long numbers.
fn same_shape(a: Value<'_>, b: Value<'_>) -> bool {
    let members = || a.members().zip(b.members()).all(|((x, a), (y, b))| x == y && same_shape(a, b));
    match (a.kind(), b.kind()) {
        (Kind::Array, Kind::Array) => {
            a.len() == b.len() && a.items().zip(b.items()).all(|(a, b)| same_shape(a, b))
        }
        (Kind::Object, Kind::Object) => a.len() == b.len() && members(),
        (Kind::String, Kind::String) => true,
        (Kind::Number, Kind::String) => a.raw().len() >= 9,
        (x, y) => x == y && a.raw() == b.raw(),
    }
}
