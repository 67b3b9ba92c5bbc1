use super::*;

fn parse(text: &str) -> Result<PolicyText, Vec<PolicyProblem>> {
    PolicyText::parse(&[("a.cedar".into(), text.into())])
}

fn ids(text: &str) -> Vec<String> {
    parse(text).unwrap().ids().map(str::to_owned).collect()
}

fn faults(text: &str) -> String {
    crate::fixture::print(&parse(text).unwrap_err())
}

const P: &str = "permit(principal, action, resource);";

#[test]
fn policies_are_named_by_annotation_or_place() {
    assert_eq!(ids(""), Vec::<String>::new());
    assert_eq!(ids(&format!("{P}\n@id(\"mine\")\n{P} {P}")), ["a.cedar#1", "mine", "a.cedar#3"]);
    let two = PolicyText::parse(&[("a".into(), P.into()), ("b".into(), P.into())]).unwrap();
    assert_eq!(two.ids().collect::<Vec<_>>(), ["a#1", "b#1"]);
    assert_eq!((two.len(), two.is_empty()), (2, false));
}

#[test]
fn semicolons_in_texts_and_comments_end_nothing() {
    let text = "// a; b \" c\npermit(principal, action, resource) when { principal.oid == \"x;\\\";//\" }; // end;\n";
    assert_eq!(ids(text), ["a.cedar#1"]);
    let source = &parse(text).unwrap().policies[0];
    assert_eq!(source.place, (2, 1));
    assert!(source.policy.to_string().contains("x;"));
}

#[test]
fn no_comment_hides_a_policy() {
    // Cedar ends a comment at a carriage return, and so do we: else the forbid would be read by nobody.
    assert_eq!(
        ids(&format!("{P} // harmless \r forbid(principal, action, resource);")),
        ["a.cedar#1", "a.cedar#2"]
    );
    for line_end in ["\u{2028}", "\u{85}", "\u{b}", "\u{c}"] {
        let text = format!("// comment {line_end} {P}\n{P}");
        let whole: PolicySet = text.parse().unwrap();
        assert_eq!(ids(&text).len(), whole.policies().count(), "{line_end:?}");
    }
    assert!(parse(&format!("{P} permit(principal")).is_err(), "what follows the last semicolon is read too");
    assert!(parse(&format!("{P} /* no such comment */")).is_err());
}

#[test]
fn what_does_not_parse_is_placed_and_all_of_it_is_reported() {
    insta::assert_snapshot!(faults(
        "permit(principal, action, resource);\npermit(principle, action, resource);\n\n  forbid(principal, action, resource) when { principal. };\npermit(principal"
    ));
}

#[test]
fn templates_and_ambiguous_ids_are_refused() {
    insta::assert_snapshot!(faults(
        "permit(principal == ?principal, action, resource);\n@id(\"\") permit(principal, action, resource);\n@id(\"a b\") permit(principal, action, resource);\n@id(\"a~see\") permit(principal, action, resource);\n@id(\"a\\nb\") permit(principal, action, resource);"
    ));
    insta::assert_snapshot!(faults(&format!("@id(\"x\") {P}\n@id(\"x\") {P}\n@id(\"a.cedar#4\") {P}\n{P}")));
}

/// Found by fuzzing: 150 brackets, or 600 operators in a row, overflowed the stack of the thread that loads policies.
#[test]
fn what_is_nested_too_deeply_is_refused_before_cedar_sees_it() {
    for n in [201, 100_000] {
        for deep in [
            format!("{}true{}", "(".repeat(n), ")".repeat(n)),
            format!("true{}", " && true".repeat(n)),
            format!("1{} > 0", " + 1".repeat(n)),
            format!("principal{} == 1", ".a".repeat(n)),
            format!("principal{} == 1", "[\"a\"]".repeat(n)),
            format!("principal in {}{}", "[".repeat(n), "]".repeat(n)),
            format!("{}1{} == 1", "{a:".repeat(n), "}".repeat(n)),
            format!("{}true", "if true then true else ".repeat(n)),
            format!("{}true{}", "!(".repeat(n), ")".repeat(n)),
        ] {
            let text = format!("permit(principal, action, resource) when {{ {deep} }}");
            assert!(faults(&format!("{text};")).contains("nested too deeply"), "{n}");
            assert!(faults(&text).contains("nested too deeply"), "{n}, without an end");
        }
    }
}

#[test]
fn wide_policies_are_not_deep() {
    let many = (0..180).map(|n| format!("principal.oid == \"{n}\"")).collect::<Vec<_>>();
    let texts = [
        format!("permit(principal, action, resource) when {{ {} }};", many.join(" || ")),
        format!(
            "permit(principal, action, resource) when {{ [{}].contains(true) }};",
            vec![many.join(", "); 20].join(", ")
        ),
        format!("permit(principal, action, resource) {};", "when { principal.oid == \"\" } ".repeat(150)),
    ];
    // Without optimisation the parser takes ten times the stack.
    let read = move || texts.iter().all(|text| ids(text).len() == 1);
    assert!(std::thread::Builder::new().stack_size(64 << 20).spawn(read).unwrap().join().unwrap());
}
