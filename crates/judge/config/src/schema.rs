//! JSON Schema 2020-12 of the file, for editors: made from the key table.

use serde_json::{Map, Value, json};

use crate::keys::{Group, Key, Kind, Need, ROOT};
use crate::units::{show_size, show_span};

/// Returns the schema. Editors with a TOML language server complete and check by it; `load` checks more.
pub fn schema() -> Value {
    let mut schema = group(&ROOT);
    if let Value::Object(members) = &mut schema {
        members.insert("$schema".into(), json!("https://json-schema.org/draft/2020-12/schema"));
        members.insert("title".into(), json!("doorward.toml"));
        // A gateway's file, or a guard's.
        if let Some(required) = members.remove("required") {
            let ways = json!([{ "required": required }, { "required": ["guard"], "not": { "required": ["gateway"] } }]);
            members.insert("anyOf".into(), ways);
        }
    }
    schema
}

fn group(table: &Group) -> Value {
    let properties: Map<String, Value> =
        table.keys.iter().map(|key| (key.name.to_owned(), property(key))).collect();
    let required: Vec<&str> =
        table.keys.iter().filter(|key| key.need == Need::Always).map(|key| key.name).collect();
    json!({
        "type": "object",
        "description": table.about,
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

fn property(key: &Key) -> Value {
    let mut schema = match key.kind {
        Kind::Group(table) => return group(table),
        Kind::Groups(table) => return json!({ "type": "array", "minItems": 1, "items": group(table) }),
        Kind::Text(form) => text(form),
        Kind::Choice(words) => json!({ "enum": words }),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Count(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Kind::Size(..) => json!({ "type": "string", "pattern": "^[0-9]+(B|KiB|MiB|GiB)$" }),
        Kind::Span(..) => json!({ "type": "string", "pattern": "^[0-9]+(ms|s|m|h|d)$" }),
        Kind::List(form) => json!({ "type": "array", "items": text(form) }),
        Kind::OneOrMore(form) => json!({ "anyOf": [text(form), { "type": "array", "items": text(form) }] }),
        Kind::Map(form) => json!({ "type": "object", "additionalProperties": text(form) }),
    };
    if let Value::Object(members) = &mut schema {
        members.insert("description".into(), json!(described(key)));
        if let Some(default) = default(key) {
            members.insert("default".into(), default);
        }
    }
    schema
}

fn text(form: &str) -> Value {
    match form {
        "GUID" => json!({
            "type": "string",
            "pattern": "^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$",
        }),
        "server name" => {
            json!({ "type": "string", "maxLength": 64, "pattern": "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$" })
        }
        "SHA-256" => json!({ "type": "string", "pattern": "^[0-9A-Fa-f]{64}$" }),
        "origin" | "URL" | "endpoint" => json!({ "type": "string", "pattern": "^[Hh][Tt][Tt][Pp][Ss]?://" }),
        _ => json!({ "type": "string" }),
    }
}

fn described(key: &Key) -> String {
    match key.kind {
        Kind::Size(least, most) => format!("{} From {} to {}.", key.about, show_size(least), show_size(most)),
        Kind::Span(least, most) => format!("{} From {} to {}.", key.about, show_span(least), show_span(most)),
        _ => key.about.to_owned(),
    }
}

fn default(key: &Key) -> Option<Value> {
    let Need::Default(text) = key.need else { return None };
    Some(match key.kind {
        Kind::Flag => json!(text == "true"),
        Kind::Count(..) => json!(text.parse::<u64>().ok()?),
        Kind::List(_) | Kind::OneOrMore(_) => json!([]),
        Kind::Map(_) => json!({}),
        _ => json!(text),
    })
}
