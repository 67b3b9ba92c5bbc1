//! Arguments become Cedar values, one node at a time (D-06).
//!
//! Cedar's own JSON reader turns `{"__entity": …}` into an entity, and a caller into whom they say they are. Here a
//! string is a String, whatever it looks like, and an object a record, whatever its keys are called.

use cedar_policy::{Context, RestrictedExpression};
use doorward_wire::{Kind, Value};

use crate::rule::Reads;
use crate::shape::{Record, Shape};

/// Most values that policies may read in one request.
const MOST_NODES: u32 = 16_384;
/// Deepest nesting that is read.
const DEEPEST: u8 = 64;

/// Why arguments cannot be shown to the policies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Misfit {
    NotAnObject,
    TooMuch,
    /// A declared argument is not of the type that the policies were checked against. Without this, `1000.0` would
    /// slip past a forbid on `n == 1000`: the server takes both for the same number, Cedar does not.
    Type {
        name: String,
        expected: &'static str,
    },
    Cedar,
}

impl Misfit {
    /// Says it without any of the caller's content: the names are those of the tool's schema.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::NotAnObject => "the arguments are not an object".into(),
            Self::TooMuch => format!(
                "the arguments that policies read have more than {MOST_NODES} values or {DEEPEST} levels"
            ),
            Self::Type { name, expected } => {
                format!("argument `{name}` is not the {expected} that its declaration says")
            }
            Self::Cedar => "the arguments cannot be expressed in Cedar".into(),
        }
    }
}

/// How arguments are declared.
pub(crate) enum Declared<'a> {
    /// By a tool's input schema.
    Tool(&'a Record),
    /// As a prompt's arguments: strings, all of them, undeclared ones too.
    Prompt(&'a Record),
}

/// Makes `{ arguments: { … } }` of what the policies read.
pub(crate) fn of_arguments(
    arguments: Option<Value<'_>>,
    declared: &Declared<'_>,
    reads: &Reads,
) -> Result<Context, Misfit> {
    let arguments = arguments.filter(|value| !value.is_null());
    if arguments.is_some_and(|value| value.kind() != Kind::Object) {
        return Err(Misfit::NotAnObject);
    }
    let mut reader = Reader { nodes_left: MOST_NODES };
    let mut members = Vec::new();
    let mut add = |name: &str, value: Value<'_>| -> Result<(), Misfit> {
        let (shape, declared_name) = match declared {
            Declared::Tool(record) => (record.get(name).map(|attribute| &attribute.shape), name),
            // An undeclared name is the caller's content, and content stays out of messages.
            Declared::Prompt(record) => {
                (Some(&Shape::Text), if record.contains_key(name) { name } else { "…" })
            }
        };
        if let Some(read) = reader.read(declared_name, value, shape, 0)? {
            members.push((name.to_owned(), read));
        }
        Ok(())
    };
    match (arguments, reads) {
        (None, _) | (_, Reads::Nothing) => {}
        (Some(object), Reads::Arguments(names)) => {
            for name in names {
                object.get(name).map_or(Ok(()), |value| add(name, value))?;
            }
        }
        (Some(object), Reads::Everything) => {
            for (name, value) in object.members() {
                add(&name, value)?;
            }
        }
    }
    let record = RestrictedExpression::new_record(members).map_err(|_| Misfit::Cedar)?;
    Context::from_pairs([("arguments".to_owned(), record)]).map_err(|_| Misfit::Cedar)
}

/// Makes `{ method: "…" }`, for methods that no revision knows (D-27).
pub(crate) fn of_method(method: &str) -> Result<Context, Misfit> {
    Context::from_pairs([("method".to_owned(), RestrictedExpression::new_string(method.to_owned()))])
        .map_err(|_| Misfit::Cedar)
}

struct Reader {
    nodes_left: u32,
}

impl Reader {
    /// Turns one value into an expression; nothing for `null`. `name` is the declared argument it is found under.
    fn read(
        &mut self,
        name: &str,
        value: Value<'_>,
        shape: Option<&Shape>,
        depth: u8,
    ) -> Result<Option<RestrictedExpression>, Misfit> {
        self.nodes_left = self.nodes_left.checked_sub(1).ok_or(Misfit::TooMuch)?;
        if depth > DEEPEST {
            return Err(Misfit::TooMuch);
        }
        let fits = match (value.kind(), shape) {
            (Kind::Null, _) | (_, None) => true,
            (Kind::String, Some(Shape::Text)) | (Kind::Bool, Some(Shape::Flag)) => true,
            (Kind::Number, Some(Shape::Whole)) => value.as_i64().is_some(),
            (Kind::Array, Some(Shape::Set(_))) | (Kind::Object, Some(Shape::Record(_))) => true,
            (_, Some(_)) => false,
        };
        if !fits {
            let expected = shape.map_or("type", Shape::name);
            return Err(Misfit::Type { name: name.to_owned(), expected });
        }
        Ok(Some(match value.kind() {
            Kind::Null => return Ok(None),
            Kind::Bool => RestrictedExpression::new_bool(value.as_bool().ok_or(Misfit::Cedar)?),
            Kind::String => {
                RestrictedExpression::new_string(value.as_str().ok_or(Misfit::Cedar)?.into_owned())
            }
            Kind::Number => number(value)?,
            Kind::Array => self.set(name, value, shape, depth)?,
            Kind::Object => self.record(name, value, shape, depth)?,
        }))
    }

    fn set(
        &mut self,
        name: &str,
        value: Value<'_>,
        shape: Option<&Shape>,
        depth: u8,
    ) -> Result<RestrictedExpression, Misfit> {
        let element = match shape {
            Some(Shape::Set(element)) => Some(element.as_ref()),
            _ => None,
        };
        let mut elements = Vec::new();
        for item in value.items() {
            elements.extend(self.read(name, item, element, depth + 1)?);
        }
        Ok(RestrictedExpression::new_set(elements))
    }

    fn record(
        &mut self,
        name: &str,
        value: Value<'_>,
        shape: Option<&Shape>,
        depth: u8,
    ) -> Result<RestrictedExpression, Misfit> {
        let mut members = Vec::new();
        for (key, member) in value.members() {
            let declared = match shape {
                Some(Shape::Record(record)) => record.get(key.as_ref()).map(|attribute| &attribute.shape),
                _ => None,
            };
            if let Some(read) = self.read(name, member, declared, depth + 1)? {
                members.push((key.into_owned(), read));
            }
        }
        RestrictedExpression::new_record(members).map_err(|_| Misfit::Cedar)
    }
}

/// An integer of 64 bits is a Long; any other number keeps its spelling, as `{ num: "1e3" }`, and is equal to nothing
/// that a policy compares it with.
fn number(value: Value<'_>) -> Result<RestrictedExpression, Misfit> {
    if let Some(whole) = value.as_i64() {
        return Ok(RestrictedExpression::new_long(whole));
    }
    let text = value.number_text().ok_or(Misfit::Cedar)?;
    RestrictedExpression::new_record([("num".to_owned(), RestrictedExpression::new_string(text.to_owned()))])
        .map_err(|_| Misfit::Cedar)
}

#[cfg(test)]
mod tests;
