//! `doorward policy`.

use std::path::Path;

use tempfile::TempDir;

use crate::{Run, assert_snapshot, run_in, write};

const ALICE: &str = "aaaabbbb-0000-cccc-1111-dddd2222eeee/a11ce000-0000-4000-8000-000000000001";

const CONFIG: &str = r#"
[gateway]
listen = "127.0.0.1:8443"
public_url = "http://127.0.0.1:8443"

[entra]
tenant = "aaaabbbb-0000-cccc-1111-dddd2222eeee"
client_id = "11111111-2222-3333-4444-555555555555"

[[server]]
name = "crm"
url = "https://crm.contoso.com/mcp"
required_scope = "crm.access"

[[server]]
name = "wiki"
url = "https://wiki.contoso.com/mcp"
required_scope = "wiki.access"
"#;

const POLICIES: &str = r#"
@id("readers")
permit(principal in Role::"Reader", action in [Action::"crm/search", Action::"crm/list"], resource);

@id("own-data")
permit(principal, action == Action::"crm/read", resource)
when { context.arguments.user_id == principal.oid };

@id("no-deletes")
forbid(principal, action == Action::"crm/delete", resource)
unless { principal in Role::"Admin" };

@id("admins")
permit(principal in Role::"Admin", action in Action::"tools/call", resource in Server::"crm");

@id("wiki-pages")
permit(principal in Role::"Reader", action == Action::"wiki/page", resource);

@id("summaries")
permit(principal in Role::"Reader", action == Action::"prompts/get", resource == Prompt::"crm/summary");
"#;

const TOOLS: &str = r#"{"crm": {
  "tools": [
    {"name": "search", "inputSchema": {"type": "object", "properties": {"q": {"type": "string"}}}},
    {"name": "list", "inputSchema": {"type": "object"}},
    {"name": "read", "inputSchema": {"type": "object", "properties": {"user_id": {"type": "string"}}, "required": ["user_id"]}},
    {"name": "delete", "inputSchema": {"type": "object"}}
  ],
  "prompts": [{"name": "summary", "arguments": [{"name": "topic"}]}]
}}"#;

const CASES: &str = r#"
[[case]]
name = "a reader searches"
principal = { user = "aaaabbbb-0000-cccc-1111-dddd2222eeee/a11ce000-0000-4000-8000-000000000001", roles = ["Reader"] }
ask = { server = "crm", tool = "search", arguments = { q = "x" } }
expect = "permit"
policies = ["readers"]

[[case]]
name = "a reader deletes nothing"
principal = { user = "aaaabbbb-0000-cccc-1111-dddd2222eeee/a11ce000-0000-4000-8000-000000000001", roles = ["Reader"] }
ask = { server = "crm", tool = "delete" }
expect = "deny"
"#;

/// A folder with a configuration, policies, what one of two servers offers, and a test.
fn place() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "doorward.toml", CONFIG);
    write(dir.path(), "policies/crm.cedar", POLICIES);
    write(dir.path(), "tools.json", TOOLS);
    write(dir.path(), "cases.toml", CASES);
    dir
}

fn policy(dir: &Path, args: &[&str]) -> Run {
    run_in(dir, &[&["policy"], args].concat())
}

fn explain(dir: &Path, args: &[&str]) -> Run {
    policy(dir, &[&["explain", "--tools", "tools.json", "--user", ALICE], args].concat())
}

#[test]
fn good_policies_are_counted_and_what_waits_is_said() {
    let dir = place();
    let checked = policy(dir.path(), &["check", "--tools", "tools.json"]).ends(0);
    assert_snapshot("policy-check-good", &format!("{}\n{}", checked.out, checked.err));
    let json = policy(dir.path(), &["check", "--tools", "tools.json", "--json"]).ends(0).json();
    assert_eq!(json["policies"], 6);
    assert_eq!(json["pending"], serde_json::json!([{ "policy": "wiki-pages", "server": "wiki" }]));
    assert_eq!(
        json["servers"][0],
        serde_json::json!({ "name": "crm", "known": true, "tools": 4, "prompts": 1 })
    );
    assert_eq!(json["servers"][1]["known"], false);
}

#[test]
fn a_policy_that_is_likely_not_meant_gets_a_remark() {
    let dir = place();
    write(dir.path(), "policies/wide.cedar", "permit(principal, action, resource);");
    let checked = policy(dir.path(), &["check", "--tools", "tools.json"]).ends(0).out;
    assert!(checked.contains("remark: policies/wide.cedar:1:1: wide.cedar#1 permits everyone"), "{checked}");
}

