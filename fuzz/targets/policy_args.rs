//! Arguments: never panics; the decision is the one that the policies' words mean, worked out here without Cedar, and
//! a policy that cannot be evaluated never permits. Input: a call's arguments.

use std::sync::OnceLock;

use doorward_policy::{Ask, Policies, PolicyText};
use doorward_wire::{Kind, Tree, Value};

use crate::world::{ALICE, READ, alice, compile, crm, decide, tree};

/// For each tool policies of its own: `read` compares, forbids and guards, `delete` fails unless `n` is given and small
/// enough to add to, `write` permits what is no text, `ping` does not look.
const POLICIES: &str = r#"
@id("own") permit (principal, action == Action::"crm/read", resource)
when { context.arguments.user_id == principal.oid };
@id("few") permit (principal, action == Action::"crm/read", resource)
when { context.arguments has n && context.arguments.n < 10
    && context.arguments has filter && context.arguments.filter.owner == "me" };
@id("thousand") forbid (principal, action == Action::"crm/read", resource)
when { context.arguments has n && context.arguments.n == 1000 };
@id("secret") forbid (principal, action == Action::"crm/read", resource)
when { context.arguments has tags && context.arguments.tags.contains("secret") };
@id("any") permit (principal, action == Action::"crm/delete", resource);
@id("sum") forbid (principal, action == Action::"crm/delete", resource)
when { context.arguments has n && context.arguments.n + 1 > 1000 };
@id("flagged") permit (principal, action == Action::"crm/write", resource)
when { context.arguments has flag && context.arguments.flag }
unless { context.arguments has filter && context.arguments.filter has limit && context.arguments.filter.limit > 5 };
@id("ping") permit (principal, action == Action::"crm/ping", resource);
"#;

pub(crate) fn run(data: &[u8]) {
    let (policies, crm) = (policies(), crm());
    let who = alice(policies);
    let Some(arguments) = tree(data) else { return };
    let root = arguments.root();
    for (tool, meant) in
        [("read", read(root)), ("delete", delete(root)), ("write", write(root)), ("ping", true)]
    {
        let ask = Ask::CallTool { server: &crm, tool, arguments: Some(root) };
        assert_eq!(decide(policies, &who, &ask), meant, "{tool} {}", root.raw());
        // The second answer comes from what the first one left behind.
        assert_eq!(policies.decide(&who, &ask).is_ok(), meant);
    }
    decide(policies, &who, &Ask::GetPrompt { server: &crm, prompt: "greet", arguments: Some(root) });
}

fn policies() -> &'static Policies {
    static SET: OnceLock<Policies> = OnceLock::new();
    SET.get_or_init(|| {
        let text = PolicyText::parse(&[("fuzz.cedar".to_owned(), POLICIES.to_owned())]).unwrap();
        let schema = tree(READ.as_bytes()).unwrap();
        let tools: Vec<(&str, &Tree)> =
            ["read", "delete", "write", "ping"].map(|tool| (tool, &schema)).into();
        compile(&text, &tools).unwrap()
    })
}

fn read(root: Value<'_>) -> bool {
    let arguments = Arguments(root);
    if !arguments.are_fit(&["user_id", "n", "filter", "tags"]) {
        return false;
    }
    let (Some(user), n) = (arguments.get("user_id"), arguments.whole("n")) else { return false };
    let secret = arguments.get("tags").is_some_and(|tags| tags.items().any(|tag| tag.is_str("secret")));
    let few = match (n, arguments.get("filter")) {
        // Without an owner the policy fails, and a policy that fails refuses.
        (Some(n), Some(filter)) if n < 10 => match Arguments(filter).get("owner") {
            Some(owner) => owner.is_str("me"),
            None => return false,
        },
        _ => false,
    };
    n != Some(1000) && !secret && (user.is_str(ALICE) || few)
}

fn delete(root: Value<'_>) -> bool {
    let arguments = Arguments(root);
    // i64::MAX + 1 overflows: the forbid fails, and so it refuses as well.
    arguments.are_fit(&["n"]) && arguments.whole("n").is_none_or(|n| n < 1000)
}

fn write(root: Value<'_>) -> bool {
    let arguments = Arguments(root);
    let limit = arguments.get("filter").and_then(|filter| Arguments(filter).whole("limit"));
    arguments.are_fit(&["flag", "filter"])
        && arguments.get("flag").and_then(|flag| flag.as_bool()) == Some(true)
        && limit.is_none_or(|limit| limit <= 5)
}

/// Arguments in the target's own words: null is as good as absent.
struct Arguments<'a>(Value<'a>);

impl<'a> Arguments<'a> {
    fn get(&self, name: &str) -> Option<Value<'a>> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    fn whole(&self, name: &str) -> Option<i64> {
        self.get(name)?.as_i64()
    }

    /// Whether each of these is absent or of its declared type. Arguments that no policy reads may be anything.
    fn are_fit(&self, names: &[&str]) -> bool {
        let fits = |name: &&str| {
            let Some(value) = self.get(name) else { return true };
            match *name {
                "user_id" => value.kind() == Kind::String,
                "n" => value.as_i64().is_some(),
                "flag" => value.kind() == Kind::Bool,
                "tags" => {
                    let text = |tag: Value<'_>| matches!(tag.kind(), Kind::String | Kind::Null);
                    value.kind() == Kind::Array && value.items().all(text)
                }
                _ => {
                    let filter = Arguments(value);
                    let owner = filter.get("owner").is_none_or(|owner| owner.kind() == Kind::String);
                    let limit = filter.get("limit").is_none_or(|limit| limit.as_i64().is_some());
                    value.kind() == Kind::Object && owner && limit
                }
            }
        };
        matches!(self.0.kind(), Kind::Object | Kind::Null) && names.iter().all(fits)
    }
}
