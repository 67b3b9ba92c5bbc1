use super::*;

fn body(policy: &str) -> pst::Template {
    policy.parse::<Policy>().unwrap().to_pst().unwrap().body().clone()
}

fn reads(condition: &str) -> Reads {
    Reads::of(body(&format!("permit(principal, action, resource) {condition};")).clauses())
}

#[test]
fn what_conditions_read_is_found() {
    let names = |names: &[&str]| Reads::Arguments(names.iter().map(|name| (*name).to_owned()).collect());
    for (condition, expected) in [
        ("", Reads::Nothing),
        ("when { principal.oid == \"a\" }", Reads::Nothing),
        ("when { context.arguments.a == 1 }", names(&["a"])),
        ("when { context.arguments[\"a b\"] == 1 }", names(&["a b"])),
        ("when { context[\"arguments\"][\"a\"] == 1 }", names(&["a"])),
        ("when { context.arguments.a.b.c == 1 }", names(&["a"])),
        ("when { context.arguments has a }", names(&["a"])),
        ("when { context.arguments has a.b }", names(&["a"])),
        ("when { context has arguments }", names(&[])),
        ("when { context has arguments.a }", names(&["a"])),
        ("when { context.arguments has a } unless { context.arguments.b }", names(&["a", "b"])),
        (
            "when { if principal.oid == \"a\" then context.arguments.a else context.arguments.b }",
            names(&["a", "b"]),
        ),
        ("when { [context.arguments.a].contains(principal.oid) }", names(&["a"])),
        ("when { {\"k\": context.arguments.a} == {\"k\": 1} }", names(&["a"])),
        ("when { context.arguments.a like \"*\" }", names(&["a"])),
        ("when { context.arguments == {} }", Reads::Everything),
        ("when { context.arguments.a == context.arguments }", Reads::Everything),
        ("when { context == {} }", Reads::Everything),
        ("when { context.method == \"a\" }", Reads::Everything),
        ("when { context has method }", Reads::Everything),
        ("when { principal.oid == \"a\" } unless { context.method == \"a\" }", Reads::Everything),
    ] {
        assert_eq!(reads(condition), expected, "{condition}");
    }
}

#[test]
fn chains_are_taken_apart_from_left_to_right() {
    let body = body(
        "permit(principal, action, resource) when { (true && false) && (1 == 1 && (2 == 2 || 3 == 3)) };",
    );
    let parts = operands(expression(&body.clauses()[0]), pst::BinaryOp::And);
    let parts: Vec<String> = parts.iter().map(ToString::to_string).collect();
    assert_eq!(parts, ["true", "false", "1 == 1", "(2 == 2) || (3 == 3)"]);
}

#[test]
fn scopes_hold_for_what_they_name() {
    let user = Uid::new(Type::User, "t/a");
    let (group, other) = (Uid::new(Type::Group, "g"), Uid::new(Type::Group, "h"));
    let in_group = |uid: &Uid| *uid == group;
    for (scope, expected) in [
        (Scope::Any, true),
        (Scope::Eq(user.clone()), true),
        (Scope::Eq(group.clone()), false),
        (Scope::In(group.clone()), true),
        (Scope::In(user.clone()), true),
        (Scope::In(other.clone()), false),
        (Scope::Is(Type::User), true),
        (Scope::Is(Type::App), false),
        (Scope::IsIn(Type::User, group.clone()), true),
        (Scope::IsIn(Type::App, group.clone()), false),
        (Scope::IsIn(Type::User, other.clone()), false),
    ] {
        assert_eq!(scope.holds(&user, in_group), expected, "{scope:?}");
    }
}
