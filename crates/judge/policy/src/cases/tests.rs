use super::*;
use crate::fixture::{ALICE, BOB, STAFF, TENANT, compile};

const POLICIES: &str = r#"
@id("own") permit(principal in Role::"Reader", action == Action::"crm/read", resource)
when { context.arguments.user_id == principal.oid };
@id("staff") permit(principal in Group::"aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa", action == Action::"resources/read", resource);
@id("service") permit(principal is App, action == Action::"other", resource) when { context.method == "x/y" };
@id("no-delete") forbid(principal, action == Action::"crm/delete", resource);
"#;

fn rows(text: &str) -> Vec<Row> {
    Cases::parse("t.toml", text).unwrap().run(&compile(POLICIES))
}

/// A case with one principal and one ask.
fn case(principal: &str, ask: &str, expect: &str) -> String {
    format!(
        "[[case]]\nname = \"{}\"\nprincipal = {principal}\nask = {ask}\n{expect}\n",
        ask.replace('"', "'")
    )
}

#[test]
fn every_kind_of_question_can_be_tested() {
    let reader = format!("{{ user = \"{TENANT}/{ALICE}\", roles = [\"Reader\"] }}");
    let staff = format!(
        "{{ user = \"{TENANT}/{BOB}\", groups = [\"{STAFF}\"], scopes = [\"s\"], client = \"{BOB}\" }}"
    );
    let service = format!("{{ app = \"{TENANT}/{BOB}\" }}");
    let file = [
        case(&reader, &format!("{{ server = \"crm\", tool = \"read\", arguments = {{ user_id = \"{ALICE}\" }} }}"), "expect = \"permit\"\npolicies = [\"own\"]"),
        case(&reader, "{ server = \"crm\", tool = \"read\", arguments = { user_id = \"x\", n = 1, price = 1.5, tags = [\"a\"] } }", "expect = \"deny\""),
        case(&reader, "{ server = \"crm\", tool = \"read\", arguments_json = '{\"user_id\":{\"__entity\":{\"type\":\"Role\",\"id\":\"Reader\"}}}' }", "expect = \"deny\""),
        case(&reader, "{ server = \"crm\", tool = \"delete\", arguments = { id = \"1\" } }", "expect = \"deny\"\npolicies = [\"no-delete\"]"),
        case(&reader, "{ see = \"crm\", tool = \"read\" }", "expect = \"permit\"\npolicies = [\"own~see\"]"),
        case(&reader, "{ see = \"crm\", prompt = \"greet\" }", "expect = \"deny\""),
        case(&reader, "{ connect = \"crm\" }", "expect = \"permit\""),
        case(&reader, "{ connect = \"files\" }", "expect = \"deny\""),
        case(&staff, "{ server = \"crm\", resource = \"file:///a\" }", "expect = \"permit\"\npolicies = [\"staff\"]"),
        case(&staff, "{ see = \"crm\", resource = \"file:///a\" }", "expect = \"permit\""),
        case(&staff, "{ server = \"crm\", prompt = \"greet\", arguments = { name = \"Ada\" } }", "expect = \"deny\""),
        case(&service, "{ server = \"crm\", method = \"x/y\" }", "expect = \"permit\"\npolicies = [\"service\"]"),
        case(&service, "{ server = \"crm\", request = \"roots/list\" }", "expect = \"deny\""),
    ]
    .concat();
    for row in rows(&file) {
        assert!(row.ok, "{row:?}");
        assert_eq!(row.reasons, Vec::<String>::new());
    }
}

#[test]
fn a_case_that_comes_out_otherwise_says_why() {
    let reader = format!("{{ user = \"{TENANT}/{ALICE}\", roles = [\"Reader\"] }}");
    let other = "{ server = \"crm\", tool = \"read\", arguments = { user_id = \"x\" } }";
    let mine = format!("{{ server = \"crm\", tool = \"read\", arguments = {{ user_id = \"{ALICE}\" }} }}");
    let file = [
        case(&reader, other, "expect = \"permit\""),
        case(&reader, &mine, "expect = \"deny\""),
        case(&reader, &mine, "expect = \"permit\"\npolicies = [\"staff\"]"),
    ]
    .concat();
    let mut table = String::new();
    for row in rows(&file) {
        assert!(!row.ok);
        table.push_str(&format!(
            "expected {}, got {}\n  {}\n",
            row.expected,
            row.got,
            row.reasons.join("\n  ")
        ));
    }
    insta::assert_snapshot!(table);
}

#[test]
fn files_that_do_not_say_one_thing_are_refused() {
    let someone = format!("{{ user = \"{TENANT}/{ALICE}\" }}");
    let ask = "{ connect = \"crm\" }";
    let mut table = String::new();
    for text in [
        "cases = []".to_owned(),
        "[[case]]\nname = 7".to_owned(),
        case(&someone, ask, "expect = \"maybe\""),
        case(&someone, ask, "expect = \"deny\"\npolicy = \"x\""),
        case("{ roles = [] }", ask, "expect = \"deny\""),
        case("{ user = \"alice\" }", ask, "expect = \"deny\""),
        case("{ user = \"a/b\" }", ask, "expect = \"deny\""),
        case(&someone, "{ tool = \"read\" }", "expect = \"deny\""),
        case(&someone, "{ server = \"crm\", connect = \"crm\" }", "expect = \"deny\""),
        case(&someone, "{ server = \"crm\" }", "expect = \"deny\""),
        case(&someone, "{ connect = \"crm\", tool = \"read\" }", "expect = \"deny\""),
        case(&someone, "{ see = \"crm\", method = \"x\" }", "expect = \"deny\""),
        case(&someone, "{ server = \"crm\", tool = \"a\", prompt = \"b\" }", "expect = \"deny\""),
        case(&someone, "{ server = \"crm\", resource = \"a\", arguments = {} }", "expect = \"deny\""),
        case(&someone, "{ server = \"CRM\", tool = \"a\" }", "expect = \"deny\""),
        case(
            &someone,
            "{ server = \"crm\", tool = \"a\", arguments_json = '{\"a\":1,\"a\":2}' }",
            "expect = \"deny\"",
        ),
    ] {
        table.push_str(&format!("{}\n", Cases::parse("t.toml", &text).unwrap_err()));
    }
    insta::assert_snapshot!(table);
    assert!(Cases::parse("t.toml", "case = []").unwrap().is_empty());
}
