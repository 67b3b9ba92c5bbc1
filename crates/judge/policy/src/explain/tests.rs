use super::*;
use crate::fixture::*;

const POLICIES: &str = r#"
@id("own")
permit(principal in Role::"Reader", action == Action::"crm/read", resource)
when { context.arguments.user_id == principal.oid && context.arguments has n && context.arguments.n < 10 }
unless { context.arguments has flag && context.arguments.flag };

@id("writers")
permit(principal in Role::"Writer", action in Action::"tools/call", resource in Server::"files");

@id("no-delete")
forbid(principal, action == Action::"crm/delete", resource);

@id("fragile")
forbid(principal in Role::"Fragile", action == Action::"crm/read", resource)
when { context.arguments.user_id like "x*" };
"#;

fn explained(who: &Person, tool: &str, arguments: &str) -> Explanation {
    let set = compile(POLICIES);
    let (server, tool) = tool.split_once('/').unwrap();
    let arguments = tree(arguments);
    set.explain(
        &who.of(&set),
        &Ask::CallTool { server: &name(server), tool, arguments: Some(arguments.root()) },
    )
}

fn near(explanation: &Explanation) -> Vec<&str> {
    explanation.near_misses().map(|one| one.policy.as_ref()).collect()
}

#[test]
fn an_explanation_shows_every_policy_and_what_became_of_it() {
    let mut table = String::new();
    for (who, tool, arguments) in [
        (alice(&["Reader"]), "crm/read", format!(r#"{{"user_id":"{ALICE}","n":1}}"#)),
        (alice(&["Reader"]), "crm/read", format!(r#"{{"user_id":"{BOB}","n":11,"flag":true}}"#)),
        (alice(&["Reader", "Fragile"]), "crm/read", r#"{"n":1}"#.to_owned()),
        (alice(&["Writer"]), "crm/delete", r#"{"id":"1"}"#.to_owned()),
        (alice(&["Reader"]), "files/write", r#"{"path":"a"}"#.to_owned()),
        (alice(&["Reader"]), "crm/read", r#"{"user_id":7}"#.to_owned()),
    ] {
        table.push_str(&format!(
            "{:?} {tool} {arguments}\n{}\n",
            who.roles,
            explained(&who, tool, &arguments)
        ));
    }
    insta::assert_snapshot!(table);
}

#[test]
fn near_misses_are_the_permits_that_one_part_kept_away() {
    let other = format!(r#"{{"user_id":"{BOB}","n":1}}"#);
    assert_eq!(near(&explained(&alice(&["Reader"]), "crm/read", &other)), ["own"], "one condition");
    let far = format!(r#"{{"user_id":"{BOB}","n":11}}"#);
    assert_eq!(near(&explained(&alice(&["Reader"]), "crm/read", &far)), Vec::<&str>::new());
    assert_eq!(near(&explained(&alice(&[]), "files/write", r#"{"path":"a"}"#)), ["writers"], "one role");
    assert_eq!(near(&explained(&alice(&["Reader"]), "crm/read", "{}")), ["own"], "it failed");
}

#[test]
fn seeing_is_explained_by_the_derived_policies() {
    let set = compile(POLICIES);
    let who = alice(&["Reader"]).of(&set);
    let seen = set.explain_seeing(&who, &name("crm"), Item::Tool("read"));
    assert_eq!(seen.answer.unwrap(), [Arc::from("own~see")]);
    let gone = set.explain_seeing(&who, &name("crm"), Item::Tool("nothing"));
    assert_eq!(gone.answer.unwrap_err().reason(), "no-permit");
    let connect = set.explain(&who, &Ask::Connect { server: &name("crm") });
    assert_eq!(connect.answer.unwrap(), [Arc::from("own~connect")]);
    let unknown = set.explain(&who, &Ask::Connect { server: &name("nowhere") });
    assert_eq!((unknown.answer.unwrap_err().reason(), unknown.considered.len()), ("no-permit", 0));
}
