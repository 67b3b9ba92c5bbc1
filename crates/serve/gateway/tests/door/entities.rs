//! Arguments that try to become somebody: principals, groups, roles, extension values (D-06).

use serde_json::{Value, json};

use crate::client::Client;
use crate::scripted::{Scripted, text};
use crate::support::{House, Plan};

/// Own data only; administrators see all; and one forbid that a number's spelling might slip past.
const POLICIES: &str = r#"
@id("connect")
permit (principal in Role::"Reader", action == Action::"connect", resource in Server::"open");
@id("own")
permit (principal in Role::"Reader", action == Action::"open/profile", resource)
when { context.arguments has user_id && context.arguments.user_id == principal.oid };
@id("own-too")
permit (principal in Role::"Reader", action == Action::"open/record", resource)
when { context.arguments has owner && context.arguments.owner has id && context.arguments.owner.id == principal.oid };
@id("admins")
permit (principal in Group::"96000000-0000-4000-8000-0000000000a1", action, resource);
@id("tags")
permit (principal in Role::"Reader", action == Action::"open/tagged", resource)
when { context.arguments has tags && context.arguments.tags.contains("public") };
@id("not-a-thousand")
permit (principal in Role::"Reader", action == Action::"open/count", resource)
unless { context.arguments.n == 1000 };
"#;

const ALICE: &str = "a11ce000-0000-4000-8000-000000000001";
const BOB: &str = "b0b00000-0000-4000-8000-000000000002";
const ADMINS: &str = "96000000-0000-4000-8000-0000000000a1";

fn tools() -> Value {
    // As open as schemas get, so that the policies stand alone.
    json!([
        {"name": "profile", "inputSchema": {"type": "object", "properties": {"user_id": {"type": "string"}}}},
        {"name": "record", "inputSchema": {"type": "object", "properties": {"owner": {"type": "object", "properties": {"id": {"type": "string"}}}}}},
        {"name": "tagged", "inputSchema": {"type": "object", "properties": {"tags": {"type": "array", "items": {"type": "string"}}}}},
        {"name": "count", "inputSchema": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}},
    ])
}

async fn house() -> (House, Scripted) {
    let server = Scripted::start(tools(), |message| text(message, "PROFILE")).await;
    let upstreams = [("open", server.url())];
    let plan = Plan { policies: POLICIES, upstreams: &upstreams, ..Plan::default() };
    (House::with(plan).await.acquainted().await, server)
}

