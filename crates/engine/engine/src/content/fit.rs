//! Structured results made so that they still fit what their tool says of them (D-04): only strings that may hold anything are
//! changed, and the whole is judged by the tool's own schema afterwards.

use doorward_wire::{Kind, Value};

/// Looks at schemas that one answer may cost: one of a hostile server's could be looked through for every member.
const LOOKS: usize = 1 << 20;
/// References followed from one schema.
const HOPS: usize = 16;
/// What says of a string that it is not free.
const BOUND: [&str; 8] = [
    "enum",
    "const",
    "format",
    "pattern",
    "maxLength",
    "contentEncoding",
    "contentMediaType",
    "contentSchema",
];
/// What makes a schema more than one can be sure of at a glance.
const TANGLED: [&str; 15] = [
    "allOf",
    "anyOf",
    "oneOf",
    "not",
    "if",
    "then",
    "else",
    "dependentSchemas",
    "patternProperties",
    "prefixItems",
    "contains",
    "unevaluatedProperties",
    "unevaluatedItems",
    "propertyNames",
    "$dynamicRef",
];

/// What is known of a value.
#[derive(Clone, Copy)]
enum Of<'s> {
    /// It may be anything.
    Anything,
    /// It is described.
    Schema(Value<'s>),
    /// It must stay what it is.
    Fixed,
}

struct Walk<'s, 't> {
    root: Option<Value<'s>>,
    looks: usize,
    free: Vec<Value<'t>>,
}

/// Returns the strings of a structured result that may hold anything, and words; nothing where the schema is too much to say.
pub(crate) fn free<'t>(structured: Value<'t>, schema: Option<Value<'_>>) -> Option<Vec<Value<'t>>> {
    let mut walk = Walk { root: schema, looks: LOOKS, free: Vec::new() };
    let of = schema.map_or(Of::Anything, Of::Schema);
    walk.value(structured, of)?;
    Some(walk.free)
}

impl<'s, 't> Walk<'s, 't> {
    /// Depth is bounded by the strict parse, so recursion is too.
    fn value(&mut self, value: Value<'t>, of: Of<'s>) -> Option<()> {
        let of = self.resolved(of)?;
        match (value.kind(), of) {
            (_, Of::Fixed) => {}
            (Kind::String, _) => {
                let text = value.as_str().unwrap_or_default();
                // A name, a number, an address: to be handed back to the server as it is, and too short for an order.
                if text.contains(char::is_whitespace) || !text.is_ascii() {
                    self.free.push(value);
                }
            }
            (Kind::Array, of) => {
                let items = match of {
                    Of::Schema(schema) => schema.get("items").map_or(Of::Anything, Of::Schema),
                    other => other,
                };
                for item in value.items() {
                    self.value(item, items)?;
                }
            }
            (Kind::Object, of) => {
                for (name, member) in value.members() {
                    let of = match of {
                        Of::Schema(schema) => self.member(schema, &name)?,
                        other => other,
                    };
                    self.value(member, of)?;
                }
            }
            (Kind::Null | Kind::Bool | Kind::Number, _) => {}
        }
        Some(())
    }

    fn member(&mut self, schema: Value<'s>, name: &str) -> Option<Of<'s>> {
        let known = schema.get("properties");
        self.look(known.map_or(0, |known| known.len()))?;
        let own = known.and_then(|known| known.get(name)).or_else(|| schema.get("additionalProperties"));
        Some(own.map_or(Of::Anything, Of::Schema))
    }

    /// Follows references, and says what cannot be told at a glance.
    fn resolved(&mut self, of: Of<'s>) -> Option<Of<'s>> {
        let Of::Schema(mut schema) = of else { return Some(of) };
        for _ in 0..HOPS {
            self.look(schema.len())?;
            match schema.as_bool() {
                Some(true) => return Some(Of::Anything),
                Some(false) => return Some(Of::Fixed),
                None => {}
            }
            let has = |name: &&str| schema.get(name).is_some();
            // The root may have a name; a schema within that has one is a root of its own.
            let is_root = self.root.is_some_and(|root| root.span() == schema.span());
            let is_named = !is_root && has(&"$id");
            if !schema.is_object() || is_named || TANGLED.iter().any(has) || BOUND.iter().any(has) {
                return Some(Of::Fixed);
            }
            let Some(reference) = schema.get("$ref") else { return Some(Of::Schema(schema)) };
            let Some(next) = self.follow(&reference.as_str()?) else { return Some(Of::Fixed) };
            schema = next;
        }
        Some(Of::Fixed)
    }

    fn follow(&mut self, reference: &str) -> Option<Value<'s>> {
        let pointer = reference.strip_prefix('#')?;
        let mut at = self.root?;
        for step in pointer.split('/').skip(1) {
            self.look(at.len())?;
            at = at.get(&step.replace("~1", "/").replace("~0", "~"))?;
        }
        Some(at)
    }

    fn look(&mut self, cost: usize) -> Option<()> {
        self.looks = self.looks.checked_sub(cost + 1)?;
        Some(())
    }
}
