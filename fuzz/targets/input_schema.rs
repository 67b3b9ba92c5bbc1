//! Tools as a hostile server declares them: never panics; whatever the names and schemas are, a Cedar schema comes of
//! them that Cedar reads back, and decisions are what the policies say one by one.
//! Input: the tool's name, a zero byte, its input schema, a zero byte, a call's arguments.

use std::sync::OnceLock;

use cedar_policy::SchemaFragment;
use doorward_policy::{Ask, Item, PolicyText};

use crate::world::{READ, alice, compile, crm, decide, tree};

/// The conditions make the validator read every tool's type.
const POLICIES: &str = r#"
@id("all") permit (principal, action in Action::"tools/call", resource)
when { action != Action::"crm/none" && principal.oid != "" };
@id("see") permit (principal, action == Action::"see", resource);
"#;

pub(crate) fn run(data: &[u8]) {
    let mut parts = data.splitn(3, |byte| *byte == 0);
    let Ok(name) = std::str::from_utf8(parts.next().unwrap_or_default()) else { return };
    let Some(schema) = parts.next().and_then(tree) else { return };
    let none = tree(READ.as_bytes()).unwrap();
    let mut tools = vec![("none", &none), (name, &schema)];
    tools.dedup_by_key(|(name, _)| *name);
    let policies = compile(policy(), &tools).unwrap_or_else(|problems| panic!("{problems:?}"));
    let text = policies.schema_text();
    assert!(SchemaFragment::from_cedarschema_str(text).is_ok(), "{text}");
    let (who, crm) = (alice(&policies), crm());
    let arguments = parts.next().and_then(tree);
    let ask =
        Ask::CallTool { server: &crm, tool: name, arguments: arguments.as_ref().map(|tree| tree.root()) };
    let may = decide(&policies, &who, &ask);
    assert_eq!(may, name != "none", "a policy that reads no argument was kept from deciding by one");
    assert!(policies.sees(&who, &crm, Item::Tool(name)));
}

fn policy() -> &'static PolicyText {
    static TEXT: OnceLock<PolicyText> = OnceLock::new();
    TEXT.get_or_init(|| PolicyText::parse(&[("fuzz.cedar".to_owned(), POLICIES.to_owned())]).unwrap())
}
