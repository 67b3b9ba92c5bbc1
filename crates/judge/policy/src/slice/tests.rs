use cedar_policy::RestrictedExpression;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::*;
use crate::context::{Declared, of_arguments, of_method};
use crate::fixture::*;
use crate::{Item, PrincipalKind};

const OTHER: &str = "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb";

fn principal_scope() -> impl Strategy<Value = String> {
    select(vec![
        "principal".to_owned(),
        "principal is User".to_owned(),
        "principal is App".to_owned(),
        "principal in Role::\"Reader\"".to_owned(),
        "principal in Role::\"Writer\"".to_owned(),
        format!("principal in Group::\"{STAFF}\""),
        format!("principal is User in Group::\"{OTHER}\""),
        format!("principal in Tenant::\"{TENANT}\""),
        format!("principal == User::\"{TENANT}/{ALICE}\""),
        format!("principal in App::\"{TENANT}/{BOB}\""),
    ])
}

/// Action, resource, and a condition that is valid with them.
fn rest() -> impl Strategy<Value = (&'static str, &'static str)> {
    let plain = vec![
        "true",
        "principal.roles.contains(\"Reader\")",
        "principal.oid == \"11111111-1111-4111-8111-111111111111\"",
        "principal in Group::\"bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb\"",
        "resource in Server::\"crm\"",
        "principal.scopes.isEmpty()",
    ];
    let reading = [
        "context.arguments.user_id == principal.oid",
        "context.arguments has n && context.arguments.n < 10",
        "context.arguments has n && context.arguments.n * 4611686018427387904 > 0",
        "context.arguments has flag && context.arguments.flag",
        "context.arguments has tags && context.arguments.tags.contains(\"x\")",
        "context.arguments has filter && context.arguments.filter.owner == principal.oid",
        "context.arguments has filter && context.arguments.filter has limit && context.arguments.filter.limit > 5",
        "context has arguments.n && principal in Role::\"Writer\"",
        "context.arguments has tags",
    ];
    let both = plain.iter().chain(&reading).copied().collect::<Vec<_>>();
    let any = select(vec![
        "action, resource",
        "action, resource in Server::\"crm\"",
        "action, resource == Tool::\"crm/read\"",
        "action, resource is Tool",
        "action in Action::\"tools/call\", resource",
        "action in Action::\"tools/call\", resource in Server::\"files\"",
        "action in [Action::\"crm/delete\", Action::\"resources/read\", Action::\"connect\"], resource",
        "action in [Action::\"prompts/get\", Action::\"roots/list\"], resource",
        "action == Action::\"other\", resource",
        "action == Action::\"resources/read\", resource is Resource in Server::\"crm\"",
    ]);
    let read = select(vec![
        "action == Action::\"crm/read\", resource",
        "action in Action::\"crm/read\", resource in Server::\"crm\"",
    ]);
    prop_oneof![(any, select(plain)), (read, select(both))]
}

fn policy() -> impl Strategy<Value = String> {
    let effect = prop_oneof![3 => Just("permit"), 1 => Just("forbid")];
    let word = prop_oneof![3 => Just("when"), 1 => Just("unless")];
    (effect, principal_scope(), rest(), word).prop_map(|(effect, principal, (scope, condition), word)| {
        format!("{effect}({principal}, {scope}) {word} {{ {condition} }};\n")
    })
}

fn caller() -> impl Strategy<Value = Person> {
    let groups = subsequence(vec![STAFF.to_owned(), OTHER.to_owned()], 0..=2);
    let roles = subsequence(vec!["Reader".to_owned(), "Writer".to_owned(), "None".to_owned()], 0..=3);
    let scopes = subsequence(vec!["tools.read".to_owned()], 0..=1);
    (select(vec![ALICE, BOB]), any::<bool>(), groups, roles, scopes).prop_map(
        |(object, user, groups, roles, scopes)| Person {
            object: object.to_owned(),
            kind: if user { PrincipalKind::User } else { PrincipalKind::App },
            roles,
            groups,
            scopes,
        },
    )
}

