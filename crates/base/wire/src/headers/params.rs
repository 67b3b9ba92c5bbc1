//! `x-mcp-header`: tool parameters that are mirrored into headers (T-20…T-22).

use std::borrow::Cow;

use crate::frame::Frame;
use crate::headers::value::{HeaderError, decode_value};
use crate::json::{Kind, Value};

/// The largest integer that every JSON reader holds exactly (2^53 − 1).
const SAFE_INTEGER: i64 = (1 << 53) - 1;
/// Most mirrored parameters of one tool; more would not fit the header limits of servers.
const MAX_HEADERS: usize = 64;
/// Longest header name after the prefix, in bytes.
const MAX_NAME: usize = 128;
const ANNOTATION: &str = "x-mcp-header";

/// A parameter that is mirrored, read once from a tool's input schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParamHeader {
    /// What follows `mcp-param-`, lower case.
    pub name: String,
    /// Member names from the arguments to the value.
    pub path: Vec<String>,
}

/// Why a tool's annotations are invalid: the tool is left out of every list (T-21).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadToolHeaders {
    /// Not a string, empty, longer than 128 bytes, or not an RFC 9110 token.
    #[error("x-mcp-header is not a header name")]
    BadName,
    /// Two parameters would share a header.
    #[error("two parameters have the same x-mcp-header")]
    DuplicateName,
    /// On something other than a string, an integer or a boolean.
    #[error("x-mcp-header is on a parameter that is not a string, an integer or a boolean")]
    BadType,
    /// Not reachable from the root through `properties` alone.
    #[error("x-mcp-header is where the parameter is not statically reachable")]
    NotReachable,
    /// More than 64.
    #[error("too many x-mcp-header annotations")]
    TooMany,
}

/// Reads the annotations of a tool's input schema.
///
/// # Errors
/// [`BadToolHeaders`] if any annotation breaks a rule: then the whole tool is invalid.
pub fn x_mcp_headers(input_schema: Value<'_>) -> Result<Vec<ParamHeader>, BadToolHeaders> {
    let mut found: Vec<ParamHeader> = Vec::new();
    let mut open = vec![Place { schema: input_schema, path: Some(Vec::new()) }];
    while let Some(place) = open.pop() {
        if let Some(annotation) = place.schema.get(ANNOTATION) {
            let header = place.header(annotation)?;
            if found.iter().any(|other| other.name == header.name) {
                return Err(BadToolHeaders::DuplicateName);
            }
            if found.len() == MAX_HEADERS {
                return Err(BadToolHeaders::TooMany);
            }
            found.push(header);
        }
        place.descend(&mut open);
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// A schema inside the schema; `path` is known while the way to it led through `properties` alone.
struct Place<'t> {
    schema: Value<'t>,
    path: Option<Vec<String>>,
}

impl<'t> Place<'t> {
    fn header(&self, annotation: Value<'_>) -> Result<ParamHeader, BadToolHeaders> {
        let name = annotation.as_str().ok_or(BadToolHeaders::BadName)?;
        if name.is_empty() || name.len() > MAX_NAME || !name.bytes().all(is_token_byte) {
            return Err(BadToolHeaders::BadName);
        }
        let path = self.path.clone().filter(|path| !path.is_empty()).ok_or(BadToolHeaders::NotReachable)?;
        if !is_mirrorable(self.schema) {
            return Err(BadToolHeaders::BadType);
        }
        Ok(ParamHeader { name: name.to_ascii_lowercase(), path })
    }

    /// Adds the schemas directly inside this one.
    fn descend(&self, open: &mut Vec<Place<'t>>) {
        for (keyword, value) in self.schema.members() {
            match keyword.as_ref() {
                "properties" => {
                    for (name, schema) in value.members() {
                        let path = self.path.as_ref().map(|path| {
                            let mut path = path.clone();
                            path.push(name.into_owned());
                            path
                        });
                        open.push(Place { schema, path });
                    }
                }
                // Data, not schemas: an example may well hold a member of that name.
                "default" | "const" | "enum" | "examples" | ANNOTATION => {}
                // Names mapped to schemas: the names are the author's.
                "patternProperties" | "$defs" | "definitions" | "dependentSchemas" => {
                    open.extend(value.members().map(|(_, schema)| Place { schema, path: None }));
                }
                _ if value.kind() == Kind::Array => {
                    open.extend(value.items().map(|schema| Place { schema, path: None }));
                }
                _ if value.is_object() => open.push(Place { schema: value, path: None }),
                _ => {}
            }
        }
    }
}

fn is_mirrorable(schema: Value<'_>) -> bool {
    let mirrorable = |kind: Value<'_>| ["string", "integer", "boolean"].iter().any(|name| kind.is_str(name));
    let Some(kind) = schema.get("type") else { return false };
    if kind.kind() != Kind::Array {
        return mirrorable(kind);
    }
    // ["string", "null"]: one primitive that may be left out.
    let mut named = kind.items().filter(|kind| !kind.is_str("null"));
    named.next().is_some_and(mirrorable) && named.next().is_none()
}

/// Why the mirrored parameters of a call were refused (T-22).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("mcp-param-{header}: {reason}")]
pub struct ParamMismatch {
    /// What follows `mcp-param-`, lower case.
    pub header: String,
    /// A stable word for the log.
    pub reason: &'static str,
}

/// Compares the `Mcp-Param-*` headers of a `tools/call` with its arguments. Headers that no parameter is mirrored into
/// are ignored: they are not forwarded either.
///
/// # Errors
/// [`ParamMismatch`], for the first parameter whose header is missing, sent twice, malformed or different.
pub fn check_param_headers(
    frame: &Frame,
    expected: &[ParamHeader],
    sent: &[(&str, &[u8])],
) -> Result<(), ParamMismatch> {
    for header in expected {
        check_one(frame, header, sent)
            .map_err(|reason| ParamMismatch { header: header.name.clone(), reason })?;
    }
    Ok(())
}

fn check_one(frame: &Frame, header: &ParamHeader, sent: &[(&str, &[u8])]) -> Result<(), &'static str> {
    let mut lines = sent.iter().filter(|(name, _)| name.eq_ignore_ascii_case(&header.name));
    let line = lines.next();
    if lines.next().is_some() {
        return Err("param-header-duplicated");
    }
    let (raw, value) = match (line, argument(frame, header)) {
        (None, None) => return Ok(()),
        (None, Some(_)) => return Err("param-header-missing"),
        (Some(_), None) => return Err("param-header-without-value"),
        (Some((_, raw)), Some(value)) => (raw, value),
    };
    let decoded = decode_value(raw).map_err(|fault| match fault {
        HeaderError::BadCharacter => "param-header-character",
        HeaderError::BadBase64 => "param-header-base64",
        HeaderError::BadUtf8 => "param-header-utf8",
        HeaderError::TooLong => "param-header-too-long",
    })?;
    if says(value, &decoded) { Ok(()) } else { Err("param-header-mismatch") }
}

