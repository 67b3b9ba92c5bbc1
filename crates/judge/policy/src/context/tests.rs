use std::collections::BTreeSet;

use cedar_policy::{Authorizer, Decision, Entities, EntityUid, PolicySet, Request};

use super::*;
use crate::fixture::*;
use crate::shape::arguments_of;

/// What Cedar's own JSON reader makes of an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Naive {
    /// What the attacker wants is true.
    Won,
    /// It is false.
    Lost,
    /// The reader refuses the whole request.
    Refused,
}
use Naive::{Lost, Refused, Won};

/// Name, arguments, what the attacker wants to be true, what becomes of it under Cedar's own reader, and what is true
/// under ours: the argument is data.
type Row = (&'static str, &'static str, &'static str, Naive, &'static str);

const ROWS: &[Row] = &[
    (
        "an entity",
        r#"{"x":{"__entity":{"type":"Role","id":"Admin"}}}"#,
        r#"A.x == Role::"Admin""#,
        Won,
        r#"A.x == {"__entity":{"type":"Role","id":"Admin"}}"#,
    ),
    (
        "the caller",
        r#"{"x":{"__entity":{"type":"User","id":"me"}}}"#,
        "A.x == principal",
        Won,
        r#"A.x.__entity.id == "me""#,
    ),
    (
        "another user",
        r#"{"x":{"__entity":{"type":"User","id":"boss"}}}"#,
        r#"A.x in [User::"boss"]"#,
        Won,
        r#"A.x.__entity.type == "User""#,
    ),
    (
        "an entity in a list",
        r#"{"x":[{"__entity":{"type":"Role","id":"Admin"}}]}"#,
        r#"A.x.contains(Role::"Admin")"#,
        Won,
        r#"A.x.contains({"__entity":{"type":"Role","id":"Admin"}})"#,
    ),
    (
        "an entity in a list of lists",
        r#"{"x":[[{"__entity":{"type":"Role","id":"Admin"}}]]}"#,
        r#"A.x.contains([Role::"Admin"])"#,
        Won,
        r#"A.x.contains([{"__entity":{"type":"Role","id":"Admin"}}])"#,
    ),
    (
        "an entity in an object",
        r#"{"x":{"y":{"__entity":{"type":"Role","id":"Admin"}}}}"#,
        r#"A.x.y == Role::"Admin""#,
        Won,
        r#"A.x.y has __entity"#,
    ),
    (
        "an escaped key",
        r#"{"x":{"\u005f\u005fentity":{"type":"Role","id":"Admin"}}}"#,
        r#"A.x == Role::"Admin""#,
        Won,
        r#"A.x has __entity"#,
    ),
    (
        "escaped keys within",
        r#"{"x":{"__entity":{"t\u0079pe":"Role","i\u0064":"Admin"}}}"#,
        r#"A.x == Role::"Admin""#,
        Won,
        r#"A.x.__entity.type == "Role""#,
    ),
    (
        "an escaped type",
        r#"{"x":{"__entity":{"type":"\u0052ole","id":"Admin"}}}"#,
        r#"A.x == Role::"Admin""#,
        Won,
        r#"A.x.__entity.type == "Role""#,
    ),
    (
        "members the other way round",
        r#"{"x":{"__entity":{"id":"Admin","type":"Role"}}}"#,
        r#"A.x == Role::"Admin""#,
        Won,
        r#"A.x.__entity.id == "Admin""#,
    ),
    (
        "an action",
        r#"{"x":{"__entity":{"type":"Action","id":"act"}}}"#,
        "A.x == action",
        Won,
        r#"A.x.__entity.id == "act""#,
    ),
    (
        "the resource",
        r#"{"x":{"__entity":{"type":"Tool","id":"crm/act"}}}"#,
        "A.x == resource",
        Won,
        r#"A.x.__entity.id == "crm/act""#,
    ),
    (
        "all arguments an entity",
        r#"{"__entity":{"type":"Role","id":"Admin"}}"#,
        r#"context.arguments == Role::"Admin""#,
        Won,
        r#"A.__entity.id == "Admin""#,
    ),
    (
        "an entity without its marker",
        r#"{"x":{"type":"Role","id":"Admin"}}"#,
        r#"A.x == Role::"Admin""#,
        Lost,
        r#"A.x == {"type":"Role","id":"Admin"}"#,
    ),
    (
        "an entity as text",
        r#"{"x":{"__entity":"Role::\"Admin\""}}"#,
        r#"A.x == Role::"Admin""#,
        Lost,
        r#"A.x.__entity == "Role::\"Admin\"""#,
    ),
    (
        "an entity and more",
        r#"{"x":{"__entity":{"type":"Role","id":"Admin"},"y":1}}"#,
        r#"A.x == Role::"Admin""#,
        Lost,
        "A.x.y == 1",
    ),
    (
        "an entity of no type",
        r#"{"x":{"__entity":{"type":"","id":"Admin"}}}"#,
        "A.x == principal",
        Refused,
        r#"A.x.__entity.type == """#,
    ),
    (
        "an expression",
        r#"{"x":{"__expr":"Role::\"Admin\""}}"#,
        r#"A.x == Role::"Admin""#,
        Refused,
        r#"A.x.__expr == "Role::\"Admin\"""#,
    ),
    (
        "an address",
        r#"{"x":{"__extn":{"fn":"ip","arg":"127.0.0.1"}}}"#,
        "A.x == true",
        Lost,
        r#"A.x.__extn.fn == "ip""#,
    ),
    (
        "a decimal",
        r#"{"x":{"__extn":{"fn":"decimal","arg":"1.0"}}}"#,
        "A.x == true",
        Lost,
        r#"A.x.__extn.arg == "1.0""#,
    ),
    (
        "a date",
        r#"{"x":{"__extn":{"fn":"datetime","arg":"2026-01-01"}}}"#,
        "A.x == true",
        Lost,
        r#"A.x has __extn"#,
    ),
    (
        "an unknown of partial evaluation",
        r#"{"x":{"__extn":{"fn":"unknown","arg":"x"}}}"#,
        "A.x == true",
        Refused,
        r#"A.x.__extn.fn == "unknown""#,
    ),
    (
        "an extension in a list",
        r#"{"x":[{"__extn":{"fn":"ip","arg":"::1"}}]}"#,
        "A.x == true",
        Lost,
        r#"A.x.contains({"__extn":{"fn":"ip","arg":"::1"}})"#,
    ),
    (
        "text like an entity",
        r#"{"x":"Role::\"Admin\""}"#,
        r#"A.x == Role::"Admin""#,
        Lost,
        r#"A.x == "Role::\"Admin\"""#,
    ),
    (
        "text like a policy",
        r#"{"x":"\" || true || \""}"#,
        "A.x == true",
        Lost,
        r#"A.x == "\" || true || \"""#,
    ),
    ("text like a pattern", r#"{"x":"*"}"#, r#"A.x == "admin""#, Lost, r#"A.x == "*""#),
    ("text for true", r#"{"x":"true"}"#, "A.x == true", Lost, r#"A.x == "true""#),
    ("one for true", r#"{"x":1}"#, "A.x == true", Lost, "A.x == 1"),
    ("text for a number", r#"{"x":"1000"}"#, "A.x == 1000", Lost, r#"A.x == "1000""#),
    ("a power of ten", r#"{"x":1e3}"#, "A.x == 1000", Refused, r#"A.x == {"num":"1e3"}"#),
    ("a fraction of nothing", r#"{"x":1.0}"#, "A.x == 1", Refused, r#"A.x == {"num":"1.0"}"#),
    ("a power that is whole", r#"{"x":0.1E1}"#, "A.x == 1", Refused, r#"A.x == {"num":"0.1E1"}"#),
    ("more than a double", r#"{"x":1e400}"#, "A.x == 0", Refused, r#"A.x == {"num":"1e400"}"#),
    ("the greatest Long", r#"{"x":9223372036854775807}"#, "A.x < 0", Lost, "A.x == 9223372036854775807"),
    ("minus nothing", r#"{"x":-0}"#, "A.x < 0", Refused, "A.x == 0"),
    (
        "one more",
        r#"{"x":9223372036854775808}"#,
        "A.x == -9223372036854775808",
        Refused,
        r#"A.x == {"num":"9223372036854775808"}"#,
    ),
    (
        "one less than the least",
        r#"{"x":-9223372036854775809}"#,
        "A.x == 9223372036854775807",
        Refused,
        r#"A.x == {"num":"-9223372036854775809"}"#,
    ),
    ("a number in our own clothes", r#"{"x":{"num":"5"}}"#, "A.x == 5", Lost, r#"A.x == {"num":"5"}"#),
    ("null", r#"{"x":null}"#, "A has x", Refused, "!(A has x)"),
    ("null in a list", r#"{"x":[null,"a"]}"#, "A.x == []", Refused, r#"A.x == ["a"]"#),
    ("null in an object", r#"{"x":{"y":null}}"#, "A.x has y", Refused, "A.x == {}"),
    ("a list for its only element", r#"{"x":["admin"]}"#, r#"A.x == "admin""#, Lost, r#"A.x == ["admin"]"#),
    ("an element twice", r#"{"x":[1,1]}"#, "A.x == 1", Lost, "A.x == [1]"),
    ("another name by a space", r#"{"x ":true}"#, "A has x", Lost, r#"A["x "]"#),
    ("another name by case", r#"{"X":true}"#, "A has x", Lost, "A.X"),
    ("another name by alphabet", r#"{"х":true}"#, "A has x", Lost, r#"A["х"]"#),
    ("a zero byte in a name", r#"{"x\u0000":true}"#, "A has x", Lost, r#"A["x\0"]"#),
    ("a zero byte in a text", r#"{"x":"admin\u0000"}"#, r#"A.x == "admin""#, Lost, r#"A.x == "admin\0""#),
    (
        "an invisible character",
        r#"{"x":"ad\u200bmin"}"#,
        r#"A.x == "admin""#,
        Lost,
        r#"A.x == "ad\u{200b}min""#,
    ),
    ("a composed letter", r#"{"x":"e\u0301"}"#, r#"A.x == "é""#, Lost, r#"A.x == "e\u{301}""#),
    ("a prototype", r#"{"__proto__":{"x":"admin"}}"#, "A has x", Lost, r#"A.__proto__.x == "admin""#),
    ("a context within", r#"{"context":{"arguments":{"x":true}}}"#, "A has x", Lost, "A.context.arguments.x"),
    (
        "a principal within",
        r#"{"principal":{"oid":"boss"}}"#,
        r#"principal == User::"boss""#,
        Lost,
        r#"A.principal.oid == "boss""#,
    ),
];

// control: D-06, spine-l: no argument becomes an entity, an extension, another number or another name.
#[test]
fn arguments_stay_data() {
    assert!(ROWS.len() >= 30);
    for (what, arguments, attack, _, data) in ROWS {
        let tree = tree(arguments);
        let context =
            of_arguments(Some(tree.root()), &Declared::Tool(&Record::new()), &Reads::Everything).unwrap();
        assert!(!holds(attack, context.clone()), "{what}: the attack");
        assert!(holds(data, context), "{what}: {data}");
    }
}

// control-off: D-06: Cedar's own JSON reader makes entities of arguments, and a caller whoever they say they are.
#[test]
fn cedars_own_reader_gives_the_attacker_what_they_want() {
    for (what, arguments, attack, naive, _) in ROWS {
        assert_eq!(naively(arguments, attack), *naive, "{what}");
    }
    assert!(ROWS.iter().filter(|(_, _, _, naive, _)| *naive == Won).count() >= 10);
}

// control: D-06, spine-l: the same arguments, against policies that type them, get nothing through the whole way.
#[test]
fn no_hostile_argument_meets_a_condition() {
    let servers = [Described {
        name: "crm",
        tools: vec![
            ("text", r#"{"type":"object","properties":{"x":{"type":"string"}}}"#),
            ("whole", r#"{"type":"object","properties":{"x":{"type":"integer"}}}"#),
            ("list", r#"{"type":"object","properties":{"x":{"type":"array","items":{"type":"string"}}}}"#),
        ],
        prompts: vec![],
        complete: true,
    }];
    let set = try_compile(
        r#"permit(principal, action == Action::"crm/text", resource)
           when { context.arguments has x && (context.arguments.x == principal.oid || principal in Role::"Admin") };
           permit(principal, action == Action::"crm/whole", resource)
           when { context.arguments has x && context.arguments.x == 1000 };
           permit(principal, action == Action::"crm/list", resource)
           when { context.arguments has x && context.arguments.x.contains("admin") && principal in Role::"Admin" };"#,
        &servers,
    )
    .unwrap();
    let who = alice(&[]).of(&set);
    for (what, arguments, ..) in ROWS {
        for tool in ["crm/text", "crm/whole", "crm/list"] {
            assert!(call(&set, &who, tool, arguments).is_err(), "{what}: {tool}");
        }
    }
}

/// What would happen if arguments were handed to Cedar's JSON reader, as is the obvious thing to do.
fn naively(arguments: &str, attack: &str) -> Naive {
    match Context::from_json_str(&format!(r#"{{"arguments":{arguments}}}"#), None) {
        Err(_) => Refused,
        Ok(context) if holds(attack, context.clone()) => Won,
        Ok(_) => Lost,
    }
}

fn holds(condition: &str, context: Context) -> bool {
    let condition = condition.replace("A.", "context.arguments.").replace("A[", "context.arguments[");
    let condition = condition.replace("A has", "context.arguments has");
    let set: PolicySet =
        format!("permit(principal, action, resource) when {{ {condition} }};").parse().unwrap();
    let uid = |text: &str| text.parse::<EntityUid>().unwrap();
    let request =
        Request::new(uid("User::\"me\""), uid("Action::\"act\""), uid("Tool::\"crm/act\""), context, None);
    let response = Authorizer::new().is_authorized(&request.unwrap(), &set, &Entities::empty());
    response.decision() == Decision::Allow
}

#[test]
fn only_what_is_read_is_built_and_checked() {
    let tree = tree(r#"{"user_id":"a","n":"not a number","tags":["x"]}"#);
    let schema = crate::fixture::tree(READ);
    let declared = arguments_of(Some(schema.root()));
    let reads = |names: &[&str]| Reads::Arguments(names.iter().map(|name| (*name).to_owned()).collect());
    let build = |reads: &Reads| of_arguments(Some(tree.root()), &Declared::Tool(&declared), reads);
    let context = build(&reads(&["user_id", "absent"])).unwrap();
    assert!(holds(r#"context.arguments == {"user_id":"a"}"#, context));
    let misfit = Misfit::Type { name: "n".into(), expected: "Long" };
    assert_eq!(build(&reads(&["n"])).unwrap_err(), misfit);
    assert_eq!(build(&Reads::Everything).unwrap_err(), misfit);
    assert!(holds("context.arguments == {}", build(&Reads::Nothing).unwrap()));
}

#[test]
fn reading_is_bounded() {
    let build = |text: &str| {
        let tree = tree(text);
        of_arguments(Some(tree.root()), &Declared::Tool(&Record::new()), &Reads::Everything).map(|_| ())
    };
    let list = |length: usize| format!(r#"{{"x":[{}]}}"#, vec!["1"; length].join(","));
    assert_eq!(build(&list(16_000)), Ok(()));
    assert_eq!(build(&list(16_384)), Err(Misfit::TooMuch));
    assert_eq!(build("[]"), Err(Misfit::NotAnObject));
    assert_eq!(build("null"), Ok(()));
    let names = BTreeSet::from(["y".to_owned()]);
    let tree = tree(&list(16_384));
    let build = of_arguments(Some(tree.root()), &Declared::Tool(&Record::new()), &Reads::Arguments(names));
    assert!(build.is_ok(), "what no policy reads costs nothing");
}
