use bytes::Bytes;
use doorward_wire::{Limits, Tree};
use proptest::prelude::*;

use super::*;

fn form(text: &str) -> Result<String, CanonicalError> {
    let tree = Tree::parse(Bytes::copy_from_slice(text.as_bytes()), &Limits::default()).expect("JSON");
    canonical(tree.root())
}

/// The samples of RFC 8785, appendix B: the bits of a double, and its text.
#[test]
fn doubles_are_written_as_the_rfc_lists_them() {
    for (bits, text) in [
        (0x0000_0000_0000_0000, "0"),
        (0x8000_0000_0000_0000, "0"),
        (0x0000_0000_0000_0001, "5e-324"),
        (0x8000_0000_0000_0001, "-5e-324"),
        (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
        (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308"),
        (0x4340_0000_0000_0000, "9007199254740992"),
        (0xc340_0000_0000_0000, "-9007199254740992"),
        (0x4430_0000_0000_0000, "295147905179352830000"),
        (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
        (0x44b5_2d02_c7e1_4af6, "1e+23"),
        (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"),
        (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
        (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"),
        (0x444b_1ae4_d6e2_ef50, "1e+21"),
        (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
        (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
        (0x41b3_de43_5555_5553, "333333333.3333332"),
        (0x41b3_de43_5555_5554, "333333333.33333325"),
        (0x41b3_de43_5555_5555, "333333333.3333333"),
        (0x41b3_de43_5555_5556, "333333333.3333334"),
        (0x41b3_de43_5555_5557, "333333333.33333343"),
        (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
        (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
    ] {
        assert_eq!(ecmascript(f64::from_bits(bits)), text, "{bits:016x}");
    }
}

/// The examples of RFC 8785, 3.2.2 to 3.2.4.
#[test]
fn the_documents_of_the_rfc_come_out_as_it_prints_them() {
    let numbers = r#"{ "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/", "literals": [null, true, false] }"#;
    let expected = r#"{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}"#;
    assert_eq!(form(numbers).as_deref(), Ok(expected));
    let sorting = r#"{ "\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh",
        "1": "One", "\ud83d\ude00": "Emoji: Grinning Face", "\u0080": "Control", "\u00f6": "Latin Small Letter O With Diaeresis" }"#;
    let order: Vec<String> = form(sorting).unwrap().split("\",\"").map(|part| part.to_owned()).collect();
    let last: Vec<&str> = order.iter().filter_map(|part| part.split("\":\"").nth(1)).collect();
    assert_eq!(
        last,
        [
            "Carriage Return",
            "One",
            "Control",
            "Latin Small Letter O With Diaeresis",
            "Euro Sign",
            "Emoji: Grinning Face",
            "Hebrew Letter Dalet With Dagesh\"}"
        ]
    );
}

#[test]
fn numbers_keep_what_a_double_holds_and_no_more_is_accepted() {
    for (text, form_of) in [
        ("9007199254740991", "9007199254740991"),
        ("-0", "0"),
        ("1.0", "1"),
        ("10e-1", "1"),
        ("9223372036854775807", "9223372036854776000"),
        ("18446744073709551615", "18446744073709552000"),
        ("1e-400", "0"),
        ("1000000000000000000000000", "1e+24"),
    ] {
        assert_eq!(form(text).as_deref(), Ok(form_of), "{text}");
    }
    // A sentence in decimal codes fits into the digits that a double drops.
    for text in ["723210110810811132119111114108100", "0.1234567890123456789012", "1e400", "-1e309"] {
        assert_eq!(form(text), Err(CanonicalError::Number), "{text}");
    }
}

/// A JSON value, and two ways to write it: members in order or turned, with and without blanks.
#[derive(Debug, Clone)]
enum Node {
    Word(String),
    Text(String),
    List(Vec<Node>),
    Map(std::collections::BTreeMap<String, Node>),
}

impl Node {
    fn write(&self, turned: bool, blank: &str) -> String {
        let join = |open: &str, mut parts: Vec<String>, close: &str, turn: bool| {
            if turn {
                parts.reverse();
            }
            format!("{open}{blank}{}{blank}{close}", parts.join(&format!("{blank},{blank}")))
        };
        match self {
            Self::Word(word) => word.clone(),
            Self::Text(text) if turned => {
                let units: String = text.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect();
                format!("\"{units}\"")
            }
            Self::Text(text) => doorward_wire::quote(text),
            Self::List(items) => {
                join("[", items.iter().map(|item| item.write(turned, blank)).collect(), "]", false)
            }
            Self::Map(members) => {
                let member = |(name, value): (&String, &Node)| {
                    format!("{}{blank}:{blank}{}", doorward_wire::quote(name), value.write(turned, blank))
                };
                join("{", members.iter().map(member).collect(), "}", turned)
            }
        }
    }
}

fn node() -> impl Strategy<Value = Node> {
    let leaf = prop_oneof![
        "true|false|null".prop_map(Node::Word),
        any::<f64>().prop_filter("finite", |n| n.is_finite()).prop_map(|n| Node::Word(format!("{n:e}"))),
        any::<i64>().prop_map(|n| Node::Word(n.to_string())),
        any::<String>().prop_map(Node::Text),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Node::List),
            prop::collection::btree_map(any::<String>(), inner, 0..6).prop_map(Node::Map),
        ]
    })
}

proptest! {
    #[test]
    fn order_blanks_and_escapes_do_not_matter_and_the_form_is_its_own(node in node()) {
        let once = form(&node.write(false, "")).unwrap();
        prop_assert_eq!(&form(&node.write(true, " \n\t")).unwrap(), &once);
        prop_assert_eq!(&form(&once).unwrap(), &once);
    }
}
