//! What a tool's input schema says of its arguments, as far as a policy can rely on it.
//!
//! JSON Schema says more than Cedar can type. What has no Cedar type is left out, and a policy that names it does not
//! compile: better no condition than one that never fires.

use std::collections::BTreeMap;
use std::sync::Arc;

use doorward_wire::{Kind, Value};

/// Deepest nesting that is typed.
const DEEPEST: u8 = 8;
/// Most attributes that are typed in one schema: a hostile server must not blow up the compiler.
const MOST_ATTRIBUTES: u32 = 256;
/// Most untyped arguments that are remembered.
const MOST_NAMED: usize = 64;
/// Longest chain of local references that is followed.
const MOST_REFERENCES: u8 = 8;

/// The Cedar type of an argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Shape {
    /// `String`
    Text,
    /// `Bool`
    Flag,
    /// `Long`
    Whole,
    /// `Set<…>`
    Set(Box<Self>),
    /// A record.
    Record(Record),
}

impl Shape {
    /// Cedar's name of the type, for messages.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Text => "String",
            Self::Flag => "Bool",
            Self::Whole => "Long",
            Self::Set(_) => "Set",
            Self::Record(_) => "record",
        }
    }
}

/// A record's typed attributes.
pub(crate) type Record = BTreeMap<Arc<str>, Attribute>;

/// One attribute of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attribute {
    pub(crate) shape: Shape,
    pub(crate) required: bool,
}

/// The names of arguments that a schema declares and Cedar cannot type, for messages.
pub(crate) fn untyped_of(schema: Option<Value<'_>>, typed: &Record) -> Vec<Arc<str>> {
    let properties = schema.and_then(|schema| schema.get("properties")).filter(|p| p.kind() == Kind::Object);
    let names = properties.into_iter().flat_map(|properties| properties.members()).map(|(name, _)| name);
    names
        .filter(|name| !typed.contains_key(name.as_ref()))
        .take(MOST_NAMED)
        .map(|name| name.as_ref().into())
        .collect()
}

/// Reads the typed part of a tool's input schema.
pub(crate) fn arguments_of(schema: Option<Value<'_>>) -> Record {
    let Some(root) = schema else { return Record::new() };
    let mut reader = Reader { root, attributes_left: MOST_ATTRIBUTES };
    let object = match names_of_type(root) {
        Some(names) => names.iter().all(|name| name == "object"),
        None => true,
    };
    if object { reader.record(root, 0) } else { Record::new() }
}

struct Reader<'a> {
    root: Value<'a>,
    attributes_left: u32,
}

/// A type, and whether `null` may stand in its place.
type Typed = (Shape, bool);

impl<'a> Reader<'a> {
    fn record(&mut self, schema: Value<'a>, depth: u8) -> Record {
        let mut record = Record::new();
        let required: Vec<_> = list(schema.get("required")).filter_map(|name| name.as_str()).collect();
        let properties = schema.get("properties").filter(|p| p.kind() == Kind::Object);
        for (name, property) in properties.into_iter().flat_map(|p| p.members()) {
            let Some(left) = self.attributes_left.checked_sub(1) else { break };
            self.attributes_left = left;
            if let Some((shape, nullable)) = self.typed(property, depth + 1, 0) {
                let required = !nullable && required.contains(&name);
                record.insert(name.as_ref().into(), Attribute { shape, required });
            }
        }
        record
    }

    fn typed(&mut self, schema: Value<'a>, depth: u8, references: u8) -> Option<Typed> {
        if depth > DEEPEST || schema.kind() != Kind::Object {
            return None;
        }
        if let Some(reference) = schema.get("$ref") {
            let target =
                (references < MOST_REFERENCES).then(|| self.resolve(&reference.as_str()?)).flatten()?;
            return self.typed(target, depth, references + 1);
        }
        if let Some(names) = names_of_type(schema) {
            let nullable = names.iter().any(|name| name == "null");
            let mut real = names.iter().filter(|name| *name != "null");
            return match (real.next(), real.next()) {
                (Some(only), None) => Some((self.single(only, schema, depth)?, nullable)),
                _ => None,
            };
        }
        if let Some(choices) = schema.get("anyOf").or_else(|| schema.get("oneOf")) {
            let mut real = list(Some(choices)).filter(|choice| !is_null(*choice));
            return match (real.next(), real.next()) {
                (Some(only), None) => {
                    let (shape, nullable) = self.typed(only, depth, references + 1)?;
                    Some((shape, nullable || list(Some(choices)).any(is_null)))
                }
                _ => None,
            };
        }
        self.enumeration(schema)
    }

    fn single(&mut self, name: &str, schema: Value<'a>, depth: u8) -> Option<Shape> {
        match name {
            "string" => Some(Shape::Text),
            "boolean" => Some(Shape::Flag),
            "integer" => Some(Shape::Whole),
            "array" => match self.typed(schema.get("items")?, depth + 1, 0)? {
                (scalar @ (Shape::Text | Shape::Flag | Shape::Whole), false) => {
                    Some(Shape::Set(Box::new(scalar)))
                }
                _ => None,
            },
            "object" if schema.get("properties").is_some() => Some(Shape::Record(self.record(schema, depth))),
            _ => None,
        }
    }

    /// `enum` without `type`: a string if all its values are strings.
    fn enumeration(&self, schema: Value<'a>) -> Option<Typed> {
        let values = schema.get("enum")?;
        let texts = list(Some(values)).filter(|value| value.kind() == Kind::String).count();
        let nulls = list(Some(values)).filter(|value| value.is_null()).count();
        (texts > 0 && texts + nulls == list(Some(values)).count()).then_some((Shape::Text, nulls > 0))
    }

    /// Follows `#/$defs/Name` and `#/definitions/Name`; nothing is fetched.
    fn resolve(&self, reference: &str) -> Option<Value<'a>> {
        let (place, name) = reference.strip_prefix("#/")?.split_once('/')?;
        let known = matches!(place, "$defs" | "definitions") && !name.contains('/');
        let name = name.replace("~1", "/").replace("~0", "~");
        if known { self.root.get(place)?.get(&name) } else { None }
    }
}

fn is_null(schema: Value<'_>) -> bool {
    schema.get("type").and_then(|name| name.as_str()).is_some_and(|name| name == "null")
        || schema.get("const").is_some_and(|value| value.is_null())
}

fn names_of_type(schema: Value<'_>) -> Option<Vec<String>> {
    let names = schema.get("type")?;
    Some(match names.as_str() {
        Some(one) => vec![one.into_owned()],
        None => list(Some(names)).map(|name| name.as_str().unwrap_or_default().into_owned()).collect(),
    })
}

fn list(value: Option<Value<'_>>) -> impl Iterator<Item = Value<'_>> {
    value.filter(|value| value.kind() == Kind::Array).into_iter().flat_map(|value| value.items())
}

#[cfg(test)]
mod tests;
