use super::*;
use crate::PrincipalKind;
use crate::fixture::*;

fn ids(permit: &Permit) -> Vec<&str> {
    permit.policies().iter().map(AsRef::as_ref).collect()
}

// control: AUT-01: without a policy nothing is permitted, listed or connected to.
#[test]
fn no_policy_permits_nothing() {
    let set = compile("");
    let who = alice(&["Admin"]).of(&set);
    assert_eq!(word(&call(&set, &who, "crm/ping", "{}")), "no-permit");
    assert_eq!(word(&set.decide(&who, &Ask::Connect { server: &name("crm") })), "no-permit");
    assert!(!sees(&set, &who, "crm/ping"));
}

// control: AUT-01: roles, groups, tenant, the person and the kind of caller each decide, and only for whom they name.
#[test]
fn principals_match_by_role_group_tenant_person_and_kind() {
    let service = Person { kind: PrincipalKind::App, ..alice(&[]) };
    let stranger = person(BOB, &[], &[]);
    for (scope, who) in [
        ("principal in Role::\"Reader\"", alice(&["Other", "Reader"])),
        (&format!("principal in Group::\"{STAFF}\""), person(ALICE, &[], &[STAFF])),
        (&format!("principal == User::\"{TENANT}/{ALICE}\""), alice(&[])),
        (&format!("principal in User::\"{TENANT}/{ALICE}\""), alice(&[])),
        (&format!("principal == App::\"{TENANT}/{ALICE}\""), service.clone()),
        ("principal is App", service.clone()),
        (&format!("principal is App in Tenant::\"{TENANT}\""), service.clone()),
    ] {
        let set = compile(&format!(
            "permit({scope}, action in Action::\"tools/call\", resource in Server::\"crm\");"
        ));
        assert_eq!(word(&call(&set, &who.of(&set), "crm/ping", "{}")), "permit", "{scope}");
        assert_eq!(word(&call(&set, &stranger.of(&set), "crm/ping", "{}")), "no-permit", "{scope}");
        assert_eq!(word(&call(&set, &who.of(&set), "files/read", r#"{"path":"a"}"#)), "no-permit", "{scope}");
    }
    let set = compile(&format!(
        "permit(principal in Tenant::\"{TENANT}\", action in Action::\"tools/call\", resource);"
    ));
    assert_eq!(word(&call(&set, &stranger.of(&set), "crm/ping", "{}")), "permit");
}

#[test]
fn attributes_of_the_caller_and_the_resource_are_readable() {
    let mut who = alice(&["Reader"]);
    who.scopes = vec!["tools.read".into()];
    for (condition, holds) in [
        (format!("principal.oid == \"{ALICE}\""), true),
        (format!("principal.tid == \"{TENANT}\""), true),
        (format!("principal.client == \"{CLIENT}\""), true),
        ("principal.scopes.contains(\"tools.read\")".into(), true),
        ("principal.scopes.contains(\"tools.write\")".into(), false),
        ("principal.roles.contains(\"Reader\")".into(), true),
        ("principal in Role::\"Reader\"".into(), true),
        ("resource.name like \"pi*\"".into(), true),
        ("resource in Server::\"crm\"".into(), true),
        ("resource in Server::\"files\"".into(), false),
        ("action in Action::\"tools/call\"".into(), true),
        ("action == Action::\"crm/ping\"".into(), true),
    ] {
        let set = compile(&format!(
            "permit(principal, action in Action::\"tools/call\", resource) when {{ {condition} }};"
        ));
        assert_eq!(call(&set, &who.of(&set), "crm/ping", "{}").is_ok(), holds, "{condition}");
    }
}

// control: AUT-02: "own data only" holds a caller to their own records.
#[test]
fn own_data_only() {
    let set = compile(
        "@id(\"own\") permit(principal, action == Action::\"crm/read\", resource)
         when { context.arguments.user_id == principal.oid };",
    );
    let who = alice(&[]).of(&set);
    let own = call(&set, &who, "crm/read", &format!(r#"{{"user_id":"{ALICE}"}}"#)).unwrap();
    assert_eq!((ids(&own), own.server()), (vec!["own"], &name("crm")));
    assert_eq!(word(&call(&set, &who, "crm/read", &format!(r#"{{"user_id":"{BOB}"}}"#))), "no-permit");
    let missing = call(&set, &who, "crm/read", "{}").unwrap_err();
    assert_eq!((missing.reason(), missing.errors()[0].policy()), ("policy-error", Some("own")));
    assert_eq!(word(&call(&set, &who, "crm/read", r#"{"user_id":null}"#)), "policy-error");
    assert_eq!(word(&call(&set, &who, "crm/read", r#""not an object""#)), "policy-error");
}

/// A forbid on arithmetic with the caller's number.
const CAPPED: &str = "permit(principal, action == Action::\"crm/read\", resource);
    @id(\"cap\") forbid(principal, action == Action::\"crm/read\", resource)
    when { context.arguments has n && context.arguments.n * 4 > 100 };";
/// The product overflows, so the forbid has no value.
const OVERFLOW: &str = r#"{"user_id":"a","n":9223372036854775807}"#;

// control: AUT-01: a policy that fails refuses; Cedar alone would skip the forbid and permit.
#[test]
fn a_forbid_that_is_made_to_fail_still_refuses() {
    let set = compile(CAPPED);
    let who = alice(&[]).of(&set);
    assert_eq!(word(&call(&set, &who, "crm/read", r#"{"user_id":"a","n":1}"#)), "permit");
    assert_eq!(word(&call(&set, &who, "crm/read", r#"{"user_id":"a","n":26}"#)), "forbidden");
    let denial = call(&set, &who, "crm/read", OVERFLOW).unwrap_err();
    assert_eq!((denial.reason(), denial.errors()[0].policy()), ("policy-error", Some("cap")));
    assert_eq!(
        denial.errors()[0].what(),
        "its arithmetic overflows",
        "the operands are the caller's content"
    );
}

// control-off: AUT-01: Cedar alone skips the forbid that fails, and permits.
#[test]
fn cedar_alone_permits_what_a_failing_forbid_forbids() {
    let (policies, attack) = (CAPPED, OVERFLOW);
    let naive: cedar_policy::PolicySet = policies.parse().unwrap();
    let context =
        cedar_policy::Context::from_json_str(&format!(r#"{{"arguments":{attack}}}"#), None).unwrap();
    let uid = |text: &str| text.parse::<cedar_policy::EntityUid>().unwrap();
    let request = cedar_policy::Request::new(
        uid("User::\"a\""),
        uid("Action::\"crm/read\""),
        uid("Tool::\"crm/read\""),
        context,
        None,
    );
    let response = cedar_policy::Authorizer::new().is_authorized(
        &request.unwrap(),
        &naive,
        &cedar_policy::Entities::empty(),
    );
    assert_eq!(response.decision(), cedar_policy::Decision::Allow, "what the check is there for");
}

#[test]
fn a_permit_that_fails_refuses_although_another_permits() {
    let set = compile(
        "permit(principal, action == Action::\"crm/read\", resource);
         permit(principal, action == Action::\"crm/read\", resource) when { context.arguments.user_id == \"x\" };",
    );
    assert_eq!(word(&call(&set, &alice(&[]).of(&set), "crm/read", "{}")), "policy-error");
}

#[test]
fn a_forbid_names_itself_and_beats_every_permit() {
    let set = compile(
        "@id(\"all\") permit(principal, action, resource);
         @id(\"no-delete\") forbid(principal, action == Action::\"crm/delete\", resource);
         @id(\"not-bob\") forbid(principal, action in Action::\"tools/call\", resource)
         when { principal.oid == \"22222222-2222-4222-8222-222222222222\" };",
    );
    let denial = call(&set, &person(BOB, &[], &[]).of(&set), "crm/delete", r#"{"id":"1"}"#).unwrap_err();
    assert_eq!(denial.reason(), "forbidden");
    assert_eq!(denial.policies().iter().map(AsRef::as_ref).collect::<Vec<&str>>(), ["no-delete", "not-bob"]);
    assert_eq!(denial.to_string(), "forbidden by policy `no-delete` `not-bob`");
    assert_eq!(ids(&call(&set, &alice(&[]).of(&set), "crm/ping", "{}").unwrap()), ["all"]);
}

// control: D-08: a tool, prompt or server that does not exist is refused as one that may not be used.
#[test]
fn what_does_not_exist_is_not_permitted() {
    let set = compile("permit(principal, action, resource);");
    let who = alice(&[]).of(&set);
    assert_eq!(word(&call(&set, &who, "crm/nothing", "{}")), "no-permit");
    assert_eq!(word(&call(&set, &who, "nowhere/ping", "{}")), "no-permit");
    assert!(!sees(&set, &who, "crm/nothing"));
    let prompt = Ask::GetPrompt { server: &name("crm"), prompt: "nothing", arguments: None };
    assert_eq!(word(&set.decide(&who, &prompt)), "no-permit");
}

#[test]
fn a_server_whose_tools_are_not_known_permits_only_to_connect() {
    let set = compile(
        "permit(principal, action, resource);
         @id(\"held\") permit(principal, action == Action::\"later/do\", resource)
         when { context.arguments.x == 1 };",
    );
    let who = alice(&[]).of(&set);
    assert_eq!(word(&call(&set, &who, "later/do", "{}")), "server-pending");
    let server = name("later");
    for ask in [
        Ask::ReadResource { server: &server, uri: "file:///a" },
        Ask::ServerRequest { server: &server, method: "roots/list" },
        Ask::Other { server: &server, method: "x/y" },
        Ask::GetPrompt { server: &server, prompt: "p", arguments: None },
    ] {
        assert_eq!(word(&set.decide(&who, &ask)), "server-pending");
    }
    assert!(!set.sees(&who, &server, Item::Resource("file:///a")));
    assert_eq!(word(&set.decide(&who, &Ask::Connect { server: &server })), "permit");
    let pending: Vec<_> =
        set.pending().iter().map(|one| (one.policy.as_ref(), one.server.as_str())).collect();
    assert_eq!(pending, [("held", "later")]);
    assert_eq!(word(&call(&set, &who, "crm/ping", "{}")), "permit", "the others are not held up");
}

#[test]
fn a_policy_waits_only_for_the_server_that_is_not_known() {
    let mut known = servers();
    let policies = "permit(principal, action in [Action::\"later/do\", Action::\"crm/ping\"], resource);";
    let set = try_compile(policies, &known).unwrap();
    let who = alice(&[]);
    assert_eq!(word(&call(&set, &who.of(&set), "crm/ping", "{}")), "permit");
    assert_eq!(word(&call(&set, &who.of(&set), "later/do", "{}")), "server-pending");
    let later = known.last_mut().unwrap();
    (later.tools, later.complete) = (vec![("do", DELETE)], true);
    let set = try_compile(policies, &known).unwrap();
    assert!(set.pending().is_empty());
    assert_eq!(word(&call(&set, &who.of(&set), "later/do", r#"{"id":"1"}"#)), "permit");
}

// control: D-27: a method that nobody knows is refused unless a policy names `other`.
#[test]
fn unknown_methods_need_a_policy_that_names_them() {
    let server = name("crm");
    let ask = |method| Ask::Other { server: &server, method };
    let set = compile("permit(principal, action, resource);");
    assert_eq!(
        word(&set.decide(&alice(&[]).of(&set), &ask("x/y"))),
        "no-permit",
        "everything is not the unknown"
    );

    let set = compile(
        "permit(principal, action == Action::\"other\", resource) when { context.method == \"x/y\" };
         forbid(principal in Role::\"Guest\", action, resource);",
    );
    let who = alice(&[]).of(&set);
    assert_eq!(word(&set.decide(&who, &ask("x/y"))), "permit");
    assert_eq!(word(&set.decide(&who, &ask("x/z"))), "no-permit");
    assert_eq!(word(&set.decide(&who, &Ask::ServerRequest { server: &server, method: "x/y" })), "permit");
    assert_eq!(
        word(&set.decide(&who, &Ask::ServerRequest { server: &server, method: "roots/list" })),
        "no-permit"
    );
    assert_eq!(word(&set.decide(&alice(&["Guest"]).of(&set), &ask("x/y"))), "forbidden");
}

#[test]
fn prompts_resources_and_server_requests_are_judged_by_their_own_actions() {
    let server = name("crm");
    let set = compile(
        "permit(principal, action == Action::\"prompts/get\", resource == Prompt::\"crm/greet\")
         when { context.arguments has name && context.arguments.name == \"Ada\" };
         permit(principal, action == Action::\"resources/read\", resource in Server::\"crm\")
         when { resource.uri like \"file:///public/*\" };
         permit(principal, action == Action::\"sampling/createMessage\", resource == Server::\"crm\");",
    );
    let who = alice(&[]).of(&set);
    let named = |prompt, text: &str| {
        let arguments = tree(text);
        word(
            &set.decide(&who, &Ask::GetPrompt { server: &server, prompt, arguments: Some(arguments.root()) }),
        )
    };
    assert_eq!(named("greet", r#"{"name":"Ada"}"#), "permit");
    assert_eq!(named("greet", r#"{"name":"Bob"}"#), "no-permit");
    assert_eq!(named("greet", r#"{"name":["Ada"]}"#), "policy-error", "a prompt's arguments are strings");
    assert_eq!(named("sum", r#"{"name":"Ada"}"#), "no-permit");
    let read = |uri: &str| word(&set.decide(&who, &Ask::ReadResource { server: &server, uri }));
    assert_eq!(read("file:///public/a"), "permit");
    assert_eq!(read("file:///private/a"), "no-permit");
    assert_eq!(
        word(&set.decide(&who, &Ask::ReadResource { server: &name("files"), uri: "file:///public/a" })),
        "no-permit"
    );
    let request = |method: &str| word(&set.decide(&who, &Ask::ServerRequest { server: &server, method }));
    assert_eq!(request("sampling/createMessage"), "permit");
    assert_eq!(request("elicitation/create"), "no-permit");
    assert_eq!(request("see"), "no-permit", "a method is not an action");
    assert!(set.sees(&who, &server, Item::Prompt("greet")), "derived without its condition");
    assert!(set.sees(&who, &server, Item::Resource("file:///public/a")));
    assert!(!set.sees(&who, &server, Item::Resource("file:///private/a")));
}

// control: D-05: what is seen is decided without arguments, and seeing never implies calling.
#[test]
fn a_tool_with_an_argument_condition_is_listed_and_not_thereby_callable() {
    let set = compile(
        "permit(principal in Role::\"Reader\", action == Action::\"crm/read\", resource)
         when { context.arguments.user_id == principal.oid };",
    );
    let reader = alice(&["Reader"]).of(&set);
    assert!(sees(&set, &reader, "crm/read"));
    assert_eq!(word(&call(&set, &reader, "crm/read", &format!(r#"{{"user_id":"{BOB}"}}"#))), "no-permit");
    assert!(!sees(&set, &reader, "crm/delete"));
    assert!(!sees(&set, &alice(&[]).of(&set), "crm/read"));
}

#[test]
fn policies_on_see_replace_the_derivation() {
    let set = compile(
        "permit(principal, action in Action::\"tools/call\", resource);
         permit(principal, action == Action::\"see\", resource == Tool::\"crm/ping\");",
    );
    let who = alice(&[]).of(&set);
    assert!(sees(&set, &who, "crm/ping"));
    assert!(!sees(&set, &who, "crm/read"));
    assert_eq!(word(&call(&set, &who, "crm/read", r#"{"user_id":"a"}"#)), "permit");
}

// control: D-03: a caller built under one policy set gets no answer from another.
#[test]
fn a_principal_of_an_older_set_is_refused() {
    let old = compile("permit(principal, action, resource);");
    let new = compile("permit(principal, action, resource);");
    let who = alice(&[]).of(&old);
    assert_eq!(word(&call(&old, &who, "crm/ping", "{}")), "permit");
    assert_eq!(word(&call(&new, &who, "crm/ping", "{}")), "policy-error");
    assert!(sees(&old, &who, "crm/ping"));
    assert!(!sees(&new, &who, "crm/ping"));
}

#[test]
fn answers_stay_the_same_when_they_come_from_the_cache_and_when_it_overflows() {
    let set = compile(
        "permit(principal, action == Action::\"resources/read\", resource) when { resource.uri like \"a*\" };
         permit(principal, action == Action::\"crm/read\", resource) when { context.arguments.user_id == principal.oid };",
    );
    let who = alice(&[]).of(&set);
    let server = name("crm");
    for round in 0..3 {
        for n in 0..400 {
            let uris = [format!("a{n}"), format!("b{n}")];
            let answers = uris
                .each_ref()
                .map(|uri| set.decide(&who, &Ask::ReadResource { server: &server, uri }).is_ok());
            assert_eq!(answers, [true, false], "{round} {n}");
        }
        for (user, answer) in [(ALICE, "permit"), (BOB, "no-permit")] {
            assert_eq!(word(&call(&set, &who, "crm/read", &format!(r#"{{"user_id":"{user}"}}"#))), answer);
        }
    }
}

// control: D-06: a number in another spelling does not slip past a forbid on that number.
#[test]
fn an_argument_that_is_not_what_its_schema_says_is_refused_if_a_policy_reads_it() {
    let set = compile(
        "permit(principal, action == Action::\"crm/read\", resource);
         forbid(principal, action == Action::\"crm/read\", resource)
         when { context.arguments has n && context.arguments.n == 1000 };",
    );
    let who = alice(&[]).of(&set);
    let answer = |arguments: &str| word(&call(&set, &who, "crm/read", arguments));
    assert_eq!(answer(r#"{"user_id":"a","n":999}"#), "permit");
    assert_eq!(answer(r#"{"user_id":"a","n":1000}"#), "forbidden");
    for n in ["1000.0", "1e3", "1E3", "10e2", "\"1000\"", "[1000]", "{\"n\":1000}", "true"] {
        assert_eq!(answer(&format!(r#"{{"user_id":"a","n":{n}}}"#)), "policy-error", "{n}");
    }
    assert_eq!(answer(r#"{"user_id":"a","n":null}"#), "permit", "null is absent");
    assert_eq!(
        answer(r#"{"user_id":7,"flag":"x"}"#),
        "permit",
        "no policy reads them; the schema check refuses them"
    );
}

#[test]
fn denials_hold_no_content_of_the_request() {
    let set = compile(
        "permit(principal, action == Action::\"crm/read\", resource)
         when { context.arguments.user_id like \"a*\" && context.arguments has filter
             && context.arguments.filter.owner == \"x\" };",
    );
    let who = alice(&[]).of(&set);
    for arguments in [
        r#"{"user_id":["canary"]}"#,
        r#"{"user_id":"a","filter":{"canary":1}}"#,
        r#"{"user_id":"a","filter":{"owner":{"canary":"canary"}}}"#,
    ] {
        let denial = call(&set, &who, "crm/read", arguments).unwrap_err();
        assert_eq!(denial.reason(), "policy-error", "{arguments}");
        assert!(!format!("{denial} {denial:?}").contains("canary"), "{denial}");
    }
}