#[test]
fn bad_policies_are_told_with_places_and_ways_out() {
    let dir = place();
    let bad = POLICIES.replace("crm/list", "crm/lst").replace("Role::\"Admin\" }", "Rolle::\"Admin\" }");
    write(dir.path(), "policies/crm.cedar", &bad);
    let checked = policy(dir.path(), &["check", "--tools", "tools.json"]).ends(2);
    assert_snapshot("policy-check-bad", &checked.err);
    let json = policy(dir.path(), &["check", "--tools", "tools.json", "--json"]).ends(2).json();
    assert_eq!(json["valid"], false);
    assert_eq!(json["problems"][0]["file"], "crm.cedar");
    assert_eq!(json["problems"][0]["help"], "did you mean `crm/list`?");
}

#[test]
fn a_folder_alone_knows_no_server_and_says_how_to_name_them() {
    let dir = place();
    let checked = policy(dir.path(), &["check", "policies"]).ends(2);
    checked.says("which is not configured", "--tools FILE");
    policy(dir.path(), &["check", "policies", "-t", "tools.json"])
        .ends(2)
        .says("names the server `wiki`", "configured");
    policy(dir.path(), &["check", "elsewhere"]).ends(2).says("cannot read elsewhere", "*.cedar");
    std::fs::remove_file(dir.path().join("doorward.toml")).unwrap();
    policy(dir.path(), &["check"]).ends(2).says("it is not said where the policies are", "--config FILE");
}