/// Arguments that fit the schema of `crm/read`.
fn arguments() -> impl Strategy<Value = String> {
    let members = subsequence(
        vec![
            r#""user_id":"11111111-1111-4111-8111-111111111111""#,
            r#""n":3"#,
            r#""flag":true"#,
            r#""tags":["x","y"]"#,
            r#""filter":{"owner":"22222222-2222-4222-8222-222222222222","limit":7}"#,
            r#""anything":{"__entity":{"type":"Role","id":"Writer"}}"#,
            r#""price":1.5"#,
        ],
        0..=7,
    );
    members.prop_map(|members| format!("{{{}}}", members.join(",")))
}

/// Action, resource, and the resource's parent.
type Question<'a> = (&'a str, &'a str, Option<&'a str>);

/// Puts policies to Cedar whole, with every parent and every argument.
fn whole(
    set: &Policies,
    person: &Person,
    question: Question<'_>,
    context: Context,
    policies: &PolicySet,
) -> bool {
    let (action, resource, parent) = question;
    let uid = |text: &str| text.parse::<EntityUid>().unwrap();
    let kind = if person.kind == PrincipalKind::User { "User" } else { "App" };
    let principal = uid(&format!("{kind}::\"{TENANT}/{}\"", person.object));
    let groups = person.groups.iter().map(|group| format!("Group::\"{group}\""));
    let roles = person.roles.iter().map(|role| format!("Role::\"{role}\""));
    let parents =
        groups.chain(roles).chain([format!("Tenant::\"{TENANT}\"")]).map(|text| uid(&text)).collect();
    let attributes =
        person.of(set).attributes.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let caller = Entity::new(principal.clone(), attributes, parents).unwrap();
    let own = resource.split_once('/').map_or("", |(_, own)| own.trim_end_matches('"')).to_owned();
    let attribute = if resource.starts_with("Resource") { "uri" } else { "name" };
    let attributes = [(attribute.to_owned(), RestrictedExpression::new_string(own))].into();
    let thing = Entity::new(uid(resource), attributes, parent.map(uid).into_iter().collect()).unwrap();
    let is_call = resource.starts_with("Tool") && action != "Action::\"see\"";
    let group = is_call.then(|| uid("Action::\"tools/call\""));
    let deed = Entity::new_no_attrs(uid(action), group.into_iter().collect());
    let entities = Entities::from_entities([caller, thing, deed], None).unwrap();
    let request = Request::new(principal, uid(action), uid(resource), context, None).unwrap();
    let response = cedar_policy::Authorizer::new().is_authorized(&request, policies, &entities);
    response.decision() == Decision::Allow && response.diagnostics().errors().next().is_none()
}

fn derived(set: &Policies, verb: &str) -> PolicySet {
    let suffix = format!("~{verb}");
    let rules = set.rules.iter().filter(|rule| rule.derived && rule.name.ends_with(&suffix));
    PolicySet::from_policies(rules.map(|rule| rule.policy.clone())).unwrap()
}

