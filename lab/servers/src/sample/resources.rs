//! The documents as resources, `docs://library/NAME`.

use serde_json::{Value, json};

use super::documents::Library;
use crate::answer::{Answer, INVALID_PARAMS};
use crate::json;
use crate::message::Call;

/// The result of `resources/templates/list`.
pub(crate) const TEMPLATES: &str = r#"{"resourceTemplates":[{"uriTemplate":"docs://library/{name}","name":"document","title":"A document","description":"The text of one document.","mimeType":"text/markdown"}]}"#;

const PREFIX: &str = "docs://library/";

pub(crate) fn uri(name: &str) -> String {
    let mut uri = PREFIX.to_owned();
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => uri.push(char::from(byte)),
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

pub(crate) fn list(library: &Library) -> String {
    let resource =
        |(name, title)| json!({"uri": uri(name), "name": name, "title": title, "mimeType": "text/markdown"});
    let resources: Vec<Value> = library.list().map(resource).collect();
    json!({ "resources": resources }).to_string()
}

pub(crate) fn read(library: &Library, call: &Call<'_>) -> Answer {
    let wanted = json::member(call.params, "uri").and_then(json::text).unwrap_or_default();
    let found = library.list().find(|(name, _)| uri(name) == wanted);
    match found.and_then(|(name, _)| library.read(name)) {
        Some(text) => {
            let contents = json!([{"uri": wanted, "mimeType": "text/markdown", "text": text}]);
            Answer::Result(json!({ "contents": contents }).to_string())
        }
        None => Answer::Error { code: not_found(call), message: "Resource not found".to_owned() },
    }
}

/// The revisions disagree: 2026-07-28 forbids the older code.
fn not_found(call: &Call<'_>) -> i64 {
    if call.modern { INVALID_PARAMS } else { -32002 }
}
