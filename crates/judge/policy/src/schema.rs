//! The Cedar schema, generated from the catalogue (D-05).

use std::collections::BTreeMap;

use cedar_policy::{Schema, SchemaFragment};
use doorward_types::ServerName;
use serde_json::{Map, Value as Json, json};

use crate::catalogue::{Catalogue, Server};
use crate::names::{TOOLS_CALL, Type, Verb};
use crate::shape::{Record, Shape};

/// How much of the catalogue a schema is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Extent<'a> {
    /// Every server with every tool.
    All,
    /// One server.
    Server(&'a ServerName),
    /// One tool of a server, by its action's id, and nothing else that can be asked.
    Tool(&'a ServerName, &'a str),
    /// One nameless tool without arguments in the place of all.
    OneForAll,
}

/// Writes a schema.
///
/// Names come from servers, so the schema is built as data and never spliced as text.
pub(crate) fn write(catalogue: &Catalogue, extent: Extent<'_>) -> Json {
    let listed = |name: &ServerName| match extent {
        Extent::All => true,
        Extent::Server(only) | Extent::Tool(only, _) => only == name,
        Extent::OneForAll => false,
    };
    let servers: BTreeMap<&ServerName, &Server> =
        catalogue.servers.iter().filter(|(name, _)| listed(name)).collect();
    json!({ "": { "entityTypes": entity_types(), "actions": actions(&servers, extent) } })
}

pub(crate) fn compile(written: Json) -> Result<Schema, String> {
    Schema::from_json_value(written).map_err(|error| error.to_string())
}

/// Prints a schema as people write it.
pub(crate) fn print(written: Json) -> String {
    let fallback = written.to_string();
    let printed =
        SchemaFragment::from_json_value(written).ok().and_then(|fragment| fragment.to_cedarschema().ok());
    printed.unwrap_or(fallback)
}

fn entity_types() -> Json {
    let text = json!({ "type": "String" });
    let texts = json!({ "type": "Set", "element": { "type": "String" } });
    let principal = json!({
        "memberOfTypes": [Type::Group.name(), Type::Role.name(), Type::Tenant.name()],
        "shape": { "type": "Record", "attributes": {
            "oid": text, "tid": text, "client": text, "scopes": texts, "roles": texts,
        } },
    });
    let item = |attribute: &str| {
        json!({
            "memberOfTypes": [Type::Server.name()],
            "shape": { "type": "Record", "attributes": { attribute: text } },
        })
    };
    json!({
        "User": principal, "App": principal,
        "Group": {}, "Role": {}, "Tenant": {}, "Server": {},
        "Tool": item("name"), "Prompt": item("name"), "Resource": item("uri"),
    })
}

fn actions(servers: &BTreeMap<&ServerName, &Server>, extent: Extent<'_>) -> Json {
    let mut actions = Map::new();
    actions.insert(TOOLS_CALL.into(), json!({}));
    let mut tool = |id: &str, record: &Record| {
        let applies_to = applies_to(&[Type::Tool], &arguments(record));
        actions.insert(id.to_owned(), json!({ "memberOf": [{ "id": TOOLS_CALL }], "appliesTo": applies_to }));
    };
    if extent == Extent::OneForAll {
        tool("any/tool", &Record::new());
    }
    for offer in servers.values().flat_map(|server| server.tools.values()) {
        if !matches!(extent, Extent::Tool(_, id) if id != offer.id.as_ref()) {
            tool(&offer.id, &offer.arguments);
        }
    }
    if matches!(extent, Extent::Tool(..)) {
        return Json::Object(actions);
    }
    for verb in Verb::ALL {
        let resources: &[Type] = match verb {
            Verb::See => &[Type::Tool, Type::Prompt, Type::Resource],
            Verb::GetPrompt => &[Type::Prompt],
            Verb::ReadResource => &[Type::Resource],
            Verb::Connect | Verb::Sampling | Verb::Elicitation | Verb::Roots | Verb::Other => &[Type::Server],
        };
        let context = match verb {
            Verb::GetPrompt => arguments(&arguments_of_prompts(servers)),
            Verb::Other => json!({ "type": "Record", "attributes": { "method": { "type": "String" } } }),
            _ => json!({ "type": "Record", "attributes": {} }),
        };
        actions.insert(verb.id().into(), json!({ "appliesTo": applies_to(resources, &context) }));
    }
    Json::Object(actions)
}

fn applies_to(resources: &[Type], context: &Json) -> Json {
    let resources: Vec<_> = resources.iter().map(|kind| kind.name()).collect();
    json!({ "principalTypes": [Type::User.name(), Type::App.name()], "resourceTypes": resources, "context": context })
}

/// All prompts share one action, so its context holds what any of them declares; each attribute is optional.
fn arguments_of_prompts(servers: &BTreeMap<&ServerName, &Server>) -> Record {
    let prompts = servers.values().flat_map(|server| server.prompts.values());
    prompts.flat_map(|prompt| prompt.arguments.clone()).collect()
}

fn arguments(record: &Record) -> Json {
    json!({ "type": "Record", "attributes": { "arguments": type_of_record(record) } })
}

fn type_of_record(record: &Record) -> Json {
    let attributes: Map<String, Json> = record
        .iter()
        .map(|(name, attribute)| {
            let mut written = type_of(&attribute.shape);
            if let (Json::Object(members), false) = (&mut written, attribute.required) {
                members.insert("required".into(), Json::Bool(false));
            }
            (name.to_string(), written)
        })
        .collect();
    json!({ "type": "Record", "attributes": attributes })
}

fn type_of(shape: &Shape) -> Json {
    match shape {
        Shape::Text => json!({ "type": "String" }),
        Shape::Flag => json!({ "type": "Boolean" }),
        Shape::Whole => json!({ "type": "Long" }),
        Shape::Set(element) => json!({ "type": "Set", "element": type_of(element) }),
        Shape::Record(record) => type_of_record(record),
    }
}