fn compare(policies: &[String], person: &Person, arguments: &str) -> Result<(), TestCaseError> {
    let text = policies.concat();
    let set = compile(&text);
    let who = person.of(&set);
    let written: PolicySet = text.parse().unwrap();
    // For a method nobody knows, permits on any action are left out (D-27).
    let named = policies.iter().filter(|policy| policy.starts_with("forbid") || !policy.contains("action,"));
    let named: PolicySet = named.cloned().collect::<String>().parse().unwrap();
    let (seeing, connecting) = (derived(&set, "see"), derived(&set, "connect"));
    let oracle = |question: Question<'_>, context: Context, policies: &PolicySet| {
        whole(&set, person, question, context, policies)
    };
    let (crm, files, tree) = (name("crm"), name("files"), tree(arguments));
    let record = crate::shape::Record::new();
    let full = || of_arguments(Some(tree.root()), &Declared::Tool(&record), &Reads::Everything).unwrap();

    // Twice: the second answer comes from what the first one kept.
    for _ in 0..2 {
        for (server, tool) in [(&crm, "read"), (&crm, "delete"), (&files, "write"), (&crm, "ping")] {
            let ask = Ask::CallTool { server, tool, arguments: Some(tree.root()) };
            let (action, resource) =
                (format!("Action::\"{server}/{tool}\""), format!("Tool::\"{server}/{tool}\""));
            let parent = format!("Server::\"{server}\"");
            let expected = oracle((&action, &resource, Some(&parent)), full(), &written);
            prop_assert_eq!(set.decide(&who, &ask).is_ok(), expected, "{} {}", tool, text);
            prop_assert_eq!(set.explain(&who, &ask).answer.is_ok(), expected);
            let seen = oracle(("Action::\"see\"", &resource, Some(&parent)), Context::empty(), &seeing);
            prop_assert_eq!(set.sees(&who, server, Item::Tool(tool)), seen, "see {} {}", tool, text);
        }
        for uri in ["file:///a", "b"] {
            let resource = format!("Resource::\"crm/{uri}\"");
            let question = ("Action::\"resources/read\"", resource.as_str(), Some("Server::\"crm\""));
            let expected = oracle(question, Context::empty(), &written);
            prop_assert_eq!(
                set.decide(&who, &Ask::ReadResource { server: &crm, uri }).is_ok(),
                expected,
                "{}",
                text
            );
        }
        let prompt = ("Action::\"prompts/get\"", "Prompt::\"crm/sum\"", Some("Server::\"crm\""));
        let empty = of_arguments(None, &Declared::Prompt(&record), &Reads::Everything).unwrap();
        let ask = Ask::GetPrompt { server: &crm, prompt: "sum", arguments: None };
        prop_assert_eq!(set.decide(&who, &ask).is_ok(), oracle(prompt, empty, &written), "{}", text);

        let on_server = |action| (action, "Server::\"crm\"", None);
        let roots = Ask::ServerRequest { server: &crm, method: "roots/list" };
        let expected = oracle(on_server("Action::\"roots/list\""), Context::empty(), &written);
        prop_assert_eq!(set.decide(&who, &roots).is_ok(), expected, "{}", text);
        let connect = if set.derived.connect { &connecting } else { &written };
        let expected = oracle(on_server("Action::\"connect\""), Context::empty(), connect);
        prop_assert_eq!(
            set.decide(&who, &Ask::Connect { server: &crm }).is_ok(),
            expected,
            "connect {}",
            text
        );
        let other = Ask::Other { server: &crm, method: "x/y" };
        let expected = oracle(on_server("Action::\"other\""), of_method("x/y").unwrap(), &named);
        prop_assert_eq!(set.decide(&who, &other).is_ok(), expected, "other {}", text);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    // control: D-07: a slice decides as the whole set does, for random policies, callers and arguments.
    #[test]
    fn slices_decide_as_the_whole_set_does(
        policies in prop::collection::vec(policy(), 0..12),
        person in caller(),
        arguments in arguments(),
    ) {
        compare(&policies, &person, &arguments)?;
    }
}

// control: D-07: an answer is kept only if no policy of its slice reads arguments.
#[test]
fn an_answer_is_kept_only_if_no_policy_of_the_slice_reads_arguments() {
    let set = compile(
        "permit(principal in Role::\"A\", action == Action::\"crm/read\", resource);
         permit(principal in Role::\"B\", action == Action::\"crm/read\", resource)
         when { context.arguments.user_id == \"x\" };
         forbid(principal in Role::\"C\", action, resource);",
    );
    let open = |roles: &[&str]| {
        let who = alice(roles).of(&set);
        let (server, tree) = (name("crm"), tree(r#"{"user_id":"x"}"#));
        let ask = Ask::CallTool { server: &server, tool: "read", arguments: Some(tree.root()) };
        drop(set.decide(&who, &ask));
        let target = Target::of(&set, &ask).unwrap();
        matches!(who.recall(target.slot()).unwrap().as_ref(), Slice::Open(_))
    };
    assert!(!open(&[]));
    assert!(!open(&["A"]), "the policy that reads is on another role");
    assert!(open(&["B"]));
    assert!(open(&["A", "B"]));
    assert!(!open(&["B", "C"]), "no argument lifts a forbid");
}
