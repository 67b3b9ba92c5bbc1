//! Servers, people and questions that the tests share.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use doorward_types::{ClientId, ObjectId, ServerName, TenantId};
use doorward_wire::{Limits, Tree};

use crate::{
    Ask, Denial, Item, Permit, Policies, PolicyProblem, PolicyText, Principal, PrincipalFacts, PrincipalKind,
    PromptShape, ServerShape, ToolShape,
};

pub(crate) const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
pub(crate) const ALICE: &str = "11111111-1111-4111-8111-111111111111";
pub(crate) const BOB: &str = "22222222-2222-4222-8222-222222222222";
pub(crate) const STAFF: &str = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa";
pub(crate) const CLIENT: &str = "cccccccc-cccc-4ccc-8ccc-cccccccccccc";

/// One argument of every kind that has a Cedar type, and one that has none.
pub(crate) const READ: &str = r#"{
    "type": "object",
    "properties": {
        "user_id": { "type": "string" },
        "n": { "type": "integer" },
        "flag": { "type": "boolean" },
        "tags": { "type": "array", "items": { "type": "string" } },
        "filter": {
            "type": "object",
            "properties": { "owner": { "type": "string" }, "limit": { "type": ["integer", "null"] } },
            "required": ["owner"]
        },
        "price": { "type": "number" },
        "anything": {}
    },
    "required": ["user_id"]
}"#;
pub(crate) const DELETE: &str =
    r#"{"type":"object","properties":{"id":{"type":"string"}},"required":["id"]}"#;
pub(crate) const PATH: &str =
    r#"{"type":"object","properties":{"path":{"type":"string"}},"required":["path"]}"#;

/// A server as a test describes it: name, tools with schemas, prompts with arguments, whether the lists are whole.
pub(crate) struct Described {
    pub(crate) name: &'static str,
    pub(crate) tools: Vec<(&'static str, &'static str)>,
    pub(crate) prompts: Vec<(&'static str, Vec<&'static str>)>,
    pub(crate) complete: bool,
}

/// `crm` and `files`, both known, and `later`, which was never reached.
pub(crate) fn servers() -> Vec<Described> {
    vec![
        Described {
            name: "crm",
            tools: vec![("read", READ), ("delete", DELETE), ("ping", "{}")],
            prompts: vec![("greet", vec!["name"]), ("sum", vec![])],
            complete: true,
        },
        Described {
            name: "files",
            tools: vec![("read", PATH), ("write", PATH)],
            prompts: vec![],
            complete: true,
        },
        Described { name: "later", tools: vec![], prompts: vec![], complete: false },
    ]
}

pub(crate) fn try_compile(policies: &str, servers: &[Described]) -> Result<Policies, Vec<PolicyProblem>> {
    let text = PolicyText::parse(&[("test.cedar".to_owned(), policies.to_owned())])?;
    compile_text(&text, servers)
}

pub(crate) fn compile_text(text: &PolicyText, servers: &[Described]) -> Result<Policies, Vec<PolicyProblem>> {
    let names: Vec<ServerName> = servers.iter().map(|server| name(server.name)).collect();
    let schemas: Vec<Vec<Tree>> =
        servers.iter().map(|server| server.tools.iter().map(|(_, schema)| tree(schema)).collect()).collect();
    let shapes: Vec<ServerShape<'_>> = servers
        .iter()
        .zip(&names)
        .zip(&schemas)
        .map(|((server, name), schemas)| ServerShape {
            name,
            tools: server
                .tools
                .iter()
                .zip(schemas)
                .map(|((tool, _), schema)| ToolShape {
                    name: (*tool).into(),
                    input_schema: Some(schema.root()),
                })
                .collect(),
            prompts: server
                .prompts
                .iter()
                .map(|(prompt, arguments)| PromptShape {
                    name: (*prompt).into(),
                    arguments: arguments.iter().map(|argument| (*argument).into()).collect(),
                })
                .collect(),
            complete: server.complete,
        })
        .collect();
    Policies::compile(text, &shapes)
}

pub(crate) fn compile(policies: &str) -> Policies {
    match try_compile(policies, &servers()) {
        Ok(set) => set,
        Err(problems) => panic!("{}", print(&problems)),
    }
}

pub(crate) fn print(problems: &[PolicyProblem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// The problems of a policy set that must not compile, as they are printed.
pub(crate) fn refused(policies: &str) -> String {
    print(&try_compile(policies, &servers()).expect_err("it compiles"))
}

pub(crate) fn name(text: &str) -> ServerName {
    ServerName::parse(text).unwrap()
}

pub(crate) fn tree(text: &str) -> Tree {
    Tree::parse(Bytes::from(text.to_owned()), &Limits::default()).unwrap()
}

/// A caller in the making.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) object: String,
    pub(crate) kind: PrincipalKind,
    pub(crate) roles: Vec<String>,
    pub(crate) groups: Vec<String>,
    pub(crate) scopes: Vec<String>,
}

pub(crate) fn alice(roles: &[&str]) -> Person {
    person(ALICE, roles, &[])
}

pub(crate) fn person(object: &str, roles: &[&str], groups: &[&str]) -> Person {
    let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    Person {
        object: object.into(),
        kind: PrincipalKind::User,
        roles: own(roles),
        groups: own(groups),
        scopes: vec![],
    }
}

impl Person {
    pub(crate) fn of(&self, set: &Policies) -> Principal {
        let texts =
            |texts: &[String]| texts.iter().map(|text| Arc::from(text.as_str())).collect::<Vec<Arc<str>>>();
        let groups: BTreeSet<ObjectId> =
            self.groups.iter().map(|group| ObjectId::parse(group).unwrap()).collect();
        set.principal(&PrincipalFacts {
            tenant: &TenantId::parse(TENANT).unwrap(),
            object: &ObjectId::parse(&self.object).unwrap(),
            client: &ClientId::parse(CLIENT).unwrap(),
            kind: self.kind,
            scopes: &texts(&self.scopes),
            roles: &texts(&self.roles),
            groups: &groups,
        })
    }
}

pub(crate) fn call(set: &Policies, who: &Principal, tool: &str, arguments: &str) -> Result<Permit, Denial> {
    let (server, tool) = tool.split_once('/').unwrap();
    let arguments = tree(arguments);
    set.decide(who, &Ask::CallTool { server: &name(server), tool, arguments: Some(arguments.root()) })
}

/// The answer in one word: `permit`, or the reason of the denial.
pub(crate) fn word(answer: &Result<Permit, Denial>) -> &'static str {
    answer.as_ref().map_or_else(Denial::reason, |_| "permit")
}

pub(crate) fn sees(set: &Policies, who: &Principal, tool: &str) -> bool {
    let (server, tool) = tool.split_once('/').unwrap();
    set.sees(who, &name(server), Item::Tool(tool))
}
