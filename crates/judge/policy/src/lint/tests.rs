use crate::fixture::*;

fn remarks(policies: &str) -> String {
    print(&compile(policies).lint())
}

// control: AUT-02: permits without bounds, dead policies and look-alikes are pointed out.
#[test]
fn what_a_reviewer_would_ask_is_asked() {
    let table: String = [
        "permit(principal, action, resource);",
        "permit(principal is User, action in Action::\"tools/call\", resource in Server::\"crm\");",
        "permit(principal in Role::\"Admin\", action, resource);",
        "permit(principal, action == Action::\"crm/read\", resource) unless { principal.oid == \"a\" };",
        "permit(principal in Role::\"R\", action == Action::\"other\", resource);",
        "@id(\"a\") permit(principal in Role::\"R\", action == Action::\"crm/read\", resource);\n@id(\"b\") permit(principal in Role::\"R\", action == Action::\"crm/read\", resource);",
        "@id(\"dead\") permit(principal in Role::\"R\", action == Action::\"crm/delete\", resource == Tool::\"crm/delete\");\nforbid(principal, action in Action::\"tools/call\", resource in Server::\"crm\");",
        "permit(principal in Role::\"R\", action in Action::\"tools/call\", resource);\nforbid(principal, action == Action::\"see\", resource == Tool::\"crm/delete\");",
        "permit(principal in Role::\"R\", action in Action::\"tools/call\", resource) when { 1 == 2 };",
        "permit(principal in Role::\"R\", action in Action::\"tools/call\", resource) when { principal.oid == \"p\u{430}ypal\" };",
        "permit(principal in Role::\"R\", action == Action::\"connect\", resource is Tool);",
    ]
    .map(|policies| format!("{policies}\n{}\n\n", remarks(policies)))
    .concat();
    insta::assert_snapshot!(table);
}

#[test]
fn a_plain_set_is_not_remarked_on() {
    let plain = "permit(principal in Role::\"R\", action in Action::\"tools/call\", resource in Server::\"crm\");
         permit(principal, action == Action::\"crm/read\", resource) when { context.arguments.user_id == principal.oid };
         permit(principal in Role::\"R\", action == Action::\"other\", resource) when { context.method == \"x/y\" };
         forbid(principal, action == Action::\"crm/delete\", resource) unless { principal in Role::\"Admin\" };";
    assert_eq!(remarks(plain), "");
}
