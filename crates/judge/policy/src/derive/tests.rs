use super::*;
use crate::fixture::{STAFF, compile};

/// The policies derived from one, as text without line breaks.
fn derived(policy: &str, with: fn(&pst::Template, &Head) -> Vec<Derived>) -> Vec<String> {
    let body = policy.parse::<Policy>().unwrap().to_pst().unwrap().body().clone();
    let head = Head::of(&body).unwrap();
    with(&body, &head)
        .iter()
        .map(|derived| {
            let written = Head::of(derived.policy.to_pst().unwrap().body()).unwrap();
            assert_eq!(written, derived.head, "what the index sees is what Cedar sees");
            derived.policy.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
        })
        .collect()
}

// control: D-05: `see` is derived from the call permits with argument conditions dropped.
#[test]
fn seeing_is_derived_from_calling() {
    let mut table = String::new();
    for policy in [
        "permit(principal, action in Action::\"tools/call\", resource);",
        "permit(principal in Role::\"R\", action == Action::\"crm/read\", resource);",
        "permit(principal, action == Action::\"crm/read\", resource in Server::\"crm\");",
        "permit(principal, action == Action::\"crm/read\", resource in Server::\"files\");",
        "permit(principal, action in [Action::\"crm/read\", Action::\"crm/delete\", Action::\"connect\"], resource);",
        "permit(principal, action in Action::\"tools/call\", resource in Server::\"crm\");",
        "permit(principal, action in Action::\"tools/call\", resource is Tool in Server::\"crm\");",
        "permit(principal, action in Action::\"tools/call\", resource is Prompt);",
        "permit(principal, action == Action::\"prompts/get\", resource in Server::\"crm\");",
        "permit(principal, action == Action::\"resources/read\", resource == Resource::\"crm/file:///a\");",
        "permit(principal, action, resource);",
        "permit(principal, action, resource in Server::\"crm\");",
        "permit(principal, action == Action::\"sampling/createMessage\", resource);",
        "permit(principal, action == Action::\"crm/read\", resource) when { context.arguments.user_id == principal.oid };",
        "permit(principal, action == Action::\"crm/read\", resource) when { principal.oid == \"a\" && context.arguments.user_id == \"b\" && resource.name == \"c\" };",
        "permit(principal, action == Action::\"crm/read\", resource) unless { context.arguments.flag || principal.oid == \"a\" };",
        "permit(principal, action == Action::\"crm/read\", resource) when { principal.oid == \"a\" || context.arguments.flag };",
        "permit(principal, action in Action::\"tools/call\", resource) when { action == Action::\"crm/read\" };",
        "permit(principal, action in Action::\"tools/call\", resource) unless { action in [Action::\"crm/read\", Action::\"prompts/get\"] || context.arguments.flag };",
        "permit(principal, action, resource) when { action in Action::\"tools/call\" && action != Action::\"crm/delete\" };",
        "permit(principal, action, resource) when { !(action == Action::\"connect\") };",
        "permit(principal, action, resource) when { [action].contains(action) };",
        "forbid(principal, action == Action::\"crm/delete\", resource);",
        "forbid(principal in Role::\"Guest\", action, resource) unless { principal.scopes.contains(\"x\") };",
        "forbid(principal, action == Action::\"crm/read\", resource) when { principal.oid == \"a\" && context.arguments.flag };",
        "forbid(principal, action == Action::\"connect\", resource);",
    ] {
        table.push_str(&format!("{policy}\n"));
        for one in derived(policy, see) {
            table.push_str(&format!("    {one}\n"));
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn connecting_is_derived_from_anything_a_permit_could_apply_to() {
    let mut table = String::new();
    for policy in [
        "permit(principal in Role::\"R\", action in Action::\"tools/call\", resource);",
        "permit(principal, action == Action::\"crm/read\", resource);",
        "permit(principal, action in [Action::\"crm/read\", Action::\"crm/delete\", Action::\"files/read\"], resource);",
        "permit(principal, action, resource == Tool::\"crm/read\");",
        "permit(principal, action, resource in Server::\"crm\");",
        "permit(principal, action == Action::\"resources/read\", resource == Resource::\"crm/file:///a\");",
        "permit(principal, action == Action::\"see\", resource is Tool);",
        "permit(principal, action == Action::\"crm/read\", resource in Server::\"files\");",
        "permit(principal, action in Action::\"tools/call\", resource) when { resource in Server::\"crm\" && principal.oid == \"a\" && context has arguments };",
        "forbid(principal in Role::\"Guest\", action, resource);",
        "forbid(principal, action, resource in Server::\"crm\") unless { principal in Role::\"R\" };",
        "forbid(principal, action, resource) when { resource in Server::\"crm\" };",
        "forbid(principal, action, resource == Tool::\"crm/read\");",
        "forbid(principal, action in Action::\"tools/call\", resource);",
    ] {
        table.push_str(&format!("{policy}\n"));
        for one in derived(policy, connect) {
            table.push_str(&format!("    {one}\n"));
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn derived_policies_are_reported_by_the_name_of_their_origin() {
    let set = compile(&format!(
        "@id(\"staff\") permit(principal in Group::\"{STAFF}\", action in [Action::\"crm/read\", Action::\"crm/delete\"], resource);"
    ));
    let names: Vec<&str> = set.rules.iter().map(|rule| rule.name.as_ref()).collect();
    assert_eq!(names, ["staff", "staff~see", "staff~see", "staff~connect"]);
}