fn entity(kind: &str, id: &str) -> String {
    format!(r#"{{"__entity":{{"type":"{kind}","id":"{id}"}}}}"#)
}

/// Tool and raw arguments.
fn attacks() -> Vec<(&'static str, String)> {
    let tenant = "c0175050-0000-4000-8000-000000000001";
    let person = |id: &str| format!("{tenant}/{id}");
    let with = |tool: &'static str, member: &str, raw: &str| (tool, format!(r#"{{"{member}":{raw}}}"#));
    let quoted = |text: &str| serde_json::to_string(text).unwrap();
    let mut all = vec![
        with("profile", "user_id", &entity("User", &person(ALICE))),
        with("profile", "user_id", &entity("Group", ADMINS)),
        with("profile", "user_id", &entity("Role", "Reader")),
        with("profile", "user_id", &entity("Action", "open/profile")),
        with("profile", "user_id", r#"{"__expr":"principal.oid"}"#),
        with("profile", "user_id", r#"{"__extn":{"fn":"ip","arg":"127.0.0.1"}}"#),
        with("profile", "user_id", r#"{"__extn":{"fn":"decimal","arg":"1.0"}}"#),
        with("profile", "user_id", &format!(r#"{{"type":"User","id":"{}"}}"#, person(ALICE))),
        with("profile", "user_id", &quoted("principal.oid")),
        with("profile", "user_id", &quoted(&format!("User::\"{}\"", person(ALICE)))),
        with("profile", "user_id", &quoted(&person(ALICE))),
        with("profile", "user_id", &quoted(&format!("{ALICE}\u{0}"))),
        with("profile", "user_id", &quoted(&format!(" {ALICE}"))),
        with("profile", "user_id", &quoted(&ALICE.to_uppercase())),
        with("profile", "user_id", &quoted("*")),
        with("profile", "user_id", &quoted(&format!("{BOB}\" || true || \"{ALICE}"))),
        with("profile", "user_id", &format!("[\"{ALICE}\"]")),
        with("profile", "user_id", &format!("[\"{BOB}\",\"{ALICE}\"]")),
        with("profile", "user_id", "null"),
        with("profile", "user_id", "true"),
        with("profile", "user_id", "0"),
        with("profile", "USER_ID", &quoted(ALICE)),
        with("profile", "user_id ", &quoted(ALICE)),
        with("profile", "principal", &entity("User", &person(ALICE))),
        with("profile", "__entity", &format!(r#"{{"type":"User","id":"{}"}}"#, person(ALICE))),
        ("profile", format!(r#"{{"user_id":"{BOB}","user_id ":"{ALICE}"}}"#)),
        ("profile", format!(r#"{{"user_id":"{BOB}","context":{{"arguments":{{"user_id":"{ALICE}"}}}}}}"#)),
        ("profile", format!(r#"{{"arguments":{{"user_id":"{ALICE}"}}}}"#)),
        ("profile", "{}".to_owned()),
        ("profile", entity("User", &person(ALICE))),
    ];
    all.extend([
        with("record", "owner", &entity("User", &person(ALICE))),
        with("record", "owner", &format!(r#"{{"id":{}}}"#, entity("User", &person(ALICE)))),
        with(
            "record",
            "owner",
            &format!(r#"{{"__entity":{{"type":"User","id":"{}"}},"id":"{BOB}"}}"#, person(ALICE)),
        ),
        with("record", "owner", &format!(r#"{{"ID":"{ALICE}"}}"#)),
        with("record", "owner", &format!(r#"[{{"id":"{ALICE}"}}]"#)),
        with("record", "owner", &quoted(&format!(r#"{{"id":"{ALICE}"}}"#))),
        with("record", "owner", &format!(r#"{{"id":"{BOB}","i\u0064 ":"{ALICE}"}}"#)),
        with("tagged", "tags", r#"[{"__entity":{"type":"Role","id":"public"}}]"#),
        with("tagged", "tags", &quoted("public")),
        with("tagged", "tags", r#"{"0":"public","length":1}"#),
        with("tagged", "tags", r#"[["public"]]"#),
        with("tagged", "tags", r#"["PUBLIC","public ","pub\u200blic"]"#),
        with("count", "n", "1000"),
        with("count", "n", "1000.0"),
        with("count", "n", "1e3"),
        with("count", "n", "10.00E2"),
        with("count", "n", "0.1e4"),
        with("count", "n", r#""1000""#),
        with("count", "n", r#"{"num":"1000"}"#),
    ]);
    all
}

fn call(tool: &str, arguments: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{tool}","arguments":{arguments}}}}}"#
    )
}

// control: D-06, AUT-02, spine-l: an argument is never more than a value, whatever it calls itself: none of these gets through
#[tokio::test]
async fn no_argument_becomes_somebody() {
    let (house, server) = house().await;
    let mut alice = house.client("alice").at("/open/mcp");
    alice.hello().await;
    let attacks = attacks();
    assert!(attacks.len() >= 30, "{}", attacks.len());
    for (tool, arguments) in &attacks {
        let heard = alice.send(alice.request(http::Method::POST, call(tool, arguments))).await;
        let answer = heard.response();
        assert_eq!(answer["result"]["isError"], true, "{tool} {arguments}: {answer}");
        assert!(!answer.to_string().contains("PROFILE"), "{tool} {arguments}: {answer}");
    }
    assert_eq!(server.calls().len(), 0, "{:?}", server.calls());
    let refusals = house.refusals();
    assert_eq!(refusals.len(), attacks.len());
    assert!(
        refusals.iter().all(|reason| reason == "not-permitted" || reason == "bad-arguments"),
        "{refusals:?}"
    );
    assert!(refusals.iter().filter(|reason| *reason == "not-permitted").count() >= 15, "{refusals:?}");
    let fit = [
        ("profile", format!(r#"{{"user_id":"{ALICE}","__entity":{}}}"#, entity("User", BOB))),
        ("profile", format!(r#"{{"user\u005fid":"{ALICE}"}}"#)),
        ("record", format!(r#"{{"owner":{{"id":"{ALICE}","__entity":{}}}}}"#, entity("User", BOB))),
        ("tagged", r#"{"tags":["private","public"]}"#.to_owned()),
        ("count", r#"{"n":999}"#.to_owned()),
    ];
    for (tool, arguments) in &fit {
        let heard = alice.send(alice.request(http::Method::POST, call(tool, arguments))).await;
        assert!(heard.response().to_string().contains("PROFILE"), "{tool} {arguments}: {:?}", heard.body);
    }
    assert_eq!(server.calls().len(), fit.len());
}

// control-off: D-06: a translation that hands arguments to a reader of entities makes the caller whom the argument names, and the server alone gives every profile to anybody
#[tokio::test]
async fn a_naive_translation_believes_the_argument() {
    /// What a policy engine's own JSON reader does with `__entity`.
    fn naive(argument: &Value) -> String {
        match argument.get("__entity") {
            Some(entity) => format!("{}::{}", entity["type"].as_str().unwrap(), entity["id"]),
            None => format!("String::{argument}"),
        }
    }
    let argument: Value = serde_json::from_str(&entity("Group", ADMINS)).unwrap();
    assert_eq!(naive(&argument), format!("Group::\"{ADMINS}\""), "the caller has chosen their own group");
    let server = Scripted::start(tools(), |message| text(message, "PROFILE")).await;
    let address = server.url().trim_start_matches("http://").trim_end_matches("/mcp").parse().unwrap();
    let direct = Client { address, path: "/mcp".to_owned(), token: None, session: None };
    let heard = direct
        .send(direct.request(http::Method::POST, call("profile", &format!(r#"{{"user_id":"{BOB}"}}"#))))
        .await;
    assert!(heard.response().to_string().contains("PROFILE"));
}
