use cedar_policy::Policy;

use super::*;
use crate::catalogue::{ServerShape, ToolShape};
use crate::check::check;
use crate::fixture::*;
use crate::text::PolicyText;

/// The answers of Cedar's validator under a schema.
fn verdict(catalogue: &Catalogue, policy: &Policy, extent: Extent<'_>) -> (bool, usize) {
    let schema = schema::compile(schema::write(catalogue, extent)).unwrap();
    let result = Validator::new(schema)
        .validate(&PolicySet::from_policies([policy.clone()]).unwrap(), ValidationMode::Strict);
    (result.validation_passed(), result.validation_warnings().count())
}

#[test]
fn the_smallest_schema_says_what_the_servers_whole_schema_says() {
    let trees = [tree(READ), tree(DELETE), tree(PATH)];
    let (crm, files) = (name("crm"), name("files"));
    let tool =
        |name: &'static str, at: usize| ToolShape { name: name.into(), input_schema: Some(trees[at].root()) };
    let catalogue = Catalogue::new(&[
        ServerShape {
            name: &crm,
            tools: vec![tool("read", 0), tool("delete", 1)],
            prompts: vec![],
            complete: true,
        },
        ServerShape { name: &files, tools: vec![tool("read", 2)], prompts: vec![], complete: true },
    ]);
    let scopes = [
        "principal, action, resource",
        "principal in Role::\"R\", action in Action::\"tools/call\", resource",
        "principal is App, action in Action::\"tools/call\", resource in Server::\"crm\"",
        "principal, action == Action::\"crm/read\", resource",
        "principal, action in [Action::\"crm/read\", Action::\"crm/delete\"], resource",
        "principal, action == Action::\"see\", resource is Tool",
        "principal, action in [Action::\"see\", Action::\"crm/read\"], resource",
    ];
    let conditions = [
        "principal.oid == \"a\"",
        "principal.oid == 1",
        "principal.nothing == 1",
        "resource.name == \"a\"",
        "resource is Tool && resource.name == \"a\"",
        "resource is Resource && resource.uri == 1",
        "action == Action::\"crm/read\" && principal.oid == \"a\"",
        "action == Action::\"crm/delete\" && context.arguments.id == \"a\"",
        "action in Action::\"tools/call\" && context.arguments has id && context.arguments.id == \"a\"",
        "context.arguments.user_id == \"a\"",
        "context.arguments has user_id && context.arguments.user_id == 1",
        "context has arguments && context.arguments has n && context.arguments.n > 1",
        "principal in resource",
    ];
    let mut smaller = 0;
    for scope in scopes {
        for condition in conditions {
            let written = format!("permit({scope}) when {{ {condition} }};");
            let text = PolicyText::parse(&[("a".into(), written.clone())]).unwrap();
            let active = check(&text.policies[0], &catalogue).unwrap().active.unwrap();
            let whole = active.server.as_ref().map_or(Extent::All, Extent::Server);
            let small = extent(&active);
            smaller += usize::from(small != whole);
            let (passes, _) = verdict(&catalogue, &active.policy, small);
            assert_eq!(passes, verdict(&catalogue, &active.policy, whole).0, "{written} {small:?}");
        }
    }
    assert!(smaller > 20, "{smaller}");
}

#[test]
fn scopes_that_never_apply_are_remarked_with_and_without_conditions() {
    for scope in [
        "principal, action == Action::\"prompts/get\", resource is Tool",
        "principal, action == Action::\"resources/read\", resource == Tool::\"crm/read\"",
        "principal, action in Action::\"tools/call\", resource == Server::\"crm\"",
        "principal, action == Action::\"connect\", resource is Tool",
    ] {
        for policy in
            [format!("permit({scope});"), format!("permit({scope}) when {{ principal.oid == \"a\" }};")]
        {
            assert!(!compile(&policy).remarks.is_empty(), "{policy}");
        }
    }
    assert_eq!(compile("permit(principal, action == Action::\"see\", resource is Tool);").remarks, []);
}
