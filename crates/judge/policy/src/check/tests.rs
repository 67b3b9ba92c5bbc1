use crate::PolicyText;
use crate::fixture::*;

fn fault(policy: &str) -> String {
    format!("{policy}\n{}\n", refused(policy))
}

#[test]
fn names_that_do_not_exist_are_reported_with_what_was_likely_meant() {
    let table: String = [
        "permit(principal, action == Action::\"crm/raed\", resource);",
        "permit(principal, action == Action::\"crmm/read\", resource);",
        "permit(principal, action == Action::\"nowhere/at-all\", resource);",
        "permit(principal, action == Action::\"crm/frobnicate\", resource);",
        "permit(principal, action == Action::\"tool/call\", resource);",
        "permit(principal, action == Action::\"resource/read\", resource);",
        "permit(principal, action == Action::\"read\", resource);",
        "permit(principal, action, resource == Tool::\"crm/delte\");",
        "permit(principal, action, resource == Tool::\"delete\");",
        "permit(principal, action, resource in Server::\"fils\");",
        "permit(principal, action, resource == Prompt::\"crm/gret\");",
        "permit(principal, action, resource == Prompt::\"files/greet\");",
        "permit(principal, action, resource == Resource::\"file:///a\");",
        "permit(principal, action in Action::\"tools/call\", resource) unless { resource == Tool::\"crm/delte\" };",
        "permit(principal in Team::\"a\", action, resource);",
        "permit(principal in Door::Role::\"a\", action, resource);",
        "permit(principal is Usr, action, resource);",
    ]
    .map(fault)
    .join("\n");
    insta::assert_snapshot!(table);
}

#[test]
fn ids_and_scopes_that_can_match_nothing_are_reported() {
    let table: String = [
        "permit(principal in Group::\"Staff\", action, resource);",
        "permit(principal in Group::\"AAAAAAAA-AAAA-4AAA-8AAA-AAAAAAAAAAAA\", action, resource);",
        "permit(principal == User::\"alice@contoso.com\", action, resource);",
        "permit(principal == User::\"72f988bf-86f1-41af-91ab-2d7cd011db47\", action, resource);",
        "permit(principal in Tenant::\"contoso.onmicrosoft.com\", action, resource);",
        "permit(principal in Role::\"\", action, resource);",
        "permit(principal == Role::\"Admin\", action, resource);",
        "permit(principal, action == Action::\"tools/call\", resource);",
        "permit(principal, action == Action::\"crm/read\", resource in Server::\"files\");",
        "permit(principal, action == Action::\"crm/read\", resource == Server::\"crm\");",
        "permit(principal, action in [Action::\"crm/read\", Action::\"files/read\"], resource == Tool::\"crm/read\");",
    ]
    .map(fault)
    .join("\n");
    insta::assert_snapshot!(table);
}

#[test]
fn conditions_are_validated_against_what_the_tools_declare() {
    let when =
        |scope: &str, condition: &str| fault(&format!("permit(principal, {scope}) when {{ {condition} }};"));
    let read = "action == Action::\"crm/read\", resource";
    let table: String = [
        when(read, "context.arguments.userid == principal.oid"),
        when(read, "context.arguments.n == 1"),
        when(read, "context.arguments.user_id == 1"),
        when(read, "context.arguments.user_id < 1"),
        when(read, "context.arguments.anything == 1"),
        when(read, "context.arguments.price == 1"),
        when(read, "principal.email == \"a\""),
        when("action in Action::\"tools/call\", resource", "context.arguments.user_id == \"a\""),
        when(
            "action in Action::\"tools/call\", resource in Server::\"files\"",
            "context.arguments.pth == \"a\"",
        ),
        when("action in Action::\"tools/call\", resource", "principal.oid == 1"),
        when("action == Action::\"prompts/get\", resource", "context.arguments.name == \"a\""),
        when("action == Action::\"other\", resource", "context.methd == \"a\""),
        when("action, resource", "context.arguments.user_id == \"a\""),
    ]
    .join("\n");
    insta::assert_snapshot!(table);
}

#[test]
fn a_policy_on_one_server_is_not_held_to_the_arguments_of_another() {
    compile(
        "permit(principal, action in Action::\"tools/call\", resource in Server::\"files\")
         when { context.arguments.path like \"/public/*\" };
         permit(principal, action in [Action::\"files/read\", Action::\"files/write\"], resource)
         when { context.arguments.path like \"/public/*\" };
         permit(principal, action in Action::\"tools/call\", resource)
         when { context.arguments has path && context.arguments.path like \"/public/*\" };",
    );
}

#[test]
fn all_problems_of_all_files_come_at_once_and_none_takes_effect() {
    let text = PolicyText::parse(&[
        ("a.cedar".into(), "permit(principal, action == Action::\"crm/x\", resource);".into()),
        (
            "b.cedar".into(),
            "permit(principal, action, resource);\npermit(principal, action, resource in Server::\"x\");"
                .into(),
        ),
    ])
    .unwrap();
    let problems = compile_text(&text, &servers()).unwrap_err();
    let places: Vec<_> =
        problems.iter().map(|problem| (problem.file.as_str(), problem.line, problem.column)).collect();
    assert_eq!(places, [("a.cedar", 1, 29), ("b.cedar", 2, 39)]);
}

#[test]
fn escapes_in_a_policy_reach_the_name_they_spell() {
    let mut servers = servers();
    servers[0].tools.push(("odd \"name\"\u{e9}", "{}"));
    let policy = "permit(principal, action == Action::\"crm/odd \\\"name\\\"\\u{e9}\", resource);";
    let set = try_compile(policy, &servers).unwrap();
    assert_eq!(word(&call(&set, &alice(&[]).of(&set), "crm/odd \"name\"\u{e9}", "{}")), "permit");
}

#[test]
fn a_tool_cannot_take_the_name_of_a_group_or_stand_twice() {
    let twice = Described {
        name: "tools",
        tools: vec![("call", "{}"), ("fine", "{}"), ("twice", "{}"), ("twice", DELETE)],
        prompts: vec![],
        complete: true,
    };
    let set = try_compile(
        "permit(principal in Role::\"R\", action in Action::\"tools/call\", resource);",
        &[twice],
    )
    .unwrap();
    let who = alice(&["R"]).of(&set);
    assert_eq!(word(&call(&set, &who, "tools/call", "{}")), "no-permit");
    assert_eq!(word(&call(&set, &who, "tools/twice", "{}")), "no-permit");
    assert_eq!(word(&call(&set, &who, "tools/fine", "{}")), "permit");
    insta::assert_snapshot!(print(&set.lint()));
}
