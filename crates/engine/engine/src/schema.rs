//! A tool's input schema, compiled once, and arguments judged by it (L-10, L-20); and the schema of its structured results.

use std::sync::OnceLock;

use bytes::Bytes;
use doorward_wire::{Kind, Limits, Tree, Value};
use jsonschema::{PatternOptions, Retrieve, Uri, Validator};

/// A schema larger than this is not compiled: its tool cannot be called.
const MOST_SCHEMA_BYTES: usize = 256 * 1024;
/// How much of a validation message a caller is shown.
const MOST_MESSAGE_CHARS: usize = 300;

/// A compiled input schema.
pub(crate) struct ArgumentSchema(Option<Validator>);

/// Refuses every reference that leaves the schema: a tool's definition must not make the door fetch a URL or a file
/// (SSRF by `$ref`).
struct NoRetrieval;

impl Retrieve for NoRetrieval {
    fn retrieve(
        &self,
        _uri: &Uri<String>,
    ) -> Result<serde_json::Value, Box<dyn std::error::Error + Send + Sync>> {
        Err("references outside the schema are not followed".into())
    }
}

impl ArgumentSchema {
    /// Compiles a schema; a tool without one takes any object.
    pub(crate) fn compile(schema: Option<Value<'_>>) -> Result<Self, String> {
        let Some(schema) = schema else { return Ok(Self(None)) };
        if schema.raw().len() > MOST_SCHEMA_BYTES {
            return Err(format!("the schema is larger than {MOST_SCHEMA_BYTES} bytes"));
        }
        jsonschema::options()
            .with_draft(jsonschema::Draft::Draft202012)
            .with_retriever(NoRetrieval)
            // The linear engine: a pattern of the server's cannot make the door backtrack (ReDoS).
            .with_pattern_options(PatternOptions::regex().size_limit(1 << 20).dfa_size_limit(1 << 20))
            .build(&owned(schema))
            .map(|validator| Self(Some(validator)))
            .map_err(|error| clip(&error.to_string()))
    }

    /// Judges arguments; absent arguments are an empty object.
    pub(crate) fn check(&self, arguments: Option<Value<'_>>) -> Result<(), String> {
        if let Some(arguments) = arguments
            && arguments.kind() != Kind::Object
        {
            return Err("arguments must be an object".to_owned());
        }
        let Some(validator) = &self.0 else { return Ok(()) };
        let instance = arguments.map_or_else(|| serde_json::Value::Object(serde_json::Map::new()), owned);
        if validator.is_valid(&instance) {
            return Ok(());
        }
        let first = validator.iter_errors(&instance).next();
        Err(first.map_or_else(
            || "they are not valid".to_owned(),
            |error| clip(&format!("{} (at {})", error, error.instance_path())),
        ))
    }
}

/// A tool's output schema, compiled when an answer is first held against it: most never are.
pub(crate) struct OutputSchema {
    tree: Tree,
    compiled: OnceLock<Option<Validator>>,
}

impl OutputSchema {
    pub(crate) fn of(schema: Value<'_>, limits: &Limits) -> Option<Self> {
        // A copy, so that one small schema does not keep a whole page alive.
        let tree = Tree::parse(Bytes::copy_from_slice(schema.raw().as_bytes()), limits).ok()?;
        Some(Self { tree, compiled: OnceLock::new() })
    }

    pub(crate) fn root(&self) -> Value<'_> {
        self.tree.root()
    }

    /// Says whether a `structuredContent` fits. Nothing fits a schema that does not compile.
    pub(crate) fn fits(&self, content: Value<'_>) -> bool {
        let compiled = self.compiled.get_or_init(|| ArgumentSchema::compile(Some(self.root())).ok()?.0);
        compiled.as_ref().is_some_and(|validator| validator.is_valid(&owned(content)))
    }
}

fn clip(text: &str) -> String {
    text.chars().take(MOST_MESSAGE_CHARS).collect()
}

/// Copies a strict tree into the validator's own type. Numbers beyond 64 bits become floating point there; the bytes
/// that are forwarded stay as they came.
fn owned(value: Value<'_>) -> serde_json::Value {
    use serde_json::Value as Json;
    match value.kind() {
        Kind::Null => Json::Null,
        Kind::Bool => Json::Bool(value.as_bool().unwrap_or(false)),
        Kind::Number => {
            let text = value.number_text().unwrap_or("0");
            let exact = text.parse::<i64>().map(Json::from).or_else(|_| text.parse::<u64>().map(Json::from));
            exact.unwrap_or_else(|_| text.parse::<f64>().map_or(Json::Null, Json::from))
        }
        Kind::String => Json::String(value.as_str().map(Into::into).unwrap_or_default()),
        Kind::Array => Json::Array(value.items().map(owned).collect()),
        // Depth is bounded by the strict parse, so recursion is too.
        Kind::Object => {
            Json::Object(value.members().map(|(name, value)| (name.into_owned(), owned(value))).collect())
        }
    }
}