/// Returns the argument that a header mirrors; `None` if it is absent or null.
fn argument<'f>(frame: &'f Frame, header: &ParamHeader) -> Option<Value<'f>> {
    let arguments = frame.params()?.get("arguments")?;
    header.path.iter().try_fold(arguments, |value, name| value.get(name)).filter(|value| !value.is_null())
}

/// Says whether a decoded header and an argument are the same value. Integers compare as numbers.
fn says(value: Value<'_>, decoded: &str) -> bool {
    match value.kind() {
        Kind::String => value.is_str(decoded),
        Kind::Bool => value.as_bool().is_some_and(|truth| decoded == if truth { "true" } else { "false" }),
        Kind::Number => {
            let number = value.number_text().and_then(safe_integer);
            number.is_some() && number == safe_integer(decoded)
        }
        _ => false,
    }
}

/// Returns what a header for this parameter must say, before encoding; `None` if it is to be omitted.
pub(super) fn header_text<'f>(frame: &'f Frame, header: &ParamHeader) -> Option<Cow<'f, str>> {
    let value = argument(frame, header)?;
    match value.kind() {
        Kind::String => value.as_str(),
        Kind::Bool => Some(Cow::Borrowed(value.raw())),
        Kind::Number => value.number_text().and_then(safe_integer).map(|number| number.to_string().into()),
        _ => None,
    }
}

/// Reads `42`, `-7` and `42.0`, within what every reader holds exactly; anything else is not an integer to all of them.
fn safe_integer(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if fraction.is_empty() || !fraction.bytes().all(|digit| digit == b'0') {
        return None;
    }
    let digits = whole.strip_prefix('-').unwrap_or(whole);
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    whole.parse().ok().filter(|number| (-SAFE_INTEGER..=SAFE_INTEGER).contains(number))
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