#[test]
fn what_servers_offer_is_read_strictly() {
    let dir = place();
    let cases = [
        ("[]", "not a JSON object"),
        (r#"{"crm":{"tools":[]},"crm":{"tools":[]}}"#, "occurs twice"),
        (r#"{"crm":{"tool":[]}}"#, "has no list `tools`"),
        (r#"{"crm":{"tools":[],"prompts":{}}}"#, "`prompts` that are no list"),
        (r#"{"crm":{"tools":[],"nextCursor":"2"}}"#, "only the first page"),
        (r#"{"CRM":{"tools":[]}}"#, "not a server name"),
        (r#"{"payroll":{"tools":[]}}"#, "is not configured"),
        (r#"{"crm":"#, "not valid JSON"),
    ];
    for (offers, what) in cases {
        write(dir.path(), "tools.json", offers);
        policy(dir.path(), &["check", "--tools", "tools.json"]).ends(2).says(what, "");
    }
}

#[test]
fn a_permit_is_explained() {
    let dir = place();
    let explained = explain(dir.path(), &["--role", "Reader", "crm", "search"]).ends(0);
    assert_snapshot("policy-explain-permit", &explained.out);
}

#[test]
fn a_denial_is_explained_with_what_came_close() {
    let dir = place();
    let forbidden = explain(dir.path(), &["--role", "Reader", "crm", "delete"]).ends(0).out;
    let others = explain(dir.path(), &["crm", "read", "--arguments", r#"{"user_id":"somebody"}"#, "--all"])
        .ends(0)
        .out;
    assert_snapshot("policy-explain-deny", &format!("{forbidden}\n---\n{others}"));
    let own = r#"{"user_id":"a11ce000-0000-4000-8000-000000000001"}"#;
    let json = explain(dir.path(), &["crm", "read", "--arguments", own, "--json"]).ends(0).json();
    assert_eq!((&json["answer"], &json["policies"]), (&"permit".into(), &serde_json::json!(["own-data"])));
}

#[test]
fn every_kind_of_question_can_be_asked() {
    let dir = place();
    let answer = |args: &[&str]| {
        let args = [&["--role", "Reader", "--json"], args].concat();
        explain(dir.path(), &args).ends(0).json()["answer"].as_str().unwrap().to_owned()
    };
    assert_eq!(answer(&["crm", "--connect"]), "permit");
    assert_eq!(answer(&["crm", "search", "--see"]), "permit");
    assert_eq!(answer(&["crm", "delete", "--see"]), "deny");
    assert_eq!(answer(&["crm", "--prompt", "summary"]), "permit");
    assert_eq!(answer(&["crm", "--prompt", "summary", "--see"]), "permit");
    assert_eq!(answer(&["crm", "--resource", "file:///etc/passwd"]), "deny");
    assert_eq!(answer(&["crm", "--method", "sampling/createMessage"]), "deny");
    let pending = explain(dir.path(), &["--role", "Reader", "--json", "wiki", "page"]).ends(0).json();
    assert_eq!(pending["reason"], "server-pending");
    let absent = explain(dir.path(), &["crm", "serach"]).ends(0);
    assert!(absent.err.contains("crm has no tool `serach`"), "{}", absent.err);
}

#[test]
fn a_question_that_cannot_be_asked_has_a_way_out() {
    let dir = place();
    explain(dir.path(), &["crn", "search"]).ends(2).says("no server `crn`", "crm, wiki");
    explain(dir.path(), &["crm", "search", "--arguments", "[1]"])
        .ends(2)
        .says("not a JSON object", "--arguments '{");
    let twice = explain(dir.path(), &["crm", "read", "--arguments", r#"{"user_id":1,"user_id":2}"#]).ends(2);
    twice.says("occurs twice", "--arguments '{");
    explain(dir.path(), &["crm", "search", "--group", "Sales"])
        .ends(2)
        .says("`Sales` is not a GUID", "object id");
    let nameless =
        policy(dir.path(), &["explain", "--tools", "tools.json", "--user", "alice", "crm", "search"]).ends(2);
    nameless.says("`alice` does not name a caller", "tenant id, slash, object id");
    policy(dir.path(), &["explain", "crm", "search"]).ends(2);
    explain(dir.path(), &["crm"]).ends(2);
    explain(dir.path(), &["crm", "search", "--prompt", "summary"]).ends(2);
}

#[test]
fn tests_that_come_out_as_expected_pass() {
    let dir = place();
    let tested = policy(dir.path(), &["test", "cases.toml", "--tools", "tools.json"]).ends(0);
    assert_snapshot("policy-test-good", &tested.out);
    let json = policy(dir.path(), &["test", "cases.toml", "--tools", "tools.json", "--json"]).ends(0).json();
    assert_eq!((&json["cases"], &json["failed"]), (&2.into(), &0.into()));
}

#[test]
fn tests_that_do_not_fail_with_code_1_and_the_reasons() {
    let dir = place();
    write(dir.path(), "cases.toml", &CASES.replace("expect = \"deny\"", "expect = \"permit\""));
    let tested = policy(dir.path(), &["test", "cases.toml", "--tools", "tools.json"]).ends(1);
    assert_snapshot("policy-test-bad", &tested.out);
}

#[test]
fn a_test_file_that_tests_nothing_does_not_pass() {
    let dir = place();
    write(dir.path(), "empty.toml", "case = []");
    policy(dir.path(), &["test", "cases.toml", "empty.toml"])
        .ends(2)
        .says("empty.toml has no case", "[[case]]");
    write(dir.path(), "slip.toml", &CASES.replace("expect", "expects"));
    policy(dir.path(), &["test", "slip.toml"]).ends(2).says("slip.toml:", "--help");
    policy(dir.path(), &["test", "none.toml"]).ends(2).says("cannot read none.toml", "test file");
}

#[test]
fn the_schema_has_an_action_for_each_known_tool() {
    let dir = place();
    let schema = policy(dir.path(), &["schema", "--tools", "tools.json"]).ends(0);
    assert!(schema.out.contains("action \"crm/read\"") && schema.out.contains("user_id: "), "{}", schema.out);
    assert!(schema.err.contains("what wiki offers is not known here"), "{}", schema.err);
}

#[test]
fn names_that_servers_chose_cannot_act_on_the_terminal() {
    let dir = place();
    let esc = TOOLS.replace(r#""name": "list""#, "\"name\": \"li\\u001b[2Jst\", \"x\": 1").replace(
        r#"{"name": "delete", "inputSchema": {"type": "object"}}"#,
        "{\"name\": \"\\u001b]0;owned\\u0007\", \"inputSchema\": {\"type\": \"object\", \"properties\": {\"a\": {\"type\": \"object\", \"x-mcp-header\": \"A\"}}}}",
    );
    write(dir.path(), "tools.json", &esc);
    let policies = POLICIES
        .replace(", Action::\"crm/list\"", "")
        .replace("Action::\"crm/delete\"", "Action::\"crm/search\"");
    write(dir.path(), "policies/crm.cedar", &policies);
    let checked = policy(dir.path(), &["check", "--tools", "tools.json"]).ends(0);
    assert!(checked.out.contains("is never served"), "{}", checked.out);
    let schema = policy(dir.path(), &["schema", "--tools", "tools.json"]).ends(0);
    for text in [&checked.out, &checked.err, &schema.out] {
        assert!(!text.contains(['\u{1b}', '\u{7}']), "{text:?}");
    }
}
